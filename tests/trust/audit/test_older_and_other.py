"""Homes from before, another database, and several who record at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

import system
from chengyi.model.act import Act, ActKind, Seat
from chengyi.model.actor import Actor, Role
from chengyi.model.clock import SetClock, SystemClock
from chengyi.store.migrations import upgrade
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.body import entry_bytes, parse_body, render_body
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.verify import verify_receipt
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

ADMIN = Actor("admin", "审计管理员", "局", frozenset({Role.AUDIT_ADMIN}))
AUDITOR = Actor("auditor", "审计员", "局", frozenset({Role.AUDITOR}))
OLDER = (
    b'{"actor":"li","at":"2026-03-01T08:00:00.000001+00:00","detail":{"case":"1"},"kind":"share.read",'
    b'"object":"pkg-1@1","salt":"00112233445566778899aabbccddeeff"}'
)


def read(actor: str, number: int = 0) -> Act:
    return Act(ActKind.READ, actor, "dataset:a", {"number": number}, purpose="核对")


def to_first(rows: Rows) -> None:
    """Make the schema of the first version, as an older home has it."""
    from alembic import command
    from alembic.config import Config

    from chengyi.store import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    with rows.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")


def test_promise_2_an_act_of_an_older_home_keeps_its_bytes_and_is_found(tmp_path: Path, clock: SetClock) -> None:
    rows, ledger = Rows(f"sqlite:///{tmp_path / 'node.db'}"), MemoryLedger(MemoryKeys())
    to_first(rows)
    ledger.append([entry_bytes(OLDER)])
    with rows.begin() as connection:
        row = {"at": "2026-03-01T08:00:00.000001+00:00", "body": OLDER.decode()}
        insert = "INSERT INTO acts VALUES (0, :at, 'share.read', 'li', 'pkg-1@1', :body)"
        connection.execute(text(insert), row)
    upgrade(rows)
    audit = LedgerAudit(rows, ledger, clock)
    assert audit.check() == ()
    [receipt] = audit.trace(actor="li").receipts
    assert receipt.body == OLDER
    entry = verify_receipt(render(receipt), MemoryKeys().verifier)
    assert render_body(entry.act, entry.at, entry.salt) == OLDER
    assert audit.record(read("li")) == 1
    audit.erase(0, by=ADMIN, approver=AUDITOR, reason="保存期限已满", basis="个人信息保护法第四十七条")
    assert audit.check() == ()
    rows.close()


def test_what_is_not_said_is_not_in_the_body() -> None:
    at = datetime(2026, 3, 1, 8, 0, 0, 1, tzinfo=UTC)
    assert render_body(Act(ActKind.READ, "li", "pkg-1@1", {"case": "1"}), at, OLDER[-34:-2].decode()) == OLDER
    whole = Act(ActKind.READ, "li", "a", {}, ("x", "y"), "p", "g", "allowed", "s", "c", "10.0.0.1")
    body = render_body(whole, at, "00")
    assert parse_body(3, body).act == whole
    for part in (b'"address"', b'"certificate"', b'"fields":["x","y"]', b'"grant"', b'"purpose"', b'"result"'):
        assert part in body


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with system.postgresql() as url:
        yield url


@pytest.mark.postgres
@pytest.mark.slow
def test_the_audit_keeps_its_promises_on_postgresql(postgresql_url: str, clock: SetClock) -> None:
    rows, ledger = Rows(postgresql_url), MemoryLedger(MemoryKeys())
    upgrade(rows)
    audit = LedgerAudit(rows, ledger, clock)
    with audit.acting(Seat(session="5e55")):
        audit.record_all(read("li", number) for number in range(50))
    ledger.append([b"lost"])
    assert audit.record(read("wang")) == 52
    assert [len(audit.trace(**asked).receipts) for asked in ({"actor": "li"}, {"session": "5e55"})] == [50, 50]  # type: ignore[arg-type]
    audit.erase(7, by=ADMIN, approver=AUDITOR, reason="保存期限已满", basis="个人信息保护法第四十七条")
    assert len(audit.trace(actor="li").receipts) == 49
    assert audit.check() == ()
    assert audit.completeness().missing == ("50-50",)
    rows.close()


def work(home: Path, name: str, count: int) -> None:
    """Record with a database connection, a ledger and a lock of one's own, as a process does."""
    clock = SystemClock()
    rows = Rows(f"sqlite:///{home / 'node.db'}")
    audit = LedgerAudit(rows, FileLedger(home / "ledger", MemoryKeys(), "test.invalid/node", clock), clock)
    for number in range(count):
        audit.record(read(name, number))
    rows.close()


@pytest.mark.slow
def test_promise_4_those_who_record_at_once_take_turns(tmp_path: Path, clock: SetClock) -> None:
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    upgrade(rows)
    names = ("w0", "w1", "w2")
    with ThreadPoolExecutor(3) as workers:
        list(workers.map(lambda name: work(tmp_path, name, 40), names))
    audit = LedgerAudit(rows, FileLedger(tmp_path / "ledger", MemoryKeys(), "test.invalid/node", clock), clock)
    assert audit.entries(kind="audit.lost") == []
    assert audit.completeness().missing == ()
    assert audit.check() == ()
    for name in names:
        found = audit.trace(actor=name)
        assert [each.act.detail["number"] for each in found.entries] == list(range(40))
    rows.close()
