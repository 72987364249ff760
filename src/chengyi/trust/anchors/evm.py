"""Checkpoints on an EVM chain by its JSON-RPC: Besu, FISCO BCOS (Web3 RPC), anvil, or eth-tester in the tests.

Keeps promise 4: always witnessed, also by those who never saw the ledger. Rules:

1. Transactions are signed here and sent raw (legacy form, EIP-155), so that the chain's node holds no key of ours.
2. The chain's id is asked for before anything is signed, and has to be the configured one where one is configured.
3. A transaction is tried as a call first: what the contract would refuse costs nothing and is named.
4. Anchoring waits for the receipt, and no longer than `receipt_seconds`; a checkpoint that is on the chain already
   is found there, so that a crash or a time-out doubles nothing.
5. Gas limits are fixed and small: a contract that is not ours cannot spend more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chengyi.model.canonical import canonical
from chengyi.model.errors import AnchorError, ConfigError
from chengyi.trust.anchors.accounts import Account
from chengyi.trust.anchors.chain import AnchorProof, Head
from chengyi.trust.anchors.contract import compiled, origin_key, require_web3
from chengyi.trust.anchors.faults import explained, rolled_back
from chengyi.trust.ports import Checkpoint
from chengyi.trust.transport import Exchange, Limits

if TYPE_CHECKING:
    from web3 import Web3

_EMPTY = Head(0, bytes(32), 0)
_RECEIPT = (
    "transactionHash",
    "blockHash",
    "blockNumber",
    "transactionIndex",
    "from",
    "to",
    "gasUsed",
    "status",
    "logs",
)


@dataclass(frozen=True, slots=True)
class EvmSettings:
    """How to speak to a chain: its id (0 takes the one it has), seconds to wait for a receipt, gas limits."""

    chain: int = 0
    receipt_seconds: float = 30.0
    poll_seconds: float = 0.05
    gas: int = 150_000
    deploy_gas: int = 900_000


def connect(url: str, limits: Limits | None = None) -> "Web3":
    """Return a connection to a chain's JSON-RPC with bounded answers; nothing is sent yet."""
    require_web3()
    from web3 import Web3

    from chengyi.trust.anchors.rpc import BoundedProvider

    return Web3(BoundedProvider(Exchange(url, "application/json", limits)))


def deploy(web3: "Web3", account: Account, origins: Sequence[str], settings: EvmSettings | None = None) -> str:
    """Deploy the contract, register the account for each log, and return the contract's address."""
    sender = _Sender(web3, account, settings or EvmSettings())
    with explained(lambda: sender.name, "Anchor"):
        receipt = sender.send({"data": f"0x{compiled().bytecode}"}, sender.settings.deploy_gas)
        address = str(receipt["contractAddress"])
        contract = web3.eth.contract(address=web3.to_checksum_address(address), abi=compiled().abi)
        for origin in origins:
            data = contract.encode_abi("register", [origin_key(origin), account.address])
            sender.send({"to": address, "data": data}, sender.settings.gas)
    return address


class EvmAnchor:
    """Keeps the port `AnchorChain` by a deployed Anchor contract."""

    def __init__(
        self, web3: "Web3", account: Account | None, address: str, settings: EvmSettings | None = None
    ) -> None:
        """Use the contract at `address`; without an account, for reading only."""
        if not web3.is_address(address):
            raise ConfigError(file="node.toml", key="anchor.contract", why="不是合约地址 (not a contract's address)")
        self._web3 = web3
        self._address = web3.to_checksum_address(address)
        self._contract = web3.eth.contract(address=self._address, abi=compiled().abi)
        self._sender = _Sender(web3, account, settings or EvmSettings())
        self._ready = False

    @property
    def name(self) -> str:
        """Return the chain's host, and the contract's address."""
        return f"{self._sender.name} {self._address}"

    def anchor(self, checkpoint: Checkpoint) -> AnchorProof:
        """Anchor a checkpoint and return its proof; where it is on the chain already, the proof of then."""
        with explained(lambda: self.name, checkpoint.origin):
            self._check()
            head = self._head(checkpoint.origin)
            if (head.size, head.root) == (checkpoint.size, checkpoint.root):
                return self._found(checkpoint, head)
            if head.size >= checkpoint.size:
                raise rolled_back(checkpoint.origin)
            call = self._contract.functions.anchor(origin_key(checkpoint.origin), checkpoint.size, checkpoint.root)
            call.call({"from": self._web3.to_checksum_address(self._sender.address)})
            data = self._contract.encode_abi(
                "anchor", [origin_key(checkpoint.origin), checkpoint.size, checkpoint.root]
            )
            receipt = self._sender.send({"to": self._address, "data": data}, self._sender.settings.gas)
            return self._proof(checkpoint, receipt)

    def latest(self, origin: str) -> Head | None:
        """Return what the contract holds of a log, or None."""
        with explained(lambda: self.name, origin):
            self._check()
            head = self._head(origin)
            return None if head == _EMPTY else head

    def confirms(self, proof: AnchorProof) -> bool:
        """Tell whether the chain still has the proof's transaction in the proof's block."""
        with explained(lambda: self.name, proof.origin):
            self._check()
            receipt = self._web3.eth.get_transaction_receipt(bytes.fromhex(proof.transaction))  # type: ignore[arg-type]
            return _plain_receipt(self._web3, receipt) == proof.receipt

    def close(self) -> None:
        """Close the connections."""
        close = getattr(self._web3.provider, "close", None)
        if close is not None:
            close()

    def _check(self) -> None:
        self._sender.chain()
        if not self._ready and not self._web3.eth.get_code(self._address):
            raise ConfigError(file="node.toml", key="anchor.contract", why="链上该地址没有合约 (no contract is there)")
        self._ready = True

    def _head(self, origin: str) -> Head:
        size, block, root = self._contract.functions.heads(origin_key(origin)).call()
        return Head(int(size), bytes(root), int(block))

    def _found(self, checkpoint: Checkpoint, head: Head) -> AnchorProof:
        """Return the proof of a checkpoint that was anchored before, from the block that took it in."""
        logs = self._contract.events.Anchored.get_logs(
            from_block=head.block, to_block=head.block, argument_filters={"origin": origin_key(checkpoint.origin)}
        )
        mine = [log for log in logs if (log["args"]["size"], log["args"]["root"]) == (head.size, head.root)]
        if mine:
            return self._proof(checkpoint, self._web3.eth.get_transaction_receipt(mine[-1]["transactionHash"]))
        return self._proof(checkpoint, {"blockNumber": head.block, "blockHash": b"", "transactionHash": b""})

    def _proof(self, checkpoint: Checkpoint, receipt: Any) -> AnchorProof:  # noqa: ANN401 - the library's own type
        transaction = bytes(receipt["transactionHash"]).hex()
        return AnchorProof(
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            chain=self._sender.chain(),
            contract=self._address,
            transaction=transaction,
            block=int(receipt["blockNumber"]),
            block_hash=bytes(receipt["blockHash"]).hex(),
            receipt=_plain_receipt(self._web3, receipt) if transaction else "",
        )


class _Sender:
    """Signs and sends transactions of one account."""

    def __init__(self, web3: "Web3", account: Account | None, settings: EvmSettings) -> None:
        self.settings = settings
        self._web3 = web3
        self._account = account
        self._chain = 0

    @property
    def name(self) -> str:
        host = getattr(self._web3.provider, "host", "")
        return f"{host or 'EVM'} #{self._chain or self.settings.chain or '?'}"

    @property
    def address(self) -> str:
        return self._signing().address

    def chain(self) -> int:
        """Return the chain's id; ConfigError where it is not the configured one."""
        self._chain = self._web3.eth.chain_id
        if self.settings.chain not in {0, self._chain}:
            why = f"链编号为 {self._chain}，配置为 {self.settings.chain} (the chain's id is another)"
            raise ConfigError(file="node.toml", key="anchor.chain", why=why)
        return self._chain

    def send(self, transaction: dict[str, Any], gas: int) -> Any:  # noqa: ANN401 - the library's own type
        """Send a transaction and return its receipt; AnchorError where it was reverted."""
        account = self._signing()
        sender = self._web3.to_checksum_address(account.address)
        whole = {
            **transaction,
            "value": 0,
            "gas": gas,
            "gasPrice": self._web3.eth.gas_price,
            "nonce": self._web3.eth.get_transaction_count(sender, "pending"),
            "chainId": self.chain(),
        }
        sent = self._web3.eth.send_raw_transaction(account.sign(whole))
        receipt = self._web3.eth.wait_for_transaction_receipt(
            sent, timeout=self.settings.receipt_seconds, poll_latency=self.settings.poll_seconds
        )
        if receipt["status"] != 1:
            raise AnchorError(chain=self.name, why="交易被合约退回 (the transaction was reverted)")
        return receipt

    def _signing(self) -> Account:
        if self._account is None:
            raise ConfigError(file="node.toml", key="anchor", why="没有锚定账户 (there is no account)")
        return self._account


def _plain_receipt(web3: "Web3", receipt: Any) -> str:  # noqa: ANN401 - the library's own type
    value = json.loads(web3.to_json(receipt))
    return canonical({name: value[name] for name in _RECEIPT if name in value}).decode()
