"""The facade: references, permissions, proofs of rows, verification of every step."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError as Refused

import chengyi.archive as room
from chengyi.archive import Archive
from chengyi.archive.rows import packages
from chengyi.archive.tables import SealedTables
from chengyi.archive.verification import _Walk
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.canonical import canonical
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.model.package import Package, Verdict
from chengyi.trust.ledger.merkle import leaf_hash, verify_inclusion
from simulators.house import House
from simulators.keys import MemoryKeys

ROLL = '姓名,备注\n张三,"说""好"""\n坏\n李四,\n'.encode()


@pytest.fixture
def kept(house: House) -> Package:
    house.collect.hand_in("table", {"低保.csv": ROLL})
    house.keep()
    return house.only()


def test_a_package_is_found_by_ref_id_and_archival_code(house: House, kept: Package) -> None:
    for ref in (kept.ref, kept.id, kept.archival_code):
        assert house.archive.package(ref, house.me) == kept
    assert kept.title == "来源table · 低保.csv"
    assert kept.metadata["sequence"] == "低保.csv"


def test_absent_and_forbidden_look_the_same(house: House, kept: Package, clerk: Actor) -> None:
    calls: list[Any] = [
        house.archive.package,
        lambda ref, who: house.archive.versions(ref.partition("@")[0], who),
        lambda ref, who: house.archive.open(ref, "低保.csv", who),
        house.archive.receipt,
        house.archive.inventory,
    ]
    for call in calls:
        with pytest.raises(NotFoundError) as absent:
            call("pkg-none@1", house.me)
        with pytest.raises(NotFoundError) as forbidden:
            call(kept.ref, clerk)
        said = absent.value.message().replace("pkg-none", kept.id)
        assert forbidden.value.message() == said


def test_a_file_is_opened_byte_for_byte(house: House, kept: Package) -> None:
    with house.archive.open(kept, "低保.csv", house.me) as stream:
        assert stream.read() == ROLL
    with pytest.raises(NotFoundError):
        house.archive.open(kept, "../x", house.me)


def test_promise_5_every_record_has_a_proof_that_leads_to_the_ledger(house: House, kept: Package) -> None:
    proofs = house.archive.row_proofs(kept.ref, [3, 1, 2])
    assert [proof.canonical.decode() for proof in proofs] == ['["李四",null]', '["张三","说\\"好\\""]', '{"raw":"坏"}']
    root = house.audit.entry(kept.entry).act.detail["root"]
    for proof in proofs:
        assert proof.leaf == leaf_hash(proof.canonical)
        assert (proof.root.hex(), proof.rows, proof.ref) == (root, 3, kept.ref)
        verify_inclusion(proof.row - 1, proof.rows, proof.leaf, proof.hashes, proof.root)


@pytest.mark.parametrize("row", [0, 4, -1])
def test_there_is_no_proof_for_a_record_that_is_not_there(house: House, kept: Package, row: int) -> None:
    with pytest.raises(NotFoundError):
        house.archive.row_proof(kept.ref, row)


def test_a_table_comes_with_ordinals_leaves_and_bad_rows(house: House, kept: Package) -> None:
    table = house.archive.table_of(kept.ref)
    assert table.table.to_pydict() == {"姓名": ["张三", "李四"], "备注": ['说"好"', None]}
    assert table.rows.to_pylist() == [1, 3]
    assert [each.row for each in table.bad] == [2]
    proofs = house.archive.row_proofs(kept.ref, [1, 3])
    assert table.leaves.to_pylist() == [proof.leaf for proof in proofs]
    assert house.archive.rows_of(kept.ref).total == 3


def test_a_table_just_kept_is_not_read_again(house: House, kept: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(SealedTables, "_read", refuse)
    assert len(house.archive.table_of(kept.ref).tree) == 3


def test_the_tables_at_hand_are_bounded_by_bytes(house: House, kept: Package) -> None:
    seal = kept.seal
    assert seal is not None
    size = house.archive.table_of(kept.ref).nbytes
    for capacity, held in ((size, 1), (size - 1, 0), (3 * size, 2)):
        tables = SealedTables(house.vault, capacity)
        first = tables.read_sealed(kept.components[0], seal)
        other = replace(kept.components[0], object=house.vault.put_bytes(ROLL).object)
        tables.read_sealed(other, seal)
        assert len(tables._kept) == held
        again = tables.read_sealed(kept.components[0], seal)
        assert (again is first) is (held == 2)


def test_since_gives_packages_of_a_source_in_ledger_order(house: House, kept: Package) -> None:
    house.collect.hand_in("table", {"b.csv": ROLL})
    house.collect.hand_in("documents", {"c.txt": b"x"})
    house.keep()
    assert [each.metadata["sequence"] for each in house.archive.since("table", -1)] == ["低保.csv", "b.csv"]
    assert [each.metadata["sequence"] for each in house.archive.since("table", kept.entry)] == ["b.csv"]


def test_counts(house: House, kept: Package) -> None:
    house.collect.hand_in("documents", {"c.txt": b"123"})
    house.keep()
    assert house.archive.counts() == {
        "packages": 2,
        "versions": 2,
        "files": 2,
        "bytes": len(ROLL) + 3,
        "rows": 3,
        "rejected": 1,
        "manual": 6,
    }


def test_counts_of_an_empty_archive(house: House) -> None:
    assert set(house.archive.counts().values()) == {0}


def test_many_packages_are_loaded_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chengyi.archive.holdings._SLICE", 2)
    for number in range(5):
        house.collect.hand_in("documents", {f"{number}/{name}.txt": name.encode() for name in "ab"})
    house.keep()
    found = house.archive.since("documents", -1)
    assert [len(each.components) for each in found] == [2] * 5
    assert all(len(each.checks) == 25 for each in found)


# --- verification


def walk(house: House, ref: str) -> dict[int, bool]:
    return {step.number: step.ok for step in house.archive.verify(ref).steps}


def test_a_whole_package_verifies_in_seven_steps(house: House, kept: Package) -> None:
    found = house.archive.verify(kept.ref)
    assert found.ok
    assert [step.number for step in found.steps] == [1, 2, 3, 4, 5, 6, 7]
    assert all(step.finding.zh and step.finding.en and step.title.zh for step in found.steps)


def test_a_document_verifies_without_rows(house: House) -> None:
    house.collect.hand_in("documents", {"a.txt": b"x"})
    house.keep()
    assert house.archive.verify(house.only().ref).ok


def test_with_the_logs_key_the_signature_is_checked(house: House, kept: Package) -> None:
    key = MemoryKeys("test.invalid/node").verifier
    trusting = Archive(house.rows, house.vault, house.audit, house.clock, house.collect, verifier=key)
    assert trusting.verify(kept.ref).ok
    other = MemoryKeys("test.invalid/node", b"other").verifier
    doubting = Archive(house.rows, house.vault, house.audit, house.clock, house.collect, verifier=other)
    assert [step.number for step in doubting.verify(kept.ref).steps if not step.ok] == [7]


def inventory_object(house: House, ref: str) -> str:
    with house.rows.read() as connection:
        query = text("SELECT inventory_object FROM packages WHERE ref = :ref")
        return str(connection.execute(query, {"ref": ref}).scalar_one())


def test_promise_2_changed_content_is_seen(house: House, kept: Package) -> None:
    fresh = Archive(house.rows, house.vault, house.audit, house.clock, house.collect)
    house.vault.flip(kept.components[0].object, 12)
    assert {step.number for step in fresh.verify(kept.ref).steps if not step.ok} == {3, 6}
    with pytest.raises(IntegrityError):
        fresh.row_proof(kept.ref, 1)


def test_promise_2_a_changed_inventory_is_seen(house: House, kept: Package) -> None:
    house.vault.flip(inventory_object(house, kept.ref))
    assert walk(house, kept.ref)[1] is False


def test_promise_2_an_exchanged_inventory_is_seen(house: House, kept: Package) -> None:
    value = json.loads(house.archive.inventory(kept.ref, house.me))
    value["chengyi"]["title"] = "另一题名"
    stored = house.vault.put_bytes(canonical(value))
    with house.rows.begin() as connection:
        connection.execute(update(packages).values(inventory=stored.sha256, inventory_object=stored.object))
    assert {number for number, ok in walk(house, kept.ref).items() if not ok} == {2, 7}


@pytest.mark.parametrize(
    ("statement", "steps"),
    [
        ("UPDATE packages SET title = '另一题名'", {2}),
        ("UPDATE packages SET archival_code = 'Y012-SJ·2026·D30-0009'", {2}),
        ("UPDATE packages SET version = 2", {2, 3, 7}),
        ("UPDATE package_components SET sha256 = lower(hex(zeroblob(32)))", {3}),
        ("UPDATE package_components SET path = 'x.csv'", {2, 3, 6}),
        ("UPDATE checks SET verdict = 'pass' WHERE code = 'GD-4-2'", {5}),
        ("UPDATE checks SET verdict = 'fail' WHERE code = 'GD-1-2'", {5}),
        ("UPDATE row_seals SET root = lower(hex(zeroblob(32)))", {6, 7}),
        ("UPDATE row_seals SET rows = 2", {6}),
        ("UPDATE packages SET entry = 1", {7}),
        ("UPDATE packages SET entry = 99", {7}),
    ],
)
def test_promise_2_a_record_edited_in_the_database_is_seen(
    house: House, kept: Package, statement: str, steps: set[int]
) -> None:
    house.audit.record(Act(ActKind.KEPT, "x", "pkg-other@1", {"inventory": "", "root": ""}))
    with house.rows.begin() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        connection.execute(text(statement))
    assert {number for number, ok in walk(house, kept.ref).items() if not ok} == steps


def test_promise_2_a_broken_chain_of_versions_is_seen(house: House, kept: Package) -> None:
    first = next(iter(house.collect.all.values()))
    house.collect.hand_in("table", {"低保.csv": ROLL + b"x,y\n"}, prior=first.id)
    house.keep()
    new = house.only()
    assert walk(house, new.ref)[4]
    with house.rows.begin() as connection:
        connection.execute(update(packages).where(packages.c.version == 1).values(inventory="0" * 64))
    assert walk(house, new.ref)[4] is False


def test_a_failed_check_in_an_inventory_is_seen(house: House, kept: Package) -> None:
    checks = tuple(replace(each, verdict=Verdict.FAIL) if each.code == "GD-1-2" else each for each in kept.checks)
    history = [kept]
    found = _Walk(house.archive._verifier, replace(kept, checks=checks), inventory_object(house, kept.ref), history)
    found.inventory()
    with pytest.raises(IntegrityError):
        found.checks()


def test_a_package_is_named_by_its_code_and_found_by_its_submission(house: House, kept: Package, clerk: Actor) -> None:
    assert house.archive.codes([kept.ref, "pkg-none@1"]) == {kept.ref: kept.archival_code}
    assert house.archive.kept_as(kept.submission, house.me) == kept
    with pytest.raises(NotFoundError):
        house.archive.kept_as(kept.submission, clerk)


def test_promise_2_there_is_no_way_to_change_or_remove_here() -> None:
    public = {name for name in dir(Archive) if not name.startswith("_")}
    assert public == {
        "checks_of", "code_report", "codes", "counts", "inventory", "keep_pending", "kept_as", "open", "package",
        "receipt", "row_proof", "row_proofs", "rows_of", "search", "since", "table_of", "verify", "versions",
    }  # fmt: skip


def test_the_room_has_only_its_public_names() -> None:
    assert room.Archive is Archive
    assert all(hasattr(room, name) for name in room.__all__)
    with pytest.raises(AttributeError):
        room.nothing  # noqa: B018


def test_the_database_refuses_a_second_package_for_one_submission(house: House, kept: Package) -> None:
    with house.rows.begin() as connection:
        row = dict(connection.execute(packages.select()).mappings().one())
        with pytest.raises(Refused):
            connection.execute(insert(packages), [{**row, "ref": "pkg-x@1", "id": "pkg-x"}])


def test_a_code_edited_in_the_database_is_told_not_shown(house: House, kept: Package) -> None:
    with house.rows.begin() as connection:
        connection.execute(update(packages).values(retention="D99"))
    with pytest.raises(IntegrityError):
        house.archive.package(kept.ref, house.me)


def test_unfinished_packages_cannot_be_seen(house: House, kept: Package) -> None:
    with house.rows.begin() as connection:
        connection.execute(update(packages).values(entry=None))
    assert house.archive.search("", house.me).total == 0
    assert house.archive.since("table", -1) == []
    assert house.archive.counts()["rows"] == 0
    with pytest.raises(NotFoundError):
        house.archive.package(kept.ref, house.me)
