"""How the stores are, as the page of stores draws it.

Rules: a store that does not answer holds no page up: stock is taken in a thread of its own, and a page shows what was
found last, and when. One stocktaking at a time, and none while the board's work is changing the stores.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Reporter, SilentReporter, Step
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.node import Node
    from chengyi.store.settings import StoreSettings
    from chengyi.trust.vault.care import Care, StoreStatus, VaultStatus

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Stock:
    """What was found last, and when; `under_way` where stock is being taken now."""

    status: VaultStatus | None = None
    at: datetime | None = None
    under_way: bool = False
    failure: Text | None = None
    advice: Text | None = None


class Stocktaking:
    """Takes stock in the background; several threads may look."""

    def __init__(self, take: Callable[[], VaultStatus], now: Callable[[], datetime]) -> None:
        self._take, self._now = take, now
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stock = Stock()
        self._ended = float("-inf")

    def look(self, *, start: bool = True, patience: float = PATIENCE_SECONDS) -> Stock:
        """Return what is known, after waiting a little for what is being found; `start` begins anew where it is old."""
        with self._lock:
            thread = self._thread
            busy = thread is not None and thread.is_alive()
            if start and not busy and time.monotonic() - self._ended > FRESH_SECONDS:
                thread = self._thread = threading.Thread(target=self._run, name="chengyi-stock", daemon=True)
                thread.start()
        if thread is not None:
            thread.join(patience)
        known = self._stock
        busy = thread is not None and thread.is_alive()
        return Stock(known.status, known.at, busy, known.failure, known.advice)

    def spoil(self) -> None:
        """Say that what is known is old: the next look takes stock anew."""
        self._ended = float("-inf")

    def _run(self) -> None:
        try:
            self._stock = Stock(self._take(), self._now())
        except ChengyiError as error:
            said, advice = (Text(say("zh"), say("en")) for say in (error.message, error.advice))
            self._stock = Stock(self._stock.status, self._stock.at, failure=said, advice=advice)
        except Exception:
            import logging

            logging.getLogger(__name__).exception("stocktaking failed")
            fault = Text("清点未完成：程序内部错误。", "Taking stock failed: an internal error.")
            log = Text("请查阅节点目录下的 console.log。", "See console.log in the node's home.")
            self._stock = Stock(self._stock.status, self._stock.at, failure=fault, advice=log)
        finally:
            self._ended = time.monotonic()


def stocktaking_of(node: Node) -> Stocktaking:
    """Return the stocktaking of a node's vault."""
    return Stocktaking(lambda: care_for(node).status(SilentReporter()), node.clock.now)


def care_for(node: Node, actor: str = "") -> Care:
    """Return the care for a node's vault, in the name of somebody or of the node itself."""
    from chengyi.node.stores import care_of

    return care_of(node, actor)


@dataclass(frozen=True, slots=True)
class StoreLine:
    """One store: its settings, what was found there, and until when its certificate holds."""

    settings: StoreSettings
    part: str
    found: StoreStatus | None
    until: datetime | None

    @property
    def id(self) -> str:
        """Return the store's name."""
        return self.settings.id

    @property
    def place(self) -> str:
        """Return where the store is: the folder relative to the home, or host and bucket."""
        if self.settings.kind == "folder":
            return self.settings.path or f"vault/{self.settings.id}"
        return f"{urlsplit(self.settings.endpoint).netloc.rpartition('@')[2]}/{self.settings.bucket}"


@dataclass(frozen=True, slots=True)
class Risk:
    """How much may still be lost, at the worst: `spare` stores more; None where stock was not taken yet."""

    needed: int
    sound: int
    spare: int | None
    unreadable: int = 0


def lines_of(node: Node, stock: Stock) -> list[StoreLine]:
    """Return every listed store: in use, leaving, spare, retired."""
    from chengyi.node.stores import placement_of

    placement = placement_of(node)
    parts = {
        **dict.fromkeys(placement.retired, "retired"),
        **dict.fromkeys(placement.spare, "spare"),
        **dict.fromkeys(placement.leaving, "leaving"),
        **dict.fromkeys(placement.used, "used"),
    }
    found = {each.id: each for each in stock.status.stores} if stock.status else {}
    order = ("used", "leaving", "spare", "retired")
    lines = [
        StoreLine(each, parts[each.id], found.get(each.id), _until(node, each))
        for each in node.settings.vault.listed
        if each.id in parts
    ]
    return sorted(lines, key=lambda line: order.index(line.part))


def risk_of(node: Node, lines: list[StoreLine], stock: Stock) -> Risk:
    """Return how many more stores may be lost at the worst: where every gap and damage were of the same object."""
    settings = node.settings.vault
    needed = max(settings.k, settings.t)
    if stock.status is None:
        return Risk(needed, 0, None)
    used = [line.found for line in lines if line.part == "used" and line.found]
    sound = sum(each.reachable and not each.missing and not each.damaged for each in used)
    return Risk(needed, sound, sound - needed, stock.status.unreadable)


class Sized:
    """A reporter that gives steps of unknown length the length that was counted before."""

    def __init__(self, reporter: Reporter, total: int | None) -> None:
        self._reporter, self._total = reporter, total

    def step(self, title: Text, total: int | None = None) -> AbstractContextManager[Step]:
        """Open a step."""
        return self._reporter.step(title, total or self._total)


def _until(node: Node, settings: StoreSettings) -> datetime | None:
    from cryptography import x509

    path = node.home.path / (settings.key or f"keys/stores/{settings.id}.key")
    try:
        return x509.load_der_x509_certificate(path.with_suffix(".crt").read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
