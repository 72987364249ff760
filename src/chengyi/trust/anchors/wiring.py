"""Anchors and time-stamps of a node, made of its settings and its other parts.

Rules: nothing is asked of a chain or an authority before it is used; without settings there is no queue, and the
node's own authority stamps; whatever a setting names is looked for when it is needed, and named where it is absent.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from chengyi.model.clock import Clock
from chengyi.model.errors import ConfigError
from chengyi.store.files import write_whole
from chengyi.store.home import Home
from chengyi.store.rows import Rows
from chengyi.store.settings import AnchorSettings, TimestampSettings, from_environment
from chengyi.trust.anchors.accounts import ENVIRONMENT, KEY_FILE, Account
from chengyi.trust.anchors.chain import AnchorChain, AnchorProof, Head
from chengyi.trust.anchors.queue import AnchorQueue
from chengyi.trust.ports import Audit, Checkpoint, Keys, Ledger

if TYPE_CHECKING:
    from web3 import Web3

    from chengyi.trust.anchors.evm import EvmAnchor
    from chengyi.trust.anchors.timestamps import Stamps, Tsa, TsaTrust

STAMPS, AUTHORITY = "stamps", "authority.pem"
_MOST_PEM = 256 << 10


@dataclass(frozen=True, slots=True)
class Parts:
    """What anchors need of a node."""

    home: Home
    keys: Keys
    rows: Rows
    ledger: Ledger
    audit: Audit
    clock: Clock
    actor: str


class LazyChain:
    """Stands for a chain until someone asks it something."""

    def __init__(self, name: str, make: Callable[[], "EvmAnchor"]) -> None:
        self._name = name
        self._make = make
        self._made: EvmAnchor | None = None

    @property
    def name(self) -> str:
        """Return the chain's name."""
        return self._name if self._made is None else self._made.name

    def anchor(self, checkpoint: Checkpoint) -> AnchorProof:
        """Anchor a checkpoint."""
        return self._chain().anchor(checkpoint)

    def latest(self, origin: str) -> Head | None:
        """Return what the chain holds of a log."""
        return self._chain().latest(origin)

    def close(self) -> None:
        """Close the connections, where there are any."""
        if self._made is not None:
            self._made.close()

    def _chain(self) -> "EvmAnchor":
        if self._made is None:
            self._made = self._make()
        return self._made


def make_queue(settings: AnchorSettings, parts: Parts, chain: AnchorChain | None = None) -> AnchorQueue | None:
    """Return the queue of the configured chain, or None where none is configured."""
    found = chain or make_chain(settings, parts)
    if found is None:
        return None
    return AnchorQueue(parts.rows, found, parts.ledger, parts.audit, parts.clock, actor=parts.actor)


def make_chain(settings: AnchorSettings, parts: Parts) -> LazyChain | None:
    """Return the configured chain, unopened, or None where none is configured."""
    if not (settings.url and settings.contract):
        return None

    def make() -> "EvmAnchor":
        from chengyi.trust.anchors.evm import EvmAnchor, EvmSettings

        chosen = EvmSettings(chain=settings.chain, receipt_seconds=settings.receipt_seconds)
        return EvmAnchor(open_chain(settings), find_account(parts), settings.contract, chosen)

    return LazyChain(f"EVM {settings.contract}", make)


def open_chain(settings: AnchorSettings, environment: Mapping[str, str] = os.environ) -> "Web3":
    """Return a connection to the configured chain; ConfigError where none is configured."""
    if not settings.url:
        raise ConfigError(file="node.toml", key="anchor.url", why="未配置链的地址 (no chain is configured)")
    from chengyi.trust.anchors.evm import connect
    from chengyi.trust.transport import Limits

    return connect(from_environment(settings.url, "anchor.url", environment), Limits(seconds=settings.answer_seconds))


def find_account(parts: Parts) -> Account | None:
    """Return the account of this node, or None where it has none."""
    if ENVIRONMENT not in os.environ and not (parts.home.keys / KEY_FILE).exists():
        return None
    return Account.open(parts.home.keys, parts.keys)


def make_stamps(settings: TimestampSettings, parts: Parts) -> "Stamps | None":
    """Return the stamps of the ledger's checkpoints, or None where they are off."""
    if settings.kind == "off":
        return None
    from chengyi.trust.anchors.timestamps import Stamps

    tsa, trust = _outside(settings, parts.home.path) if settings.kind == "http" else _own(parts)
    return Stamps(parts.home.path / STAMPS, tsa, trust, parts.audit, parts.clock, actor=parts.actor)


def _own(parts: Parts) -> "tuple[Tsa, TsaTrust]":
    from cryptography.hazmat.primitives.hashes import SHA256

    from chengyi.trust.anchors.local_tsa import KEY_FILE as TSA_FILE
    from chengyi.trust.anchors.local_tsa import LocalTsa, RowSerials, TsaIdentity
    from chengyi.trust.anchors.timestamps import TsaTrust

    folder, keys = parts.home.keys, parts.keys
    if (folder / TSA_FILE).exists():
        identity = TsaIdentity.open(folder, keys)
    else:
        identity = TsaIdentity.create(folder, keys, f"{parts.ledger.origin} TSA", parts.clock.now())
    certificate = identity.certificate
    _publish(parts.home.path / STAMPS / AUTHORITY, certificate)
    serials = RowSerials(parts.rows, certificate.fingerprint(SHA256()).hex())
    return LocalTsa(identity, serials, parts.clock), TsaTrust((certificate,), pinned=certificate)


def _publish(path: Path, certificate: x509.Certificate) -> None:
    """Lay the certificate of the node's own authority beside its tokens, so that others can check them."""
    from cryptography.hazmat.primitives.serialization import Encoding

    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, certificate.public_bytes(Encoding.PEM).decode())


def _outside(settings: TimestampSettings, home: Path) -> "tuple[Tsa, TsaTrust]":
    from chengyi.trust.anchors.timestamps import MOST_TOKEN_BYTES, HttpTsa, TsaTrust
    from chengyi.trust.transport import Limits

    roots = _certificates(home / settings.roots, "timestamps.roots")
    pinned = _certificates(home / settings.certificate, "timestamps.certificate") if settings.certificate else (None,)
    limits = Limits(seconds=settings.answer_seconds, most_bytes=MOST_TOKEN_BYTES)
    anchors = tuple(each for each in roots if each.issuer == each.subject)
    between = tuple(each for each in roots if each.issuer != each.subject)
    return HttpTsa(settings.url, limits), TsaTrust(anchors, between, pinned[0])


def _certificates(path: Path, key: str) -> tuple[x509.Certificate, ...]:
    try:
        with path.open("rb") as file:
            return tuple(x509.load_pem_x509_certificates(file.read(_MOST_PEM)))
    except (OSError, ValueError) as fault:
        why = f"不是可读的 PEM 证书文件 (not a readable file of PEM certificates: {path.name})"
        raise ConfigError(file="node.toml", key=key, why=why) from fault
