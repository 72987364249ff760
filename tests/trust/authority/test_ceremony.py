import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from chengyi.model.clock import SetClock
from chengyi.model.errors import ConfigError, HomeError, IntegrityError, PassphraseError, UsageError
from chengyi.trust.authority import ceremony, suites
from chengyi.trust.authority.ceremony import KEY_FILE, LIST_FILE, RECORD_FILE, Root, read_record
from chengyi.trust.authority.paths import value_of
from chengyi.trust.authority.suites import Suite

PASSPHRASE = "correct horse battery"
PRESENT = ["王正", "李月"]


@pytest.fixture(autouse=True)
def light_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony, "_SCRYPT", {"n": 1 << 4, "r": 8, "p": 1})


@pytest.fixture
def now(clock: SetClock) -> datetime:
    return clock.now()


@pytest.fixture
def root(tmp_path: Path, now: datetime, suite: Suite) -> Root:
    return Root.create(tmp_path, PASSPHRASE, PRESENT, now, suite)


def test_a_root_opens_as_it_was_made(root: Root, tmp_path: Path) -> None:
    again = Root.open(tmp_path, PASSPHRASE)
    assert (again.der, again.record, again.suite) == (root.der, root.record, root.suite)
    assert again.record.present == tuple(PRESENT)
    assert repr(again) == f"Root({again.record.fingerprint})"


def test_a_region_is_bound_to_its_domain(root: Root, now: datetime) -> None:
    der = root.certify_region(suites.generate(root.suite).public, "yunting", now)
    region = x509.load_der_x509_certificate(der)
    constraints = value_of(region, x509.NameConstraints)
    assert constraints is not None
    assert [each.value for each in constraints.permitted_subtrees or ()] == ["yunting.chengyi.internal"]
    assert len(constraints.excluded_subtrees or ()) == 2
    basic = value_of(region, x509.BasicConstraints)
    assert basic is not None
    assert (basic.ca, basic.path_length) == (True, 0)
    assert suites.is_signed_by(region, suites.public_of(root.certificate))


@pytest.mark.parametrize("region", ["", "Yunting", "a b", "-a", "a..b", "*.a", "x" * 130])
def test_a_region_has_to_be_a_domain(root: Root, now: datetime, region: str) -> None:
    with pytest.raises(UsageError):
        root.certify_region(suites.generate(root.suite).public, region, now)


@pytest.mark.parametrize("wrong", ["", "Correct horse battery", PASSPHRASE + " "])
def test_promise_3_a_wrong_passphrase_opens_and_destroys_nothing(root: Root, tmp_path: Path, wrong: str) -> None:
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(PassphraseError):
        Root.open(tmp_path, wrong)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    Root.open(tmp_path, PASSPHRASE)


def test_a_root_is_never_overwritten(root: Root, tmp_path: Path, now: datetime) -> None:
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    with pytest.raises(HomeError):
        Root.create(tmp_path, PASSPHRASE, PRESENT, now, Suite.P256)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("passphrase", "present"), [("short", PRESENT), (PASSPHRASE, []), (PASSPHRASE, [" "])])
def test_a_ceremony_needs_a_passphrase_and_witnesses(
    tmp_path: Path, now: datetime, passphrase: str, present: list[str]
) -> None:
    with pytest.raises(UsageError):
        Root.create(tmp_path / "none", passphrase, present, now, Suite.P256)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "change",
    [{"present": ["张伪"]}, {"at": "2020-01-01"}, {"fingerprint": "00" * 32}, {"signature": "00"}, {"more": 1}],
)
def test_promise_4_a_changed_record_is_refused(root: Root, tmp_path: Path, change: dict[str, object]) -> None:
    value = json.loads((tmp_path / RECORD_FILE).read_text()) | change
    (tmp_path / RECORD_FILE).write_text(json.dumps(value))
    with pytest.raises(IntegrityError):
        read_record(tmp_path, root.certificate)
    with pytest.raises(IntegrityError):
        Root.open(tmp_path, PASSPHRASE)


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"[" * 70000])
def test_promise_8_garbage_instead_of_a_ceremony(root: Root, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / RECORD_FILE).write_bytes(raw)
    with pytest.raises(IntegrityError):
        Root.open(tmp_path, PASSPHRASE)
    (tmp_path / KEY_FILE).chmod(0o600)
    (tmp_path / KEY_FILE).write_bytes(raw)
    with pytest.raises(ConfigError):
        Root.open(tmp_path, PASSPHRASE)


def test_what_a_root_revoked_stays_revoked(root: Root, now: datetime) -> None:
    root.publish(now, [(77, now, x509.ReasonFlags.ca_compromise)])
    later = x509.load_der_x509_crl(root.publish(now + timedelta(days=90)))
    assert [each.serial_number for each in later] == [77]
    assert later.next_update_utc == now + timedelta(days=270)


def test_a_damaged_list_of_the_root_is_refused(root: Root, tmp_path: Path, now: datetime) -> None:
    (tmp_path / LIST_FILE).write_bytes(b"garbage")
    with pytest.raises(IntegrityError):
        root.publish(now)
