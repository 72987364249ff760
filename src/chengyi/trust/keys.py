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

import base64
import hmac
import json
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chengyi.model.canonical import canonical
from chengyi.model.errors import ConfigError, HomeError, IntegrityError, PassphraseError, UsageError
from chengyi.trust.ledger.notes import Verifier

FORMAT = "chengyi-keys/1"
KEY_FILE = "node.key"
KEY_SIZE = 32
_NONCE = 12
_SCRYPT = {"n": 1 << 16, "r": 8, "p": 1}
_SCRYPT_LIMIT = 1 << 20


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
        header: dict[str, Any] = {"format": FORMAT, "name": name, "verifier": keys.verifier, "scrypt": None}
        if passphrase is not None:
            header["scrypt"] = {**_SCRYPT, "salt": secrets.token_hex(16)}
            secret = _lock(secret, passphrase, header)
        _write_once(folder, {**header, "secret": base64.b64encode(secret).decode()})
        return keys

    @classmethod
    def open(cls, folder: Path, passphrase: str | None = None) -> "FileKeys":
        """Open existing keys; HomeError where there are none, PassphraseError where it does not fit."""
        path = folder / KEY_FILE
        header = _read(path)
        secret = _decode(header.pop("secret"), path)
        if header.get("scrypt") is not None:
            secret = _unlock(secret, passphrase, header, path)
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


def _stretch(passphrase: str, settings: dict[str, Any]) -> AESGCM:
    salt = bytes.fromhex(settings["salt"])
    scrypt = Scrypt(salt=salt, length=KEY_SIZE, n=settings["n"], r=settings["r"], p=settings["p"])
    return AESGCM(scrypt.derive(passphrase.encode()))


def _lock(secret: bytes, passphrase: str, header: dict[str, Any]) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _stretch(passphrase, header["scrypt"]).encrypt(nonce, secret, canonical(header))


def _unlock(locked: bytes, passphrase: str | None, header: dict[str, Any], path: Path) -> bytes:
    if passphrase is None:
        raise PassphraseError(file=str(path))
    try:
        return _stretch(passphrase, header["scrypt"]).decrypt(locked[:_NONCE], locked[_NONCE:], canonical(header))
    except (InvalidTag, ValueError) as error:
        raise PassphraseError(file=str(path)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise HomeError(home=str(path.parent), why="没有密钥文件 (there is no key file)") from error
    except ValueError as error:
        raise ConfigError(file=str(path), key="-", why="不是密钥文件 (not a key file)") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ConfigError(file=str(path), key="format", why=f"不是 {FORMAT} (not {FORMAT})")
    for key in ("name", "verifier", "secret"):
        if not isinstance(value.get(key), str):
            raise ConfigError(file=str(path), key=key, why="须为文本 (it must be text)")
    if value.get("scrypt") is not None and not _fits(value["scrypt"]):
        raise ConfigError(file=str(path), key="scrypt", why="参数有误 (the settings are malformed)")
    return value


def _fits(settings: object) -> bool:
    if not isinstance(settings, dict) or settings.keys() != {"n", "r", "p", "salt"}:
        return False
    costs = [settings[key] for key in ("n", "r", "p")]
    return all(isinstance(each, int) and 0 < each <= _SCRYPT_LIMIT for each in costs)


def _decode(text: str, path: Path) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if len(secret) < 2 * KEY_SIZE:
        raise IntegrityError(object=str(path), why="密钥不完整 (the key is cut short)")
    return secret


def _write_once(folder: Path, value: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, draft = folder / KEY_FILE, folder / f".{KEY_FILE}-{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(value, indent=1, ensure_ascii=False).encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError as error:
        raise HomeError(home=str(folder), why="已有密钥，不予覆盖 (keys exist and are not overwritten)") from error
    finally:
        draft.unlink()
    _flush(folder)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
