from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.model.actor import Actor, Role
from chengyi.model.codes import Sensitivity, SharingClass
from chengyi.model.dataset import Field
from chengyi.model.errors import DeniedError, NotFoundError, UsageError
from chengyi.model.grant import CatalogueEntry, Grant, Purpose, Request, RequestState
from chengyi.model.text import Text
from chengyi.share import rules
from chengyi.share.errors import GrantEndedError, OutsideGrantError, SettledRequestError
from chengyi.share.workdays import CHINA, national_calendar
from share.conftest import ARCHIVIST, CLERK, PURPOSE, STRANGER

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FIELDS = tuple(
    Field(name, Text(name, name), "text", level)
    for name, level in [
        ("citizen_id", Sensitivity.SENSITIVE),
        ("person_name", Sensitivity.PERSONAL),
        ("area_code", Sensitivity.INTERNAL),
    ]
)
ENTRY = CatalogueEntry(
    "low_income", Text("低保", "Low income"), "区民政局", SharingClass.CONDITIONAL, Text("", ""), FIELDS, 3, 0, NOW
)
GRANT = Grant(
    id="grt-1",
    dataset="low_income",
    fields=("citizen_id", "person_name"),
    clear=(),
    where=(),
    grantor="arch-1",
    grantee=CLERK.id,
    department=CLERK.department,
    purpose=PURPOSE,
    not_before=NOW,
    expires=NOW + timedelta(days=90),
    entry=1,
)
REQUEST = Request("req-1", "low_income", GRANT.fields, CLERK.id, CLERK.department, PURPOSE, NOW, NOW)
USE = rules.Use(PURPOSE.case)


@pytest.mark.parametrize(
    ("sharing", "day"), [(SharingClass.UNCONDITIONAL, "2026-11-24"), (SharingClass.CONDITIONAL, "2026-12-07")]
)
def test_the_clock_of_an_answer_follows_the_sharing_class(sharing: SharingClass, day: str) -> None:
    due = rules.answer_due(sharing, NOW, national_calendar())

    assert due.astimezone(CHINA).date().isoformat() == day


def test_data_are_owed_twenty_working_days_after_the_grant() -> None:
    assert rules.delivery_due(NOW, national_calendar()).astimezone(CHINA).date().isoformat() == "2026-12-21"


@pytest.mark.parametrize("purpose", [Purpose(" ", "law", ""), Purpose("why", "", "")])
def test_a_purpose_and_its_basis_must_be_stated(purpose: Purpose) -> None:
    with pytest.raises(UsageError):
        rules.check_purpose(purpose)


def test_fields_come_in_the_order_of_the_catalogue() -> None:
    assert rules.check_fields(ENTRY, ["area_code", "citizen_id"]) == ("citizen_id", "area_code")


@pytest.mark.parametrize(("fields", "error"), [([], UsageError), (["income"], NotFoundError)])
def test_fields_that_are_not_offered_cannot_be_asked_for(fields: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        rules.check_fields(ENTRY, fields)


def test_a_live_grant_admits_its_department() -> None:
    assert rules.refusal(GRANT, CLERK, USE, NOW) is None
    assert rules.refusal(replace(GRANT, purpose=replace(PURPOSE, case="")), CLERK, rules.Use("any"), NOW) is None


@pytest.mark.parametrize(
    ("grant", "actor", "use", "after", "error"),
    [
        (GRANT, STRANGER, USE, 0, NotFoundError),
        (GRANT, replace(CLERK, roles=frozenset({Role.OPERATOR})), USE, 0, NotFoundError),
        (GRANT, replace(CLERK, roles=frozenset()), USE, 0, NotFoundError),
        (replace(GRANT, revoked_at=NOW), CLERK, USE, 0, GrantEndedError),
        (GRANT, CLERK, USE, -1, GrantEndedError),
        (GRANT, CLERK, USE, 90, GrantEndedError),
        (GRANT, CLERK, rules.Use(" "), 0, OutsideGrantError),
        (GRANT, CLERK, rules.Use("another case"), 0, OutsideGrantError),
        (GRANT, CLERK, rules.Use(PURPOSE.case, (("area_code", "1"),)), 0, OutsideGrantError),
    ],
)
def test_everything_else_is_refused(
    grant: Grant, actor: Actor, use: rules.Use, after: int, error: type[Exception]
) -> None:
    assert isinstance(rules.refusal(grant, actor, use, NOW + timedelta(days=after)), error)


def test_a_masked_value_cannot_be_guessed_by_filtering() -> None:
    by_name = rules.Use("c", (("person_name", "张三"),))
    by_number = rules.Use("c", (("citizen_id", "99010619800101123X"),))

    assert rules.blind_filters(GRANT, FIELDS, by_name) == ["person_name"]
    assert rules.blind_filters(replace(GRANT, clear=("person_name",)), FIELDS, by_name) == []
    assert rules.blind_filters(GRANT, FIELDS, by_number) == []


def test_terms_are_canonical() -> None:
    terms = rules.check_terms(REQUEST, ["person_name", "citizen_id"], [("area_code", ["2", "1", "2"])], 30)

    assert terms == rules.Terms(("citizen_id", "person_name"), (("area_code", ("1", "2")),), 30)


@pytest.mark.parametrize(("clear", "days"), [(["area_code"], 30), ([], 0), ([], 366)])
def test_terms_cannot_reach_beyond_the_request(clear: list[str], days: int) -> None:
    with pytest.raises(UsageError):
        rules.check_terms(REQUEST, clear, [], days)


def test_promise_7_nobody_answers_their_own_request() -> None:
    rules.check_answerer(ARCHIVIST, REQUEST)
    with pytest.raises(UsageError):
        rules.check_answerer(ARCHIVIST, replace(REQUEST, requester=ARCHIVIST.id))
    with pytest.raises(DeniedError):
        rules.check_answerer(CLERK, REQUEST)


def test_a_settled_request_stays_settled() -> None:
    rules.check_open(REQUEST)
    with pytest.raises(SettledRequestError):
        rules.check_open(replace(REQUEST, state=RequestState.REFUSED))


def test_a_refusal_needs_a_reason() -> None:
    rules.check_reason("材料不全")
    with pytest.raises(UsageError):
        rules.check_reason("  ")


def test_a_standing_grant_never_shows_who_someone_is() -> None:
    fields = ("citizen_id", "person_name", "phone", "address", "household_no", "aid_kind")

    assert rules.standing_clear(fields) == ("aid_kind",)


@given(st.permutations(["grantee", "dataset", "purpose", "fields"]))
def test_standing_grants_differ_in_each_part_of_what_they_are_for(order: list[str]) -> None:
    keys = {
        rules.standing_key("n", "d", ["a"], PURPOSE),
        rules.standing_key("m", "d", ["a"], PURPOSE),
        rules.standing_key("n", "e", ["a"], PURPOSE),
        rules.standing_key("n", "d", ["b"], PURPOSE),
        rules.standing_key("n", "d", ["a"], replace(PURPOSE, text="x")),
    }

    assert len(keys) == 5


def test_every_code_of_what_is_missing_can_be_said_in_both_languages() -> None:
    said = rules.missing_text("quarantined:12")

    assert (said.zh, said.en) == ("12 行因质量问题在隔离区，未计入", "12 rows wait in quarantine and are not counted")
    assert rules.missing_text("2026-03.csv") == Text("2026-03.csv", "2026-03.csv")
