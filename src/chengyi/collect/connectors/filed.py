"""The node's own records: nothing is fetched, they are handed in by `Collect.submit`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict

from chengyi.collect.delivery import Item, Unchanged


@dataclass(frozen=True, slots=True)
class FiledSettings:
    """A source whose records the node files itself."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    kind: Literal["filed"] = field(metadata={"help": "filed"})

    def fault(self) -> tuple[str, str] | None:
        """Return key and reason where the settings contradict each other."""
        return None


class FiledConnector:
    """Has nothing to fetch."""

    def __init__(self, settings: FiledSettings, source: str, home: Path) -> None:
        self.settings = settings

    def deliveries(self, unchanged: Unchanged) -> Iterator[Item]:
        """Yield nothing."""
        return iter(())
