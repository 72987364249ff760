"""The queue of checkpoints that wait for the chain: writing never waits for it.

Keeps promise 4, and promise 6 (what is not anchored yet is named). Rules:

1. `add` is one local row; it never speaks to the chain.
2. Only the newest checkpoint needs to be anchored, for the log proves that it extends the older ones; it takes the
   place of one that waits, with its tries and its back-off.
3. `drain` tries once when the back-off allows it: 30 s after the first failure, doubled each time, an hour at most.
4. A proof is kept in rows before the act is recorded; a crash in between is made good by the next `drain`.
5. The acts that anchoring itself leaves are no reason to anchor again.
6. `check` compares the log with the chain: a chain that knows a longer log, or another root, says that the log was
   rolled back or rewritten, and that is an IntegrityError.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import Clock
from chengyi.model.errors import ChengyiError, IntegrityError, TransientError
from chengyi.model.text import Text
from chengyi.store.rows import Rows, insert_new
from chengyi.trust.anchors.chain import AnchorChain, AnchorProof, Head
from chengyi.trust.anchors.faults import rolled_back
from chengyi.trust.anchors.news import is_news
from chengyi.trust.anchors.rows import anchors as table
from chengyi.trust.ledger.merkle import verify_consistency
from chengyi.trust.ports import Audit, Checkpoint, Ledger

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pending:
    """A checkpoint that waits: since when, how often it was tried, when it is tried next, what went wrong last."""

    origin: str
    size: int
    since: datetime
    tries: int
    next_try: datetime
    fault: str


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What a drain did: the proof of what was anchored, what still waits, and the error that stopped it."""

    anchored: AnchorProof | None
    pending: tuple[Pending, ...]
    error: ChengyiError | None = None


@dataclass(frozen=True, slots=True)
class AnchorCheck:
    """How a checkpoint stands to the chain: `block` took in it or one that extends it, or None where none did."""

    size: int
    block: int | None
    head: Head | None
    finding: Text


class AnchorQueue:
    """Queues checkpoints of one log for one chain, and keeps their proofs."""

    def __init__(
        self, rows: Rows, chain: AnchorChain, ledger: Ledger, audit: Audit, clock: Clock, *, actor: str
    ) -> None:
        self._rows = rows
        self._chain = chain
        self._ledger = ledger
        self._audit = audit
        self._clock = clock
        self._actor = actor

    def add(self, checkpoint: Checkpoint) -> bool:
        """Queue a checkpoint; False where nothing but our own acts is new since the last one."""
        if not self._is_news(checkpoint):
            return False
        now = self._clock.now()
        before = self.pending()
        row = {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "queued_at": min((each.since for each in before), default=now),
            "tries": max((each.tries for each in before), default=0),
            "next_try": max((each.next_try for each in before), default=now),
            "fault": before[-1].fault if before else "",
            "proof": None,
        }
        with self._rows.begin() as connection:
            connection.execute(delete(table).where(*_behind(checkpoint.origin, checkpoint.size)))
            insert_new(connection, table, [row])
        return True

    def drain(self, *, force: bool = False) -> DrainReport:
        """Try to anchor the newest waiting checkpoint; with `force`, without regard to the back-off."""
        self._settle()
        waiting = self.pending()
        if not waiting:
            return DrainReport(None, ())
        newest = waiting[-1]
        if not force and newest.next_try > self._clock.now():
            return DrainReport(None, waiting)
        checkpoint = self._checkpoint(newest.size)
        try:
            proof = self._chain.anchor(checkpoint)
        except TransientError as error:
            self._failed(newest, newest.tries + 1, error)
            return DrainReport(None, self.pending(), error)
        self._keep(proof)
        self._audit.record(self._act(proof))
        return DrainReport(proof, self.pending())

    def pending(self) -> tuple[Pending, ...]:
        """Return what waits, oldest first."""
        query = select(table).where(table.c.origin == self._ledger.origin, table.c.proof.is_(None))
        with self._rows.read() as connection:
            found = connection.execute(query.order_by(table.c.size)).mappings()
            return tuple(_pending(dict(row)) for row in found)

    def proofs(self, limit: int = 100) -> tuple[AnchorProof, ...]:
        """Return the proofs kept, newest first."""
        query = select(table.c.proof).where(table.c.origin == self._ledger.origin, table.c.proof.is_not(None))
        with self._rows.read() as connection:
            found = connection.execute(query.order_by(table.c.size.desc()).limit(limit)).scalars()
            return tuple(AnchorProof(**proof) for proof in found)

    def check(self, checkpoint: Checkpoint | None = None) -> AnchorCheck:
        """Say at which block a checkpoint (the latest of the log where none is given) was anchored.

        IntegrityError where the chain knows a longer log, or one that this log does not extend.
        """
        checkpoint = checkpoint or self._ledger.checkpoint()
        head = self._chain.latest(checkpoint.origin)
        if head is None:
            return AnchorCheck(
                checkpoint.size, None, None, Text("链上尚无该账本", "the chain knows nothing of this log")
            )
        self._check_extends(head)
        if head.size < checkpoint.size:
            zh, en = f"尚未锚定，链上为 {head.size} 条", f"not anchored yet; the chain has {head.size} entries"
            self._check_consistent(head.size, head.root, checkpoint.size, checkpoint.root)
            return AnchorCheck(checkpoint.size, None, head, Text(zh, en))
        self._check_consistent(checkpoint.size, checkpoint.root, head.size, head.root)
        block = self._block(checkpoint.size, head)
        return AnchorCheck(checkpoint.size, block, head, Text(f"已于第 {block} 块锚定", f"anchored in block {block}"))

    def _check_extends(self, head: Head) -> None:
        """Compare the chain's head with the log as it is now."""
        latest = self._ledger.checkpoint()
        if head.size > latest.size:
            raise rolled_back(latest.origin)
        self._check_consistent(head.size, head.root, latest.size, latest.root)

    def _check_consistent(self, old: int, old_root: bytes, new: int, new_root: bytes) -> None:
        if old == 0:
            return
        try:
            verify_consistency(old, new, self._ledger.consistency(old, new), old_root, new_root)
        except IntegrityError as fault:
            raise rolled_back(self._ledger.origin) from fault

    def _block(self, size: int, head: Head) -> int:
        """Return the first block that is known to have taken in the checkpoint or one that extends it."""
        column = table.c.size
        query = select(table.c.proof).where(
            table.c.origin == self._ledger.origin, column >= size, column <= head.size, table.c.proof.is_not(None)
        )
        with self._rows.read() as connection:
            proof: Mapping[str, Any] | None = connection.scalar(query.order_by(column).limit(1))
        return head.block if proof is None else int(proof["block"])

    def _is_news(self, checkpoint: Checkpoint) -> bool:
        sizes = [*(each.size for each in self.pending()), *(each.size for each in self.proofs(1))]
        last = max(sizes, default=0)
        return is_news(self._audit, last, checkpoint.size)

    def _checkpoint(self, size: int) -> Checkpoint:
        query = select(table.c.root).where(table.c.origin == self._ledger.origin, table.c.size == size)
        with self._rows.read() as connection:
            root = bytes.fromhex(str(connection.scalar(query)))
        latest = self._ledger.checkpoint()
        if size > latest.size:
            raise rolled_back(latest.origin)
        self._check_consistent(size, root, latest.size, latest.root)
        return Checkpoint(self._ledger.origin, size, root, "")

    def _failed(self, pending: Pending, tries: int, error: TransientError) -> None:
        wait = min(_FIRST_WAIT * 2 ** min(tries - 1, 16), _LONGEST_WAIT)
        values = {"tries": tries, "next_try": self._clock.now() + wait, "fault": error.message("zh")}
        with self._rows.begin() as connection:
            connection.execute(_row(pending.origin, pending.size).values(values))

    def _keep(self, proof: AnchorProof) -> None:
        with self._rows.begin() as connection:
            connection.execute(delete(table).where(*_behind(proof.origin, proof.size)))
            connection.execute(_row(proof.origin, proof.size).values(proof=asdict(proof), fault=""))

    def _settle(self) -> None:
        """Record the act of the newest proof where a crash came between."""
        for proof in self.proofs(1):
            act = self._act(proof)
            if not self._audit.entries(object=act.object, kind=act.kind.value, limit=1):
                self._audit.record(act)

    def _act(self, proof: AnchorProof) -> Act:
        detail = asdict(proof)
        del detail["receipt"]
        return Act(ActKind.ANCHORED, self._actor, f"{proof.origin} {proof.size}", detail)


def _row(origin: str, size: int) -> Any:  # noqa: ANN401 - the library's own type
    return update(table).where(table.c.origin == origin, table.c.size == size)


def _behind(origin: str, size: int) -> tuple[Any, ...]:
    """Return the conditions for what waits and is older."""
    return table.c.origin == origin, table.c.size < size, table.c.proof.is_(None)


def _pending(row: Mapping[str, Any]) -> Pending:
    since, wait = row["queued_at"], row["next_try"]
    return Pending(row["origin"], row["size"], since, row["tries"], wait, row["fault"])
