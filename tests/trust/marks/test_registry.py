from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import system
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.store.migrations import upgrade
from chengyi.store.rows import Rows
from chengyi.trust.marks import rows as tables
from chengyi.trust.marks.policy import MarkPolicy
from chengyi.trust.marks.records import canary_root, commitment, roster_root
from chengyi.trust.marks.registry import Registry
from simulators.keys import MemoryKeys
from trust.marks.town import POLICY, Office, table


@pytest.fixture
def office() -> Office:
    return Office(table(50))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rows]:
    """A database that several threads may write to, brought to the present schema by its migrations."""
    if request.param == "sqlite":
        rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
        upgrade(rows)
        yield rows
        rows.close()
        return
    with system.postgresql() as url:
        rows = Rows(url)
        upgrade(rows)
        yield rows
        rows.close()


def test_recipients_who_come_at_once_get_places_of_their_own(backend: Rows) -> None:
    registry = Registry(backend, MemoryKeys())
    with ThreadPoolExecutor(8) as crowd:
        issues = list(
            crowd.map(lambda name: registry.issue("visits", POLICY, name), [f"r{at % 12}" for at in range(36)])
        )
    places = {each.recipient: each.ordinal for each in issues}
    assert sorted(places.values()) == list(range(12))
    assert all(each.ordinal == places[each.recipient] for each in issues)
    assert len({each.secrets.layout for each in issues}) == 1
    codes = registry.codes(issues[0].family)
    for each in issues:
        assert each.root == roster_root(codes[: each.recipients])
        assert each.code in codes[: each.recipients]


def test_a_recipient_has_one_place_and_the_chain_grows_with_him(office: Office) -> None:
    registry = office.marks.registry
    first, again, second = (registry.issue("visits", POLICY, each) for each in "aab")
    assert (first.ordinal, again.ordinal, second.ordinal) == (0, 0, 1)
    assert first.code == again.code != second.code
    assert first.root == again.root == roster_root([first.code])
    assert second.root == roster_root([first.code, second.code])
    assert first.id != again.id
    assert first.secrets.key == again.secrets.key
    assert first.secrets.salt != again.secrets.salt
    assert second.secrets.layout == first.secrets.layout


def test_a_family_is_a_dataset_under_one_policy(office: Office) -> None:
    registry = office.marks.registry
    ours = registry.issue("visits", POLICY, "a")
    for dataset, policy in (("other", POLICY), ("visits", MarkPolicy(POLICY.columns, POLICY.key, 0.5))):
        other = registry.issue(dataset, policy, "a")
        assert other.family != ours.family
        assert other.secrets.layout != ours.secrets.layout
        assert other.code != ours.code


def test_what_was_entered_comes_back(office: Office) -> None:
    record, copy = office.hand_out("部门/某人")
    assert office.marks.registry.record(record.id) == record
    assert record.rows == copy.num_rows
    assert commitment(record.secrets, record.terms()) == record.commitment
    with pytest.raises(NotFoundError):
        office.marks.registry.record("exp-none")


@pytest.mark.parametrize("what", ["recipient", "commitment", "rows", "entry", "policy"])
def test_an_edited_record_is_refused(office: Office, what: str) -> None:
    record, _ = office.hand_out("a")
    with office.rows.begin() as connection:
        note: dict[str, Any] = dict(connection.execute(tables.exports.select()).mappings().one()["note"])
        note[what] = {"rows": 7, "entry": 99, "policy": MarkPolicy(()).terms()}.get(what, "other")
        connection.execute(update(tables.exports).values(note=note))
    with pytest.raises(IntegrityError):
        office.marks.registry.record(record.id)


def test_secrets_of_one_export_do_not_open_as_anothers(office: Office) -> None:
    one, _ = office.hand_out("a")
    two, _ = office.hand_out("b")
    with office.rows.begin() as connection:
        taken = connection.execute(tables.exports.select().where(tables.exports.c.id == one.id)).mappings().one()
        moved = update(tables.exports).where(tables.exports.c.id == two.id).values(wrapped=taken["wrapped"])
        connection.execute(moved)
    with pytest.raises(IntegrityError):
        office.marks.registry.record(two.id)


def test_secrets_are_neither_shown_nor_stored_in_the_clear(office: Office) -> None:
    record, _ = office.hand_out("a")
    issue = office.marks.registry.issue("visits", POLICY, "a")
    shown = repr(record) + repr(issue) + repr(office.marks.identify(table(20)))
    for secret in (record.secrets.layout, record.secrets.key, record.secrets.salt, issue.secrets.salt):
        assert secret.hex() not in shown
        assert repr(secret)[2:20] not in shown
    with office.rows.read() as connection:
        for each in (tables.families, tables.exports):
            for row in connection.execute(each.select()):
                stored = repr(row._mapping).encode() + bytes(row.wrapped)
                assert record.secrets.key not in stored
                assert record.secrets.key.hex().encode() not in stored


def test_a_chain_and_a_list_of_control_rows_bind_what_is_in_them() -> None:
    assert len({roster_root([]), roster_root(["a"]), roster_root(["a", "b"]), roster_root(["b", "a"])}) == 4
    assert canary_root(["a", "b"]) == canary_root(["b", "a"]) != canary_root(["a"])
