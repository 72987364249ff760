import pytest
from hypothesis import given
from hypothesis import strategies as st

from chengyi.integrate.linkage.spelling import SURNAME_READINGS, sound_word, spell


@pytest.mark.parametrize(
    ("name", "family", "given", "sounds"),
    [
        ("单雄信", "单", "雄信", ("san", "xion", "xin")),
        ("仇英", "仇", "英", ("qiu", "yin")),
        ("区寄", "区", "寄", ("ou", "ji")),
        ("查良镛", "查", "良镛", ("za", "lian", "yon")),
        ("盖叫天", "盖", "叫天", ("ge", "jiao", "tian")),
        ("任静", "任", "静", ("ren", "jin")),
        ("解缙", "解", "缙", ("xie", "jin")),
        ("尉迟恭", "尉迟", "恭", ("yuchi", "gon")),
        ("欧阳修", "欧阳", "修", ("ouyan", "xiu")),
    ],
)
def test_surnames_are_read_as_surnames(name: str, family: str, given: str, sounds: tuple[str, ...]) -> None:
    spelling = spell(name)
    assert (spelling.family, spelling.given, spelling.sounds) == (family, given, sounds)


def test_two_characters_that_form_a_compound_surname_alone_are_surname_and_given_name() -> None:
    assert spell("司马").family == "司"


@pytest.mark.parametrize(("one", "other"), [("王伟", "王玮"), ("劉偉", "刘伟"), ("张 伟", "张伟"), ("李 ", "李")])
def test_names_that_are_drawn_alike(one: str, other: str) -> None:
    assert spell(one).drawn == spell(other).drawn


def test_names_that_sound_alike_though_drawn_apart() -> None:
    assert spell("张晓明").sounds == spell("章小铭").sounds
    assert spell("王林").sounds == spell("王玲").sounds


def test_names_with_a_dot_are_words_whatever_the_dot() -> None:
    assert spell("阿依古丽·买买提").parts == spell("阿依古丽•买买提").parts == ("阿依古丽", "买买提")
    assert not spell("阿依古丽·买买提").han


def test_latin_names_lose_case_accents_and_marks() -> None:
    spelling = spell("José  O'Neill, 2nd")
    assert spelling.parts == ("jose", "oneill", "2nd")
    assert (spelling.family, spelling.given) == ("2nd", "jose")


@pytest.mark.parametrize(("one", "other"), [("clifford", "cliford"), ("robert", "robart"), ("smith", "smyth")])
def test_words_that_sound_alike_share_a_code(one: str, other: str) -> None:
    assert sound_word(one) == sound_word(other)


def test_a_polyphonic_surname_keeps_its_usual_reading_inside_a_given_name() -> None:
    assert SURNAME_READINGS["单"] == "shan"
    assert spell("王单").sounds == ("wan", "dan")


@given(st.text(max_size=12))
def test_any_text_has_forms(text: str) -> None:
    spelling = spell(text)
    assert len(spelling.sounds) <= max(len(spelling.parts), 6)
    assert spell(text) == spelling
