from typing import Any

import pytest

from chengyi.integrate.elements import TYPES, dictionary, parse
from chengyi.model.errors import ConfigError

DEMONSTRATION = """
citizen_id person_name former_name sex birth_date ethnicity household_no relation_to_head address area_code phone
residence_status register_date aid_kind monthly_amount household_monthly_income start_date end_date certificate_no
marriage_kind husband_name husband_id wife_name wife_id school grade guardian_name guardian_phone enrol_date visit_no
visit_date disease hospital total_cost self_paid house_no area_m2 safety_grade housing_kind survey_date employer
credit_code insurance_kind monthly_base insured_month insurance_status disability_type disability_grade issue_date
relief_no disaster_kind disaster_date loss_amount relief_amount donation_no donor amount donated_at crop area_mu
subsidy_amount year org_name legal_representative industry founded_at org_status section_id section_name road_class
observed_at speed_kmh flow_vph free_flow_kmh case_no matter department_name accepted_at due_at closed_at step_count
material_count station_id station_name quantity value unit
"""
REAL = """
event_id activity channel responsible resource event_at request_no created_at agency complaint_type descriptor district
request_status longitude latitude given_name surname birth_place postcode occupation person_no poverty_class
education_years rooms household_size dependency
"""


def test_the_dictionary_holds_every_element_of_the_district_and_of_the_real_example() -> None:
    assert {*DEMONSTRATION.split(), *REAL.split()} <= set(dictionary())


def test_every_entry_says_what_it_is_in_both_languages_and_where_it_comes_from() -> None:
    for id, element in dictionary().items():
        assert element.title.zh, id
        assert element.title.en, id
        assert element.type in TYPES, id
        assert element.source, id
        assert element.grade in {"A", "S2", "M", "own"}, id
        assert (element.codes is not None) == (element.type == "code"), id


def test_no_synonym_stands_for_two_codes() -> None:
    for element in dictionary().values():
        if element.codes is not None:
            spelled = [(each.code, *each.also) for each in element.codes.codes]
            flat = [word for words in spelled for word in words]
            assert len(flat) == len(set(flat)), element.id


def test_sexes_have_the_codes_of_the_national_standard() -> None:
    codes = dictionary()["sex"].codes
    assert codes is not None
    synonyms = codes.synonyms()
    assert [synonyms[word] for word in ("男", "1", "M", "女", "2", "F")] == ["1", "1", "1", "2", "2", "2"]


ENTRY: dict[str, Any] = {
    "zh": "甲", "en": "A", "type": "text", "sensitivity": "public", "source": "x", "grade": "own"
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"element": {"a": {**ENTRY, "type": "colour"}}}, "element.a.type"),
        ({"element": {"a": {k: v for k, v in ENTRY.items() if k != "grade"}}}, "element.a.grade"),
        ({"element": {"a": {**ENTRY, "type": "code", "codes": "none"}}}, "element.a.none"),
        ({"element": {"a": {**ENTRY, "sensitivity": "loud"}}}, "element.a"),
        ({"codes": {"c": {"source": "x", "grade": "own"}}}, "codes.c.values"),
        (
            {"codes": {"c": {"source": "x", "grade": "own", "values": [{"code": "1", "zh": "甲", "en": "A"}] * 2}}},
            "codes.c",
        ),
    ],
)
def test_a_faulty_dictionary_is_refused_with_file_and_key(document: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(document, "mine.toml")
    assert caught.value.facts["file"] == "mine.toml"
    assert caught.value.facts["key"] == key
