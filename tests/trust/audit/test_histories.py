"""Any history of recording, crashing, erasing and opening again; any act as a body, and any byte of it changed."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chengyi.model.act import Act, ActKind, Seat
from chengyi.model.actor import Actor, Role
from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError, ErasedError, IntegrityError
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.rows import acts
from chengyi.trust.body import entry_bytes, parse_body, render_body
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.verify import verify_receipt
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
ADMIN = Actor("admin", "审计管理员", "局", frozenset({Role.AUDIT_ADMIN}))
AUDITOR = Actor("auditor", "审计员", "局", frozenset({Role.AUDITOR}))
WORDS = {"reason": "保存期限已满", "basis": "个人信息保护法第四十七条"}
KEY = MemoryKeys().verifier
ACTORS = ("li", "wang", "node:a")


class History(RuleBasedStateMachine):
    """What the audit says is compared with a plain list of what was done."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.rows = Rows(f"sqlite:///{Path(self.folder.name) / 'node.db'}")
        acts.create(self.rows.engine)
        self.ledger, self.clock = MemoryLedger(MemoryKeys()), SetClock(AT)
        self.done: dict[int, Act] = {}
        self.erased: set[int] = set()
        self.lost: list[tuple[int, int]] = []
        self.open()

    @rule()
    def open(self) -> None:
        self.audit = LedgerAudit(self.rows, self.ledger, self.clock)

    @rule(actor=st.sampled_from(ACTORS), count=st.integers(1, 4), seated=st.booleans())
    def record(self, actor: str, count: int, seated: bool) -> None:
        seat = Seat(session="5e55") if seated else Seat()
        new = [Act(ActKind.READ, actor, f"dataset:{number % 2}", {"n": number}) for number in range(count)]
        with self.audit.acting(seat):
            indexes = self.audit.record_all(new)
        self.done |= {index: act.seated(seat) for index, act in zip(indexes, new, strict=True)}

    @rule(count=st.integers(1, 3))
    def crash(self, count: int) -> None:
        """Die after the ledger has the entries, before the rows have the bodies."""
        first = self.ledger.append([bytes([count])] * count)
        if self.lost and self.lost[-1][1] == first - 1:
            self.lost[-1] = (self.lost[-1][0], first + count - 1)
        else:
            self.lost.append((first, first + count - 1))
        self.open()

    @precondition(lambda self: set(self.done) - self.erased)
    @rule(data=st.data())
    def erase(self, data: Any) -> None:
        index = data.draw(st.sampled_from(sorted(set(self.done) - self.erased)))
        if self.done[index].actor.startswith("node:"):
            with pytest.raises(ChengyiError):
                self.audit.erase(index, by=ADMIN, approver=AUDITOR, **WORDS)
            return
        self.audit.erase(index, by=ADMIN, approver=AUDITOR, **WORDS)
        self.erased.add(index)

    @invariant()
    def nothing_is_at_fault(self) -> None:
        if not self.done and self.lost:
            return  # a log without any body at all is a fault
        assert self.audit.check() == ()
        missing = self.audit.completeness().missing
        assert missing == tuple(f"{first}-{last}" for first, last in self.lost)

    @invariant()
    def what_was_done_is_found_and_what_was_erased_is_not(self) -> None:
        for asked in ({"actor": "li"}, {"object": "dataset:1"}, {"session": "5e55"}):
            ((name, value),) = asked.items()
            wanted = {i: a for i, a in self.done.items() if getattr(a, name) == value and i not in self.erased}
            found = self.audit.trace(**asked)  # type: ignore[arg-type]
            assert {entry.index: entry.act for entry in found.entries} == wanted
            assert all(verify_receipt(render(each), KEY).index == each.index for each in found.receipts)

    @invariant()
    def what_was_erased_says_so(self) -> None:
        for index in self.erased:
            with pytest.raises(ErasedError):
                self.audit.receipt(index)

    def teardown(self) -> None:
        self.rows.close()
        self.folder.cleanup()


History.TestCase.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestHistory = pytest.mark.slow(History.TestCase)

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
ACTS = st.builds(
    Act,
    st.sampled_from(ActKind),
    TEXT,
    TEXT,
    st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3),
    fields=st.lists(TEXT, max_size=3).map(tuple),
    purpose=TEXT,
    grant=TEXT,
    result=TEXT,
    session=TEXT,
    certificate=TEXT,
    address=TEXT,
)


@given(ACTS)
@settings(max_examples=200, deadline=None)
def test_any_act_is_a_body_and_comes_back(act: Act) -> None:
    body = render_body(act, AT, "00ff")
    entry = parse_body(5, body)
    assert (entry.act, entry.at) == (act, AT)
    assert entry_bytes(render_body(entry.act, entry.at, entry.salt)) == entry_bytes(body)


@given(ACTS, st.data())
@settings(max_examples=300, deadline=None)
def test_promise_4_a_changed_byte_is_another_digest_or_no_body(act: Act, data: st.DataObject) -> None:
    body = bytearray(render_body(act, AT, "00ff"))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    assume(bytes(body) != render_body(act, AT, "00ff"))
    assert entry_bytes(bytes(body)) != entry_bytes(render_body(act, AT, "00ff"))
    try:
        entry = parse_body(5, bytes(body))
    except IntegrityError:
        return
    assert (entry.act, entry.at, entry.salt) != (act, AT, "00ff")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_anything_else_is_refused_as_no_body(raw: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_body(0, raw)


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"detail":' * 50_000, b'{"a":' + b"1" * 5_000 + b"}"])
def test_a_body_that_is_deep_or_long_is_refused_in_time(deep: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_body(0, deep)
