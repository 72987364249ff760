"""Collect: bring in what sources hand over, byte for byte, and say what is missing (应归尽归).

The public names of the room. Data comes in through connectors, lies in the vault from its first byte, and waits as a
`Submission` for the archive; `read_rows` reads a captured table.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chengyi.collect.readers import BadRow, RowBatch, read_rows
    from chengyi.collect.report import Account, CollectReport, SourceCheck, SourceOutcome
    from chengyi.collect.service import Collect
    from chengyi.collect.sources import ReaderSettings, Source, load_source, load_sources, parse_source

__all__ = [
    "Account",
    "BadRow",
    "Collect",
    "CollectReport",
    "ReaderSettings",
    "RowBatch",
    "Source",
    "SourceCheck",
    "SourceOutcome",
    "load_source",
    "load_sources",
    "parse_source",
    "read_rows",
]

_HOMES = {
    "readers": ("BadRow", "RowBatch", "read_rows"),
    "report": ("Account", "CollectReport", "SourceCheck", "SourceOutcome"),
    "service": ("Collect",),
    "sources": ("ReaderSettings", "Source", "load_source", "load_sources", "parse_source"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(name)
