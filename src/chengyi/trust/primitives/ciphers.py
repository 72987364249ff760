"""The authenticated ciphers of the suites, each with the derivation that belongs to it.

Rules: AES-256-GCM by `cryptography` (NIST SP 800-38D); SM4-GCM (GB/T 32907) by the system's libgcrypt where it is
there and by `cryptography` else, with the same bytes out of both. Nonces have 12 bytes, tags 16. A wrong tag is
InvalidTag, whoever finds it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512, SM3, HashAlgorithm

from chengyi.trust.primitives import LibraryMissing
from chengyi.trust.primitives._buffers import Bytes

TAG = 16
NONCE = 12


class Aead(Protocol):
    """Authenticated encryption into buffers that the caller holds."""

    def encrypt_into(self, nonce: Any, data: Any, associated_data: Any, buf: Any, /) -> int:  # noqa: ANN401 - buffers
        """Seal `data` into `buf`, 16 bytes longer, and return its length."""
        ...

    def decrypt_into(self, nonce: Any, data: Any, associated_data: Any, buf: Any, /) -> int:  # noqa: ANN401 - buffers
        """Open `data` into `buf`, 16 bytes shorter, and return its length; InvalidTag where it was changed."""
        ...


@dataclass(frozen=True, slots=True)
class Cipher:
    """A cipher of chunked encryption: its label in the derivation, key size, HKDF hash, and how it is made."""

    label: bytes
    key_size: int
    derivation: Callable[[], HashAlgorithm]
    make: Callable[[bytes], Aead]


class _PlainSm4:
    """SM4-GCM by `cryptography`'s block cipher, with the face of `AESGCM`."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.algorithms import SM4

        self._key = SM4(key)

    def encrypt_into(self, nonce: Bytes, data: Bytes, aad: Bytes | None, buf: memoryview, /) -> int:
        from cryptography.hazmat.primitives.ciphers import Cipher as Context
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        sealing = Context(self._key, GCM(bytes(nonce))).encryptor()
        sealing.authenticate_additional_data(bytes(aad or b""))
        buf[:] = sealing.update(data) + sealing.finalize() + sealing.tag
        return len(buf)

    def decrypt_into(self, nonce: Bytes, data: Bytes, aad: Bytes | None, buf: memoryview, /) -> int:
        from cryptography.hazmat.primitives.ciphers import Cipher as Context
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        held = bytes(data)
        opening = Context(self._key, GCM(bytes(nonce), held[-TAG:])).decryptor()
        opening.authenticate_additional_data(bytes(aad or b""))
        buf[:] = opening.update(held[:-TAG]) + opening.finalize()
        return len(buf)


def sm4_gcm(key: bytes) -> Aead:
    """Return SM4-GCM under a key of 16 bytes, on the fastest implementation that the system has."""
    from chengyi.trust.primitives import libgcrypt

    try:
        return libgcrypt.sm4_gcm(key)
    except LibraryMissing:
        return _PlainSm4(key)


AES_256_GCM = Cipher(b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0", 32, SHA512, AESGCM)
SM4_GCM = Cipher(b"chengyi/chunked-encryption@v1+AEAD_SM4_GCM\0", 16, SM3, sm4_gcm)
