from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.merkle import EMPTY_ROOT
from chengyi.trust.ledger.notes import (
    Verifier,
    checkpoint_text,
    note_date,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    sign_note,
)
from simulators.keys import MemoryKeys

KEYS = MemoryKeys("example.invalid/log")
VERIFIER = Verifier.parse(KEYS.verifier)
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
TEXT = checkpoint_text("example.invalid/log", 3, EMPTY_ROOT)
NOTE = sign_note(TEXT, VERIFIER, KEYS.sign, AT)

# c2sp.org/signed-note gives this note; its key is published with transparency-dev/tessera
GOLDEN_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
GOLDEN = (
    "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
    "— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uEWP6zdkdIQzd"
    "/fmwlM/dlPWF74ewI=\n"
)


def test_a_checkpoint_of_another_implementation_opens() -> None:
    checkpoint = open_checkpoint(GOLDEN, Verifier.parse(GOLDEN_KEY))
    assert (checkpoint.origin, checkpoint.size) == ("example.com/log/testdata", 15)
    assert str(Verifier.parse(GOLDEN_KEY)) == GOLDEN_KEY


def test_a_signed_note_opens_and_tells_its_date() -> None:
    assert open_note(NOTE, VERIFIER) == TEXT
    assert note_date(NOTE, VERIFIER) == AT
    assert note_date(sign_note(TEXT, VERIFIER, KEYS.sign), VERIFIER) is None
    assert parse_checkpoint(NOTE).size == 3


def test_a_text_may_hold_empty_lines_and_strangers_may_sign() -> None:
    other = MemoryKeys("example.invalid/other", b"other")
    note = sign_note("a\n\nb\n", VERIFIER, KEYS.sign)
    stranger = sign_note("a\n\nb\n", Verifier.parse(other.verifier), other.sign).rpartition("\n\n")[2]
    assert open_note(note + stranger, VERIFIER) == "a\n\nb\n"


@pytest.mark.parametrize("position", range(0, len(NOTE), 3))
def test_promise_2_any_changed_character_is_noticed(position: int) -> None:
    changed = NOTE[:position] + ("A" if NOTE[position] != "A" else "B") + NOTE[position + 1 :]
    assert believed(NOTE) == (TEXT, AT)
    assert believed(changed) != (TEXT, AT)


def believed(note: str) -> tuple[str, datetime | None] | None:
    try:
        return open_note(note, VERIFIER), note_date(note, VERIFIER)
    except IntegrityError:
        return None


def test_promise_4_a_note_of_another_key_is_refused() -> None:
    other = MemoryKeys("example.invalid/log", b"other")
    with pytest.raises(IntegrityError):
        open_note(NOTE, Verifier.parse(other.verifier))
    with pytest.raises(IntegrityError):
        open_note(sign_note(TEXT, VERIFIER, other.sign), VERIFIER)


def test_a_wrong_cosignature_of_the_key_is_refused() -> None:
    other = MemoryKeys("example.invalid/log", b"other")
    head = sign_note(TEXT, VERIFIER, KEYS.sign)
    dated = sign_note(TEXT, VERIFIER, other.sign, AT).splitlines(keepends=True)[-1]
    with pytest.raises(IntegrityError):
        note_date(head + dated, VERIFIER)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text",
        "text\n\n",
        "text\n\nno signature\n",
        "text\n\n— name\n",
        "text\n\n— name AAA\n",
        "text\n\n— name AAAA\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— name AAAAAAAA",
        "te\txt\n\n— name AAAAAAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n" + "— name AAAAAAAA\n" * 65,
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(IntegrityError):
        open_note(note, VERIFIER)


@pytest.mark.parametrize(
    "text", ["o\n3\n", "o\n03\nAAAA\n", "o\n-3\nAAAA\n", "o\n3\nAAAA\n", "\n3\nAAAA\n", "o\n٣\nAAAA\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(sign_note(text, VERIFIER, KEYS.sign), VERIFIER)


@pytest.mark.parametrize(
    "vkey",
    ["", "name", "name+00000000+", "+00000000+AAAA", GOLDEN_KEY[:-1], GOLDEN_KEY.replace("33d7", "33d8"), "n+00+AQ=="],
)
def test_what_is_no_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(IntegrityError):
        Verifier.parse(vkey)


@given(st.text(alphabet="ab\n— +A=3", max_size=60))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(IntegrityError):
        open_note(text, VERIFIER)


@pytest.mark.parametrize(
    "text",
    [
        f"o\n{'9' * 20}\nAAAA\n",
        f"o\n{'9' * 5000}\nAAAA\n",
        TEXT + "\n",
        TEXT + "extension\n\nmore\n",
    ],
)
def test_sizes_and_extensions_are_bounded_by_the_specification(text: str) -> None:
    with pytest.raises(IntegrityError):
        open_checkpoint(sign_note(text, VERIFIER, KEYS.sign), VERIFIER)


def test_a_checkpoint_may_have_extension_lines() -> None:
    note = sign_note(TEXT + "extension\n", VERIFIER, KEYS.sign, AT)
    assert open_checkpoint(note, VERIFIER).size == 3
    assert note_date(note, VERIFIER) == AT


@pytest.mark.parametrize("name", ["a b", "a\u3000b", "a\u00a0b", "a\u2028b", "a+b", ""])
def test_a_key_name_holds_no_white_space_and_no_plus(name: str) -> None:
    with pytest.raises(IntegrityError):
        open_note(f"text\n\n— {name} AAAAAAAA\n", VERIFIER)


def test_an_oversize_note_is_refused() -> None:
    with pytest.raises(IntegrityError):
        open_note("x" * (1 << 19) + NOTE, VERIFIER)
    with pytest.raises(IntegrityError):
        open_note("\ud800" + NOTE, VERIFIER)
