import tomllib
from decimal import Decimal

import pytest

from chengyi.model.errors import ConfigError
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy, high_order, policy_of_terms, read_policies

GOOD = """
[export.visits]
key = ["visit_no"]
half = 0.5
[export.visits.mark.tax]
tolerance = 2
step = 0.5
least = 0
most = "1000"
follows = { net = -1 }
below = "gross"
[export.visits.mark.cost]
percent = 1
[export.other]
"""


def read(text: str) -> dict[str, MarkPolicy]:
    return read_policies(tomllib.loads(text), "exports.toml")


def test_a_policy_is_read_and_comes_back_from_its_terms() -> None:
    found = read(GOOD)
    visits = found["visits"]
    assert visits.column("tax") == ColumnPolicy(
        "tax", Decimal("0.5"), Decimal(2), None, Decimal(0), Decimal(1000), (("net", -1),), "gross"
    )
    assert visits.column("nothing") is None
    assert policy_of_terms(visits.terms()) == visits
    assert policy_of_terms(visits.terms()).digest == visits.digest


def test_without_a_declaration_no_column_may_be_marked() -> None:
    assert read("") == {}
    assert read(GOOD)["other"].columns == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[exports]", "exports"),
        ("export = 3", "export"),
        ("[export.v]\nmarks = 1", "export.v.marks"),
        ("[export.v]\nhalf = 2", "export.v.half"),
        ("[export.v]\nhalf = 'x'", "export.v.half"),
        ("[export.v]\nkey = 'a'", "export.v.key"),
        ("[export.v]\nkey = ['a@x']", "key"),
        ("[export.v]\nkey = ['a@-1']", "key"),
        ("[export.v]\nkey = ['c']\n[export.v.mark.c]\ntolerance = 1", "export.v.key"),
        ("[export.v.mark.c]", "export.v.mark.c"),
        ("[export.v.mark.c]\ntolerance = 1\npercent = 1", "export.v.mark.c"),
        ("[export.v.mark.c]\ntolerance = 0.5", "export.v.mark.c"),
        ("[export.v.mark.c]\ntolerance = 1e30", "export.v.mark.c.tolerance"),
        ("[export.v.mark.c]\ntolerance = true", "export.v.mark.c.tolerance"),
        ("[export.v.mark.c]\ntolerance = 'nan'", "export.v.mark.c.tolerance"),
        ("[export.v.mark.c]\ntolerance = inf", "export.v.mark.c.tolerance"),
        ("[export.v.mark.c]\ntolerance = 1\nstep = 0", "export.v.mark.c"),
        ("[export.v.mark.c]\ntolerance = 9999999", "export.v.mark.c"),
        ("[export.v.mark.c]\npercent = 50", "export.v.mark.c.percent"),
        ("[export.v.mark.c]\ntolerance = 1\nfollows = { d = 2 }", "export.v.mark.c.follows"),
        ("[export.v.mark.c]\ntolerance = 1\nfollows = 3", "export.v.mark.c.follows"),
        (
            "[export.v.mark.c]\ntolerance = 1\nfollows = { d = 1 }\n[export.v.mark.d]\ntolerance = 1",
            "export.v.mark.c.follows",
        ),
        ("[export.v.mark]\nc = 1", "export.v.mark.c"),
    ],
)
def test_a_wrong_policy_is_refused_by_its_key(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as fault:
        read(text)
    assert fault.value.facts["key"] == key


@pytest.mark.parametrize(
    "terms", [{}, {"columns": 3, "key": [], "half": "0.4"}, {"columns": [{}], "key": [], "half": "1"}]
)
def test_malformed_terms_are_refused(terms: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        policy_of_terms(terms)


def test_a_high_order_part_has_its_unit() -> None:
    assert high_order("cost") == ("cost", None)
    assert high_order("cost@1000") == ("cost", Decimal(1000))
