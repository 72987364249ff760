"""The queue of anchors: writing never waits for the chain, and nothing is lost or doubled (promises 4 and 6)."""

from datetime import timedelta
from itertools import pairwise

import pytest

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import AnchorError, IntegrityError, UnreachableError
from chengyi.store.rows import Rows
from chengyi.trust.anchors.chain import Head
from chengyi.trust.anchors.queue import AnchorQueue
from chengyi.trust.ports import Checkpoint
from simulators.audit import MemoryAudit
from simulators.chain import MemoryChain
from simulators.ledger import MemoryLedger
from trust.anchors.chains import Chain

UNREACHABLE = UnreachableError(source="chain", why="down")


class Town:
    """A log whose entries are acts, a chain, and the queue between them."""

    def __init__(self, rows: Rows, clock: SetClock) -> None:
        self.rows, self.clock = rows, clock
        self.ledger = MemoryLedger()
        self.audit = MemoryAudit(clock, self.ledger)
        self.chain = MemoryChain()
        self.queue = self.again()

    def again(self) -> AnchorQueue:
        return AnchorQueue(self.rows, self.chain, self.ledger, self.audit, self.clock, actor="node:test")

    def act(self, count: int = 1, object: str = "something") -> Checkpoint:
        for _ in range(count):
            self.audit.record(Act(ActKind.READ, "node:test", object))
        return self.ledger.checkpoint()

    def anchored(self) -> list[int]:
        return [int(str(act.detail["size"])) for act in self.audit.acts if act.kind is ActKind.ANCHORED]


@pytest.fixture
def town(rows: Rows, clock: SetClock) -> Town:
    return Town(rows, clock)


def test_the_newest_checkpoint_is_anchored_and_the_act_is_on_record(town: Town) -> None:
    town.queue.add(town.act(3))
    town.queue.add(town.act(2))
    report = town.queue.drain()
    assert report.anchored is not None
    assert (report.anchored.size, report.pending, report.error) == (5, (), None)
    assert town.queue.proofs() == (report.anchored,)
    assert town.anchored() == [5]
    assert town.queue.drain().anchored is None


def test_promise_4_an_unreachable_chain_blocks_no_write_and_loses_nothing(town: Town) -> None:
    town.chain.fault = UNREACHABLE
    for _ in range(50):
        assert town.queue.add(town.act())
    assert town.chain.calls == 0
    report = town.queue.drain()
    assert report.error is UNREACHABLE
    (pending,) = report.pending
    assert (pending.size, pending.tries, pending.fault) == (50, 1, UNREACHABLE.message("zh"))
    town.chain.fault = None
    assert town.queue.drain(force=True).pending == ()
    assert town.anchored() == [50]


def test_tries_back_off_and_never_give_up(town: Town, clock: SetClock) -> None:
    town.chain.fault = AnchorError(chain="chain", why="no coins")
    start = clock.at
    town.queue.add(town.act())
    tried: list[int] = []
    for second in range(0, 4 * 3600, 10):
        clock.at = start + timedelta(seconds=second)
        before = town.chain.calls
        town.queue.drain()
        if town.chain.calls > before:
            tried.append(second)
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    town.queue.add(town.act())
    assert town.queue.drain().pending[0].tries == len(tried)


def test_a_restart_keeps_what_waits(town: Town) -> None:
    town.chain.fault = UNREACHABLE
    town.queue.add(town.act(2))
    town.queue.drain()
    town.chain.fault = None
    assert [each.size for each in town.again().pending()] == [2]
    assert town.again().drain(force=True).pending == ()


def test_a_crash_after_the_chain_took_it_doubles_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.queue.add(town.act(2))
    monkeypatch.setattr(AnchorQueue, "_keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        town.queue.drain()
    monkeypatch.undo()
    assert town.anchored() == []
    town.again().drain()
    assert (town.chain.block, town.anchored()) == (1, [2])


def test_promise_4_a_crash_between_proof_and_act_is_made_good(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.queue.add(town.act(2))
    with monkeypatch.context() as patched:
        patched.setattr(town.audit, "record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            town.queue.drain()
    for _ in range(3):
        town.again().drain()
    assert town.anchored() == [2]


def test_the_acts_of_anchoring_are_no_reason_to_anchor_again(town: Town) -> None:
    assert town.queue.add(town.act())
    town.queue.drain()
    assert not town.queue.add(town.ledger.checkpoint())
    town.audit.record(Act(ActKind.STAMPED, "node:test", "stamp"))
    assert not town.queue.add(town.ledger.checkpoint())
    checkpoint = town.act()
    town.audit.record(Act(ActKind.STAMPED, "node:test", "stamp"))
    assert town.queue.add(checkpoint)


def test_check_says_since_which_block(town: Town) -> None:
    first = town.act(3)
    assert town.queue.check(first).block is None
    town.queue.add(first)
    town.queue.drain()
    second = town.act(4)
    town.queue.add(second)
    town.queue.drain()
    third = town.act()
    assert [town.queue.check(each).block for each in (first, second, third)] == [1, 2, None]


def test_promise_4_a_log_that_was_rolled_back_is_found_out(town: Town, rows: Rows, clock: SetClock) -> None:
    town.queue.add(town.act(9))
    town.queue.drain()
    shorter = Town(rows, clock)
    shorter.chain = town.chain
    shorter.act(5, "other")
    with pytest.raises(IntegrityError, match="rolled back"):
        shorter.again().check()
    shorter.act(20, "other")
    with pytest.raises(IntegrityError, match="rolled back"):
        shorter.again().check()


def test_promise_4_a_log_that_was_rewritten_is_not_anchored(town: Town) -> None:
    town.chain.heads[town.ledger.origin] = Head(5, b"x" * 32, 1)
    town.queue.add(town.act(9))
    with pytest.raises(IntegrityError, match="rolled back"):
        town.queue.check()
    assert town.queue.pending()


def test_promise_4_a_row_that_was_edited_is_not_anchored(town: Town, rows: Rows) -> None:
    from sqlalchemy import update

    from chengyi.trust.anchors.rows import anchors

    town.queue.add(town.act(4))
    with rows.begin() as connection:
        connection.execute(update(anchors).values(root="00" * 32))
    town.act(2)
    with pytest.raises(IntegrityError, match="rolled back"):
        town.queue.drain()
    assert town.chain.heads == {}


def test_the_queue_works_on_real_chains(town: Town, chain: Chain) -> None:
    town.chain = chain.anchor  # type: ignore[assignment]
    queue = town.again()
    first = town.act(3)
    queue.add(first)
    report = queue.drain()
    assert report.anchored is not None
    town.act(300)
    queue.add(town.ledger.checkpoint())
    queue.drain()
    check = queue.check(first)
    assert check.block == report.anchored.block
    assert queue.check(town.act()).block is None
    assert chain.anchor.confirms(report.anchored)
