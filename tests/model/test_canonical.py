import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.model.canonical import canonical, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=100,
)


@given(VALUES)
def test_what_has_a_canonical_form_is_read_back(value: object) -> None:
    assert parse(canonical(value)) == value  # type: ignore[arg-type]


@given(st.text(alphabet='[]{}"\\\\,:1', max_size=300))
def test_a_text_that_is_full_of_brackets_is_a_value_or_a_value_error(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        return


def test_brackets_inside_texts_are_not_depth() -> None:
    assert parse('{"a": "' + "[" * 5_000 + '\\""}') == {"a": "[" * 5_000 + '"'}
    assert parse("[" * 64 + "]" * 64) is not None


@pytest.mark.parametrize(
    "text", ["[" * 65 + "]" * 65, "[" * 100_000, '{"a":' * 50_000, '"' + '\\"' * 30_000 + "[" * 70]
)
def test_too_deep_is_refused_whatever_the_process_allows(text: str) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        with pytest.raises(ValueError):
            parse(text)
    finally:
        sys.setrecursionlimit(before)
