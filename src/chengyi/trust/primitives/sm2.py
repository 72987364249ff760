"""SM2 signatures with SM3 (GB/T 32918.2, GM/T 0003.2) through the system's libcrypto.

`cryptography` has no SM2. Rules:

1. The distinguishing identifier is always set; it is ``1234567812345678`` (GM/T 0009) unless another is given: a
   verifier that leaves it out refuses what others signed.
2. Signatures are DER, as in certificates; keys are DER or PEM: PKCS #8 and SubjectPublicKeyInfo.
3. Anything that is not an SM2 key is refused by ValueError; a wrong signature is `InvalidSignature`, never False.
4. Objects are shared by threads; a private key is never printed, copied or pickled.
"""

import base64
import ctypes
from functools import cache
from typing import NoReturn

from cryptography.exceptions import InvalidSignature

from chengyi.trust.primitives import LibraryMissing
from chengyi.trust.primitives.libcrypto import Libcrypto, Owned, libcrypto

IDENTIFIER = b"1234567812345678"
_NAME = b"SM2"
_LONGEST = 80
_LARGEST_KEY = 4096


def available() -> bool:
    """Tell whether the system's libcrypto offers SM2."""
    try:
        _library()
    except LibraryMissing:
        return False
    return True


class Sm2PublicKey:
    """An SM2 key that checks signatures."""

    __slots__ = ("_key", "_library")

    def __init__(self, key: Owned) -> None:
        """Hold a key; use `from_der` or `from_pem`."""
        self._library = _library()
        self._key = _checked(self._library, key)

    @classmethod
    def from_der(cls, der: bytes) -> "Sm2PublicKey":
        """Read a SubjectPublicKeyInfo; ValueError where it holds no SM2 key."""
        return cls(_decoded("d2i_PUBKEY", der))

    @classmethod
    def from_pem(cls, pem: bytes) -> "Sm2PublicKey":
        """Read a PEM public key; ValueError where it holds no SM2 key."""
        return cls.from_der(_unarmoured(pem, "PUBLIC KEY"))

    def der(self) -> bytes:
        """Return the SubjectPublicKeyInfo; its last 65 bytes are the uncompressed point."""
        return self._library.encoded("i2d_PUBKEY", self._key.pointer)

    def pem(self) -> bytes:
        """Return the key as PEM."""
        return _armoured(self.der(), "PUBLIC KEY")

    def verify(self, signature: bytes, data: bytes, identifier: bytes = IDENTIFIER) -> None:
        """Check a signature of `data`; InvalidSignature where it does not fit."""
        context = _context(self._library, "EVP_DigestVerifyInit", self._key, identifier)
        c = self._library.c
        if c.EVP_DigestVerify(context.pointer, signature, len(signature), data, len(data)) != 1:
            c.ERR_clear_error()
            raise InvalidSignature


class Sm2PrivateKey:
    """An SM2 key that signs."""

    __slots__ = ("_key", "_library", "_public")

    def __init__(self, key: Owned) -> None:
        """Hold a key; use `generate`, `from_der` or `from_pem`."""
        self._library = _library()
        self._key = _checked(self._library, key)
        self._public = self._library.encoded("i2d_PUBKEY", key.pointer)

    @classmethod
    def generate(cls) -> "Sm2PrivateKey":
        """Make a new key with libcrypto's random numbers."""
        library = _library()
        context = library.made(library.c.EVP_PKEY_CTX_new_from_name(None, _NAME, None), "EVP_PKEY_CTX_free")
        library.done(library.c.EVP_PKEY_keygen_init(context.pointer))
        key = ctypes.c_void_p()
        library.done(library.c.EVP_PKEY_generate(context.pointer, ctypes.byref(key)))
        return cls(library.made(key.value, "EVP_PKEY_free"))

    @classmethod
    def from_der(cls, der: bytes) -> "Sm2PrivateKey":
        """Read a PKCS #8 key; ValueError where it holds no SM2 key."""
        return cls(_decoded("d2i_AutoPrivateKey", der))

    @classmethod
    def from_pem(cls, pem: bytes) -> "Sm2PrivateKey":
        """Read a PEM key; ValueError where it holds no SM2 key."""
        return cls.from_der(_unarmoured(pem, "PRIVATE KEY"))

    @property
    def pointer(self) -> int:
        """Return the address of the C key, for calls of libcrypto while this object lives."""
        return self._key.pointer

    def der(self) -> bytes:
        """Return the secret key as PKCS #8."""
        library = self._library
        info = library.made(library.c.EVP_PKEY2PKCS8(self._key.pointer), "PKCS8_PRIV_KEY_INFO_free")
        return library.encoded("i2d_PKCS8_PRIV_KEY_INFO", info.pointer)

    def pem(self) -> bytes:
        """Return the secret key as PEM."""
        return _armoured(self.der(), "PRIVATE KEY")

    def public_key(self) -> Sm2PublicKey:
        """Return the public key."""
        return Sm2PublicKey.from_der(self._public)

    def sign(self, data: bytes, identifier: bytes = IDENTIFIER) -> bytes:
        """Sign `data`; the signature is DER."""
        context = self.signing(identifier)
        size, out = ctypes.c_size_t(_LONGEST), ctypes.create_string_buffer(_LONGEST)
        c = self._library.c
        self._library.done(c.EVP_DigestSign(context.pointer, out, ctypes.byref(size), data, len(data)))
        return out.raw[: size.value]

    def signing(self, identifier: bytes = IDENTIFIER) -> Owned:
        """Return a digest context that is ready to sign with this key."""
        return _context(self._library, "EVP_DigestSignInit", self._key, identifier)

    def __repr__(self) -> str:
        return "Sm2PrivateKey()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


@cache
def _library() -> Libcrypto:
    library = libcrypto("SM2")
    if not library.c.EVP_sm3():
        raise LibraryMissing(library="libcrypto", what="SM3")
    probe = library.c.EVP_PKEY_CTX_new_from_name(None, _NAME, None)
    library.c.ERR_clear_error()
    if not probe:
        raise LibraryMissing(library="libcrypto", what="SM2")
    library.c.EVP_PKEY_CTX_free(probe)
    return library


def _decoded(function: str, der: bytes) -> Owned:
    if len(der) > _LARGEST_KEY:
        raise ValueError("too large for a key")
    return _library().decoded(function, der, "EVP_PKEY_free")


def _checked(library: Libcrypto, key: Owned) -> Owned:
    if library.c.EVP_PKEY_is_a(key.pointer, _NAME) != 1:
        library.c.ERR_clear_error()
        raise ValueError("not an SM2 key")
    return key


def _context(library: Libcrypto, start: str, key: Owned, identifier: bytes) -> Owned:
    c = library.c
    context = library.made(c.EVP_MD_CTX_new(), "EVP_MD_CTX_free")
    inner = ctypes.c_void_p()  # belongs to the context
    library.done(getattr(c, start)(context.pointer, ctypes.byref(inner), c.EVP_sm3(), None, key.pointer))
    library.done(c.EVP_PKEY_CTX_set1_id(inner, identifier, len(identifier)))
    return context


def _armoured(der: bytes, what: str) -> bytes:
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (what.encode(), lines, what.encode())


def _unarmoured(pem: bytes, what: str) -> bytes:
    first, last = f"-----BEGIN {what}-----".encode(), f"-----END {what}-----".encode()
    if len(pem) > 2 * _LARGEST_KEY or pem.count(first) != 1 or pem.count(last) != 1:
        raise ValueError(f"not one PEM {what}")
    inner = pem.partition(first)[2].partition(last)[0]
    return base64.b64decode(b"".join(inner.split()), validate=True)
