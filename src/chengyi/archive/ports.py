"""What the archive needs of the room before it; `chengyi.collect.Collect` keeps it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from chengyi.model.submission import Submission, SubmissionState

if TYPE_CHECKING:
    from chengyi.collect.sources import Source


class Deliveries(Protocol):
    """Submissions that wait, and what becomes of them."""

    def pending(self) -> list[Submission]:
        """Return what was received and not yet kept or set aside, oldest first."""
        ...

    def source(self, id: str) -> "Source":
        """Return a configured source; NotFoundError."""
        ...

    def settle(self, connection: Connection, ids: Sequence[str], state: SubmissionState, reason: str = "") -> None:
        """Say what became of some submissions, inside the archive's own transaction."""
        ...
