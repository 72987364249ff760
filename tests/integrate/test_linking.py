from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from chengyi.integrate.contract_checks import contract_of
from chengyi.integrate.linking import lists_each_once
from chengyi.integrate.rows import dossier_events, dossier_members, dossiers
from chengyi.model.act import ActKind
from chengyi.model.actor import Actor, Role
from chengyi.model.dossier import EntityKind
from chengyi.model.errors import DeniedError, NotFoundError
from chengyi.model.evidence import Evidence
from chengyi.model.identifiers import make_citizen_id
from simulators.archive import EVENT

from .conftest import Room, SimSource, contract_document

PERSON = {
    "kind": "person",
    "citizen_id": "citizen_id",
    "name": "person_name",
    "phone": "phone",
    "household": "household_no",
}
COLUMNS: list[Any] = ["citizen_id", "person_name", "phone", "household_no", "address"]


def number(serial: int) -> str:
    from datetime import date

    return make_citizen_id("990106", date(1960 + serial, 3, 4), 100 + serial)


def people(*rows: tuple[str | None, ...]) -> dict[str, list[str | None]]:
    """Return cells of (citizen number, name, phone, household, address)."""
    filled = [(*row, *[None] * (5 - len(row))) for row in rows]
    return {name: [row[place] for row in filled] for place, name in enumerate(COLUMNS)}


def two_sources(room: Room) -> None:
    room.declare("police", COLUMNS, "population", key=["citizen_id"], entity=[PERSON], department="公安")
    room.declare("civil", COLUMNS, "low_income", entity=[PERSON], department="民政")


def ids(room: Room, kind: str = "person") -> dict[str, str]:
    """Return the living dossiers by label."""
    heads = room.integrate.dossiers("", room.actor)
    return {head.label: head.id for head in heads if head.kind == kind}


ZHANG, LI, WANG = (number(1), "张伟"), (number(2), "李娜"), (number(3), "王芳")


def test_rows_of_many_sources_become_one_dossier_with_facts_side_by_side(room: Room) -> None:
    two_sources(room)
    first = room.archive.keep("police", people((*ZHANG, "13800000001", "H1", "人民路1号"), (*LI, None, "H1")))
    second = room.archive.keep(
        "civil", people((*ZHANG, "13900000002", "H1", "解放路9号")), event_time=EVENT + timedelta(days=3)
    )
    room.update()
    report = room.link()
    assert (report.run, report.dossiers, report.opened, report.changed) == (1, 3, 3, True)
    found = room.integrate.dossier(ids(room)["张伟"], room.actor)
    assert found.kind is EntityKind.PERSON
    assert [(m.dataset, m.evidence.package) for m in found.members] == [
        ("low_income", second.ref),
        ("population", first.ref),
    ]
    assert all(0 < member.probability <= 1 and member.reasons for member in found.members)
    assert found.conflicts == ("address",)
    facts = [(f.value, f.department, f.preferred, f.event_time) for f in found.facts if f.field == "address"]
    assert facts == [
        ("解放路9号", "民政", True, EVENT + timedelta(days=3)),
        ("人民路1号", "公安", False, EVENT),
    ]
    leaf = room.archive.table_of(first.ref).tree[0].hex()
    assert Evidence(first.ref, 1, leaf) in {fact.evidence for fact in found.facts}
    assert room.integrate.dossier_of("population", Evidence(first.ref, 1, leaf)) == [
        found.id,
        ids(room, "household")["H1"],
    ]


def test_households_are_linked_by_their_number(room: Room) -> None:
    two_sources(room)
    room.archive.keep(
        "police", people((*ZHANG, None, "H1", "人民路1号"), (*LI, None, "H1", "人民路1号"), (*WANG, None, "H2"))
    )
    room.update()
    room.link()
    home = room.integrate.dossier(ids(room, "household")["H1"], room.actor)
    assert len(home.members) == 2
    assert home.weakest == 1
    assert home.conflicts == ()
    assert home.members[0].reasons[0].zh == "编号相同"
    counts = room.integrate.counts()
    assert (counts["persons"], counts["households"], counts["organisations"], counts["dossiers"]) == (3, 2, 0, 5)


def test_organisations_are_linked_by_their_code(room: Room) -> None:
    room.declare(
        "market",
        ["credit_code", "org_name"],
        "enterprises",
        entity=[{"kind": "organisation", "credit_code": "credit_code", "name": "org_name"}],
    )
    from chengyi.model.identifiers import make_credit_code

    code = make_credit_code("9", "1", "990106", "MA000012")
    room.archive.keep("market", {"credit_code": [code, code, None], "org_name": ["云汀米业", "云汀米业", "无号"]})
    room.update()
    room.link()
    (head,) = room.integrate.dossiers(code.lower(), room.actor)
    assert (head.kind, head.label, head.members) == (EntityKind.ORGANISATION, "云汀米业", 2)


def test_a_row_may_speak_of_two_people(room: Room) -> None:
    room.declare(
        "marry",
        ["husband_id", "husband_name", "wife_id", "wife_name"],
        "marriages",
        entity=[
            {"kind": "person", "citizen_id": "husband_id", "name": "husband_name"},
            {"kind": "person", "citizen_id": "wife_id", "name": "wife_name"},
        ],
    )
    room.archive.keep(
        "marry", {"husband_id": [ZHANG[0]], "husband_name": [ZHANG[1]], "wife_id": [LI[0]], "wife_name": [LI[1]]}
    )
    room.update()
    assert room.link().dossiers == 2
    wife = room.integrate.dossier(ids(room)["李娜"], room.actor)
    facts = {fact.field: fact.value for fact in wife.facts}
    assert (facts["person_name"], facts["citizen_id"], facts["husband_name"]) == ("李娜", LI[0], "张伟")


def test_nothing_new_links_nothing(room: Room) -> None:
    two_sources(room)
    room.archive.keep("police", people(ZHANG))
    room.update()
    room.link()
    acts = len(room.audit.acts)
    report = room.link()
    assert (report.run, report.changed) == (1, False)
    assert len(room.audit.acts) == acts


def test_ids_outlive_a_new_snapshot_and_new_rows_join_them(room: Room) -> None:
    two_sources(room)
    room.archive.keep("police", people((*ZHANG, None, "H1"), LI))
    room.update()
    room.link()
    before = ids(room)
    room.archive.keep(
        "police", people(WANG, (*LI, "13800000009"), (*ZHANG, None, "H1")), event_time=EVENT + timedelta(days=1)
    )
    room.archive.keep("civil", people(ZHANG))
    room.update()
    report = room.link()
    after = ids(room)
    assert {name: after[name] for name in before} == before
    assert (report.opened, report.merged, report.split, report.retired) == (1, 0, 0, 0)
    assert len(room.integrate.dossier(after["张伟"], room.actor).members) == 2


def test_a_record_whose_content_changed_is_known_by_its_number(room: Room) -> None:
    room.declare("civil", COLUMNS, "low_income", entity=[PERSON])
    room.archive.keep("civil", people((*ZHANG, None, None, "旧址")))
    room.update()
    room.link()
    before = ids(room)
    room.archive.keep("civil", people((*ZHANG, None, None, "新址")), event_time=EVENT + timedelta(days=1))
    room.update()
    report = room.link()
    assert (report.opened, report.retired) == (0, 0)
    assert ids(room) == before


def test_merge_and_split_and_retirement_are_logged_with_reasons(room: Room) -> None:
    room.declare("civil", COLUMNS, "low_income", key=["household_no"], entity=[{**PERSON}])

    def deliver(day: int, *rows: tuple[str | None, ...]) -> Any:
        room.archive.keep("civil", people(*rows), event_time=EVENT + timedelta(days=day))
        room.update()
        return room.link()

    deliver(0, (*ZHANG, None, "H1"), (*LI, None, "H2"), (*WANG, None, "H3"))
    first = ids(room)
    merged = deliver(1, (*ZHANG, None, "H1"), (*ZHANG, None, "H2"), (*WANG, None, "H3"))
    assert merged.merged == 1
    kept = ids(room)["张伟"]
    gone = first["李娜"] if kept == first["张伟"] else first["张伟"]
    assert room.integrate.dossier(gone, room.actor).id == kept
    split = deliver(2, (*ZHANG, None, "H1"), (*LI, None, "H2"), (*WANG, None, "H3"))
    assert split.split == 1
    again = ids(room)
    assert kept in again.values()
    retired = deliver(3, (*ZHANG, None, "H1"), (*LI, None, "H2"))
    assert retired.retired == 2
    with pytest.raises(NotFoundError):
        room.integrate.dossier(first["王芳"], room.actor)
    events = room.integrate.dossier_events(kept, room.actor)
    assert [event.event for event in events] == ["merge", "split"]
    assert gone in events[0].said.zh
    assert room.integrate.dossier_events(first["王芳"], room.actor)[0].event == "retire"


def test_promise_4_linking_and_reading_a_dossier_are_on_record(room: Room) -> None:
    two_sources(room)
    room.archive.keep("police", people(ZHANG))
    room.update()
    room.link()
    id = ids(room)["张伟"]
    room.integrate.dossier(id, room.actor)
    linked, read = room.audit.acts[-2:]
    assert (linked.kind, linked.detail["dossiers"]) == (ActKind.LINKED, 1)
    assert (read.kind, read.object, read.actor) == (ActKind.READ, f"dossier:{id}", room.actor.id)


def test_no_clear_number_stands_in_the_row_store(room: Room) -> None:
    two_sources(room)
    room.archive.keep(
        "police", people((*ZHANG, "13800000001", "H1", "人民路1号"), (number(4)[:-1] + "Z", "赵", "138", "H2"))
    )
    room.update()
    room.link()
    with room.rows.read() as connection:
        for table in (dossiers, dossier_members, dossier_events):
            text = str([tuple(row) for row in connection.execute(select(table))])
            assert ZHANG[0] not in text
            assert "13800000001" not in text
    assert all(number(4)[:12] not in fault.value for fault in room.integrate.faults())


def test_dossiers_are_found_by_name_number_and_id(room: Room) -> None:
    two_sources(room)
    room.archive.keep("police", people((*ZHANG, None, "H1"), (*LI, None, "H2"), (number(5), "张伟明")))
    room.update()
    room.link()
    find = room.integrate.dossiers

    def labels(query: str) -> list[str]:
        return sorted(head.label for head in find(query, room.actor))

    assert labels("张伟") == ["张伟", "张伟明"]
    assert labels(f" {ZHANG[0].lower()} ") == ["张伟"]
    assert labels("H2") == ["H2", "李娜"] or labels("H2") == ["H2"]
    assert [head.id for head in find(ids(room)["李娜"], room.actor)] == [ids(room)["李娜"]]
    assert labels("%") == []
    assert len(find("", room.actor, limit=2)) == 2
    assert len(find("", room.actor, limit=10, offset=4)) == 1


def test_who_may_not_see_dossiers_is_refused(room: Room) -> None:
    archivist = Actor("a", "a", "d", frozenset({Role.ARCHIVIST}))
    for ask in (room.integrate.dossiers, room.integrate.dossier, room.integrate.dossier_events):
        with pytest.raises(DeniedError):
            ask("x", archivist)
    with pytest.raises(NotFoundError):
        room.integrate.dossier("dos-none", room.actor)


def test_without_entities_there_is_nothing_to_link(room: Room) -> None:
    room.declare("road", ["section_id", "speed_kmh"], "speeds")
    room.archive.keep("road", {"section_id": ["1"], "speed_kmh": ["30"]})
    room.update()
    assert room.link().changed is False


def test_datasets_that_speak_of_nobody_yet_leave_no_dossiers(room: Room) -> None:
    two_sources(room)
    room.archive.keep("police", people((None, None, "13800000001")))
    room.update()
    assert room.link().dossiers == 0
    assert room.integrate.dossiers("", room.actor) == []


@pytest.mark.parametrize(
    ("key", "snapshot", "wanted"),
    [
        (["citizen_id"], "full", True),
        (["citizen_id", "person_name"], "full", True),
        (["household_no"], "full", False),
        ([], "full", False),
        (["citizen_id"], "delta", False),
    ],
)
def test_a_roll_by_citizen_number_lists_each_person_once(key: list[str], snapshot: str, wanted: bool) -> None:
    contract = contract_of(SimSource("s", contract_document(COLUMNS, key=key, snapshot=snapshot, entity=[PERSON])))
    assert contract is not None
    assert lists_each_once(contract) is wanted
