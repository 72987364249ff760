"""How many acts outsiders can set off: so many a minute, so that a flood of refusals cannot fill the ledger."""

from datetime import datetime, timedelta
from threading import Lock

_MINUTE = timedelta(minutes=1)


class Ration:
    """Grants `most` a minute, and counts what it did not grant; several threads may ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._minute: datetime | None = None
        self._granted = self._withheld = 0

    def take(self, now: datetime) -> int | None:
        """Return how many were withheld since the last one that was granted, or None where this one is withheld."""
        with self._lock:
            if self._minute is None or not timedelta(0) <= now - self._minute < _MINUTE:
                self._minute, self._granted = now, 0
            if self._granted >= self._most:
                self._withheld += 1
                return None
            self._granted += 1
            withheld, self._withheld = self._withheld, 0
            return withheld
