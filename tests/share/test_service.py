from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from chengyi.model.act import Act
from chengyi.model.actor import Role
from chengyi.model.codes import SharingClass
from chengyi.model.decision import Need
from chengyi.model.errors import DeniedError, IntegrityError, NotFoundError, UsageError
from chengyi.model.evidence import Evidence
from chengyi.model.grant import Purpose, RequestState
from chengyi.share import rows as tables
from chengyi.share.errors import GrantEndedError, OutsideGrantError, SettledRequestError, WithheldError
from chengyi.trust.ledger.notes import Verifier
from share.conftest import ARCHIVIST, CLERK, LOW_INCOME, NODE, PEOPLE, PURPOSE, STRANGER, Room

CASE = PURPOSE.case
NEED = Need("low_income", ("citizen_id", "aid_kind", "person_name"))


def test_the_catalogue_follows_the_datasets(room: Room) -> None:
    assert [each.dataset for each in room.share.catalogue(CLERK)] == ["low_income", "secrets", "stations"]
    assert room.share.publish(NODE) == 0

    room.integrate.put("stations", {"station_id": ("text", LOW_INCOME["area_code"][1])}, [["S1"]])
    room.integrate.drop("secrets")

    assert room.share.publish(NODE) == 2
    assert room.share.entry("stations", CLERK).version == 1
    with pytest.raises(NotFoundError):
        room.share.entry("secrets", CLERK)
    assert room.acts("share.catalogued")[-1].detail == {"withdrawn": True}


def test_an_empty_catalogue_is_published_as_such(room: Room) -> None:
    for name in list(room.integrate.known):
        room.integrate.drop(name)

    assert room.share.publish(NODE) == 3
    assert room.share.catalogue(CLERK) == []


def test_the_catalogue_is_searched_by_words(room: Room) -> None:
    assert [each.dataset for each in room.share.catalogue(CLERK, "区民政局 birth_date")] == ["low_income"]
    assert room.share.catalogue(CLERK, "no-such-thing") == []


def test_an_unconditional_dataset_is_granted_at_once(room: Room) -> None:
    request = room.share.request(CLERK, "stations", ["value"], PURPOSE)

    assert request.state is RequestState.GRANTED
    assert request.grant is not None
    assert room.share.grant(request.grant).grantor == "department:区水务局"


def test_a_conditional_dataset_waits_for_a_person(room: Room) -> None:
    request = room.share.request(CLERK, "low_income", ["aid_kind"], PURPOSE)

    assert request.state is RequestState.OPEN
    assert room.share.grants(CLERK) == []
    assert room.share.request(CLERK, "low_income", ["aid_kind"], PURPOSE).id == request.id
    assert room.share.request(CLERK, "low_income", ["phone"], PURPOSE).id != request.id


def test_a_withheld_dataset_is_refused_with_its_basis(room: Room) -> None:
    request = room.share.request(CLERK, "secrets", ["matter"], PURPOSE)

    assert request.state is RequestState.REFUSED
    assert "不予共享" in request.reason
    assert room.acts("share.refused")[-1].object == f"request:{request.id}"


def test_an_approval_makes_a_signed_grant(room: Room) -> None:
    grant = room.approved("person_name", "phone", clear=["phone"], days=30)
    from chengyi.model.canonical import canonical
    from chengyi.share.rules import sealed_terms

    assert (grant.clear, grant.grantee, grant.grantor) == (("phone",), CLERK.id, ARCHIVIST.id)
    assert grant.expires - grant.not_before == timedelta(days=30)
    assert room.share.grant(grant.id) == grant
    signature = room.share.signature(grant.id)
    assert Verifier.parse(room.keys.verifier).check(signature, canonical(sealed_terms(grant)))


def test_an_answered_request_is_not_answered_again(room: Room) -> None:
    request = room.share.request(CLERK, "low_income", ["aid_kind"], PURPOSE)
    refused = room.share.refuse(ARCHIVIST, request.id, "依据不足")

    assert (refused.state, refused.reason) == (RequestState.REFUSED, "依据不足")
    with pytest.raises(SettledRequestError):
        room.share.approve(ARCHIVIST, request.id)


def test_of_two_answers_at_once_the_second_fails(room: Room) -> None:
    request = room.share.request(CLERK, "low_income", ["aid_kind"], PURPOSE)
    room.share.approve(ARCHIVIST, request.id)

    with pytest.raises(SettledRequestError):
        room.share._desk.refuse(request, ARCHIVIST.id, "迟到的答复")
    assert room.share.requests(ARCHIVIST)[0].state is RequestState.GRANTED


def test_the_row_filter_of_an_approval_must_name_offered_fields(room: Room) -> None:
    request = room.share.request(CLERK, "low_income", ["aid_kind"], PURPOSE)

    with pytest.raises(NotFoundError):
        room.share.approve(ARCHIVIST, request.id, where=[("salary", ["1"])])


def test_who_may_not_ask_or_answer_is_denied(room: Room) -> None:
    request = room.share.request(CLERK, "low_income", ["aid_kind"], PURPOSE)
    operator = replace(CLERK, roles=frozenset({Role.OPERATOR}))

    with pytest.raises(DeniedError):
        room.share.request(operator, "low_income", ["aid_kind"], PURPOSE)
    with pytest.raises(DeniedError):
        room.share.approve(STRANGER, request.id)
    with pytest.raises(DeniedError):
        room.share.revoke(CLERK, "grt-1", "x")
    with pytest.raises(DeniedError):
        room.share.grants(operator)
    with pytest.raises(DeniedError):
        room.share.requests(operator)


def test_lists_show_ones_own_department_only(room: Room) -> None:
    room.approved("aid_kind")

    assert len(room.share.grants(CLERK)) == len(room.share.grants(ARCHIVIST)) == 1
    assert room.share.grants(STRANGER) == []
    assert room.share.requests(STRANGER) == []
    assert len(room.share.requests(ARCHIVIST, RequestState.GRANTED)) == 1
    assert room.share.requests(CLERK, RequestState.OPEN) == []


def test_a_view_shows_granted_fields_masked_with_their_evidence(room: Room) -> None:
    grant = room.approved("citizen_id", "person_name", "phone", "address", "birth_date", "monthly_amount", "area_code")
    view = room.share.view(CLERK, grant.id, case=CASE)
    first = view.rows.to_pylist()[0]

    assert first["citizen_id"] == "990106********123X"
    assert first["person_name"] == "张*"
    assert first["phone"] == "138****1234"
    assert first["address"] == "云汀区清河街道***"
    assert first["birth_date"].isoformat() == "1980-01-01"
    assert first["monthly_amount"] is None
    assert first["area_code"] == "990106001"
    assert (first["_package"], first["_row"], len(first["_leaf"])) == ("pkg-low_income@1", 1, 32)
    assert "area_code" not in view.masked
    assert "citizen_id" in view.masked


def test_unlisted_fields_never_reach_the_engine_s_answer(room: Room) -> None:
    grant = room.approved("aid_kind", clear=["aid_kind"])
    view = room.share.view(CLERK, grant.id, case=CASE)

    assert view.rows.column_names == ["aid_kind", "_package", "_row", "_leaf", "_source"]
    assert view.rows["aid_kind"].to_pylist() == ["低保", "特困", "低保"]


def test_a_field_that_left_the_dataset_leaves_the_view(room: Room) -> None:
    grant = room.approved("aid_kind", "phone", clear=["aid_kind"])
    room.integrate.put("low_income", {"aid_kind": LOW_INCOME["aid_kind"]}, [["低保"]], sharing=SharingClass.CONDITIONAL)
    room.share.publish(NODE)

    assert room.share.view(CLERK, grant.id, case=CASE).rows["aid_kind"].to_pylist() == ["低保"]


def test_the_row_filter_of_the_grant_holds(room: Room) -> None:
    grant = room.approved("aid_kind", "area_code", where=[("area_code", ["990106002"])])
    view = room.share.view(CLERK, grant.id, case=CASE)

    assert view.rows["_row"].to_pylist() == [2]
    assert view.completeness.expected == 1


def test_a_record_is_looked_up_by_a_number_one_knows(room: Room) -> None:
    grant = room.approved("citizen_id", "aid_kind")
    found = room.share.view(CLERK, grant.id, case=CASE, filters={"citizen_id": "99010619800101123X"})

    assert found.rows["_row"].to_pylist() == [1]
    read = room.acts("share.read")[-1]
    assert "99010619800101123X" not in str(read.detail)
    with pytest.raises(OutsideGrantError):
        room.share.view(CLERK, grant.id, case=CASE, filters={"aid_kind": "低保"})


def test_promise_6_a_view_says_what_it_did_not_reach(room: Room) -> None:
    grant = room.approved("aid_kind")
    whole = room.share.view(CLERK, grant.id, case=CASE).completeness
    part = room.share.view(CLERK, grant.id, case=CASE, limit=1).completeness

    assert (whole.expected, whole.received) == (3, 3)
    assert whole.missing == ("quarantined:2", "undeclared:low_income")
    assert (part.expected, part.received) == (3, 1)
    assert "limited:2" in part.missing


def test_promise_6_a_view_names_the_gaps_of_its_sources(room: Room) -> None:
    request = room.share.request(CLERK, "stations", ["value"], PURPOSE)
    assert request.grant is not None

    assert room.share.view(CLERK, request.grant, case=CASE).completeness.missing == ("gap:stations/2026-10.jsonl",)


def test_promise_4_every_reading_is_witnessed_before_rows_leave(room: Room) -> None:
    grant = room.approved("aid_kind")
    view = room.share.view(CLERK, grant.id, case=CASE)
    act = room.audit.entry(view.entry).act

    assert (act.actor, act.object) == (CLERK.id, "dataset:low_income")
    assert act.detail["grant"] == grant.id
    assert act.detail["case"] == CASE
    assert act.purpose == PURPOSE.text
    assert act.fields == ("aid_kind",)
    assert (act.detail["rows"], act.detail["version"]) == (3, 0)
    assert room.share.check_receipt(room.audit.receipt(view.entry)).act == act
    assert [access["entry"] for access in room.share.accesses(ARCHIVIST, grant.id)] == [view.entry]


def test_promise_4_without_a_witness_nothing_leaves(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = room.approved("aid_kind")

    def full(act: Act) -> int:
        raise OSError("no space")

    monkeypatch.setattr(room.audit, "record", full)
    with pytest.raises(OSError, match="no space"):
        room.share.view(CLERK, grant.id, case=CASE)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"actor": STRANGER}, NotFoundError),
        ({"case": ""}, OutsideGrantError),
        ({"case": "other"}, OutsideGrantError),
        ({"filters": {"phone": "1"}}, OutsideGrantError),
        ({"grant": "grt-none"}, NotFoundError),
        ({"later": 91}, GrantEndedError),
        ({"revoke": True}, GrantEndedError),
        ({"withhold": True}, WithheldError),
    ],
)
def test_promise_4_every_refusal_is_witnessed(room: Room, change: dict[str, Any], error: type[Exception]) -> None:
    grant = room.approved("aid_kind")
    room.clock.advance(timedelta(days=change.get("later", 0)))
    if "revoke" in change:
        room.share.revoke(ARCHIVIST, grant.id, "用途已结束")
    if "withhold" in change:
        room.integrate.reclass("low_income", SharingClass.WITHHELD)
        room.share.publish(NODE)

    with pytest.raises(error):
        room.share.view(
            change.get("actor", CLERK),
            change.get("grant", grant.id),
            case=change.get("case", CASE),
            filters=change.get("filters"),
        )

    denied = room.acts("share.denied")
    assert len(denied) == 1
    assert denied[0].detail["error"] == error.__name__
    assert room.acts("share.read") == []


def test_what_is_forbidden_looks_like_what_is_absent(room: Room) -> None:
    grant = room.approved("aid_kind")

    with pytest.raises(NotFoundError) as forbidden:
        room.share.view(STRANGER, grant.id, case=CASE)
    with pytest.raises(NotFoundError) as absent:
        room.share.view(STRANGER, "grt-none", case=CASE)
    assert forbidden.value.message().replace(grant.id, "?") == absent.value.message().replace("grt-none", "?")


def test_a_forged_grant_is_refused(room: Room) -> None:
    grant = room.approved("aid_kind")
    table = tables.grants
    with room.rows.begin() as connection:
        terms = connection.execute(table.select()).mappings().one()["terms"]
        connection.execute(update(table).values(terms={**terms, "fields": ["aid_kind", "citizen_id"]}))

    with pytest.raises(IntegrityError):
        room.share.view(CLERK, grant.id, case=CASE)
    assert room.acts("share.denied")[0].detail["error"] == "IntegrityError"


def test_a_revocation_survives_an_edit_of_the_grant_s_row(room: Room) -> None:
    grant = room.approved("aid_kind")
    room.share.revoke(ARCHIVIST, grant.id, "用途已结束")
    with room.rows.begin() as connection:
        connection.execute(update(tables.grants).values(revoked_at=None))

    with pytest.raises(GrantEndedError):
        room.share.view(CLERK, grant.id, case=CASE)


def test_revoking_twice_is_one_act(room: Room) -> None:
    grant = room.approved("aid_kind")
    room.share.revoke(ARCHIVIST, grant.id, "用途已结束")
    room.share.revoke(ARCHIVIST, grant.id, "用途已结束")

    assert len(room.acts("share.revoked")) == 1
    with pytest.raises(UsageError):
        room.share.revoke(ARCHIVIST, grant.id, " ")


def test_a_declared_need_has_one_standing_grant(room: Room) -> None:
    grant = room.share.standing_grant(NODE, NEED, PURPOSE)

    assert room.share.standing_grant(NODE, NEED, PURPOSE) == grant
    assert grant.clear == ("aid_kind",)
    assert grant.grantor == "department:区民政局"
    assert room.share.standing_grant(NODE, NEED, Purpose("other", "law", "")).id != grant.id
    assert len(room.acts("share.granted")) == 2


def test_promise_1_a_revoked_standing_grant_is_not_given_anew(room: Room) -> None:
    grant = room.share.standing_grant(NODE, NEED, PURPOSE)
    room.share.revoke(ARCHIVIST, grant.id, "部门收回")

    with pytest.raises(GrantEndedError):
        room.share.standing_grant(NODE, NEED, PURPOSE)
    with pytest.raises(GrantEndedError):
        room.share.read(grant, NODE, CASE)


def test_an_expired_standing_grant_is_given_anew(room: Room) -> None:
    grant = room.share.standing_grant(NODE, NEED, PURPOSE)
    room.clock.advance(timedelta(days=400))

    assert room.share.standing_grant(NODE, NEED, PURPOSE).id != grant.id


def test_a_withheld_dataset_has_no_standing_grant(room: Room) -> None:
    with pytest.raises(WithheldError):
        room.share.standing_grant(NODE, Need("secrets", ("matter",)), PURPOSE)
    assert room.acts("share.denied")[0].object == "dataset:secrets"


def test_promise_1_a_program_reads_codes_in_place_of_identifiers(room: Room) -> None:
    grant = room.share.standing_grant(NODE, NEED, PURPOSE)
    shared = room.share.read(grant, NODE, CASE)
    rows: list[dict[str, Any]] = shared.arrow(shared.table.order_by("_row")).to_pylist()

    assert rows[0]["citizen_id"] == room.keys.code(str(PEOPLE[0][0]), "share.join")
    assert rows[2]["citizen_id"] is None
    assert (rows[0]["person_name"], rows[0]["aid_kind"]) == ("张*", "低保")
    assert sorted(shared.table.columns) == sorted([*NEED.fields, "_package", "_row", "_leaf", "_source"])
    assert shared.completeness.missing[0] == "quarantined:2"
    assert shared.as_of == room.integrate.known["low_income"].updated_at


def test_a_program_may_read_what_holds_no_identifier(room: Room) -> None:
    grant = room.share.standing_grant(NODE, Need("stations", ("value",)), PURPOSE)
    shared = room.share.read(grant, NODE, CASE)

    assert shared.arrow(shared.table)["value"].to_pylist() == [Decimal(1), Decimal(2)]


def evidence(room: Room) -> list[Evidence]:
    table = room.integrate.data["low_income", 0]
    return [Evidence(row["_package"], row["_row"], row["_leaf"].hex()) for row in table.to_pylist()]


def test_promise_5_a_row_is_led_home(room: Room) -> None:
    rows = evidence(room)
    package = room.integrate.archive.packages["pkg-low_income@1"]
    whole = Evidence(package.ref, 0, package.inventory)

    traces = room.share.trace_rows([rows[1], whole, rows[0], rows[1]])

    assert [trace.evidence for trace in traces] == [rows[1], whole, rows[0], rows[1]]
    assert all(trace.ok for trace in traces)
    assert traces[0].archival_code == package.archival_code
    assert traces[0].receipt is not None
    assert room.share.check_receipt(traces[0].receipt).index == package.entry


def test_promise_5_a_changed_row_does_not_get_home(room: Room) -> None:
    first, second, _ = evidence(room)
    forged = [
        replace(first, leaf=second.leaf),
        replace(first, row=9),
        replace(first, row=0),
        replace(first, package="pkg-none@1"),
    ]

    traces = room.share.trace_rows(forged)

    assert [trace.ok for trace in traces] == [False] * 4
    assert [trace.ok for trace in room.share.trace_rows([replace(first, row=9), first])] == [False, True]
    assert all(trace.finding.zh and trace.finding.en for trace in traces)


def test_promise_5_a_package_whose_rows_were_exchanged_does_not_get_home(room: Room) -> None:
    first = evidence(room)[0]
    leaves = room.integrate.archive.leaves["pkg-low_income@1"]
    leaves[2] = leaves[0]

    assert not room.share.trace_rows([first])[0].ok


def test_promise_5_a_package_that_the_ledger_does_not_know_does_not_get_home(room: Room) -> None:
    first = evidence(room)[0]
    packages = room.integrate.archive.packages
    packages["pkg-low_income@1"] = replace(packages["pkg-low_income@1"], inventory="0" * 64)

    assert not room.share.trace_rows([first])[0].ok
