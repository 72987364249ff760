"""Erasure: the body goes, the ledger stays whole, and who erased what, when and why is on record."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Role
from chengyi.model.clock import SetClock
from chengyi.model.errors import DeniedError, ErasedError, IntegrityError, NotFoundError, StorageFullError, UsageError
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.rows import acts
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.verify import verify_receipt
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

SECRET = "沈云舟-990106199001010018"
READ = Act(ActKind.READ, "li", f"dossier:{SECRET}", {"case": SECRET}, session="5e55", certificate="0a")
KEPT = Act(ActKind.KEPT, "node:a", "pkg-1@1")
ADMIN = Actor("admin", "审计管理员", "局", frozenset({Role.AUDIT_ADMIN}))
AUDITOR = Actor("auditor", "审计员", "局", frozenset({Role.AUDITOR}))
CLERK = Actor("clerk", "经办", "局", frozenset({Role.CLERK}))
WORDS = {"reason": "本人申请删除，保存期已满", "basis": "个人信息保护法第四十七条"}


@pytest.fixture
def held(audit: LedgerAudit) -> LedgerAudit:
    audit.record_all([KEPT, READ, READ, KEPT])
    return audit


def erase(audit: LedgerAudit, index: int = 1) -> None:
    audit.erase(index, by=ADMIN, approver=AUDITOR, **WORDS)


def test_promise_4_an_erased_body_is_gone_and_accounted_for(
    held: LedgerAudit, ledger: MemoryLedger, rows: Rows, clock: SetClock
) -> None:
    digest = ledger.entry(1)
    erase(held)
    left = held.entry(1)
    assert left.erased is not None
    assert (left.at, left.act, left.salt) == (clock.now(), Act(ActKind.READ, "", ""), "")
    assert (left.erased.entry, left.erased.by, left.erased.approved_by) == (4, "admin", "auditor")
    assert (left.erased.reason, left.erased.basis) == (WORDS["reason"], WORDS["basis"])
    assert ledger.entry(1) == digest
    assert held.completeness().missing == ()
    assert held.check() == ()
    assert LedgerAudit(rows, ledger, clock).check() == ()
    with pytest.raises(ErasedError) as told:
        held.receipt(1)
    for language in ("zh", "en"):
        assert WORDS["reason"] in told.value.message(language)
        assert "admin" in told.value.message(language)
    proven = verify_receipt(render(held.receipt(4)), MemoryKeys().verifier)
    assert proven.act.object == "act:1"
    assert proven.act.detail["digest"] == digest.hex()


def test_an_erased_act_is_found_by_nobody_it_concerned(held: LedgerAudit) -> None:
    erase(held)
    for asked in ({"actor": "li"}, {"object": READ.object}, {"session": "5e55"}, {"certificate": "0a"}):
        assert [each.index for each in held.trace(**asked).entries] == [2]  # type: ignore[arg-type]
    assert [entry.index for entry in held.entries()] == [4, 3, 2, 1, 0]
    assert "li" not in str(held.entries(kind="audit.erased"))


def test_promise_3_nothing_of_an_erased_body_is_left_in_the_files(held: LedgerAudit, tmp_path: Path) -> None:
    def traces() -> list[bytes]:
        return [path.read_bytes() for path in tmp_path.glob("node.db*") if SECRET.encode() in path.read_bytes()]

    assert traces()
    erase(held, 1)
    erase(held, 2)
    assert traces() == []


def test_erasing_twice_is_erasing_once(held: LedgerAudit, ledger: MemoryLedger) -> None:
    erase(held)
    size = ledger.checkpoint().size
    erase(held)
    assert ledger.checkpoint().size == size


@pytest.mark.parametrize(
    ("by", "approver", "words", "error"),
    [
        (CLERK, AUDITOR, WORDS, DeniedError),
        (AUDITOR, ADMIN, WORDS, DeniedError),
        (ADMIN, CLERK, WORDS, DeniedError),
        (ADMIN, ADMIN, WORDS, UsageError),
        (ADMIN, Actor("li", "李", "局", frozenset({Role.AUDITOR})), WORDS, UsageError),
        (Actor("li", "李", "局", frozenset({Role.AUDIT_ADMIN})), AUDITOR, WORDS, UsageError),
        (ADMIN, AUDITOR, {**WORDS, "reason": "   "}, UsageError),
        (ADMIN, AUDITOR, {**WORDS, "basis": "无"}, UsageError),
        (ADMIN, AUDITOR, {**WORDS, "basis": "法" * 501}, UsageError),
    ],
)
def test_promise_7_two_people_and_a_legal_ground_are_needed(
    held: LedgerAudit, by: Actor, approver: Actor, words: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        held.erase(1, by=by, approver=approver, **words)
    assert held.entry(1).act == READ
    assert held.completeness().expected == 4


def test_promise_2_what_the_archive_rests_on_is_never_erased(held: LedgerAudit) -> None:
    erase(held)
    own = held.record(Act(ActKind.READ, "node:a", "dataset:a"))
    for index in (0, 4, own):
        with pytest.raises(UsageError):
            erase(held, index)
    with pytest.raises(NotFoundError):
        erase(held, 9)


def test_promise_7_nobody_erases_a_flag_about_oneself(held: LedgerAudit) -> None:
    flag = held.record(Act(ActKind.FLAGGED, "node:a", "subject:admin", {"day": "2026-11-20"}))
    with pytest.raises(UsageError):
        erase(held, flag)
    other = held.record(Act(ActKind.FLAGGED, "node:a", "subject:wang", {"day": "2026-11-20"}))
    erase(held, other)
    assert held.entry(other).erased is not None


def test_promise_8_an_erasure_that_cannot_be_recorded_erases_nothing(
    held: LedgerAudit, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entries: object) -> int:
        raise StorageFullError(path="ledger")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", full)
        with pytest.raises(StorageFullError):
            erase(held)
    assert held.entry(1).act == READ
    assert held.check() == ()


def test_promise_8_a_crash_between_ledger_and_rows_leaves_the_body_and_can_be_repeated(
    held: LedgerAudit, ledger: MemoryLedger, rows: Rows, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ledger.append

    def killed(entries: list[bytes]) -> int:
        plain(entries)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(held)
    later = LedgerAudit(rows, ledger, clock)
    assert later.entry(1).act == READ
    assert later.check() == ()
    erase(later)
    assert later.entry(1).erased is not None
    assert [each.act.object for each in later.entries(kind="audit.lost")] == ["acts:4-4"]
    assert later.check() == ()


# attacks


def change(rows: Rows, index: int, **values: object) -> None:
    with rows.begin() as connection:
        connection.execute(update(acts).where(acts.c.entry == index).values(values))


def test_promise_4_a_body_that_vanished_without_an_act_is_a_fault(held: LedgerAudit, rows: Rows) -> None:
    erase(held)
    nothing = {"body": "", "actor": "", "object": "", "session": None, "certificate": None}
    change(rows, 2, **nothing, erased=4)
    with pytest.raises(IntegrityError):
        held.entry(2)
    change(rows, 3, **nothing, erased=3)
    assert [fault.path for fault in held.check()] == ["act 2", "act 3"]


@pytest.mark.parametrize("values", [{"kind": "archive.kept"}, {"erased": None}, {"erased": 99}, {"actor": "wang"}])
def test_promise_4_what_is_left_of_an_erased_act_is_guarded(
    held: LedgerAudit, rows: Rows, values: dict[str, object]
) -> None:
    erase(held)
    change(rows, 1, **values)
    with pytest.raises(IntegrityError):
        held.entry(1)
    assert "act 1" in [fault.path for fault in held.check()]


def test_promise_4_an_erased_body_that_is_put_back_is_refused(held: LedgerAudit, rows: Rows) -> None:
    with rows.read() as connection:
        old = dict(connection.execute(select(acts).where(acts.c.entry == 1)).mappings().one())
    erase(held)
    change(rows, 1, **{**old, "erased": 4})
    with pytest.raises(IntegrityError):
        held.entry(1)
    change(rows, 1, **old)
    assert [fault.path for fault in held.check()] == ["act 4"]


def test_promise_4_a_changed_act_of_erasure_is_noticed(held: LedgerAudit, rows: Rows) -> None:
    erase(held)
    with rows.read() as connection:
        body = connection.execute(select(acts.c.body).where(acts.c.entry == 4)).scalar_one()
    change(rows, 4, body=body.replace("本人申请", "领导要求"))
    with pytest.raises(IntegrityError):
        held.entry(1)
    assert [fault.path for fault in held.check()] == ["act 1", "act 4"]
