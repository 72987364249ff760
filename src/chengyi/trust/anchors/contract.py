"""The Anchor contract as compiled ahead (`scripts/solc`), and the optional library that talks to it.

Rules: the committed ABI and bytecode are what is deployed; nothing is compiled or downloaded when the node runs.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from chengyi.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Compiled:
    """ABI and creation bytecode."""

    abi: list[dict[str, Any]]
    bytecode: str


def compiled() -> Compiled:
    """Return the committed contract."""
    value = json.loads(files("chengyi.trust.anchors").joinpath("Anchor.json").read_text())
    return Compiled(value["abi"], value["bytecode"])


def origin_key(origin: str) -> bytes:
    """Return the 32 bytes by which the contract knows a log: the SHA-256 of its name."""
    return sha256(origin.encode()).digest()


def require_web3() -> None:
    """Raise ConfigError where the optional library is absent."""
    if find_spec("web3") is None:
        why = "缺少可选组件，请安装 chengyi[evm] (the optional part is missing: install chengyi[evm])"
        raise ConfigError(file="node.toml", key="anchor", why=why)
