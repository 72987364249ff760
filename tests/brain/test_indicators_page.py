"""The page that explains every indicator says what the code says."""

from pathlib import Path

import pytest

from chengyi.brain.apps import default_apps
from chengyi.brain.values import AlertRule, Measure, Parameter

PAGE = (Path(__file__).parents[2] / "docs" / "indicators.md").read_text("utf-8")
MEASURES = [measure for app in default_apps() for measure in app.measures]
RULES = [rule for measure in MEASURES for rule in measure.rules]


def explained(parameters: tuple[Parameter, ...]) -> bool:
    return all(f"`{each.name}` = {each.value} {each.unit}: {each.basis.zh}" in PAGE for each in parameters)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.indicator.id)
def test_every_indicator_is_documented_as_it_is_defined(measure: Measure) -> None:
    indicator = measure.indicator
    part = PAGE.partition(f"### `{indicator.id}` v{indicator.version}: ")[2].partition("\n### ")[0]

    for words in (indicator.rule.zh, indicator.rule.en, indicator.purpose.zh, indicator.legal_basis):
        assert words in part
    assert all(f"`{need.dataset}` ({', '.join(need.fields)})" in part for need in indicator.needs)
    assert explained(measure.parameters)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_alert_rule_is_documented_as_it_is_defined(rule: AlertRule) -> None:
    part = PAGE.partition(f"**Alert `{rule.id}` v{rule.version}** ({rule.severity.value})")[2].partition("**Alert")[0]

    assert rule.rule.zh in part
    assert rule.rule.en in part
    assert rule.legal_basis in part
    assert explained(rule.parameters)


def test_nothing_is_documented_that_is_not_there() -> None:
    headings = [line.split("`")[1] for line in PAGE.splitlines() if line.startswith(("### `", "**Alert `"))]

    assert sorted(headings) == sorted([measure.indicator.id for measure in MEASURES] + [rule.id for rule in RULES])


def test_ids_name_one_thing_each() -> None:
    ids = [measure.indicator.id for measure in MEASURES] + [rule.id for rule in RULES]

    assert len(ids) == len(set(ids))


def test_every_definition_states_its_basis_or_says_that_there_is_none() -> None:
    stated = ("等级", "无法定依据", "通行做法", "示例参数")

    for basis in [*(measure.indicator.legal_basis for measure in MEASURES), *(rule.legal_basis for rule in RULES)]:
        assert any(word in basis for word in stated)
