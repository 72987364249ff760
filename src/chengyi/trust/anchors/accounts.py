"""The account that pays for anchors: a secp256k1 key that is never shown.

Rules: the secret lies in ``keys/anchor.key`` under the node's master key (`held`), or is taken from an environment
variable; it stands in no message, repr, error or exception chain.
"""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from chengyi.model.errors import ConfigError, IntegrityError
from chengyi.trust.anchors.contract import require_web3
from chengyi.trust.anchors.held import held, hold
from chengyi.trust.ports import Keys

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

KEY_FILE = "anchor.key"
ENVIRONMENT = "CHENGYI_ANCHOR_KEY"
_PURPOSE = "chengyi-anchor-account/1"


class Account:
    """Signs transactions of one address."""

    __slots__ = ("_signer",)

    def __init__(self, secret: bytes) -> None:
        require_web3()
        from eth_account import Account as EthAccount

        try:
            self._signer: LocalAccount = EthAccount.from_key(secret)
        except Exception:  # noqa: BLE001 - the library's message may hold the key
            raise ConfigError(file=KEY_FILE, key="-", why="不是账户私钥 (not a private key)") from None

    @classmethod
    def create(cls, folder: Path, keys: Keys) -> "Account":
        """Make a new account in the folder of keys; HomeError where there is one."""
        secret = secrets.token_bytes(32)
        account = cls(secret)
        hold(folder / KEY_FILE, keys, _PURPOSE, secret, {"address": account.address})
        return account

    @classmethod
    def open(cls, folder: Path, keys: Keys, environment: Mapping[str, str] = os.environ) -> "Account":
        """Return the account of the environment variable, else of the key file; ConfigError where there is none."""
        given = environment.get(ENVIRONMENT)
        if given is not None:
            return cls.parse(given)
        secret, facts = held(folder / KEY_FILE, keys, _PURPOSE, ("address",))
        account = cls(secret)
        if account.address != facts["address"]:
            raise IntegrityError(object=KEY_FILE, why="私钥与地址不符 (the key does not fit its address)")
        return account

    @classmethod
    def parse(cls, text: str) -> "Account":
        """Return the account of a key in hexadecimal; ConfigError, without the text, where it is none."""
        if not re.fullmatch(r"\s*(0x)?[0-9a-fA-F]{64}\s*", text):
            raise ConfigError(file=ENVIRONMENT, key="-", why="须为64位十六进制 (it has to be 64 hexadecimal digits)")
        return cls(bytes.fromhex(text.strip().removeprefix("0x")))

    @property
    def address(self) -> str:
        """Return the address, with the checksum of EIP-55."""
        return str(self._signer.address)

    def sign(self, transaction: dict[str, Any]) -> bytes:
        """Return the raw signed transaction."""
        return bytes(self._signer.sign_transaction(transaction).raw_transaction)

    def __repr__(self) -> str:
        return f"Account({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")
