"""Anchors on two chains, time-stamps, and signed requests, each beside its raw limit or a peer."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError
from chengyi.store.migrations import upgrade
from chengyi.store.rows import Rows
from chengyi.trust.anchors.accounts import Account
from chengyi.trust.anchors.evm import EvmAnchor, EvmSettings, connect, deploy
from chengyi.trust.anchors.local_tsa import LocalTsa, RowSerials, TsaIdentity, self_signed
from chengyi.trust.anchors.timestamps import TsaTrust, check_token
from chengyi.trust.messages.algorithms import signing_key, verifying_key
from chengyi.trust.messages.components import Message
from chengyi.trust.messages.identities import Peer, PinnedIdentities
from chengyi.trust.messages.nonces import RowNonces
from chengyi.trust.messages.signing import MessageSigner
from chengyi.trust.messages.verification import MessageVerifier
from chengyi.trust.ports import Checkpoint

_PARTS = Path(__file__).parents[2] / ".parts" / "node_modules"
_ANVIL_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
_ORIGIN = "bench"
_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def measure(ground: Ground) -> Result:
    """Milliseconds an anchor, stamps beside openssl's, requests a second beside bare Ed25519."""
    anchors = ground.size(200, 10)
    figures = _chain("eth-tester", _tester(), anchors)
    with _anvil() as url:
        if url is not None:
            web3: Any = connect(url)
            figures += _chain("anvil", (web3, Account.parse(_ANVIL_KEY)), anchors)
            web3.provider.close()
    folder = ground.fresh("anchors")
    folder.mkdir(parents=True)
    rows = Rows(f"sqlite:///{folder / 'node.db'}")
    upgrade(rows)
    figures += [*_stamps(ground, rows, folder), *_messages(ground, rows)]
    rows.close()
    about = (
        f"Anchors: {anchors} checkpoints one after the other, each signed here, sent raw, its receipt awaited; then "
        "a smaller size, and the same size under another root, are sent past our own checks. eth-tester runs in "
        "process, anvil as a process behind HTTP. Stamps: the node's own authority with its serial number made "
        "durable, and a checked token; the peer is `openssl ts -reply`, a process each. Requests: a POST of 1 KiB, "
        "signed, and checked up to but without the nonce; then with the nonce made durable. The limit is bare Ed25519."
    )
    return Result("anchors", "Anchors, time-stamps and signed requests", about, tuple(figures))


def _tester() -> tuple[Any, Account]:
    from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped]
    from web3 import EthereumTesterProvider, Web3

    backend = PyEVMBackend()
    web3 = Web3(EthereumTesterProvider(EthereumTester(backend)))
    return web3, Account(backend.account_keys[0].to_bytes())


@contextmanager
def _anvil() -> Iterator[str | None]:
    """Run anvil where it is there; yield its address."""
    programs = sorted((_PARTS / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not programs:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = subprocess.Popen([programs[0], "--port", str(port), "--silent"], stdout=subprocess.DEVNULL)
    try:
        while _closed(port):
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def _closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _chain(name: str, chain: tuple[Any, Account], count: int) -> list[Figure]:
    web3, account = chain
    anchor = EvmAnchor(web3, account, deploy(web3, account, [_ORIGIN]), EvmSettings(poll_seconds=0.005))
    took = [1000 * timed(partial(anchor.anchor, _checkpoint(size))) for size in range(1, count + 1)]
    forged = [_checkpoint(count - 1), _checkpoint(count, "other")]
    refused = sum(_refuses(anchor, each) and _reverts(web3, account, anchor, each) for each in forged)
    return [
        Figure(f"anchor, {name}", "ms", tuple(took), at_most=100),
        Figure(f"rollbacks refused by us and by the contract, {name}", "of 2", (float(refused),), at_least=2),
    ]


def _checkpoint(size: int, salt: str = "") -> Checkpoint:
    return Checkpoint(_ORIGIN, size, sha256(f"{size}{salt}".encode()).digest(), "")


def _refuses(anchor: EvmAnchor, forged: Checkpoint) -> bool:
    try:
        anchor.anchor(forged)
    except IntegrityError:
        return True
    return False


def _reverts(web3: Any, account: Account, anchor: EvmAnchor, forged: Checkpoint) -> bool:  # noqa: ANN401
    """Send a forged checkpoint straight to the chain; tell whether the contract reverted it."""
    from chengyi.trust.anchors.contract import compiled, origin_key

    address = anchor.name.rpartition(" ")[2]
    contract = web3.eth.contract(address=address, abi=compiled().abi)
    transaction = {
        "to": address,
        "data": contract.encode_abi("anchor", [origin_key(_ORIGIN), forged.size, forged.root]),
        "value": 0,
        "gas": 150_000,
        "gasPrice": web3.eth.gas_price,
        "nonce": web3.eth.get_transaction_count(account.address),
        "chainId": web3.eth.chain_id,
    }
    sent = web3.eth.send_raw_transaction(account.sign(transaction))
    return int(web3.eth.wait_for_transaction_receipt(sent)["status"]) == 0


def _stamps(ground: Ground, rows: Rows, folder: Path) -> list[Figure]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    key, note = generate_private_key(SECP256R1()), b"note"
    identity = TsaIdentity(key, self_signed(key, "bench", datetime.now(UTC)))
    tsa = LocalTsa(identity, RowSerials(rows, "bench"), SetClock(datetime.now(UTC)))
    request = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256).build()
    trust = TsaTrust((identity.certificate,), pinned=identity.certificate)
    query, reply = request.as_bytes(), tsa.answer(request.as_bytes())
    count = ground.size(100, 5)
    figures = [
        Figure("stamp by the node's own authority", "ms", _each(count, lambda: tsa.answer(query))),
        Figure("check of a stamp", "ms", _each(count, lambda: check_token(reply, note, trust, size=1))),
    ]
    openssl = shutil.which("openssl")
    if openssl is None:
        return figures
    _write_authority(folder, identity, query)
    words = [openssl, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"]

    def spawn() -> None:
        subprocess.run(words, cwd=folder, check=True, capture_output=True)

    return [*figures, Figure("stamp by openssl, a process each", "ms", _each(ground.size(20, 2), spawn))]


def _each(count: int, work: Callable[[], object]) -> tuple[float, ...]:
    return tuple(1000 * timed(work) for _ in range(count))


def _write_authority(folder: Path, identity: TsaIdentity, query: bytes) -> None:
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    settings = (
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\n"
        "signer_digest = sha256\ndefault_policy = 1.2.3\ndigests = sha256\ness_cert_id_alg = sha256\n"
    )
    files = {
        "tsa.cnf": settings.encode(),
        "serial": b"01\n",
        "tsa.key": key,
        "tsa.pem": identity.certificate.public_bytes(Encoding.PEM),
        "query": query,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


class _NoNonces:
    """Takes every nonce: what is left is the checking itself."""

    def use(self, keyid: str, nonce: str, until: datetime, now: datetime) -> bool:
        """Say that it is the first time."""
        return True


def _messages(ground: Ground, rows: Rows) -> list[Figure]:
    private, clock = Ed25519PrivateKey.generate(), SetClock(_NOW)
    signer = MessageSigner(signing_key(private), "bench", clock)
    peer = PinnedIdentities([("bench", Peer("bench", verifying_key(private.public_key())))])
    fields = [("content-type", "application/json")]
    plain = Message("POST", "https", "node.example", "/ask/", "page=1", fields, os.urandom(1024))
    audit: Any = None
    free, durable = (
        MessageVerifier(peer, nonces, audit, clock, authorities=["node.example"])
        for nonces in (_NoNonces(), RowNonces(rows))
    )
    count = ground.size(1000, 50)
    speeds: dict[str, list[float]] = {name: [] for name in ("sign", "raw sign", "check", "raw check", "durable")}
    for _ in range(ground.runs):
        batch = [_signed(signer, plain) for _ in range(count)]
        base = os.urandom(600)
        raw = private.sign(base)
        public = private.public_key()
        work: dict[str, Callable[[], object]] = {
            "sign": lambda: [signer.headers(plain) for _ in range(count)],
            "raw sign": lambda base=base: [private.sign(base) for _ in range(count)],  # type: ignore[misc]
            "check": lambda batch=batch: [free.verify(each) for each in batch],  # type: ignore[misc]
            "raw check": lambda raw=raw, base=base, public=public: [public.verify(raw, base) for _ in range(count)],  # type: ignore[misc]
            "durable": lambda batch=batch: [durable.verify(each) for each in batch[: count // 5]],  # type: ignore[misc]
        }
        for name, act in work.items():
            speeds[name].append((count // 5 if name == "durable" else count) / timed(act))
    figures = []
    for name, raw_name in (("sign", "raw sign"), ("check", "raw check")):
        ours, limit = tuple(speeds[name]), tuple(speeds[raw_name])
        figures += [Figure(f"request, {name}", "/s", ours), Figure(f"Ed25519, {name}", "/s", limit)]
        ratio = tuple(a / b for a, b in zip(ours, limit, strict=True))
        figures.append(Figure(f"request / Ed25519, {name}", "×", ratio))
    return [*figures, Figure("request, check with durable nonce", "/s", tuple(speeds["durable"]))]


def _signed(signer: MessageSigner, plain: Message) -> Message:
    fields = [*plain.fields, *signer.headers(plain).items()]
    return Message(plain.method, plain.scheme, plain.authority, plain.path, plain.query, fields, plain.body)
