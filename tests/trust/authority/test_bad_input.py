"""One forged asset for each attack: one clear error with advice in both languages, and an act of refusal."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chengyi.model.errors import CertificateError, NotFoundError, UsageError
from chengyi.trust.authority import profiles, suites
from chengyi.trust.authority.names import Kind, Purpose
from chengyi.trust.authority.profiles import Issuer, Term
from chengyi.trust.authority.requests import make_request, prove_renewal
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.trusted import Trusted
from trust.authority.town import DAY, Town


def test_promise_4_an_expired_certificate(town: Town) -> None:
    citizen = town.node()
    town.clock.advance(timedelta(hours=25))
    town.authority.keep_current()
    with town.refused("expired"):
        town.authority.check(citizen.der)


def test_promise_4_a_certificate_that_is_not_valid_yet(town: Town) -> None:
    early = town.leaf(term=Term(town.now + timedelta(hours=1), town.now + timedelta(hours=20)))
    with town.refused("not_yet_valid"):
        town.authority.check(early)


def test_promise_4_a_revoked_certificate(town: Town) -> None:
    citizen = town.node()
    town.authority.revoke(citizen.serial, x509.ReasonFlags.key_compromise)
    with town.refused("revoked"):
        town.authority.check(citizen.der)


def test_promise_4_a_revoked_region(town: Town) -> None:
    citizen, root = town.node(), town.root
    entry = (town.region.certificate.serial_number, town.now, x509.ReasonFlags.ca_compromise)
    town.authority.trusted.put_list(
        root.certificate, profiles.revocation_list(root, 1 << 50, town.now, town.now + DAY, [entry])
    )
    with town.refused("revoked"):
        town.authority.check(citizen.der)


def test_promise_4_a_certificate_of_another_name(town: Town) -> None:
    with town.refused("wrong_name"):
        town.authority.check(town.node("health").der, name="police")


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        (Kind.PERSON, Purpose.SERVER),
        (Kind.PERSON, Purpose.SEAL),
        (Kind.NODE, Purpose.SEAL),
        (Kind.STORE, Purpose.SERVER),
        (Kind.STORE, Purpose.CLIENT),
    ],
)
def test_promise_4_a_certificate_for_another_use(town: Town, kind: Kind, purpose: Purpose) -> None:
    shown = town.authority.certify_store("site-1", bytes(range(32))) if kind is Kind.STORE else town.leaf(kind=kind)
    with town.refused("wrong_use"):
        town.authority.check(shown, purpose=purpose)


def test_promise_4_a_forged_signature(town: Town) -> None:
    citizen = town.node()
    own = citizen.certificate.signature
    forged = citizen.der.replace(own, own[:-1] + bytes([own[-1] ^ 1]))
    with town.refused("forged"):
        town.authority.check(forged)


def test_promise_4_a_certificate_by_another_key_under_the_regions_name(town: Town) -> None:
    impostor = suites.generate(Suite.P256)
    form = town.region.certificate
    leaf = town.leaf(Issuer(_Liar(impostor, town.region.key.public), form))
    with town.refused("forged"):
        town.authority.check(leaf)


def test_promise_4_a_name_outside_the_regions_domain(town: Town) -> None:
    with town.refused("outside_domain"):
        town.authority.check(town.leaf(domain="other.chengyi.internal"))
    with town.refused("outside_domain"):
        town.authority.check(town.leaf(domain=f"x.{town.authority.domain}"))


def test_promise_4_a_chain_through_a_region_of_a_region(town: Town) -> None:
    below = town.region_of(town.region)
    leaf = town.leaf(below)
    chain = [leaf, *(each.certificate.public_bytes(Encoding.DER) for each in (below, town.region))]
    with town.refused("chain_too_long"):
        town.authority.check(chain)
    with town.refused("chain_too_long"):
        town.authority.check([*chain, chain[-1]])


def test_promise_4_an_unknown_authority(town: Town) -> None:
    root = town.foreign_root()
    region = town.region_of(root)
    chain = [town.leaf(region), *(each.certificate.public_bytes(Encoding.DER) for each in (region, root))]
    with town.refused("unknown_issuer"):
        town.authority.check(chain)


def test_promise_4_a_self_signed_leaf(town: Town) -> None:
    key = suites.generate(Suite.P256)
    with town.refused("unknown_issuer"):
        town.authority.check(profiles.root(key, town.now, 1))


@pytest.mark.parametrize("garbage", [b"", b"\x30", b"\x30\x80\x00\x00", b"not DER at all", b"\x30\x84\xff\xff\xff\xff"])
def test_promise_8_garbage_instead_of_a_certificate(town: Town, garbage: bytes) -> None:
    with town.refused("malformed"):
        town.authority.check(garbage)


def test_promise_8_deeply_nested_der(town: Town) -> None:
    nested = b""
    for _ in range(1500):
        nested = b"\x30\x82" + len(nested).to_bytes(2, "big") + nested
    with town.refused("malformed"):
        town.authority.check(nested)


def test_promise_8_a_huge_certificate(town: Town) -> None:
    with town.refused("too_large"):
        town.authority.check(town.node().der + bytes(1 << 20))


def test_promise_4_a_signature_of_fewer_bits_is_no_second_form_of_a_certificate(town: Town) -> None:
    for _ in range(20):
        citizen = town.node()
        place = len(citizen.der) - len(citizen.certificate.signature) - 1
        bent = citizen.der[:place] + b"\1" + citizen.der[place + 1 :]
        with town.refused("malformed"):
            town.authority.check(bent)


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_promise_8_no_bytes_make_the_parsers_fail_in_another_way(town: Town, raw: bytes) -> None:
    request = make_request(suites.generate(Suite.P256), "health")
    for attempt in (
        lambda: town.authority.trusted.check(raw, at=town.now),
        lambda: town.authority.trusted.take_list(raw, town.now),
        lambda: town.authority.issue_node("health", raw),
        lambda: town.authority.renew(town.leaf(), request, raw),
    ):
        with pytest.raises(CertificateError):
            attempt()


# Lists of revoked certificates


def test_promise_4_a_stale_list(town: Town) -> None:
    citizen = town.node()
    town.authority.trusted.put_list(town.region.certificate, town.crl(hours=1))
    town.clock.advance(timedelta(hours=2))
    with town.refused("list_stale"):
        town.authority.check(citizen.der)


def test_promise_4_no_list(town: Town) -> None:
    citizen = town.node()
    for each in (town.folder / "lists").iterdir():
        each.unlink()
    fresh = Trusted(town.folder)
    with pytest.raises(CertificateError) as error:
        fresh.check(citizen.der, at=town.now)
    assert error.value.facts["reason"] == "list_missing"
    assert "ca crl" in error.value.advice("en")


def test_promise_4_a_list_by_another_authority(town: Town) -> None:
    foreign = town.region_of(town.foreign_root())
    with town.refused("unknown_issuer"):
        town.authority.take_list(town.crl(foreign))


def test_promise_4_a_list_in_the_name_of_the_region(town: Town) -> None:
    liar = Issuer(_Liar(suites.generate(Suite.P256), town.region.key.public), town.region.certificate)
    with town.refused("list_forged"):
        town.authority.take_list(town.crl(liar))
    citizen = town.node()
    town.authority.trusted.put_list(town.region.certificate, town.crl(liar))
    with town.refused("list_forged"):
        town.authority.check(citizen.der)


def test_promise_4_an_older_list_does_not_replace_a_newer_one(town: Town) -> None:
    town.authority.trusted.put_list(town.region.certificate, town.crl(number=1 << 51))
    with town.refused("list_stale"):
        town.authority.take_list(town.crl(number=(1 << 51) - 1))
    with town.refused("list_stale"):
        town.authority.take_list(town.crl(number=1 << 52, hours=0))
    town.authority.take_list(town.crl(number=1 << 52))


def _point(**given: bool) -> x509.IssuingDistributionPoint:
    parts = dict.fromkeys(("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl"), False)
    return x509.IssuingDistributionPoint(
        full_name=[x509.UniformResourceIdentifier("http://crl.invalid")],
        relative_name=None,
        only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}) if given.pop("some_reasons", False) else None,
        only_contains_attribute_certs=given.pop("attributes", False),
        **(parts | given),
    )


UNFIT: dict[str, tuple[x509.ExtensionType, bool]] = {
    "delta": (x509.DeltaCRLIndicator(1), True),
    "indirect": (_point(indirect_crl=True), True),
    "some reasons": (_point(some_reasons=True), True),
    "attributes only": (_point(attributes=True), True),
    "a point that is not critical": (_point(), False),
    "unknown and critical": (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00"), True),
}


@pytest.mark.parametrize("name", UNFIT)
def test_promise_4_a_list_of_a_form_that_is_not_read(town: Town, name: str) -> None:
    citizen = town.node()
    value, critical = UNFIT[name]
    with town.refused("list_unfit"):
        town.authority.take_list(_list(town, (x509.CRLNumber(1 << 50), False), (value, critical)))
    town.authority.check(citizen.der)


@pytest.mark.parametrize("numbers", [[], [(x509.CRLNumber(1 << 50), True)]])
def test_promise_4_a_list_without_a_number_or_with_a_critical_one(
    town: Town, numbers: list[tuple[x509.ExtensionType, bool]]
) -> None:
    with town.refused("list_unfit"):
        town.authority.take_list(_list(town, *numbers))


def test_promise_4_a_list_for_authorities_only_does_not_speak_for_leaves(town: Town) -> None:
    citizen = town.node()
    only = _list(town, (x509.CRLNumber(1 << 50), False), (_point(only_contains_ca_certs=True), True))
    town.authority.trusted.put_list(town.region.certificate, only)
    with town.refused("list_missing"):
        town.authority.check(citizen.der)
    users = _list(town, (x509.CRLNumber(1 << 50), False), (_point(only_contains_user_certs=True), True))
    town.authority.trusted.put_list(town.region.certificate, users)
    assert town.authority.check(citizen.der).name == "health"


def test_promise_4_an_entry_with_an_unknown_critical_part(town: Town) -> None:
    entry = x509.RevokedCertificateBuilder().serial_number(5).revocation_date(town.now)
    entry = entry.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00"), critical=True)
    form = _form(town).add_extension(x509.CRLNumber(1 << 50), critical=False).add_revoked_certificate(entry.build())
    with town.refused("list_unfit"):
        town.authority.take_list(town.region.key.list(form))


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\x30\x03\x02\x01\x01"])
def test_promise_8_garbage_instead_of_a_list(town: Town, raw: bytes) -> None:
    with town.refused("malformed"):
        town.authority.take_list(raw)


def test_promise_8_a_huge_list(town: Town) -> None:
    with town.refused("too_large"):
        town.authority.take_list(bytes((8 << 20) + 1))


# Requests, tokens, renewals


def test_promise_4_a_request_signed_with_another_key(town: Town) -> None:
    liar = _Liar(suites.generate(Suite.P256), suites.generate(Suite.P256).public)
    request = make_request(suites.generate(Suite.P256), "health")
    own = x509.load_der_x509_csr(request)
    forged = request.replace(own.signature, liar.sign(own.tbs_certrequest_bytes)[: len(own.signature)])
    token = town.authority.invite(Kind.NODE, "health")
    with pytest.raises(CertificateError):
        town.authority.enrol(forged, token)
    with town.refused("request_forged"):
        town.authority.issue_node("health", _flip_signature(request))
    assert town.authority.enrol(request, token), "a refused request does not use the token up"


def test_promise_4_a_request_for_another_name(town: Town) -> None:
    request = make_request(suites.generate(Suite.P256), "police")
    with town.refused("request_unfit"):
        town.authority.enrol(request, town.authority.invite(Kind.NODE, "health"))


def test_promise_4_a_request_for_a_key_of_another_kind(town: Town) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    form = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "health")])
    )
    request = form.sign(Ed25519PrivateKey.generate(), None).public_bytes(Encoding.DER)
    with town.refused("request_unfit"):
        town.authority.issue_node("health", request)


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"", "malformed"), (b"garbage", "malformed"), (bytes(9 << 10), "too_large")]
)
def test_promise_8_garbage_instead_of_a_request(town: Town, raw: bytes, reason: str) -> None:
    with town.refused(reason):
        town.authority.issue_node("health", raw)


def test_promise_4_a_replayed_token(town: Town) -> None:
    token = town.authority.invite(Kind.PERSON, "李月")
    town.authority.enrol(make_request(suites.generate(Suite.P256), "李月"), token)
    with town.refused("token_unfit"):
        town.authority.enrol(make_request(suites.generate(Suite.P256), "李月"), token)


def test_promise_4_an_expired_a_withdrawn_or_an_invented_token(town: Town) -> None:
    request = make_request(suites.generate(Suite.P256), "health")
    with town.refused("token_unfit"):
        town.authority.enrol(request, "aaaa")
    withdrawn = town.authority.invite(Kind.NODE, "health")
    town.authority.revoke_all(Kind.NODE, "health")
    with town.refused("token_unfit"):
        town.authority.enrol(request, withdrawn)
    late = town.authority.invite(Kind.NODE, "health", timedelta(days=30))
    town.clock.advance(timedelta(days=7))
    with town.refused("token_unfit"):
        town.authority.enrol(request, late)


def test_promise_4_a_renewal_before_its_time(town: Town) -> None:
    citizen = town.node()
    town.clock.advance(timedelta(hours=15))
    town.authority.keep_current()
    with town.refused("too_early"):
        town.renewed(citizen)


def test_promise_4_a_renewal_of_what_was_revoked(town: Town) -> None:
    citizen = town.node()
    town.clock.advance(timedelta(hours=17))
    town.authority.revoke(citizen.serial)
    # Even where the list that says so never arrived: the register refuses by itself.
    town.authority.trusted.put_list(town.region.certificate, town.crl())
    with town.refused("revoked"):
        town.renewed(citizen)


def test_promise_4_a_renewal_without_the_old_key(town: Town) -> None:
    citizen = town.node()
    town.clock.advance(timedelta(hours=17))
    town.authority.keep_current()
    request = make_request(suites.generate(Suite.P256), "health")
    for thief in (suites.generate(Suite.P256), town.region.key):
        with town.refused("request_forged"):
            town.authority.renew(citizen.der, request, prove_renewal(thief, request))
    other = make_request(suites.generate(Suite.P256), "health")
    with town.refused("request_forged"):
        town.authority.renew(citizen.der, request, prove_renewal(citizen.key, other))


def test_promise_4_a_renewal_of_what_is_not_in_the_register(town: Town) -> None:
    key = suites.generate(Suite.P256)
    term = Term(town.now - timedelta(hours=20), town.now + timedelta(hours=4))
    der = profiles.leaf(town.region, key.public, Kind.NODE, "health", domain=town.authority.domain, term=term)
    request = make_request(suites.generate(Suite.P256), "health")
    with town.refused("not_ours"):
        town.authority.renew(der, request, prove_renewal(key, request))


def test_promise_4_nothing_is_issued_while_the_clock_stands_back(town: Town) -> None:
    town.clock.advance(timedelta(hours=-1))
    with town.refused("clock"):
        town.node()
    with town.refused("clock"):
        town.authority.certify_store("site-1", bytes(range(32)))


def test_promise_4_a_clock_that_stands_back_accepts_nothing(town: Town) -> None:
    citizen = town.node()
    town.clock.advance(timedelta(hours=-1))
    with town.refused("not_yet_valid"):
        town.authority.check(citizen.der)


def test_promise_4_what_another_process_revokes_is_refused_at_once(town: Town) -> None:
    citizen, other = town.node(), Trusted(town.folder)
    for _ in range(5):
        assert other.check(citizen.der, at=town.now).name == "health"
        town.authority.revoke(citizen.serial)
        with pytest.raises(CertificateError) as error:
            other.check(citizen.der, at=town.now)
        assert error.value.facts["reason"] == "revoked"
        citizen = town.node()


def test_promise_4_a_clock_that_runs_ahead_accepts_nothing(town: Town) -> None:
    citizen = town.node()
    town.clock.advance(timedelta(days=2))
    with town.refused("expired"):
        town.authority.check(citizen.der)


def test_what_nobody_issued_cannot_be_revoked(town: Town) -> None:
    with pytest.raises(NotFoundError):
        town.authority.revoke("abc")


@pytest.mark.parametrize("name", ["", " x", "x" * 65, "a\nb"])
def test_a_name_that_a_certificate_cannot_hold(town: Town, name: str) -> None:
    with pytest.raises(UsageError):
        town.authority.invite(Kind.NODE, name)


def test_a_store_key_of_a_wrong_size(town: Town) -> None:
    with pytest.raises(UsageError):
        town.authority.certify_store("site-1", b"short")


class _Liar:
    """Signs with its own key and says that it is another's."""

    suite = Suite.P256

    def __init__(self, own: suites.SigningKey, claimed: bytes) -> None:
        self._own = own
        self.public = claimed

    def secret(self) -> bytes:
        return self._own.secret()

    def sign(self, data: bytes) -> bytes:
        return self._own.sign(data)

    def certify(self, form: x509.CertificateBuilder, subject: bytes) -> bytes:
        return self._own.certify(form, subject)

    def request(self, form: x509.CertificateSigningRequestBuilder) -> bytes:
        return self._own.request(form)

    def list(self, form: x509.CertificateRevocationListBuilder) -> bytes:
        return self._own.list(form)


def _flip_signature(request: bytes) -> bytes:
    own = x509.load_der_x509_csr(request).signature
    return request.replace(own, own[:-1] + bytes([own[-1] ^ 1]))


def _form(town: Town) -> x509.CertificateRevocationListBuilder:
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(town.region.certificate.subject)
        .last_update(town.now)
        .next_update(town.now + timedelta(hours=6))
    )


def _list(town: Town, *extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    form = _form(town)
    for value, critical in extensions:
        form = form.add_extension(value, critical=critical)
    key = load_der_private_key(town.region.key.secret(), None)
    return form.sign(key, SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]
