"""The register, on every backend of rows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509 import ReasonFlags

import system
from chengyi.model.clock import SetClock
from chengyi.model.errors import CertificateError
from chengyi.store.rows import Rows
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.register import Issued, Register
from chengyi.trust.authority.rows import certificates, enrolment_tokens

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with system.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    url = f"sqlite:///{tmp_path / 'node.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    rows = Rows(url)
    for table in (certificates, enrolment_tokens):
        table.drop(rows.engine, checkfirst=True)
        table.create(rows.engine)
    yield Register(rows)
    rows.close()


def issued(clock: SetClock, serial: str, name: str = "health", **more: object) -> Issued:
    values = {"issuer": "aa", "kind": Kind.NODE, "fingerprint": serial * 2, "der": b"der", "issued_at": clock.now()}
    values |= {"expires_at": clock.now() + DAY, **more}
    return Issued(serial=serial, name=name, **values)  # type: ignore[arg-type]


def test_what_was_added_is_found_as_it_was(register: Register, clock: SetClock) -> None:
    made = issued(clock, "a1", replaces="a0")
    register.add(made)
    assert register.find("a1") == made
    assert register.find("a2") is None
    assert register.listed() == [], "not on record yet"
    register.witnessed("a1", 7)
    assert [each.entry for each in register.listed()] == [7]


def test_lists_are_newest_first_and_filtered(register: Register, clock: SetClock) -> None:
    for number, (name, kind) in enumerate([("a", Kind.NODE), ("b", Kind.NODE), ("a", Kind.PERSON), ("a", Kind.NODE)]):
        clock.advance(timedelta(seconds=1))
        register.add(issued(clock, f"{number}", name, kind=kind))
        register.witnessed(f"{number}", number)
    assert [each.serial for each in register.listed()] == ["3", "2", "1", "0"]
    assert [each.serial for each in register.listed(Kind.NODE, "a")] == ["3", "0"]
    assert [each.serial for each in register.listed(limit=1)] == ["3"]


def test_revoking_is_final(register: Register, clock: SetClock) -> None:
    register.add(issued(clock, "a1"))
    register.add(issued(clock, "b1", issuer="bb"))
    assert register.revoke("a1", clock.now(), ReasonFlags.key_compromise)
    assert not register.revoke("a1", clock.now() + DAY, ReasonFlags.unspecified)
    assert register.revoked("aa", clock.now()) == [(0xA1, clock.now(), ReasonFlags.key_compromise)]
    assert register.revoked("aa", clock.now() + 2 * DAY) == []
    assert register.revoked("bb", clock.now()) == []


def test_standing_is_what_has_neither_ended_nor_been_revoked(register: Register, clock: SetClock) -> None:
    for serial in ("a1", "a2", "a3"):
        register.add(issued(clock, serial, expires_at=clock.now() + (2 * DAY if serial == "a3" else DAY)))
    register.revoke("a1", clock.now(), ReasonFlags.unspecified)
    assert {each.serial for each in register.standing(Kind.NODE, "health", clock.now())} == {"a2", "a3"}
    assert [each.serial for each in register.standing(Kind.NODE, "health", clock.now() + 1.5 * DAY)] == ["a3"]
    assert register.standing(Kind.PERSON, "health", clock.now()) == []


def test_promise_4_of_many_who_use_a_token_at_once_one_succeeds(register: Register, clock: SetClock) -> None:
    token = register.invite(Kind.NODE, "health", clock.now(), clock.now() + DAY)

    def attempt(_: int) -> bool:
        try:
            register.redeem(token, clock.now())
        except CertificateError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_a_token_says_whom_it_was_made_for_until_it_ends(register: Register, clock: SetClock) -> None:
    token = register.invite(Kind.PERSON, "李月", clock.now(), clock.now() + 7 * DAY)
    assert register.invited(token, clock.now()) == (Kind.PERSON, "李月")
    assert len(token) == 32
    for moment in (clock.now() + 7 * DAY, clock.now() + 90 * DAY):
        with pytest.raises(CertificateError):
            register.invited(token, moment)
    register.withdraw(Kind.PERSON, "李月", clock.now())
    with pytest.raises(CertificateError):
        register.invited(token, clock.now())
