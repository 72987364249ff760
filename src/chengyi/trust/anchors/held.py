"""Secrets in files of their own, wrapped by the node's master key, so that the node's passphrase protects them too.

Rules: a file is made once, with mode 0600, and never written again; its public facts are beside the secret, and the
secret is bound to its purpose; nothing secret stands in an error.
"""

from base64 import b64decode, b64encode
from pathlib import Path

from chengyi.model.canonical import parse
from chengyi.model.errors import ConfigError
from chengyi.trust.keyfile import write_once
from chengyi.trust.ports import Keys

_MOST_BYTES = 16_384


def hold(path: Path, keys: Keys, purpose: str, secret: bytes, facts: dict[str, str]) -> None:
    """Write a secret with its public facts; HomeError where the file is there already."""
    wrapped = b64encode(keys.wrap(secret, purpose.encode())).decode()
    write_once(path, {"format": purpose, **facts, "wrapped": wrapped})


def held(path: Path, keys: Keys, purpose: str, facts: tuple[str, ...]) -> tuple[bytes, dict[str, str]]:
    """Return a secret and its public facts.

    ConfigError where there is none or it is malformed, IntegrityError where it is not of these keys.
    """
    try:
        with path.open("rb") as file:
            value = parse(file.read(_MOST_BYTES))
        wrapped = b64decode(value["wrapped"], validate=True)
        told = {name: str(value[name]) for name in facts}
        fits = value["format"] == purpose
    except FileNotFoundError as fault:
        raise ConfigError(file=str(path), key="-", why="没有密钥文件 (there is no key file)") from fault
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise ConfigError(file=str(path), key="-", why="不是密钥文件 (not a key file)") from fault
    if not fits:
        raise ConfigError(file=str(path), key="format", why=f"不是 {purpose} (not {purpose})")
    return keys.unwrap(wrapped, purpose.encode()), told
