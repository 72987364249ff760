from typing import Any

import pytest

from chengyi.integrate.contract_checks import contract_of
from chengyi.integrate.contracts import Contract
from chengyi.model.dossier import EntityKind
from chengyi.model.errors import ConfigError

from .conftest import SimSource, contract_document

COLUMNS: list[Any] = [
    {"name": "身份证号", "element": "citizen_id", "required": True},
    {"name": "姓名", "element": "person_name", "aliases": ["名字"]},
    {"name": "起", "element": "start_date"},
    {"name": "止", "element": "end_date", "format": "%d/%m/%Y"},
    {"name": "性别", "element": "sex", "synonyms": {"先生": "1"}},
    {"name": "金额", "element": "monthly_amount"},
]


def parse(columns: list[Any] | None = None, **rest: Any) -> Contract:
    contract = contract_of(SimSource("roll", contract_document(COLUMNS if columns is None else columns, **rest)))
    assert contract is not None
    return contract


def test_a_contract_is_read_whole() -> None:
    contract = parse(
        key=["citizen_id"],
        check=[{"rule": "not_after", "fields": ["start_date", "end_date"]}],
        entity=[{"kind": "person", "citizen_id": "citizen_id", "name": "person_name"}],
    )
    assert contract.fields == ("citizen_id", "person_name", "start_date", "end_date", "sex", "monthly_amount")
    assert contract.snapshot == "full"
    assert contract.column("citizen_id").required
    assert contract.entities[0].kind is EntityKind.PERSON
    assert dict(contract.entities[0].roles) == {"citizen_id": "citizen_id", "name": "person_name"}
    assert contract.file == "sources/roll.toml"


def test_a_source_without_contract_has_none() -> None:
    assert contract_of(SimSource("docs", {})) is None


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown element", {"columns": ["colour"]}, "contract.column[0].element"),
    ("an element twice", {"columns": ["sex", "sex"]}, "contract.column[1].element"),
    (
        "a name twice",
        {"columns": ["sex", {"name": "x", "element": "phone", "aliases": ["sex"]}]},
        "contract.column[1].name",
    ),
    ("no column", {"columns": []}, "contract.column"),
    (
        "a format for a number",
        {"columns": [{"name": "n", "element": "amount", "format": "%Y%m%d"}]},
        "contract.column[0].format",
    ),
    (
        "a format without day",
        {"columns": [{"name": "n", "element": "end_date", "format": "%Y%m"}]},
        "contract.column[0].format",
    ),
    (
        "an unknown directive",
        {"columns": [{"name": "n", "element": "end_date", "format": "%Y%m%d%Q"}]},
        "contract.column[0].format",
    ),
    (
        "an unsupported directive",
        {"columns": [{"name": "n", "element": "end_date", "format": "%y%Y%m%d"}]},
        "contract.column[0].format",
    ),
    (
        "an unknown zone",
        {"columns": [{"name": "n", "element": "due_at", "zone": "Moon/Sea"}]},
        "contract.column[0].zone",
    ),
    (
        "synonyms without codes",
        {"columns": [{"name": "n", "element": "amount", "synonyms": {"a": "1"}}]},
        "contract.column[0].synonyms",
    ),
    (
        "a synonym for no code",
        {"columns": [{"name": "n", "element": "sex", "synonyms": {"a": "7"}}]},
        "contract.column[0].synonyms",
    ),
    (
        "a misspelled setting",
        {"columns": [{"name": "n", "element": "sex", "requird": True}]},
        "contract.column[0].requird",
    ),
    ("a key of no column", {"key": ["phone"]}, "contract.key"),
    ("a check of no column", {"check": [{"rule": "unique", "fields": ["phone"]}]}, "contract.check[0].fields"),
    ("an entity of no column", {"entity": [{"kind": "person", "name": "donor"}]}, "contract.entity[0].name"),
    ("an unknown rule", {"check": [{"rule": "nice", "fields": ["sex"]}]}, "contract.check[0].rule"),
    ("too few fields", {"check": [{"rule": "not_after", "fields": ["end_date"]}]}, "contract.check[0]"),
    ("no pattern", {"check": [{"rule": "matches", "fields": ["sex"]}]}, "contract.check[0]"),
    ("a bad pattern", {"check": [{"rule": "matches", "fields": ["sex"], "pattern": "("}]}, "contract.check[0]"),
    (
        "a pattern that no engine knows",
        {"check": [{"rule": "matches", "fields": ["sex"], "pattern": "(?=1)1"}]},
        "contract.check[0]",
    ),
    ("no values", {"check": [{"rule": "one_of", "fields": ["sex"]}]}, "contract.check[0]"),
    ("no ends", {"check": [{"rule": "in_range", "fields": ["monthly_amount"]}]}, "contract.check[0]"),
    (
        "ends the wrong way round",
        {"check": [{"rule": "in_range", "fields": ["monthly_amount"], "low": 3, "high": 2}]},
        "contract.check[0]",
    ),
    (
        "ends of two types",
        {"check": [{"rule": "in_range", "fields": ["end_date"], "low": "1", "high": "2020-01-01"}]},
        "contract.check[0]",
    ),
    (
        "ends that are nothing",
        {"check": [{"rule": "in_range", "fields": ["end_date"], "low": "soon"}]},
        "contract.check[0]",
    ),
    (
        "a range of a name",
        {"check": [{"rule": "in_range", "fields": ["person_name"], "low": "1"}]},
        "contract.check[0].fields",
    ),
    (
        "a number for a date",
        {"check": [{"rule": "in_range", "fields": ["end_date"], "low": "1"}]},
        "contract.check[0].low",
    ),
    (
        "a date for a number",
        {"check": [{"rule": "in_range", "fields": ["monthly_amount"], "high": "2020-01-01"}]},
        "contract.check[0].high",
    ),
    (
        "an order of two types",
        {"check": [{"rule": "not_after", "fields": ["end_date", "monthly_amount"]}]},
        "contract.check[0].fields",
    ),
    ("an order of itself", {"check": [{"rule": "not_after", "fields": ["end_date", "end_date"]}]}, "contract.check[0]"),
    (
        "a circular order",
        {
            "check": [
                {"rule": "not_after", "fields": ["start_date", "end_date"]},
                {"rule": "not_after", "fields": ["end_date", "start_date"]},
            ]
        },
        "contract.check[1]",
    ),
    ("a person without name or number", {"entity": [{"kind": "person", "sex": "sex"}]}, "contract.entity[0]"),
    (
        "a person with a credit code",
        {"entity": [{"kind": "person", "name": "person_name", "credit_code": "sex"}]},
        "contract.entity[0]",
    ),
    ("a place", {"entity": [{"kind": "place", "name": "person_name"}]}, "contract.entity[0]"),
    ("a reserved name", {"dataset": "Low Income"}, "contract.dataset"),
]


@pytest.mark.parametrize(("what", "change", "key"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_faulty_contract_is_refused_with_file_and_key(what: str, change: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(**change)
    assert caught.value.facts["file"] == "sources/roll.toml"
    assert caught.value.facts["key"] == key
    assert caught.value.message("zh")


def test_an_order_through_a_third_column_is_no_circle() -> None:
    columns = ["start_date", "end_date", "issue_date"]
    orders = [("start_date", "end_date"), ("start_date", "issue_date"), ("issue_date", "end_date")]
    contract = parse(columns, check=[{"rule": "not_after", "fields": each} for each in orders])
    assert len(contract.checks) == 3
