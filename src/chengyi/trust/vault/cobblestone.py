"""Cobblestone-256: chunked authenticated encryption of a message of any length (c2sp.org/chunked-encryption).

Keeps promise 3: useless in pieces. Rules:

1. ``key || base nonce || commitment = HKDF-Expand-SHA-512(input key, prefix || AEAD name || 0 || salt || context)``;
   the input key is random and the salt never repeats under it.
2. The message is cut into chunks of 16 KiB; the last one is always shorter, so that a cut is noticed.
3. Chunk *i* is sealed by AES-256-GCM under ``base nonce XOR i``, so that chunks cannot change places.
4. The commitment is compared before anything is decrypted: a message opens under one key and context only.
5. The same construction runs over another cipher (SM4-GCM with HKDF-Expand-SM3) under a label of its own; that one
   is ours, not C2SP's.
"""

import hmac
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from chengyi.model.errors import IntegrityError
from chengyi.trust.primitives.ciphers import AES_256_GCM, NONCE, TAG, Cipher

CHUNK = 16 * 1024
SEALED_CHUNK = CHUNK + TAG
SALT = 24
COMMITMENT = 32
HEAD = SALT + COMMITMENT
MAX_CHUNKS = 1 << 38
KEY = 32


class Span(NamedTuple):
    """Where a message's chunks lie: how many there are, and how many plain bytes the last one holds."""

    chunks: int
    last: int

    @property
    def size(self) -> int:
        """Return the number of plain bytes."""
        return (self.chunks - 1) * CHUNK + self.last


class Cobblestone:
    """One message's cipher: seals and opens its chunks by number."""

    __slots__ = ("_aead", "_base", "head")

    def __init__(self, key: bytes, context: bytes, salt: bytes | None = None, cipher: Cipher = AES_256_GCM) -> None:
        """Derive the cipher from a key of 32 bytes; `salt` is drawn at random for a new message."""
        if len(key) != KEY:
            raise IntegrityError(object="key", why="密钥长度有误 (the key has a wrong length)")
        salt = secrets.token_bytes(SALT) if salt is None else salt
        length, info = cipher.key_size + NONCE + COMMITMENT, cipher.label + salt + context
        derived = HKDFExpand(algorithm=cipher.derivation(), length=length, info=info).derive(key)
        self._aead = cipher.make(derived[: cipher.key_size])
        self._base = int.from_bytes(derived[cipher.key_size : -COMMITMENT], "big")
        self.head = salt + derived[-COMMITMENT:]

    @classmethod
    def open(cls, key: bytes, context: bytes, head: bytes, cipher: Cipher = AES_256_GCM) -> "Cobblestone":
        """Derive the cipher of a stored message and compare its commitment; IntegrityError where it differs."""
        found = cls(key, context, head[:SALT], cipher)
        if not hmac.compare_digest(found.head, head):
            raise IntegrityError(object="message", why="密钥承诺不符 (the key commitment does not match)")
        return found

    def seal_into(self, number: int, plain: memoryview, out: memoryview) -> int:
        """Seal chunk `number` into `out` and return the sealed length."""
        return self._aead.encrypt_into(self._nonce(number), plain, None, out[: len(plain) + TAG])

    def open_into(self, number: int, sealed: memoryview, out: memoryview) -> int:
        """Open chunk `number` into `out` and return the plain length; IntegrityError where it was changed."""
        try:
            return self._aead.decrypt_into(self._nonce(number), sealed, None, out[: len(sealed) - TAG])
        except (InvalidTag, ValueError) as error:
            raise IntegrityError(object=f"chunk {number}", why="密文被改动 (the ciphertext was changed)") from error

    def _nonce(self, number: int) -> bytes:
        if number >= MAX_CHUNKS:
            raise IntegrityError(object="message", why="块数超限 (too many chunks)")
        return (self._base ^ number).to_bytes(NONCE, "big")


def span(sealed: int) -> Span:
    """Return the chunks of a message from the length of its sealed chunks; IntegrityError where none fits."""
    full, rest = divmod(sealed, SEALED_CHUNK)
    if sealed < 0 or rest < TAG:
        raise IntegrityError(object="message", why="密文被截断 (the ciphertext was cut)")
    return Span(full + 1, rest - TAG)


def seal(key: bytes, context: bytes, plain: bytes) -> bytes:
    """Seal a whole small message: salt, commitment, chunks."""
    cipher = Cobblestone(key, context)
    out = bytearray(sealed_size(len(plain)))
    seal_run(cipher, 0, memoryview(plain), memoryview(out), last=True)
    return cipher.head + out


def unseal(key: bytes, context: bytes, message: bytes) -> bytes:
    """Open a whole small message; IntegrityError where anything of it was changed."""
    cipher = Cobblestone.open(key, context, message[:HEAD])
    plain = bytearray(span(len(message) - HEAD).size)
    open_run(cipher, 0, memoryview(message)[HEAD:], memoryview(plain))
    return bytes(plain)


def sealed_size(plain: int) -> int:
    """Return the length of the sealed chunks of a message of `plain` bytes."""
    return plain + (plain // CHUNK + 1) * TAG


def seal_run(cipher: Cobblestone, first: int, plain: memoryview, out: memoryview, *, last: bool) -> int:
    """Seal consecutive chunks from number `first` on; the `last` run ends with a short chunk, maybe an empty one."""
    at = 0
    for number in range(len(plain) // CHUNK + last):
        at += cipher.seal_into(first + number, plain[number * CHUNK : (number + 1) * CHUNK], out[at:])
    return at


def open_run(cipher: Cobblestone, first: int, sealed: memoryview, out: memoryview) -> int:
    """Open consecutive chunks from number `first` on into `out` and return how many plain bytes they hold."""
    at = 0
    for number, start in enumerate(range(0, len(sealed), SEALED_CHUNK), first):
        at += cipher.open_into(number, sealed[start : start + SEALED_CHUNK], out[at:])
    return at
