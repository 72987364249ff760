"""The door for members of a region, over a real port: enrolling, renewing, lists, and whatever else may come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from chengyi.console.application import DESK
from chengyi.model.act import ActKind
from chengyi.model.errors import CertificateError, UnreachableError, UsageError
from chengyi.node import Node
from chengyi.node.membership import RegionDoor, join, keep_membership, renew
from chengyi.node.upkeep import keep_up
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.office import MOST_REFUSALS
from console.conftest import Counter, on_port

pytestmark = pytest.mark.slow
HOUR = timedelta(hours=1)


class World:
    """A region's node whose console is served, and a node that may become its member; they share a clock."""

    def __init__(self, counter: Counter, application: Any, folder: Path) -> None:
        def answer(environ: dict[str, Any], start: Any) -> Any:
            environ[DESK] = counter.desk
            return application._handler(environ, start)

        self.region: Node = counter.node
        self._served = ExitStack()
        self.url = self._served.enter_context(on_port(answer))
        self.member = self._made(folder / "member", self.url)

    def _made(self, home: Path, url: str) -> Node:
        Node.create(home, "health", zh="卫健", en="Health", department="卫健委", clock=self.region.clock).close()
        with (home / "node.toml").open("a") as file:
            file.write(f'[authority]\nregion = "{url}"\n')
        return Node(home, self.region.clock)

    def reopened(self) -> Node:
        self.member.close()
        self.member = Node(self.member.home.path, self.region.clock)
        return self.member

    @property
    def fingerprint(self) -> str:
        return self.region.authority.trusted.roots[0].fingerprint(SHA256()).hex()

    def joined(self) -> Node:
        found = join(self.member, self.region.authority.invite(Kind.NODE, "health"), self.fingerprint)
        assert (found.name, found.domain) == ("health", self.region.authority.domain)
        return self.reopened()

    def reasons(self) -> list[str]:
        acts = self.region.audit.entries(kind=ActKind.CERTIFICATE_REFUSED.value, limit=500)
        return [str(each.act.detail["reason"]) for each in reversed(acts)]

    def close(self) -> None:
        self._served.close()
        self.member.close()


@pytest.fixture
def world(counter: Callable[..., Counter], application: Any, tmp_path: Path) -> Iterator[World]:
    made = World(counter(), application, tmp_path)
    yield made
    made.close()


def test_a_member_joins_and_keeps_its_certificate_for_days_without_anybody(world: World) -> None:
    member, serials = world.joined(), set()
    for _ in range(10):
        assert keep_up(member).faults == ()
        held = member.authority.credentials.current()
        assert held is not None
        serials.add(held.certificate.serial_number)
        assert member.authority.trusted.check(held.chain, at=member.clock.now()).name == "health"
        world.region.clock.advance(5 * HOUR)  # type: ignore[attr-defined]
    assert len(serials) == 3, "in two days, one for each two thirds of a day"
    assert world.reasons() == []
    assert not member.authority.issuing


def test_promise_4_a_revocation_reaches_the_members(world: World) -> None:
    member = world.joined()
    other = world.region.authority
    request = other.credentials.begin("small", other._office.suite)
    leaf = other.issue_node("small", request)
    assert member.authority.check([leaf, *other.chain]).name == "small"
    found = next(each for each in other.issued() if each.name == "small")
    other.revoke(found.serial)
    assert member.authority.check([leaf, *other.chain]).name == "small", "not known here yet"
    keep_membership(member)
    with pytest.raises(CertificateError) as caught:
        member.authority.check([leaf, *other.chain])
    assert caught.value.facts["reason"] == "revoked"


def test_promise_4_a_revoked_member_is_not_renewed_and_is_told_so(world: World) -> None:
    member = world.joined()
    world.region.authority.revoke_all(Kind.NODE, "health")
    world.region.clock.advance(17 * HOUR)  # type: ignore[attr-defined]
    world.region.authority.keep_current()
    faults = keep_up(member).faults
    assert [each.facts["reason"] for each in faults if isinstance(each, CertificateError)] == ["revoked"]


def test_promise_4_whoever_has_no_good_token_or_another_root_stays_outside(world: World) -> None:
    founded = world.member.authority.trusted.roots
    with pytest.raises(CertificateError) as caught:
        join(world.member, "a" * 32, world.fingerprint)
    assert (caught.value.facts["reason"], "登记凭据" in caught.value.advice("zh")) == ("token_unfit", True)
    with pytest.raises(CertificateError) as caught:
        join(world.member, world.region.authority.invite(Kind.NODE, "health"), "00" * 32)
    assert caught.value.facts["reason"] == "unknown_issuer"
    with pytest.raises(CertificateError):
        join(world.member, world.region.authority.invite(Kind.NODE, "police"), world.fingerprint)
    assert world.reopened().authority.trusted.roots == founded
    assert world.reasons() == ["token_unfit", "request_unfit"]


def test_promise_4_a_renewal_before_its_time_is_refused_in_its_own_words(world: World) -> None:
    member = world.joined()
    with pytest.raises(CertificateError) as caught:
        renew(member)
    assert caught.value.facts["reason"] == "too_early"


@pytest.mark.parametrize("what", ["enrol", "renew"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 60_000,
        b'{"request": 1, "token": "a"}',
        b'{"request": "AA==", "token": {}}',
        b'{"request": "%%", "token": "a"}',
        b'{"chain": [], "request": "AA==", "proof": "AA=="}',
        b'{"chain": "AAAA", "request": "AA==", "proof": "AA=="}',
        json.dumps({"chain": ["AA=="] * 9, "request": "AA==", "proof": "AA=="}).encode(),
        json.dumps({"chain": ["AA=="], "request": "AA==", "proof": "AA=="}).encode(),
        b"x" * 70_000,
    ],
)
def test_promise_8_whatever_is_sent_is_refused_in_words(world: World, what: str, body: bytes) -> None:
    answer = httpx.post(f"{world.url}/authority/{what}", content=body, trust_env=False)
    assert answer.status_code == 403
    said = answer.json()
    assert said["reason"] in {"malformed", "token_unfit", "too_large"}
    assert all(said["message"][each] for each in ("zh", "en"))


def test_promise_4_a_flood_of_refusals_does_not_fill_the_ledger(world: World) -> None:
    size = world.region.ledger.checkpoint().size
    door = RegionDoor(world.url)
    for _ in range(MOST_REFUSALS + 20):
        with pytest.raises(CertificateError):
            door.enrol(b"request", "guess")
    assert world.region.ledger.checkpoint().size == size + MOST_REFUSALS
    world.region.clock.advance(HOUR)  # type: ignore[attr-defined]
    with pytest.raises(CertificateError):
        door.enrol(b"request", "guess")
    (told,) = world.region.audit.entries(kind=ActKind.CERTIFICATE_REFUSED.value, limit=1)
    assert told.act.detail["unwritten"] == 20


def test_a_region_that_is_away_or_answers_garbage_is_named_and_nothing_changes(world: World) -> None:
    member = world.joined()
    held = member.authority.credentials.current()
    for url in ("http://127.0.0.1:9", f"{world.url}/sign-in/?"):
        for ask in (RegionDoor(url).lists, lambda url=url: RegionDoor(url).enrol(b"", "t")):
            with pytest.raises(UnreachableError):
                ask()
    world.close()
    assert [type(each) for each in keep_up(member).faults] == [UnreachableError]
    kept = member.authority.credentials.current()
    assert kept is not None
    assert held is not None
    assert kept.chain == held.chain


def test_promise_3_a_token_never_leaves_this_machine_in_the_clear(world: World) -> None:
    with pytest.raises(UsageError):
        RegionDoor("http://region.invalid").enrol(b"", "t")
    with pytest.raises(UsageError):
        join(world.region, "t", "00")  # its settings name no region


def test_a_node_that_certifies_nobody_answers_as_if_there_were_no_such_door(world: World) -> None:
    answer = httpx.get(f"{world.url}/authority/lists", trust_env=False)
    assert (answer.status_code, answer.text.count("BEGIN X509 CRL")) == (200, 2)
    (world.region.home.keys / "authority/region.key").rename(world.region.home.keys / "authority/away")
    for method, what in (("GET", "lists"), ("POST", "enrol"), ("POST", "renew")):
        assert httpx.request(method, f"{world.url}/authority/{what}", trust_env=False).status_code == 404
