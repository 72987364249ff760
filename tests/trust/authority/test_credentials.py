import json
from datetime import timedelta

import pytest

from chengyi.model.errors import CertificateError, IntegrityError, UsageError
from chengyi.trust.authority import suites
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.credentials import NEXT, OWN, Credentials
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.requests import make_request
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.trusted import Trusted
from simulators.keys import MemoryKeys
from trust.authority.town import Town


@pytest.fixture
def credentials(town: Town) -> Credentials:
    return town.authority.credentials


def test_an_authority_keeps_its_own_node_supplied(town: Town) -> None:
    first = town.authority.own("yunting")
    assert town.authority.check(first.chain, name="yunting").public_key == first.key.public
    assert town.authority.own("yunting").chain == first.chain
    town.clock.advance(timedelta(hours=16))
    town.authority.keep_current()
    second = town.authority.own("yunting")
    assert second.key.public != first.key.public
    assert second.pem().count(b"BEGIN CERTIFICATE") == 3


def test_a_node_enrols_at_an_authority_elsewhere_and_renews(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> None:
    region, root = town.authority.chain
    folder = tmp_path_factory.mktemp("member") / "authority"
    Trusted.write(folder, [root], [region])
    member = Authority.open(folder, town.parts)
    with pytest.raises(UsageError):
        member.own("health")
    member.take_list(town.crl())
    member.take_list(town.crl(town.root, hours=4000))
    request = member.credentials.begin("health", Suite.P256)
    der = town.authority.enrol(request, town.authority.invite(Kind.NODE, "health"))
    member.credentials.accept([der, region, root], member.trusted, town.now)
    held = member.own("health")
    assert not held.is_due(town.now + timedelta(hours=15))
    town.clock.advance(timedelta(hours=16))
    town.authority.keep_current()
    assert held.is_due(town.now)
    request = member.credentials.begin("health", Suite.P256)
    renewed = town.authority.renew(held.chain, request, held.prove(request))
    member.take_list(town.crl(number=1 << 55))
    member.credentials.accept([renewed, region, root], member.trusted, town.now)
    assert member.own("health").chain[0] == renewed


def test_promise_4_a_certificate_for_another_key_is_not_taken(town: Town, credentials: Credentials) -> None:
    credentials.begin("health", Suite.P256)
    other = town.authority.issue_node("health", make_request(suites.generate(Suite.P256), "health"))
    with pytest.raises(CertificateError):
        credentials.accept([other], town.authority.trusted, town.now)
    with pytest.raises(CertificateError):
        credentials.accept([b"garbage"], town.authority.trusted, town.now)
    assert credentials.current() is None


def test_there_has_to_be_a_request_under_way(town: Town, credentials: Credentials) -> None:
    with pytest.raises(UsageError):
        credentials.accept([town.node().der], town.authority.trusted, town.now)


def test_promise_3_the_key_lies_under_the_nodes_keys(town: Town, credentials: Credentials) -> None:
    held = town.authority.own("yunting")
    path = town.folder / OWN
    assert path.stat().st_mode & 0o777 == 0o600
    assert not (town.folder / NEXT).exists()
    with pytest.raises(IntegrityError):
        Credentials(town.folder, MemoryKeys(seed=b"other")).current()
    assert repr(held.key) == "P256Key()"


@pytest.mark.parametrize(
    "change", [{"chain": ["AAAA"]}, {"chain": 5}, {"key": "AAAA"}, {"suite": "rsa"}, {"chain": ["!"]}, {"suite": None}]
)
def test_what_was_changed_is_refused(town: Town, credentials: Credentials, change: dict[str, object]) -> None:
    town.authority.own("yunting")
    path = town.folder / OWN
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(IntegrityError):
        credentials.current()


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"{}"])
def test_garbage_is_refused(town: Town, credentials: Credentials, raw: bytes) -> None:
    (town.folder / OWN).write_bytes(raw)
    with pytest.raises(IntegrityError):
        credentials.current()


def test_a_chain_for_another_key_is_noticed(town: Town, credentials: Credentials) -> None:
    import base64

    town.authority.own("yunting")
    path = town.folder / OWN
    other = base64.b64encode(town.node().der).decode()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chain": [other]}))
    with pytest.raises(IntegrityError):
        credentials.current()
