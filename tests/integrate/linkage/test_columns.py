import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chengyi.integrate.linkage.columns import encode, index_words, mix, rarity, relabel


def test_blank_and_null_are_absent_and_width_and_case_do_not_count() -> None:
    column = encode(["Ａb", None, "", " ab ", "c"])
    assert column.codes.tolist() == [0, -1, -1, 0, 1]
    assert column.values.tolist() == ["ab", "c"]


def test_a_form_is_kept_as_the_form_makes_it() -> None:
    column = relabel(encode(["x1", "x2", None]), lambda text: text[0].upper())
    assert column.values.tolist() == ["X"]
    assert column.codes.tolist() == [0, 0, -1]


def test_rarity_is_in_bits() -> None:
    assert rarity(np.array([0, 0, 0, 1, -1]), 2).tolist() == [-np.float32(np.log2(0.75)), 2.0]


def test_the_rarest_words_of_a_value_are_kept() -> None:
    words, bits = index_words([["a", "b"], ["a"], ["a", "c", "b"]], np.array([1, 1, 1]), 2)
    assert words.of(np.array([2, -1])).tolist() == [[2, 1], [-1, -1]]
    assert bits[2] > bits[1] > bits[0]


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50, unique=True))
def test_codes_of_different_parts_differ(values: list[int]) -> None:
    codes = mix(7, np.array(values))
    assert len(np.unique(codes)) == len(values)
    assert (codes >= 0).all()


def test_a_code_without_one_of_its_parts_is_absent() -> None:
    assert mix(np.array([1, -1]), np.array([2, 2]))[1] == -1
    assert mix(np.array([1]), np.array([2])) != mix(np.array([2]), np.array([1]))
