"""The node's secrets: one signing key and one master key, in one file.

Keeps promises 3 (useless in pieces: stored bytes are nothing without these keys) and 4 (the ledger's
signature). Rules:

1. The key file is made once, readable by its owner only, and never written again; making it where one
   exists is refused, and a wrong passphrase changes nothing.
2. With a passphrase the secrets lie under AES-256-GCM with a scrypt key (RFC 7914); name, verifier and
   scrypt settings are bound to them as associated data. Without one, whoever reads the file has them.
3. The master key is never used itself: wrapping and coding use keys derived from it (HKDF-SHA-256, RFC 5869).
4. A wrapped key is bound to its context; unwrapped in another, it is refused.
5. Secrets cannot be printed, copied or pickled out of this object.
"""

import hmac
import secrets
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chengyi.model.errors import IntegrityError, UsageError
from chengyi.trust import keyfile
from chengyi.trust.keyfile import KEY_SIZE
from chengyi.trust.ledger.notes import Verifier

FORMAT = "chengyi-keys/1"
KEY_FILE = "node.key"
_NONCE = 12
_SCRYPT = {"n": 1 << 16, "r": 8, "p": 1}


class FileKeys:
    """Keeps the port `trust.ports.Keys` over a key file."""

    __slots__ = ("_coding", "_signing", "_verifier", "_wrapping")

    def __init__(self, name: str, secret: bytes) -> None:
        """Hold the 64 secret bytes: signing seed, then master key; use `create` or `open`."""
        self._signing = Ed25519PrivateKey.from_private_bytes(secret[:KEY_SIZE])
        self._wrapping = AESGCM(_derive(secret[KEY_SIZE:], b"chengyi wrap/1"))
        self._coding = _derive(secret[KEY_SIZE:], b"chengyi code/1")
        self._verifier = str(Verifier(name, self._signing.public_key().public_bytes_raw()))

    @classmethod
    def create(cls, folder: Path, name: str, passphrase: str | None = None) -> "FileKeys":
        """Make new keys; HomeError where the folder holds keys already, UsageError for an unfit name."""
        if not name or "+" in name or any(each.isspace() or ord(each) < 0x20 for each in name):
            raise UsageError(why=f"密钥名 {name!r} 不得为空，不得含空格或加号 (a key name has no spaces or plus signs)")
        secret = secrets.token_bytes(2 * KEY_SIZE)
        keys = cls(name, secret)
        header = {"format": FORMAT, "name": name, "verifier": keys.verifier}
        keyfile.make(folder / KEY_FILE, header, secret, passphrase, _SCRYPT)
        return keys

    @classmethod
    def open(cls, folder: Path, passphrase: str | None = None) -> "FileKeys":
        """Open existing keys; HomeError where there are none, PassphraseError where it does not fit."""
        path = folder / KEY_FILE
        header, secret = keyfile.take(path, FORMAT, passphrase, ("name", "verifier"))
        if len(secret) != 2 * KEY_SIZE:
            raise IntegrityError(object=str(path), why="密钥不完整 (the key is cut short)")
        keys = cls(header["name"], secret)
        if keys.verifier != header["verifier"]:
            raise IntegrityError(object=str(path), why="密钥与公钥不符 (the key does not fit its verifier)")
        return keys

    @property
    def verifier(self) -> str:
        """Return the public verifier key of the node (C2SP signed-note vkey)."""
        return self._verifier

    def sign(self, message: bytes) -> bytes:
        """Sign with the node's Ed25519 key (RFC 8032), 64 bytes."""
        return self._signing.sign(message)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a data key under AES-256-GCM with `context` as associated data: 12 + len + 16 bytes."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._wrapping.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Recover a data key; IntegrityError where it was changed or belongs to another context."""
        try:
            return self._wrapping.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise IntegrityError(
                object=context.decode(errors="replace"), why="密钥封装不符 (the wrapped key does not fit)"
            ) from error

    def code(self, value: str, purpose: str) -> str:
        """Return HMAC-SHA-256 of a value under the node's key, 64 hexadecimal digits; equal per purpose only."""
        label = purpose.encode()
        return hmac.digest(self._coding, len(label).to_bytes(4, "big") + label + value.encode(), sha256).hex()

    def __repr__(self) -> str:
        return f"FileKeys({self._verifier!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")


def _derive(master: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=label).derive(master)
