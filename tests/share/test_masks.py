from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.codes import Sensitivity
from chengyi.model.dataset import Field
from chengyi.model.text import Text
from chengyi.share.masks import MASKS, Mask, is_masked, mask_column, mask_date, mask_of, mask_text

ENGINE = ibis.duckdb.connect()


def field(name: str, kind: str = "text", level: Sensitivity = Sensitivity.SENSITIVE) -> Field:
    return Field(name, Text(name, name), kind, level)


def masked(name: str, values: list[Any], kind: pa.DataType | None = None) -> list[Any]:
    table = ibis.memtable(pa.table({name: pa.array(values, kind or pa.string())}))
    result = ENGINE.to_pyarrow(table.select(out=mask_column(field(name), table[name])))
    assert kind is None or result.schema.field("out").type == kind
    return list(result["out"].to_pylist())


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("citizen_id", "99010619800101123X", "990106********123X"),
        ("citizen_id", "12345", "***"),
        ("person_name", "张三", "张*"),
        ("person_name", "欧阳小明", "欧***"),
        ("person_name", "李", "*"),
        ("phone", "13812341234", "138****1234"),
        ("address", "云汀区清河街道柳岸路1号", "云汀区清河街道***"),
        ("address", "云汀区白石镇三组", "云汀区白石镇***"),
        ("address", "柳岸路1号", "***"),
        ("household_no", "H00012345", "*****2345"),
        ("household_no", "45", "***"),
        ("disease", "高血压", "***"),
        ("disease", None, None),
    ],
)
def test_each_kind_of_element_has_its_mask(name: str, value: str | None, shown: str | None) -> None:
    assert mask_text(mask_of(name), value) == shown
    assert masked(name, [value]) == [shown]


ANY_TEXT = st.one_of(st.none(), st.text(st.sampled_from("张街道镇乡路0123X*𠮷é "), max_size=24))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted({*MASKS, "disease"})), st.lists(ANY_TEXT, min_size=1, max_size=20))
def test_the_engine_masks_exactly_as_the_rule_says(name: str, values: list[str | None]) -> None:
    assert masked(name, values) == [mask_text(mask_of(name), value) for value in values]


@given(st.text(st.characters(exclude_characters="*"), min_size=1, max_size=30))
def test_no_mask_shows_a_value_whole(value: str) -> None:
    for mask in (Mask.CITIZEN_ID, Mask.NAME, Mask.PHONE, Mask.CODE, Mask.WHOLE):
        assert mask_text(mask, value) != value


def test_a_date_keeps_its_year_and_its_type() -> None:
    days = [date(1980, 7, 9), None]

    assert masked("birth_date", days, pa.date32()) == [date(1980, 1, 1), None] == [mask_date(day) for day in days]
    assert masked("seen_at", [datetime(1980, 7, 9, 3, tzinfo=UTC)], pa.timestamp("us", "UTC")) == [
        datetime(1980, 1, 1, tzinfo=UTC)
    ]


def test_a_number_becomes_null_and_keeps_its_type() -> None:
    assert masked("self_paid", [Decimal("1.5")], pa.decimal128(18, 6)) == [None]
    assert masked("age", [7], pa.int64()) == [None]


def test_public_and_internal_elements_are_shown_and_private_ones_only_when_granted_clear() -> None:
    assert not is_masked(field("value", level=Sensitivity.PUBLIC), ())
    assert not is_masked(field("area_code", level=Sensitivity.INTERNAL), ())
    assert is_masked(field("person_name", level=Sensitivity.PERSONAL), ("phone",))
    assert not is_masked(field("phone"), ("phone",))
