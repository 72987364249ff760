"""Files that hold secrets: JSON, made once, under a passphrase where one is set.

Rules:

1. A key file is made once, readable by its owner only, and never written again; making it where one exists is
   refused, and a wrong passphrase changes nothing.
2. With a passphrase the secret lies under AES-256-GCM with a scrypt key (RFC 7914); everything else in the file is
   bound to it as associated data. Without one, whoever reads the file has the secret.
3. What is read is bounded: the file's size and the cost of scrypt.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chengyi.model.canonical import canonical, parse
from chengyi.model.errors import ConfigError, HomeError, IntegrityError, PassphraseError
from chengyi.store.files import flush_folder

KEY_SIZE = 32
_NONCE = 12
_LARGEST = 1 << 16
_SCRYPT_LIMIT = 1 << 24  # n * r * p; 128 bytes of memory for each n * r


def make(
    path: Path, header: Mapping[str, Any], secret: bytes, passphrase: str | None, scrypt: Mapping[str, int]
) -> None:
    """Write a key file; HomeError where there is one.

    Args:
        path: Where to.
        header: What stands in clear: `format` at least.
        secret: The secret bytes.
        passphrase: What to lock them with, or None to leave them open.
        scrypt: The cost: n, r, p of RFC 7914.
    """
    value: dict[str, Any] = {**header, "scrypt": None}
    if passphrase is not None:
        value["scrypt"] = {**scrypt, "salt": secrets.token_hex(16)}
        nonce = secrets.token_bytes(_NONCE)
        secret = nonce + _stretch(passphrase, value["scrypt"]).encrypt(nonce, secret, canonical(value))
    write_once(path, {**value, "secret": base64.b64encode(secret).decode()})


def take(path: Path, format: str, passphrase: str | None, texts: tuple[str, ...]) -> tuple[dict[str, Any], bytes]:
    """Read a key file: what stands in clear, and the secret.

    Args:
        path: The file.
        format: The format that it has to say it is of.
        passphrase: What to unlock it with; not used where it is not locked.
        texts: The keys that have to be there, as text.

    Raises:
        HomeError: There is no such file.
        ConfigError: It is not of this format.
        PassphraseError: The passphrase is missing or does not fit.
        IntegrityError: The secret is no base64.
    """
    header = _read(path, format, texts)
    try:
        secret = base64.b64decode(header.pop("secret"), validate=True)
    except ValueError as error:
        raise IntegrityError(object=str(path), why="密钥不完整 (the key is cut short)") from error
    if header.get("scrypt") is None:
        return header, secret
    if passphrase is None:
        raise PassphraseError(file=str(path))
    try:
        key = _stretch(passphrase, header["scrypt"])
        return header, key.decrypt(secret[:_NONCE], secret[_NONCE:], canonical(header))
    except (InvalidTag, ValueError) as error:
        raise PassphraseError(file=str(path)) from error


def write_once(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON that only its owner reads, durably and whole; HomeError where the file exists."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(value, indent=1, ensure_ascii=False).encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError as error:
        raise HomeError(home=str(path.parent), why="已有密钥，不予覆盖 (keys exist and are not overwritten)") from error
    finally:
        draft.unlink()
    flush_folder(path.parent)


def _stretch(passphrase: str, settings: Mapping[str, Any]) -> AESGCM:
    salt = bytes.fromhex(settings["salt"])
    scrypt = Scrypt(salt=salt, length=KEY_SIZE, n=settings["n"], r=settings["r"], p=settings["p"])
    return AESGCM(scrypt.derive(passphrase.encode()))


def _read(path: Path, format: str, texts: tuple[str, ...]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            value = parse(file.read(_LARGEST))
    except FileNotFoundError as error:
        raise HomeError(home=str(path.parent), why="没有密钥文件 (there is no key file)") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(file=str(path), key="-", why="不是密钥文件 (not a key file)") from error
    if not isinstance(value, dict) or value.get("format") != format:
        raise ConfigError(file=str(path), key="format", why=f"不是 {format} (not {format})")
    for key in (*texts, "secret"):
        if not isinstance(value.get(key), str):
            raise ConfigError(file=str(path), key=key, why="须为文本 (it must be text)")
    if value.get("scrypt") is not None and not _fits(value["scrypt"]):
        raise ConfigError(file=str(path), key="scrypt", why="参数有误 (the settings are malformed)")
    return value


def _fits(settings: object) -> bool:
    if not isinstance(settings, dict) or settings.keys() != {"n", "r", "p", "salt"}:
        return False
    costs = [settings[key] for key in ("n", "r", "p")]
    return all(isinstance(each, int) and each > 0 for each in costs) and prod(costs) <= _SCRYPT_LIMIT
