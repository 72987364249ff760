"""Cobblestone-256: chunked authenticated encryption of a message of any length (c2sp.org/chunked-encryption).

Keeps promise 3: useless in pieces. Rules:

1. ``key || base nonce || commitment = HKDF-Expand-SHA-512(input key, prefix || AEAD name || 0 || salt || context)``;
   the input key is random and the salt never repeats under it.
2. The message is cut into chunks of 16 KiB; the last one is always shorter, so that a cut is noticed.
3. Chunk *i* is sealed by AES-256-GCM under ``base nonce XOR i``, so that chunks cannot change places.
4. The commitment is compared before anything is decrypted: a message opens under one key and context only.
"""

import hmac
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from chengyi.model.errors import IntegrityError

CHUNK = 16 * 1024
TAG = 16
SEALED_CHUNK = CHUNK + TAG
SALT = 24
COMMITMENT = 32
HEAD = SALT + COMMITMENT
MAX_CHUNKS = 1 << 38
_PREFIX = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"
_KEY = 32
_NONCE = 12


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

    def __init__(self, key: bytes, context: bytes, salt: bytes | None = None) -> None:
        """Derive the cipher; `salt` is drawn at random for a new message."""
        if len(key) != _KEY:
            raise IntegrityError(object="key", why="密钥长度有误 (the key has a wrong length)")
        salt = secrets.token_bytes(SALT) if salt is None else salt
        expand = HKDFExpand(algorithm=SHA512(), length=_KEY + _NONCE + COMMITMENT, info=_PREFIX + salt + context)
        derived = expand.derive(key)
        self._aead = AESGCM(derived[:_KEY])
        self._base = int.from_bytes(derived[_KEY : _KEY + _NONCE], "big")
        self.head = salt + derived[_KEY + _NONCE :]

    @classmethod
    def open(cls, key: bytes, context: bytes, head: bytes) -> "Cobblestone":
        """Derive the cipher of a stored message and compare its commitment; IntegrityError where it differs."""
        cipher = cls(key, context, head[:SALT])
        if not hmac.compare_digest(cipher.head, head):
            raise IntegrityError(object="message", why="密钥承诺不符 (the key commitment does not match)")
        return cipher

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
        return (self._base ^ number).to_bytes(_NONCE, "big")


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
