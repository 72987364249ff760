"""Signed requests under real certificates of a region, in both suites (promise 4)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import chengyi.trust.rows  # noqa: F401 - declares every table of trust
import system
from chengyi.model.errors import MessageRefusedError
from chengyi.store.rows import Rows
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.credentials import Credentials, Holding
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.messages.algorithms import DerSigning
from chengyi.trust.messages.identities import CertificateIdentities, keyid_of
from chengyi.trust.messages.signing import MessageSigner
from chengyi.trust.messages.verification import MessageVerifier
from chengyi.trust.primitives import sm2
from simulators.keys import MemoryKeys
from trust.messages.forge import HERE, World, signed


class Region:
    """An authority, one node with a certificate of it, and another that checks requests."""

    def __init__(self, folder: Path, rows: Rows, suite: Suite) -> None:
        self.world = World()
        self.folder, self.suite = folder, suite
        parts = Parts(rows, self.world.audit, self.world.clock, MemoryKeys(), "node:yunting")
        self.authority = Authority.local(folder / "authority", parts, Terms(suite), node="yunting")
        self.holding = self.certified("weather")

    def certified(self, name: str) -> Holding:
        folder = self.folder / name
        folder.mkdir()
        credentials = Credentials(folder, MemoryKeys(seed=name.encode()))
        leaf = self.authority.issue_node(name, credentials.begin(name, self.suite))
        credentials.accept([leaf, *self.authority.chain], self.authority.trusted, self.world.clock.now())
        held = credentials.current()
        assert held is not None
        return held

    def signer(self, holding: Holding | None = None, chain: tuple[bytes, ...] = ()) -> MessageSigner:
        held = holding or self.holding
        shown = chain or held.chain[:2]
        key = DerSigning(held.key.public, held.key.sign)
        return MessageSigner(key, keyid_of(shown[0]), self.world.clock, certificates=shown)

    def verifier(self) -> MessageVerifier:
        world = self.world
        identities = CertificateIdentities(self._check)
        return MessageVerifier(identities, world.nonces, world.audit, world.clock, authorities=[HERE])

    def _check(self, chain: object, at: datetime) -> tuple[str, bytes, str]:
        who = self.authority.trusted.check(list(chain), at=at)  # type: ignore[call-overload]
        return f"{who.kind}:{who.name}", who.public_key, who.serial


@pytest.fixture(params=list(Suite))
def region(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Region]:
    if request.param is Suite.SM:
        system.need("found" if sm2.available() else None, "libcrypto with SM2", "apt-get install libssl3")
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    rows.create_all()
    yield Region(tmp_path, rows, Suite(request.param))
    rows.close()


def test_a_certified_node_is_named(region: Region) -> None:
    assert region.verifier().verify(signed(region.signer())).id == "node:weather"


def test_promise_4_a_revoked_certificate_signs_nothing(region: Region) -> None:
    region.authority.revoke_all(Kind.NODE, "weather")
    _refused(region, region.signer())


def test_promise_4_an_expired_certificate_signs_nothing(region: Region) -> None:
    region.world.clock.advance(timedelta(hours=25))
    _refused(region, region.signer())


def test_promise_4_a_certificate_shown_by_another_node_signs_nothing(region: Region) -> None:
    """A neighbour shows the certificate, but has another key."""
    _refused(region, region.signer(region.certified("traffic"), region.holding.chain[:2]), "wrong-signature")


def _refused(region: Region, signer: MessageSigner, reason: str = "unknown-key") -> None:
    with pytest.raises(MessageRefusedError) as caught:
        region.verifier().verify(signed(signer))
    assert caught.value.reason == reason
