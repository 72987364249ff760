"""What a connector hands to collection, and the port that every connector implements."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from chengyi.model.text import Text


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery that waits to be captured.

    `sequence` is the source's own name for it, `path` the name of its one component. `mark` changes whenever the
    delivery may have changed, and is empty where nothing cheap can tell. `fault` sets the delivery aside with a
    reason although its bytes are taken. `open` gives the bytes; reading to their end raises UnsettledError where
    they changed meanwhile.
    """

    sequence: str
    path: str
    media_type: str
    event_time: datetime
    open: Callable[[], BinaryIO]
    mark: str = ""
    fault: Text | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that could not be taken at all, so that it is at least named."""

    name: str
    code: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Done:
    """Everything under `name` was handed over; with the same `mark` it need not be opened again."""

    name: str
    mark: str
    deliveries: int


CLOCK_TICK_NS = 50_000_000
Item = Delivery | Refusal | Done
Unchanged = Callable[[str, str], bool]


class Connector(Protocol):
    """One way in which a source hands over its deliveries; the constructor takes settings, source id and home."""

    def deliveries(self, unchanged: Unchanged) -> Iterator[Item]:
        """Yield what is there now, in a fixed order.

        ``unchanged(name, mark)`` tells whether everything under a name was taken before under the same mark; then
        the connector need not open it. UnreachableError where the source cannot be reached.
        """
        ...


def mark_of(status: os.stat_result) -> str:
    """Return a cheap sign of a file's state: size, times of content and of inode, and inode."""
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def lasting_mark(status: os.stat_result) -> str:
    """Return the mark of a file, or nothing where the file changed so lately that a further change may not show."""
    fresh = time.time_ns() - max(status.st_ctime_ns, status.st_mtime_ns) < CLOCK_TICK_NS
    return "" if fresh else mark_of(status)


def changed_at(status: os.stat_result) -> datetime:
    """Return when a file's content last changed."""
    return datetime.fromtimestamp(status.st_mtime, UTC)


def located(path: str, home: Path) -> Path:
    """Return a path of the settings as an absolute one; a relative path starts at the home."""
    return (home / Path(path).expanduser()).absolute()
