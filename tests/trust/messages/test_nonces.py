"""Used nonces: exactly once, over restarts and several processes, with bounded rows (promise 4)."""

import multiprocessing
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import func, select

from chengyi.store.rows import Rows
from chengyi.trust.messages.nonces import RowNonces
from chengyi.trust.messages.rows import message_nonces
from trust.messages.forge import NOW

LIFE, SKEW = timedelta(seconds=60), timedelta(seconds=30)


def count(rows: Rows) -> int:
    with rows.read() as connection:
        return int(connection.scalar(select(func.count()).where(message_nonces.c.keyid != "")) or 0)


def test_promise_4_a_nonce_counts_once_a_key_also_after_a_restart(rows: Rows, url: str) -> None:
    until = NOW + LIFE
    assert RowNonces(rows).use("a", "n1", until, NOW)
    assert RowNonces(rows).use("b", "n1", until, NOW)
    assert not RowNonces(rows).use("a", "n1", until, NOW)
    again = Rows(url)
    assert not RowNonces(again).use("a", "n1", until, NOW)
    assert RowNonces(again).use("a", "n2", until, NOW)
    again.close()


def test_nonces_are_forgotten_when_their_requests_can_no_longer_be_accepted(rows: Rows) -> None:
    nonces = RowNonces(rows)
    for second in range(1_000):
        now = NOW + timedelta(seconds=second)
        assert nonces.use("a", f"n{second}", now + LIFE, now)
    assert 90 <= count(rows) <= 200


def test_promise_4_a_clock_that_is_set_back_brings_nothing_to_life(rows: Rows) -> None:
    nonces = RowNonces(rows)
    assert nonces.use("a", "n1", NOW + LIFE, NOW)
    later = NOW + timedelta(minutes=10)
    assert nonces.use("a", "n2", later + LIFE, later)
    assert not nonces.use("a", "n1", NOW + LIFE, NOW)
    assert not RowNonces(rows).use("a", "n1", NOW + LIFE, NOW)


def test_a_clock_that_was_wrong_by_a_year_makes_the_node_deaf_for_minutes_only(rows: Rows) -> None:
    wrong = NOW + timedelta(days=365)
    assert RowNonces(rows).use("a", "n1", NOW + LIFE, NOW)
    assert RowNonces(rows).use("a", "n2", wrong + LIFE, wrong)
    assert not RowNonces(rows).use("a", "n1", NOW + LIFE, NOW)
    later = NOW + timedelta(minutes=6)
    assert RowNonces(rows).use("a", "n3", later + LIFE, later)


def test_promise_4_of_many_threads_with_one_nonce_one_wins(rows: Rows) -> None:
    nonces = RowNonces(rows)
    with ThreadPoolExecutor(8) as pool:
        for turn in range(10):
            won = list(pool.map(lambda _, turn=turn: nonces.use("a", f"n{turn}", NOW + LIFE, NOW), range(16)))
            assert won.count(True) == 1


def _use_all(url: str, count: int) -> int:
    rows = Rows(url)
    nonces = RowNonces(rows)
    won = sum(nonces.use("a", f"n{each}", NOW + LIFE, NOW) for each in range(count))
    rows.close()
    return won


@pytest.mark.slow
def test_promise_4_of_several_processes_with_the_same_nonces_each_nonce_wins_once(rows: Rows, url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        won = pool.starmap(_use_all, [(url, 100)] * 3)
    assert sum(won) == 100 == count(rows)


class Replays(RuleBasedStateMachine):
    """Requests are sent, sent again, the clock runs and is set back, the node restarts: none counts twice."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.rows = Rows(f"sqlite:///{Path(self.folder.name) / 'node.db'}")
        message_nonces.create(self.rows.engine)
        self.nonces = RowNonces(self.rows)
        self.now = NOW
        self.steady = True
        self.sent: list[datetime] = []
        self.accepted: set[int] = set()

    def _offer(self, number: int) -> bool:
        """Do as the verifier does: the moment first, the nonce last."""
        created = self.sent[number]
        if created > self.now + SKEW or created + LIFE + SKEW <= self.now:
            return False
        return self.nonces.use("a", f"n{number}", created + LIFE + SKEW, self.now)

    @rule(skew=st.integers(-30, 30))
    def send(self, skew: int) -> None:
        self.sent.append(self.now + timedelta(seconds=skew))
        accepted = self._offer(len(self.sent) - 1)
        if accepted:
            self.accepted.add(len(self.sent) - 1)
        if self.steady:
            assert accepted

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        if self.accepted:
            number = data.draw(st.sampled_from(sorted(self.accepted)))
            assert not self._offer(number)

    @rule(seconds=st.sampled_from([1, 29, 31, 61, 91, 200, 100_000]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(seconds=st.sampled_from([1, 31, 95, 250, 100_000]))
    def set_back(self, seconds: int) -> None:
        self.now -= timedelta(seconds=seconds)
        self.steady = False

    @rule()
    def restart(self) -> None:
        self.nonces = RowNonces(self.rows)

    @invariant()
    def rows_are_bounded(self) -> None:
        assert count(self.rows) <= len(self.sent)

    def teardown(self) -> None:
        self.rows.close()
        self.folder.cleanup()


TestReplays = pytest.mark.slow(Replays.TestCase)
TestReplays.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
