"""Which stores are in use: the listed ones in their slots, less those that were retired.

Rules: the first n listed stores are the slots; a retired store's slot belongs to its replacement from the moment the
retirement begins; a store that is being retired is still read, never written. What is not listed is not in use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from chengyi.model.errors import ConfigError
from chengyi.store.rows import Rows, upsert
from chengyi.trust.vault.rows import vault_retirements


@dataclass(frozen=True, slots=True)
class Placement:
    """Stores by their part: in use (one a slot), leaving (still read), spare, and retired."""

    used: tuple[str, ...]
    leaving: tuple[str, ...]
    spare: tuple[str, ...]
    retired: tuple[str, ...]


class Retirements:
    """The stores that were taken out of use, in the rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def begin(self, store: str, replacement: str, at: datetime) -> None:
        """Give a store's slot to its replacement."""
        row = {"store": store, "replacement": replacement, "begun_at": at, "done_at": None}
        with self._rows.begin() as connection:
            upsert(connection, vault_retirements, [row])

    def finish(self, store: str, at: datetime) -> None:
        """Say that nothing more is needed of a store."""
        table = vault_retirements
        with self._rows.begin() as connection:
            connection.execute(update(table).where(table.c.store == store).values(done_at=at))

    def known(self) -> dict[str, tuple[str, bool]]:
        """Return store -> (replacement, whether it is done)."""
        with self._rows.read() as connection:
            rows = connection.execute(select(vault_retirements)).all()
        return {row.store: (row.replacement, row.done_at is not None) for row in rows}


def place(listed: Sequence[str], n: int, retirements: Mapping[str, tuple[str, bool]]) -> Placement:
    """Return which listed stores are what; ConfigError where a slot has none."""
    if len(set(listed)) != len(listed) or len(listed) < n:
        why = f"须列出至少 {n} 个互不重名的存储点 (at least {n} stores with different ids are needed)"
        raise ConfigError(file="node.toml", key="vault.stores", why=why)
    used = [_follow(store, retirements) for store in listed[:n]]
    if len(set(used)) != n or not set(used) <= set(listed):
        why = "已退役存储点的替代者不在列 (the replacement of a retired store is not listed)"
        raise ConfigError(file="node.toml", key="vault.stores", why=why)
    gone = [store for store in listed if store in retirements]
    return Placement(
        used=tuple(used),
        leaving=tuple(store for store in gone if not retirements[store][1]),
        spare=tuple(store for store in listed if store not in used and store not in gone),
        retired=tuple(store for store in gone if retirements[store][1]),
    )


def _follow(store: str, retirements: Mapping[str, tuple[str, bool]]) -> str:
    for _ in retirements:
        store = retirements[store][0] if store in retirements else store
    return store
