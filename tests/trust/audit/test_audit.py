from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError, NotFoundError, StorageFullError
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.rows import acts
from chengyi.trust.body import entry_bytes
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.verify import verify_receipt
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

KEPT = Act(ActKind.KEPT, "node:a", "pkg-1@1", {"rows": 3})
READ = Act(ActKind.READ, "li", "pkg-1@1", {"case": "2026-7"})
DENIED = Act(ActKind.DENIED, "li", "grant-9")


def test_promise_4_every_act_is_on_record_and_provable(audit: LedgerAudit, clock: SetClock) -> None:
    assert audit.record(KEPT) == 0
    clock.advance(timedelta(hours=1))
    assert audit.record_all([READ, DENIED]) == [1, 2]
    entry = audit.entry(1)
    assert (entry.index, entry.at, entry.act) == (1, clock.now(), READ)
    assert verify_receipt(render(audit.receipt(0)), MemoryKeys().verifier).act == KEPT


def test_promise_4_the_ledger_holds_the_salted_digest_only(audit: LedgerAudit, ledger: MemoryLedger) -> None:
    audit.record_all([KEPT, KEPT])
    assert ledger.entry(0) == entry_bytes(audit.receipt(0).body)
    assert ledger.entry(0) != ledger.entry(1)
    assert len(audit.entry(0).salt) == 32


def test_many_acts_share_one_append(audit: LedgerAudit, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    appended: list[int] = []
    plain = ledger.append

    def counted(entries: Sequence[bytes]) -> int:
        appended.append(len(entries))
        return plain(entries)

    monkeypatch.setattr(ledger, "append", counted)
    assert audit.record_all(KEPT for _ in range(500)) == list(range(500))
    assert audit.record_all([]) == []
    assert appended == [500]


def test_entries_are_found_newest_first(audit: LedgerAudit) -> None:
    audit.record_all([KEPT, READ, DENIED, KEPT])

    def found(**filters: str | int) -> list[int]:
        return [entry.index for entry in audit.entries(**filters)]  # type: ignore[arg-type]

    assert found() == [3, 2, 1, 0]
    assert found(limit=2) == [3, 2]
    assert found(before=2) == [1, 0]
    assert found(object="pkg-1@1") == [3, 1, 0]
    assert found(actor="li") == [2, 1]
    assert found(kind="share.") == [2, 1]
    assert found(kind="share.read", actor="li", before=2) == [1]
    assert found(kind="%") == found(object="pkg-1") == []


def test_an_act_that_is_not_there_is_not_found(audit: LedgerAudit) -> None:
    for ask in (audit.entry, audit.receipt):
        with pytest.raises(NotFoundError):
            ask(0)


def test_a_full_ledger_records_nothing(
    audit: LedgerAudit, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entries: object) -> int:
        raise StorageFullError(path="ledger")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", full)
        with pytest.raises(StorageFullError):
            audit.record(KEPT)
    assert audit.entries() == []
    assert audit.record(KEPT) == 0


# crashes


def test_promise_6_a_crash_between_ledger_and_rows_is_told_and_not_mended(
    audit: LedgerAudit, ledger: MemoryLedger, rows: Rows, clock: SetClock
) -> None:
    assert audit.completeness().missing == ()
    ledger.append([b"lost"])
    assert audit.record_all([KEPT, READ]) == [2, 3]
    ledger.append([b"lost", b"lost"])
    later = LedgerAudit(rows, ledger, clock)
    assert later.record(DENIED) == 7
    ledger.append([b"lost"])
    found = later.completeness()
    assert (found.expected, found.received, found.missing) == (9, 5, ("0-0", "4-5", "8-8"))
    assert [entry.index for entry in later.entries()] == [7, 6, 3, 2, 1]
    assert [dict(entry.act.detail) for entry in later.entries(kind="audit.lost")] == [
        {"first": 4, "last": 5},
        {"first": 0, "last": 0},
    ]
    assert later.check() == ()
    with pytest.raises(NotFoundError):
        later.entry(4)
    assert later.record(KEPT) == 10
    assert later.check() == ()


def test_promise_6_an_old_gap_does_not_excuse_a_body_beside_it(
    audit: LedgerAudit, ledger: MemoryLedger, rows: Rows
) -> None:
    audit.record_all([KEPT, READ])
    ledger.append([b"lost"])
    audit.record(DENIED)
    with rows.begin() as connection:
        connection.execute(delete(acts).where(acts.c.entry == 1))
    assert [fault.path for fault in audit.check()] == ["act 1-2"]


def test_an_audit_without_any_body_misses_them_all(audit: LedgerAudit, ledger: MemoryLedger) -> None:
    ledger.append([b"lost"] * 3)
    assert audit.completeness().missing == ("0-2",)
    assert [fault.path for fault in audit.check()] == ["acts"]


def test_acts_outlive_the_process(tmp_path: Path, rows: Rows, clock: SetClock) -> None:
    def opened() -> LedgerAudit:
        return LedgerAudit(rows, FileLedger(tmp_path / "ledger", MemoryKeys(), "test.invalid/node", clock), clock)

    opened().record_all([KEPT] * 300)
    assert opened().record(READ) == 300
    assert opened().entry(300).act == READ
    assert opened().completeness().received == 301


# attacks


@pytest.mark.parametrize(
    "change",
    [
        {"body": '{"forged":1}'},
        {"object": "pkg-2@1"},
        {"actor": "wang"},
        {"kind": "share.read"},
        {"session": "other"},
        {"certificate": "0a"},
        {"erased": 1},
        {"body": ""},
        {"body": "", "actor": "", "object": "", "erased": 1},
        {"body": "", "actor": "", "object": ""},
    ],
)
def test_promise_4_an_edited_act_is_noticed(change: dict[str, str | int], audit: LedgerAudit, rows: Rows) -> None:
    audit.record_all([KEPT, READ])
    with rows.begin() as connection:
        connection.execute(update(acts).where(acts.c.entry == 0).values(change))
    for ask in (audit.entry, audit.receipt):
        with pytest.raises(IntegrityError):
            ask(0)
    with pytest.raises(IntegrityError):
        audit.entries()
    assert [fault.path for fault in audit.check()] == ["act 0"]
    assert audit.entry(1).act == READ


def test_promise_4_a_changed_time_is_noticed(audit: LedgerAudit, rows: Rows, clock: SetClock) -> None:
    audit.record(KEPT)
    with rows.begin() as connection:
        connection.execute(update(acts).values(at=clock.now() - timedelta(days=1)))
    with pytest.raises(IntegrityError):
        audit.entry(0)


def test_promise_4_an_exchanged_body_is_noticed(audit: LedgerAudit, rows: Rows) -> None:
    audit.record_all([KEPT, KEPT])
    other = audit.receipt(1).body.decode()
    with rows.begin() as connection:
        connection.execute(update(acts).where(acts.c.entry == 0).values(body=other))
    assert len(audit.check()) == 1


def test_promise_4_a_removed_act_is_missed(audit: LedgerAudit, rows: Rows) -> None:
    audit.record_all([KEPT, READ, DENIED])
    with rows.begin() as connection:
        connection.execute(delete(acts).where(acts.c.entry == 1))
    assert audit.completeness().missing == ("1-1",)
    assert [fault.path for fault in audit.check()] == ["act 1-1"]


def test_promise_4_who_takes_away_the_newest_acts_leaves_an_act_that_names_them(audit: LedgerAudit, rows: Rows) -> None:
    audit.record_all([KEPT, READ, DENIED])
    with rows.begin() as connection:
        connection.execute(delete(acts).where(acts.c.entry >= 1))
    assert audit.completeness().missing == ("1-2",)
    audit.record(KEPT)
    told = audit.entries(kind="audit.lost")
    assert [entry.act.object for entry in told] == ["acts:1-2"]
    assert audit.completeness().missing == ("1-2",)


def test_promise_4_a_shortened_ledger_is_refused(audit: LedgerAudit, rows: Rows, clock: SetClock) -> None:
    audit.record_all([KEPT, READ])
    shorter = MemoryLedger(MemoryKeys())
    shorter.append([b"one"])
    asks: list[Callable[[LedgerAudit], object]] = [lambda each: each.record(KEPT), LedgerAudit.completeness]
    for ask in asks:
        with pytest.raises(IntegrityError):
            ask(LedgerAudit(rows, shorter, clock))
