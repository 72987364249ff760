"""docs/contracts.md is held to the code."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from chengyi.integrate.contract_checks import contract_of
from chengyi.integrate.elements import TYPES
from chengyi.integrate.settings import CheckSettings, ColumnSettings, ContractSettings, EntitySettings, TitleSettings

from .conftest import SimSource

PAGE = Path(__file__).parents[2] / "docs" / "contracts.md"


@pytest.mark.parametrize("model", [ContractSettings, ColumnSettings, CheckSettings, EntitySettings, TitleSettings])
def test_every_setting_is_documented_and_described(model: type[BaseModel]) -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text("utf-8")))
    for name, field in model.model_fields.items():
        assert name in named, name
        assert field.description, name


def test_every_type_is_documented() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text("utf-8")))
    assert set(TYPES) <= named


def test_the_example_is_a_contract() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    contract = contract_of(SimSource("civil", tomllib.loads(example)["contract"]))
    assert contract is not None
    assert contract.dataset == "low_income"
