"""Tracing: who did what, found by an index and believed only with proof."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from chengyi.model.act import Act, ActKind, Seat
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError, UsageError
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.rows import acts
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.verify import verify_receipt
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

SEAT = Seat(session="5e55", certificate="0a1b", address="10.1.2.3")
KEY = MemoryKeys().verifier


def read(actor: str, object: str, number: int = 0) -> Act:
    return Act(ActKind.READ, actor, object, {"number": number}, fields=("name",), purpose="核对", grant="grt-1")


@pytest.fixture
def busy(audit: LedgerAudit, clock: SetClock) -> LedgerAudit:
    """Sixty acts of three actors on four objects, one a minute; those of ``li`` from a seat."""
    for number in range(60):
        actor = ("li", "wang", "zhao")[number % 3]
        with audit.acting(SEAT if actor == "li" else Seat()):
            audit.record(read(actor, f"dataset:{number % 4}", number))
        clock.advance(timedelta(minutes=1))
    return audit


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"actor": "li"}, list(range(0, 60, 3))),
        ({"object": "dataset:1"}, list(range(1, 60, 4))),
        ({"session": "5e55"}, list(range(0, 60, 3))),
        ({"certificate": "0a1b"}, list(range(0, 60, 3))),
        ({"actor": "li", "object": "dataset:0"}, list(range(0, 60, 12))),
        ({"actor": "nobody"}, []),
        ({"actor": "l%"}, []),
    ],
)
def test_promise_4_acts_are_traced_with_receipts_that_hold_offline(
    busy: LedgerAudit, asked: dict[str, str], expected: list[int]
) -> None:
    found = busy.trace(**asked)  # type: ignore[arg-type]
    assert [entry.index for entry in found.entries] == expected
    assert found.cursor is None
    for entry, receipt in zip(found.entries, found.receipts, strict=True):
        assert receipt.checkpoint == found.checkpoint
        assert verify_receipt(render(receipt), KEY) == entry


def test_promise_4_what_was_cosigned_is_proven_by_the_cosigned_checkpoint(
    busy: LedgerAudit, ledger: MemoryLedger
) -> None:
    assert busy.trace(actor="li").checkpoint.size == 60
    ledger.witnessed = ledger.checkpoint()
    busy.record(read("wang", "dataset:1"))
    assert [busy.trace(actor=each).checkpoint.size for each in ("li", "wang", "nobody")] == [60, 61, 60]
    assert verify_receipt(render(busy.trace(actor="li").receipts[0]), KEY).act.actor == "li"


def test_a_trace_is_cut_by_time_and_goes_on_where_it_ended(busy: LedgerAudit, clock: SetClock) -> None:
    start = clock.now() - timedelta(minutes=60)
    hour = {"since": start + timedelta(minutes=6), "until": start + timedelta(minutes=18)}
    assert [each.index for each in busy.trace(actor="li", **hour).entries] == [6, 9, 12, 15]  # type: ignore[arg-type]
    pages, cursor, ended = [], None, False
    while not ended:
        found = busy.trace(actor="li", limit=7, cursor=cursor)
        pages.append([each.index for each in found.entries])
        cursor, ended = found.cursor, found.cursor is None
    assert [len(page) for page in pages] == [7, 7, 6]
    assert [index for page in pages for index in page] == list(range(0, 60, 3))
    newest = busy.trace(actor="li", limit=2, newest=True)
    assert ([each.index for each in newest.entries], newest.cursor) == ([57, 54], 54)
    assert [each.index for each in busy.trace(actor="li", limit=2, newest=True, cursor=54).entries] == [51, 48]


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_trace_of_everything_or_nothing_is_refused(busy: LedgerAudit, limit: int) -> None:
    with pytest.raises(UsageError):
        busy.trace()
    with pytest.raises(UsageError):
        busy.trace(actor="li", limit=limit)


def test_a_seat_is_on_every_act_within_it_and_on_no_other(audit: LedgerAudit) -> None:
    own = Act(ActKind.SIGNED_IN, "li", "account:li", session="own")
    with audit.acting(SEAT):
        first = audit.entry(audit.record(read("li", "a"))).act
        kept = audit.entry(audit.record(own)).act
        with audit.acting(Seat(session="inner")):
            inner = audit.entry(audit.record(read("li", "a"))).act
    outside = audit.entry(audit.record(read("li", "a"))).act
    assert (first.session, first.certificate, first.address) == ("5e55", "0a1b", "10.1.2.3")
    assert (first.fields, first.purpose, first.grant) == (("name",), "核对", "grt-1")
    assert (kept.session, kept.address) == ("own", "10.1.2.3")
    assert (inner.session, inner.certificate) == ("inner", "")
    assert outside.session == outside.certificate == outside.address == ""


def test_a_seat_is_not_that_of_another_thread(audit: LedgerAudit) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with audit.acting(SEAT), ThreadPoolExecutor(1) as other:
        index = other.submit(audit.record, read("wang", "a")).result()
    assert audit.entry(index).act.session == ""


def test_entries_between_are_verified_and_in_order(busy: LedgerAudit, clock: SetClock) -> None:
    start = clock.now() - timedelta(minutes=60)
    found = busy.between(start, start + timedelta(minutes=5), [ActKind.READ])
    assert [each.index for each in found] == [0, 1, 2, 3, 4]
    assert list(busy.between(start, clock.now(), [ActKind.DENIED])) == []


def test_promise_4_a_trace_from_plain_files_holds(tmp_path: Path, rows: Rows, clock: SetClock) -> None:
    audit = LedgerAudit(rows, FileLedger(tmp_path / "ledger", MemoryKeys(), "test.invalid/node", clock), clock)
    audit.record_all(read("li" if number % 7 == 0 else "wang", "a", number) for number in range(1_500))
    found = audit.trace(actor="li")
    assert len(found.entries) == 215
    assert all(verify_receipt(render(each), KEY).act.actor == "li" for each in found.receipts)


# attacks: what is tampered with is either refused by the trace, or found by the check; most by both

Tamper = Callable[[Rows], None]


def edited(entry: int, **values: object) -> Tamper:
    def tamper(rows: Rows) -> None:
        with rows.begin() as connection:
            connection.execute(update(acts).where(acts.c.entry == entry).values(values))

    return tamper


def removed(rows: Rows) -> None:
    with rows.begin() as connection:
        connection.execute(delete(acts).where(acts.c.entry == 30))


def swapped(rows: Rows) -> None:
    """Exchange the places of two acts."""
    with rows.begin() as connection:
        for old, new in ((0, 100), (3, 0), (100, 3)):
            connection.execute(update(acts).where(acts.c.entry == old).values(entry=new))


def copied(rows: Rows) -> None:
    """Put a true act on record a second time, in the place of another."""
    with rows.begin() as connection:
        row = dict(connection.execute(select(acts).where(acts.c.entry == 0)).mappings().one())
        connection.execute(delete(acts).where(acts.c.entry == 3))
        connection.execute(insert(acts).values(row | {"entry": 3}))


def moved_in_time(rows: Rows) -> None:
    with rows.begin() as connection:
        at = connection.execute(select(acts.c.at).where(acts.c.entry == 3)).scalar_one()
        connection.execute(update(acts).where(acts.c.entry == 0).values(at=at))


@pytest.mark.parametrize(
    "tamper",
    [
        edited(0, body='{"forged":1}'),
        edited(0, object="dataset:9"),
        edited(0, session="other"),
        edited(0, certificate="other"),
        edited(0, kind="share.denied"),
        edited(1, actor="li"),
        swapped,
        copied,
        moved_in_time,
    ],
    ids=["body", "object", "session", "certificate", "kind", "actor of another", "order", "copy", "time"],
)
def test_promise_4_a_tampered_act_is_refused_by_the_trace(busy: LedgerAudit, rows: Rows, tamper: Tamper) -> None:
    tamper(rows)
    with pytest.raises(IntegrityError):
        busy.trace(actor="li")
    assert busy.check()


@pytest.mark.parametrize("tamper", [edited(30, actor="wang"), removed], ids=["actor", "deletion"])
def test_promise_4_an_act_hidden_from_the_trace_is_found_by_the_check(
    busy: LedgerAudit, rows: Rows, tamper: Tamper
) -> None:
    tamper(rows)
    assert [fault.path.split("-")[0] for fault in busy.check()] == ["act 30"]
    if tamper is removed:
        assert busy.completeness().missing == ("30-30",)


def test_promise_4_an_act_without_ledger_entry_is_refused(busy: LedgerAudit, rows: Rows) -> None:
    with rows.begin() as connection:
        row = dict(connection.execute(select(acts).where(acts.c.entry == 0)).mappings().one())
        connection.execute(insert(acts).values(row | {"entry": 60}))
    with pytest.raises((IntegrityError, UsageError)):
        busy.trace(actor="li")
    with pytest.raises(IntegrityError):
        busy.completeness()
    with pytest.raises(IntegrityError):
        busy.record(read("li", "a"))


def test_promise_4_a_forged_log_cannot_prove_the_acts(busy: LedgerAudit, rows: Rows, clock: SetClock) -> None:
    other = MemoryLedger(MemoryKeys())
    other.append([bytes(32)] * 60)
    with pytest.raises(IntegrityError):
        LedgerAudit(rows, other, clock).trace(actor="li")
