"""Writing fragments to their sites, all at once.

Keeps promise 8: bad input loses nothing. Rules:

1. Every site writes its fragment from its own queue of pieces, so that one slow site bounds nobody's memory.
2. A site that does not take a piece, or does not finish, in `patience` seconds has failed.
3. A source that breaks off ends all writings, which then leave nothing.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, Full, Queue

from chengyi.model.errors import UnreachableError
from chengyi.trust.vault.fragment import MAGIC
from chengyi.trust.vault.sites import Site

_DEPTH = 4
_TICK = 0.2


class _Broken(Exception):
    """The other end of the queue is gone."""


class Writing:
    """One fragment on its way to its site."""

    def __init__(self, site: Site, key: str) -> None:
        self.site = site
        self.error: BaseException | None = None
        self._key = key
        self._parts: Queue[bytes | memoryview | None] = Queue(_DEPTH)
        self._given_up = threading.Event()
        self._done: Future[None] = site.start(lambda: site.objects.put(key, self._chunks()))

    def feed(self, part: bytes | memoryview) -> None:
        """Hand over the next part, unless the writing has failed."""
        self._put(part)

    def finish(self) -> None:
        """Wait until everything is durable, or note why it is not."""
        self._put(None)
        if self.error is None:
            try:
                self.site.wait(self._done)
            except Exception as error:  # noqa: BLE001 - the quorum decides what becomes of it
                self.give_up(error)

    def give_up(self, error: BaseException) -> None:
        """End the writing; nothing of it stays."""
        self.error = self.error or error
        self._given_up.set()

    def remove(self) -> None:
        """Remove what was written, as far as the site answers."""
        with suppress(Exception):  # that it failed is what is wanted
            self.site.wait(self._done)
        try:
            self.site.call(lambda: self.site.objects.delete(self._key))
        except Exception as error:  # noqa: BLE001 - a fragment that nobody names is no harm
            self.error = self.error or error

    def _put(self, part: bytes | memoryview | None) -> None:
        waited = 0.0
        while self.error is None:
            try:
                return self._parts.put(part, timeout=_TICK)
            except Full:
                waited += _TICK
                if self._done.done():
                    self.give_up(self._done.exception() or _Broken())
                elif waited > self.site.patience:
                    self.give_up(UnreachableError(source=self.site.id, why="写入超时 (writing took too long)"))
        return None

    def _chunks(self) -> Iterator[bytes | memoryview]:
        yield MAGIC
        while True:
            try:
                part = self._parts.get(timeout=_TICK)
            except Empty:
                if self._given_up.is_set():
                    raise _Broken from None
                continue
            if self._given_up.is_set():
                raise _Broken
            if part is None:
                return
            yield part


class SmallWriting(Writing):
    """A fragment that is in memory already."""

    def __init__(self, site: Site, key: str, parts: Sequence[bytes | memoryview], *, durable: bool) -> None:
        self.site, self.error, self._key = site, None, key
        self._given_up = threading.Event()
        self._done = site.start(lambda: site.objects.put(key, (MAGIC, *parts), durable=durable))

    def _put(self, part: bytes | memoryview | None) -> None:
        return
