"""Used nonces, so that a request counts once.

Keeps promise 4 (a replayed request is refused and on record). Rules:

1. The table's primary key decides: of several processes that bring the same nonce at once, one wins.
2. A nonce is kept until its request can no longer be accepted; then it is forgotten.
3. The moment up to which nonces were forgotten (the floor) is kept as well, and a request that ends before it is
   refused: a clock that is set back does not bring old requests to life.
4. A floor that lies far ahead was left by a wrong clock; it is lowered to the end of the longest request that can
   be under way, so that the node is deaf for minutes, not for as long as the clock was wrong.
"""

from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from chengyi.store.rows import Rows, upsert
from chengyi.trust.messages.rows import message_nonces as table

_EVERY = timedelta(seconds=30)
_GRACE = timedelta(seconds=60)
_HORIZON = timedelta(minutes=5)


class Nonces(Protocol):
    """Remembers which nonces were used."""

    def use(self, keyid: str, nonce: str, until: datetime, now: datetime) -> bool:
        """Use a nonce of a key, to be remembered until then; tell whether this was the first time."""
        ...


class RowNonces:
    """Keeps used nonces in rows; several processes may share them. `until` lies at most 5 minutes ahead."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._pruned: datetime | None = None

    def use(self, keyid: str, nonce: str, until: datetime, now: datetime) -> bool:
        """Use a nonce; False where it was used before, or where that can no longer be told."""
        with self._rows.begin() as connection:
            floor = self._floor(connection, now)
            if floor is not None and until <= floor:
                return False
            return _insert_once(connection, keyid, nonce, until)

    def _floor(self, connection: Connection, now: datetime) -> datetime | None:
        """Return the floor, after forgetting what may be forgotten where that is due."""
        floor = connection.scalar(select(table.c.until).where(table.c.keyid == "", table.c.nonce == ""))
        if self._pruned is not None and timedelta(0) <= now - self._pruned < _EVERY:
            return floor
        raised = _raised(floor, now)
        connection.execute(delete(table).where(table.c.until <= raised, table.c.keyid != ""))
        upsert(connection, table, [{"keyid": "", "nonce": "", "until": raised}])
        self._pruned = now
        return raised


def _raised(floor: datetime | None, now: datetime) -> datetime:
    fresh = now - _GRACE
    return fresh if floor is None else min(max(floor, fresh), now + _HORIZON)


def _insert_once(connection: Connection, keyid: str, nonce: str, until: datetime) -> bool:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(keyid=keyid, nonce=nonce, until=until)
    return connection.scalar(statement.on_conflict_do_nothing().returning(table.c.nonce)) is not None
