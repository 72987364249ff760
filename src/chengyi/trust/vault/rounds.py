"""How far long work has come, and what it found, in the rows: so that it goes on where it was interrupted."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select

from chengyi.store.rows import Rows, upsert
from chengyi.trust.vault.faults import FaultKind, FragmentFault
from chengyi.trust.vault.rows import vault_damages, vault_rounds


@dataclass(frozen=True, slots=True)
class Round:
    """One round of work: the last key done, what was spent on `day` (ISO date), what was checked, begin and end."""

    name: str
    after: str
    day: str
    spent: int
    checked: int
    bytes: int
    begun_at: datetime
    done_at: datetime | None = None

    def on(self, day: str) -> "Round":
        """Return the round on a day, with nothing spent where it is a new one."""
        return self if self.day == day else replace(self, day=day, spent=0)

    def past(self, key: str, size: int) -> "Round":
        """Return the round after one more key of so many bytes."""
        return replace(self, after=key, spent=self.spent + size, checked=self.checked + 1, bytes=self.bytes + size)


class Rounds:
    """The rounds and the damages on record."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self, name: str) -> Round | None:
        """Return a round, or None where it never began."""
        with self._rows.read() as connection:
            row = connection.execute(select(vault_rounds).where(vault_rounds.c.name == name)).mappings().first()
        return None if row is None else Round(**row)

    def put(self, round: Round) -> None:
        """Write down how far a round has come."""
        with self._rows.begin() as connection:
            upsert(connection, vault_rounds, [asdict(round)])

    def open(self, name: str, now: datetime) -> Round:
        """Return the round under way, or a new one."""
        found = self.get(name)
        if found is None or found.done_at is not None:
            spent = found.spent if found is not None and found.day == now.date().isoformat() else 0
            found = Round(name, "", now.date().isoformat(), spent, 0, 0, now)
        return found.on(now.date().isoformat())

    def damages(self) -> list[FragmentFault]:
        """Return the damaged fragments that no repair has replaced yet."""
        with self._rows.read() as connection:
            rows = connection.execute(select(vault_damages).order_by(vault_damages.c.object)).all()
        return [FragmentFault(each.object, each.version, each.store, FaultKind(each.kind), each.why) for each in rows]

    def damaged(self, faults: Sequence[FragmentFault], at: datetime) -> None:
        """Put damaged fragments on the list."""
        rows = [
            {
                "store": each.store,
                "object": each.object,
                "version": each.version,
                "kind": each.kind.value,
                "why": each.why,
                "found_at": at,
            }
            for each in faults
        ]
        with self._rows.begin() as connection:
            upsert(connection, vault_damages, rows)

    def mended(self, fragments: Sequence[tuple[str, str]]) -> None:
        """Take fragments (store, object) off the list."""
        with self._rows.begin() as connection:
            for store, object in fragments:
                here = (vault_damages.c.store == store) & (vault_damages.c.object == object)
                connection.execute(delete(vault_damages).where(here))
