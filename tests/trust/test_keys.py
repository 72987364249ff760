import copy
import json
import pickle
import stat
from pathlib import Path

import pytest

from chengyi.model.errors import ConfigError, HomeError, IntegrityError, PassphraseError, UsageError
from chengyi.trust import keys as keys_module
from chengyi.trust.keys import KEY_FILE, FileKeys
from chengyi.trust.ledger.notes import Verifier

NAME = "yunting.invalid/node"


@pytest.fixture(autouse=True)
def light_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "_SCRYPT", {"n": 1 << 4, "r": 8, "p": 1})


@pytest.mark.parametrize("passphrase", [None, "", "一二三四 correct horse"])
def test_keys_open_as_they_were_made(tmp_path: Path, passphrase: str | None) -> None:
    made = FileKeys.create(tmp_path / "keys", NAME, passphrase)
    opened = FileKeys.open(tmp_path / "keys", passphrase)
    assert opened.verifier == made.verifier
    assert opened.unwrap(made.wrap(b"k" * 32, b"context"), b"context") == b"k" * 32
    assert opened.code("990106", "id") == made.code("990106", "id")
    assert Verifier.parse(made.verifier).check(opened.sign(b"message"), b"message")


def test_promise_3_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    FileKeys.create(tmp_path / "keys", NAME)
    assert [each.name for each in (tmp_path / "keys").iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((tmp_path / "keys" / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("wrong", [None, "", "Secret", "secret "])
def test_promise_3_a_wrong_passphrase_opens_and_destroys_nothing(tmp_path: Path, wrong: str | None) -> None:
    FileKeys.create(tmp_path, NAME, "secret")
    before = (tmp_path / KEY_FILE).read_bytes()
    with pytest.raises(PassphraseError) as error:
        FileKeys.open(tmp_path, wrong)
    assert KEY_FILE in error.value.message()
    assert (tmp_path / KEY_FILE).read_bytes() == before
    FileKeys.open(tmp_path, "secret")


def test_promise_3_a_passphrase_keeps_the_secret_out_of_the_file(tmp_path: Path) -> None:
    open_keys = FileKeys.create(tmp_path / "open", NAME)
    FileKeys.create(tmp_path / "closed", NAME, "secret")
    closed = json.loads((tmp_path / "closed" / KEY_FILE).read_text())
    closed["verifier"], closed["scrypt"] = open_keys.verifier, None
    (tmp_path / "closed" / KEY_FILE).write_text(json.dumps(closed))
    with pytest.raises(IntegrityError):
        FileKeys.open(tmp_path / "closed")


def test_existing_keys_are_never_overwritten(tmp_path: Path) -> None:
    first = FileKeys.create(tmp_path, NAME)
    with pytest.raises(HomeError):
        FileKeys.create(tmp_path, NAME, "secret")
    assert FileKeys.open(tmp_path).verifier == first.verifier
    assert [each.name for each in tmp_path.iterdir()] == [KEY_FILE]


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\x01b"])
def test_a_name_that_a_note_cannot_carry_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        FileKeys.create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_there_may_be_no_keys(tmp_path: Path) -> None:
    with pytest.raises(HomeError):
        FileKeys.open(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "chengyi-keys/9"},
        {"secret": None},
        {"secret": "AAAA"},
        {"secret": "!"},
        {"scrypt": {"n": 1 << 30, "r": 8, "p": 1, "salt": "00"}},
        {"scrypt": {"n": 3, "r": 8, "p": 1, "salt": "00"}},
        {"scrypt": {"n": 3, "r": 8, "p": 1, "salt": "not hexadecimal"}},
        {"scrypt": {"n": "3", "r": 8, "p": 1, "salt": "00"}},
        {"scrypt": {"n": 16}},
        {"scrypt": 5},
        {"name": "other"},
    ],
)
def test_a_malformed_key_file_is_refused_as_it_is(tmp_path: Path, change: dict[str, object]) -> None:
    FileKeys.create(tmp_path, NAME)
    value = json.loads((tmp_path / KEY_FILE).read_text()) | change
    (tmp_path / KEY_FILE).write_text(json.dumps(value))
    with pytest.raises((ConfigError, IntegrityError, PassphraseError)):
        FileKeys.open(tmp_path, "secret")


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b'"text"'])
def test_what_is_no_key_file_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(raw)
    with pytest.raises(ConfigError):
        FileKeys.open(tmp_path)


def test_promise_3_a_changed_settings_line_does_not_open(tmp_path: Path) -> None:
    FileKeys.create(tmp_path, NAME, "secret")
    value = json.loads((tmp_path / KEY_FILE).read_text()) | {"name": "other.invalid/node"}
    (tmp_path / KEY_FILE).write_text(json.dumps(value))
    with pytest.raises(PassphraseError):
        FileKeys.open(tmp_path, "secret")


def test_promise_3_a_wrapped_key_fits_its_context_and_master_only(tmp_path: Path) -> None:
    keys, other = FileKeys.create(tmp_path / "a", NAME), FileKeys.create(tmp_path / "b", NAME)
    wrapped = keys.wrap(b"k" * 32, b"object 1")
    assert wrapped != keys.wrap(b"k" * 32, b"object 1")
    flipped = bytes([wrapped[0] ^ 1]) + wrapped[1:]
    for holder, key, context in (
        (keys, wrapped, b"object 2"),
        (other, wrapped, b"object 1"),
        (keys, flipped, b"object 1"),
        (keys, b"", b"object 1"),
    ):
        with pytest.raises(IntegrityError):
            holder.unwrap(key, context)


def test_codes_agree_within_a_purpose_only(tmp_path: Path) -> None:
    keys = FileKeys.create(tmp_path, NAME)
    assert keys.code("1", "id") == keys.code("1", "id")
    assert len({keys.code("1", "id"), keys.code("2", "id"), keys.code("1", "phone"), keys.code("d1", "i")}) == 4


def test_promise_3_secrets_are_not_printed_copied_or_pickled(tmp_path: Path) -> None:
    keys = FileKeys.create(tmp_path, NAME)
    assert repr(keys) == f"FileKeys({keys.verifier!r})"
    with pytest.raises(TypeError):
        pickle.dumps(keys)
    with pytest.raises(TypeError):
        copy.deepcopy(keys)
