from typing import Any

import numpy as np
import pytest

from chengyi.integrate.linkage.columns import FIELDS, encode, understand
from chengyi.integrate.linkage.compare import FEATURES, compare


def features(one: dict[str, str], other: dict[str, str]) -> dict[str, float]:
    rows: list[dict[str, str]] = [one, other, {"name": "某某某", "birth_date": "1900-02-03", "extra": "云汀二中"}]
    people = understand({field: encode([row.get(field) for row in rows]) for field in FIELDS})
    found = compare(people, np.array([0]), np.array([1]))
    return dict(zip(FEATURES, found[0].astype(float).tolist(), strict=True))


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("王伟", "王伟", 5),
        ("王伟", "王玮", 4),
        ("王小明", "王晓铭", 3),
        ("张伟明杰", "张伟明华", 2),
        ("王伟", "王芳", 1),
        ("王伟", "李芳", 0),
    ],
)
def test_levels_of_names(one: str, other: str, level: int) -> None:
    assert features({"name": one}, {"name": other})["name_level"] == level


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("1980-03-04", "1980-03-04", 5),
        ("1980-03-04", "19800304", 5),
        ("1980-03-04", "1980-04-03", 4),
        ("1980-03-04", "1990-03-04", 4),
        ("1980-03-04", "1981-03-05", 3),
        ("1980-03-04", "1980", 2),
        ("1980-03-04", "1981-11-25", 1),
        ("1980-03-04", "1931-11-25", 0),
    ],
)
def test_levels_of_birth_dates(one: str, other: str, level: int) -> None:
    assert features({"birth_date": one}, {"birth_date": other})["birth_level"] == level


def test_one_changed_character_counts_once_not_three_bytes() -> None:
    assert features({"phone": "13812345678"}, {"phone": "13812345679"})["phone_level"] == 1
    assert features({"address": "人民路一号"}, {"address": "人民路二号"})["address_similarity"] == pytest.approx(
        0.8, abs=1e-3
    )


@pytest.mark.parametrize("field", ["name", "sex", "birth_date", "address", "phone", "household", "extra"])
def test_a_field_that_one_side_lacks_says_nothing(field: str) -> None:
    found = features({field: "1980-01-02"}, {})
    named: dict[str, Any] = {
        key: value for key, value in found.items() if key.split("_")[0] == field.split("_", maxsplit=1)[0]
    }
    assert named
    assert all(np.isnan(value) or value == 0 for value in named.values())


def test_particulars_agree_in_any_order_and_rarer_ones_tell_more() -> None:
    found = features({"extra": "云汀|机械厂"}, {"extra": "机械厂|省城"})
    assert found["extra_level"] == 2
    assert found["extra_shared"] > 0
    assert features({"extra": "云汀一中"}, {"extra": "机械厂"})["extra_level"] == 0
