"""A site: one store with its custodian, reached through threads of its own.

Rules:

1. Work on a site runs in that site's threads, so that a store that hangs holds up nobody else; they are daemons, so
   that it does not hold up the end of the program either.
2. Whoever waits for a site waits `patience` seconds at most. A site that let someone wait in vain is left out for a
   while by readers that can do without it.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from queue import SimpleQueue
from typing import Any, TypeVar

from chengyi.model.errors import UnreachableError
from chengyi.store.ports import Objects
from chengyi.trust.vault.custody import Custodian

WIDTH = 8
PATIENCE = 30.0
T = TypeVar("T")


class Site:
    """One store in use: where fragments lie, and who opens key shares there."""

    def __init__(
        self, id: str, objects: Objects, custodian: Custodian, patience: float = PATIENCE, *, leaving: bool = False
    ) -> None:
        """Take a store; one that is `leaving` is only read, and what it lacks or has twice is no fault."""
        self.id = id
        self.leaving = leaving
        self.objects = objects
        self.custodian = custodian
        self.patience = patience
        self._lanes = Lanes(WIDTH, f"store {id}")
        self._silent_until = 0.0

    @property
    def silent(self) -> bool:
        """Tell whether the site did not answer of late."""
        return time.monotonic() < self._silent_until

    def start(self, work: Callable[[], T]) -> "Future[T]":
        """Start work in one of the site's threads."""
        return self._lanes.start(work)

    def wait(self, started: "Future[T]", patience: float | None = None) -> T:
        """Return what work gave; UnreachableError where it took too long."""
        try:
            return started.result(self.patience if patience is None else patience)
        except TimeoutError as error:
            if started.done():
                raise UnreachableError(source=self.id, why="超时 (it timed out)") from error
            self._silent_until = time.monotonic() + self.patience
            started.cancel()
            why = f"{self.patience:g} 秒内未应答 (no answer in {self.patience:g} s)"
            raise UnreachableError(source=self.id, why=why) from error

    def call(self, work: Callable[[], T]) -> T:
        """Do work in one of the site's threads and wait for it."""
        return self.wait(self.start(work))


class Lanes:
    """A few threads, started when they are needed, that do work in order."""

    def __init__(self, width: int, name: str) -> None:
        self._width, self._name = width, name
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def start(self, work: Callable[[], T]) -> "Future[T]":
        """Queue work and return its future."""
        future: Future[T] = Future()
        self._waiting.put((future, work))
        with self._lock:
            if self._idle:
                self._idle -= 1
            elif self._threads < self._width:
                self._threads += 1
                threading.Thread(target=self._run, name=self._name, daemon=True).start()
        return future

    def _run(self) -> None:
        while True:
            future, work = self._waiting.get()
            if future.set_running_or_notify_cancel():
                fulfil(future, work)
            del future, work
            with self._lock:
                self._idle += 1


def fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    """Do work and give its result, or its error, to whoever waits."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it
        future.set_exception(error)
    else:
        try:
            future.set_result(result)
        except InvalidStateError:
            return
