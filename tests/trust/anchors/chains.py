"""What the tests of chains share."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from web3 import EthereumTesterProvider, Web3

from chengyi.trust.anchors.accounts import Account
from chengyi.trust.anchors.evm import EvmAnchor, deploy
from chengyi.trust.ports import Checkpoint

ORIGIN = "test.invalid/node"
ORIGINS = (ORIGIN, "other.invalid/node")

ANVIL_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ANVIL_STRANGER = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""The first two accounts of every anvil, as its own start-up text prints them; they are worth nothing anywhere."""


@dataclass(frozen=True)
class Chain:
    web3: Any
    account: Account
    anchor: EvmAnchor
    stranger: Account

    def poor(self) -> Account:
        """Return an account without coins."""
        return Account(sha256(b"poor").digest())


def tester() -> Chain:
    from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped]

    backend = PyEVMBackend()
    web3: Any = Web3(EthereumTesterProvider(EthereumTester(backend)))
    account, stranger = (Account(key.to_bytes()) for key in backend.account_keys[:2])
    return Chain(web3, account, EvmAnchor(web3, account, deploy(web3, account, ORIGINS)), stranger)


def checkpoint(size: int, origin: str = ORIGIN, salt: str = "") -> Checkpoint:
    return Checkpoint(origin, size, sha256(f"{size}{salt}".encode()).digest(), "")
