from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

import system
from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import CertificateError, HomeError, IntegrityError, UsageError
from chengyi.store.files import flush_folder
from chengyi.trust.authority import founding, suites
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.ceremony import Root
from chengyi.trust.authority.founding import REGION_KEY, ROOT_KEY
from chengyi.trust.authority.names import Kind, Purpose
from chengyi.trust.authority.requests import make_request, prove_renewal
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.authority.trusted import Trusted
from chengyi.trust.primitives import LibraryMissing, sm2, sm2_forms
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from trust.authority.town import Town

PRESENT = ["王正", "李月", "赵衡"]


def kinds(audit: MemoryAudit) -> list[ActKind]:
    return [act.kind for act in audit.acts]


@pytest.mark.parametrize("purpose", [Purpose.SERVER, Purpose.CLIENT])
def test_a_node_is_known_by_its_certificate(town: Town, purpose: Purpose) -> None:
    citizen = town.node("health")
    identity = town.authority.check(citizen.der, name="health", purpose=purpose)
    assert (identity.name, identity.kind, identity.domain) == ("health", Kind.NODE, "yunting.chengyi.internal")
    assert identity.serial == citizen.serial
    assert identity.public_key == citizen.key.public


def test_a_person_with_a_chinese_name_is_known_by_it(town: Town) -> None:
    citizen = town.person("李月")
    assert town.authority.check(citizen.der, name="李月").kind is Kind.PERSON
    (host,) = citizen.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert host.value.endswith(".person.yunting.chengyi.internal")


def test_a_store_is_known_by_the_key_that_shares_are_sealed_to(town: Town) -> None:
    key = X25519PrivateKey.generate().public_key()
    der = town.authority.certify_store("站点-1", key.public_bytes_raw())
    identity = town.authority.check(der, name="站点-1", purpose=Purpose.SEAL)
    assert load_der_public_key(identity.public_key) == key
    life = x509.load_der_x509_certificate(der)
    assert timedelta(days=364) < life.not_valid_after_utc - life.not_valid_before_utc <= timedelta(days=366)


def test_chains_may_be_shown_in_full_or_in_part(town: Town) -> None:
    citizen, (region, root) = town.node(), town.authority.chain
    for shown in (citizen.der, [citizen.der], [citizen.der, region], [citizen.der, region, root]):
        assert town.authority.check(shown).name == "health"


def test_promise_4_founding_issuing_revoking_are_on_record(town: Town, audit: MemoryAudit) -> None:
    citizen = town.node()
    town.authority.revoke(citizen.serial, x509.ReasonFlags.key_compromise)
    town.authority.revoke(citizen.serial)
    assert kinds(audit) == [ActKind.FOUNDED, ActKind.CERTIFIED, ActKind.DECERTIFIED]
    issued, revoked = audit.acts[1:]
    assert (issued.object, issued.detail["name"], revoked.detail["reason"]) == (
        citizen.serial,
        "health",
        "keyCompromise",
    )
    (row,) = town.authority.issued()
    assert (row.serial, row.entry, row.reason, row.revoked_at) == (citizen.serial, 1, "keyCompromise", town.now)


def test_promise_4_what_a_crash_left_without_an_act_was_given_to_nobody(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise OSError("the ledger is away")

    monkeypatch.setattr(town.audit, "record", fail)
    with pytest.raises(OSError, match="away"):
        town.node()
    assert town.authority.issued() == []


def test_leaves_live_a_day_and_serials_have_twenty_octets(town: Town) -> None:
    serials = set()
    for _ in range(50):
        made = town.node().certificate
        assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(hours=24)
        assert made.serial_number.bit_length() == 159
        serials.add(made.serial_number)
    assert len(serials) == 50


def test_somebody_enrols_with_a_token_once(town: Town, audit: MemoryAudit) -> None:
    key, token = suites.generate(Suite.P256), town.authority.invite(Kind.PERSON, "li-yue")
    der = town.authority.enrol(make_request(key, "li-yue"), f" {token.upper()}\n")
    assert town.authority.check(der).public_key == key.public
    assert token not in str(audit.acts)
    assert (audit.acts[-2].kind, audit.acts[-2].object) == (ActKind.INVITED, "li-yue")
    with pytest.raises(UsageError):
        town.authority.invite(Kind.STORE, "site-1")


def test_a_certificate_is_renewed_in_the_last_third_of_its_life_and_on_and_on(town: Town, audit: MemoryAudit) -> None:
    citizen = town.node()
    for _ in range(4):
        town.clock.advance(timedelta(hours=16))
        town.authority.keep_current()
        after = town.renewed(citizen)
        assert town.authority.check(after.der).public_key == after.key.public != citizen.key.public
        assert audit.acts[-1].certificate == citizen.serial
        assert town.authority.issued()[0].replaces == citizen.serial
        citizen = after


def test_a_revoked_name_may_enrol_anew(town: Town) -> None:
    town.node(), town.node()
    assert town.authority.revoke_all(Kind.NODE, "health") == 2
    assert town.authority.revoke_all(Kind.NODE, "health") == 0
    assert town.authority.check(town.node().der).name == "health"


def test_lists_name_what_was_revoked_until_it_has_expired(town: Town) -> None:
    citizen = town.node()
    town.authority.revoke(citizen.serial)
    first = x509.load_der_x509_crl(town.authority.crl())
    assert [f"{each.serial_number:x}" for each in first] == [citizen.serial]
    assert first.next_update_utc == town.now + timedelta(hours=6)
    town.clock.advance(timedelta(hours=2))
    assert town.authority.crl() == first.public_bytes(Encoding.DER), "a list serves half its life"
    town.clock.advance(timedelta(days=3))
    second = x509.load_der_x509_crl(town.authority.crl())
    assert len(second) == 0
    assert _number(second) > _number(first)


def test_lists_that_run_out_are_made_anew(town: Town) -> None:
    town.clock.advance(timedelta(days=400))
    town.authority.keep_current()
    assert town.authority.check(town.node().der).name == "health"


def test_an_authority_opens_as_it_was_left(town: Town, parts: Parts) -> None:
    citizen = town.node()
    for again in (Authority.open(town.folder, parts), Authority.local(town.folder, parts, node="yunting")):
        assert again.check(citizen.der).name == "health"
        assert again.chain == town.authority.chain
    assert kinds(town.audit).count(ActKind.FOUNDED) == 1


def test_promise_4_a_founding_that_a_crash_left_off_the_record_is_recorded_later(
    tmp_path: Path, parts: Parts, audit: MemoryAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise OSError("the ledger is away")

    with monkeypatch.context() as broken:
        broken.setattr(audit, "record", fail)
        with pytest.raises(OSError, match="away"):
            Authority.local(tmp_path / "authority", parts, node="yunting")
    Authority.local(tmp_path / "authority", parts, node="yunting")
    assert kinds(audit) == [ActKind.FOUNDED]


def test_a_node_that_certifies_nobody_checks_all_the_same(town: Town, tmp_path: Path, parts: Parts) -> None:
    region, root = town.authority.chain
    Trusted.write(tmp_path / "other", [root], [region])
    other = Authority.open(tmp_path / "other", parts)
    citizen = town.node()
    for issuer in (town.region, town.root):
        other.take_list(town.crl(issuer))
    assert not other.issuing
    assert other.check(citizen.der).name == "health"
    with pytest.raises(UsageError):
        other.issue_node("health", make_request(citizen.key, "health"))
    with pytest.raises(UsageError):
        other.crl()


@pytest.mark.parametrize("node", ["a-", "x-1", "a" * 63])
def test_a_node_of_any_id_founds_an_authority(tmp_path: Path, parts: Parts, node: str) -> None:
    authority = Authority.local(tmp_path / "authority", parts, node=node)
    assert authority.check(authority.own(node).chain, name=node).kind is Kind.NODE


def test_a_request_is_refused_where_its_algorithm_is_missing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    system.need("found" if sm2.available() else None, "libcrypto with SM2", "apt-get install libssl3")
    request = make_request(suites.generate(Suite.SM), "health")

    def lack(_: str) -> None:
        raise LibraryMissing(library="libcrypto", what="SM2")

    monkeypatch.setattr(sm2_forms, "libcrypto", lack)
    with town.refused("request_unfit"):
        town.authority.issue_node("health", request)


@pytest.mark.parametrize("text", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_damaged_anchors_are_refused(town: Town, parts: Parts, text: str) -> None:
    for name in ("roots.pem", "regions.pem"):
        (town.folder / name).write_text(text)
        with pytest.raises(IntegrityError):
            Authority.open(town.folder, parts)


def test_there_may_be_no_authority(tmp_path: Path, parts: Parts) -> None:
    with pytest.raises(HomeError):
        Authority.open(tmp_path / "none", parts)


def test_promise_3_issuers_keys_lie_under_the_nodes_keys(town: Town, parts: Parts) -> None:
    for name, issuer in ((REGION_KEY, town.region), (ROOT_KEY, town.root)):
        path = town.folder / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert issuer.key.secret()[-40:].hex() not in path.read_text()
    assert "P256Key()" in repr(town.region.key)
    stranger = Parts(parts.rows, parts.audit, parts.clock, MemoryKeys(seed=b"other"), "x")
    with pytest.raises(IntegrityError):
        Authority.open(town.folder, stranger).certify_store("site", bytes(range(32)))


def test_promise_3_a_key_of_another_authority_does_not_fit(town: Town, tmp_path: Path, parts: Parts) -> None:
    Authority.local(tmp_path / "second", parts, node="other")
    (town.folder / REGION_KEY).unlink()
    (town.folder / REGION_KEY).write_bytes((tmp_path / "second" / REGION_KEY).read_bytes())
    for damage in (b"", b"[]", b"{}", b"\xff"):
        with pytest.raises(IntegrityError):
            Authority.open(town.folder, parts).certify_store("site", bytes(range(32)))
        (town.folder / REGION_KEY).write_bytes(damage)


def test_joining_a_region_replaces_the_nodes_own_authority(
    town: Town, tmp_path: Path, parts: Parts, clock: SetClock, audit: MemoryAudit
) -> None:
    before = town.node()
    root = Root.create(tmp_path / "carried", "correct horse battery", PRESENT, clock.now(), Suite.P256)
    joined = Authority.create(town.folder, parts, root=root, region="yunting")
    assert joined.chain[1] == root.der != town.authority.chain[1]
    assert not (town.folder / ROOT_KEY).exists(), "an offline root's key never comes here"
    with pytest.raises(CertificateError):
        joined.check(before.der)
    key = suites.generate(Suite.P256)
    assert joined.check(joined.issue_node("health", make_request(key, "health"))).name == "health"
    aside = [each for each in tmp_path.iterdir() if each.name.startswith("authority-")]
    assert len(aside) == 1
    assert (aside[0] / ROOT_KEY).exists()
    founded = [act for act in audit.acts if act.kind is ActKind.FOUNDED]
    assert founded[-1].detail["present"] == PRESENT


def test_a_region_is_certified_anew_under_its_key_and_forgets_nothing(town: Town, clock: SetClock) -> None:
    store = town.authority.certify_store("site-1", bytes(range(32)))
    clock.advance(timedelta(days=2 * 365 - 10))
    late = town.authority.certify_store("site-2", bytes(range(32)))
    town.authority.revoke(f"{x509.load_der_x509_certificate(late).serial_number:x}")
    clock.advance(timedelta(days=70))
    before = town.authority.trusted.regions
    town.authority.keep_current()
    assert town.authority.trusted.regions != before
    assert town.authority.check(town.node().der).name == "health"
    for shown, reason in ((late, "revoked"), (store, "expired")):
        with town.refused(reason):
            town.authority.check(shown, purpose=Purpose.SEAL)
    assert kinds(town.audit).count(ActKind.FOUNDED) == 2


def test_a_region_comes_back_to_its_root_and_keeps_its_key(tmp_path: Path, parts: Parts, clock: SetClock) -> None:
    root = Root.create(tmp_path / "carried", "correct horse battery", PRESENT, clock.now(), Suite.P256)
    first = Authority.create(tmp_path / "authority", parts, root=root, region="yunting")
    der = first.issue_node("health", make_request(suites.generate(Suite.P256), "health"))
    clock.advance(timedelta(hours=1))
    again = Authority.create(tmp_path / "authority", parts, root=root, region="yunting")
    assert again.chain[0] != first.chain[0]
    assert again.check(der).name == "health"
    other = Authority.create(tmp_path / "authority", parts, root=root, region="other")
    with pytest.raises(CertificateError):
        other.check(der)


def test_an_expired_region_issues_nothing(town: Town, clock: SetClock) -> None:
    (town.folder / ROOT_KEY).unlink()
    clock.advance(timedelta(days=4 * 365))
    with town.refused("expired"):
        town.node()


def test_a_node_whose_region_has_expired_still_opens_and_refuses(town: Town, parts: Parts, clock: SetClock) -> None:
    citizen = town.node()
    (town.folder / ROOT_KEY).unlink()
    clock.advance(timedelta(days=4 * 365))
    again = Authority.local(town.folder, parts, node="yunting")
    with town.refused("expired"):
        again.check(citizen.der)


def test_a_damaged_list_is_as_good_as_none_until_it_is_published_anew(town: Town) -> None:
    citizen = town.node()
    for path in (town.folder / "lists").iterdir():
        path.write_bytes(b"")
    with town.refused("list_missing"):
        town.authority.check(citizen.der)
    town.authority.keep_current()
    assert town.authority.check(citizen.der).name == "health"


def test_two_that_found_at_once_end_with_one_authority(
    tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plain = tmp_path / "authority", flush_folder

    def slower(path: Path) -> None:
        monkeypatch.setattr(founding, "flush_folder", plain)
        Authority.local(folder, parts, node="yunting")
        plain(path)

    monkeypatch.setattr(founding, "flush_folder", slower)
    late = Authority.local(folder, parts, node="yunting")
    assert late.chain == Authority.open(folder, parts).chain
    assert late.check(late.own("yunting").chain).name == "yunting"
    assert [each.name for each in tmp_path.iterdir() if "authority" in each.name] == ["authority"]


def test_every_suite_issues_renews_and_revokes(of_suite: Authority, suite: Suite, clock: SetClock) -> None:
    key = suites.generate(suite)
    token = of_suite.invite(Kind.NODE, "health")
    der = of_suite.enrol(make_request(key, "health"), token)
    for purpose in (Purpose.SERVER, Purpose.CLIENT):
        assert of_suite.check(der, name="health", purpose=purpose).public_key == key.public
    sealed = of_suite.certify_store("site-1", bytes(range(32)))
    assert of_suite.check(sealed, purpose=Purpose.SEAL).kind is Kind.STORE
    clock.advance(timedelta(hours=16))
    of_suite.keep_current()
    fresh = suites.generate(suite)
    request = make_request(fresh, "health")
    after = of_suite.renew(der, request, prove_renewal(key, request))
    of_suite.revoke(of_suite.check(der).serial)
    with pytest.raises(CertificateError) as error:
        of_suite.check(der)
    assert error.value.facts["reason"] == "revoked"
    assert of_suite.check(after).public_key == fresh.public


def test_promise_4_every_suite_refuses_what_is_forged(of_suite: Authority, suite: Suite) -> None:
    key = suites.generate(suite)
    der = of_suite.issue_node("health", make_request(key, "health"))
    own = x509.load_der_x509_certificate(der).signature
    request = make_request(key, "health")
    asked = x509.load_der_x509_csr(request).signature
    for attempt, reason in (
        (lambda: of_suite.check(der.replace(own, _flipped(own))), "forged"),
        (lambda: of_suite.issue_node("health", request.replace(asked, _flipped(asked))), "request_forged"),
    ):
        with pytest.raises(CertificateError) as error:
            attempt()
        assert error.value.facts["reason"] == reason


@pytest.mark.slow
@pytest.mark.parametrize("purpose", [Purpose.CLIENT, Purpose.SEAL])
@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_promise_4_no_changed_byte_is_accepted(
    of_suite: Authority, suite: Suite, purpose: Purpose, change: int, clock: SetClock
) -> None:
    node = of_suite.issue_node("health", make_request(suites.generate(suite), "health"))
    der = of_suite.certify_store("site-1", bytes(range(32))) if purpose is Purpose.SEAL else node
    of_suite.trusted.check(der, purpose=purpose, at=clock.now())
    for place in range(len(der)):
        bent = bytearray(der)
        bent[place] ^= change
        with pytest.raises(CertificateError):
            of_suite.trusted.check(bytes(bent), purpose=purpose, at=clock.now())


def test_an_authority_takes_keys_of_its_own_suite_only(of_suite: Authority, suite: Suite) -> None:
    (other,) = set(Suite) - {suite}
    with pytest.raises(CertificateError) as error:
        of_suite.issue_node("health", make_request(suites.generate(other), "health"))
    assert error.value.facts["reason"] == "request_unfit"


def test_terms_bound_what_is_issued(tmp_path: Path, parts: Parts) -> None:
    brief = Authority.local(tmp_path / "brief", parts, Terms(leaf_hours=2, list_hours=1, store_days=30), node="a")
    der = brief.issue_node("health", make_request(suites.generate(Suite.P256), "health"))
    made = x509.load_der_x509_certificate(der)
    assert made.not_valid_after_utc - made.not_valid_before_utc == timedelta(hours=2)
    listed = x509.load_der_x509_crl(brief.crl())
    assert listed.next_update_utc == listed.last_update_utc + timedelta(hours=1)


def _number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _flipped(raw: bytes) -> bytes:
    return raw[:-1] + bytes([raw[-1] ^ 1])
