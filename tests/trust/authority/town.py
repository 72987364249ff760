"""A town with a region's authority, its citizens, and a forger who knows the profile as well as we do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import CertificateError
from chengyi.trust.authority import profiles, suites
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.founding import REGION_KEY, ROOT_KEY, open_issuer
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.profiles import Issuer, Term
from chengyi.trust.authority.requests import make_request, prove_renewal
from chengyi.trust.authority.suites import SigningKey, Suite
from chengyi.trust.authority.terms import Parts
from simulators.audit import MemoryAudit

DAY = timedelta(days=1)


@dataclass
class Citizen:
    """Somebody with a key and a certificate for it."""

    name: str
    key: SigningKey
    der: bytes

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.der)

    @property
    def serial(self) -> str:
        return f"{self.certificate.serial_number:x}"


class Town:
    """`authority` is honest; what the other methods make is forged with its keys or with others."""

    def __init__(self, folder: Path, parts: Parts, audit: MemoryAudit, clock: SetClock) -> None:
        self.folder = folder
        self.parts = parts
        self.audit = audit
        self.clock = clock
        self.authority = Authority.local(folder, parts, node="yunting")

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def region(self) -> Issuer:
        found = open_issuer(self.folder / REGION_KEY, self.authority.trusted.regions[0], self.parts.keys)
        assert found is not None
        return found

    @property
    def root(self) -> Issuer:
        found = open_issuer(self.folder / ROOT_KEY, self.authority.trusted.roots[0], self.parts.keys)
        assert found is not None
        return found

    def node(self, name: str = "health") -> Citizen:
        key = suites.generate(self.region.key.suite)
        return Citizen(name, key, self.authority.issue_node(name, make_request(key, name)))

    def person(self, name: str = "李月") -> Citizen:
        key = suites.generate(self.region.key.suite)
        return Citizen(name, key, self.authority.issue_person(name, make_request(key, name)))

    def renewed(self, citizen: Citizen) -> Citizen:
        key = suites.generate(citizen.key.suite)
        request = make_request(key, citizen.name)
        der = self.authority.renew(citizen.der, request, prove_renewal(citizen.key, request))
        return Citizen(citizen.name, key, der)

    def leaf(
        self, issuer: Issuer | None = None, name: str = "health", kind: Kind = Kind.NODE, **other: object
    ) -> bytes:
        """A leaf that may be anything: `domain` and `term` default to what is right."""
        term = other.get("term") or Term(self.now - timedelta(minutes=5), self.now + timedelta(hours=20))
        domain = str(other.get("domain") or self.authority.domain)
        public = suites.generate(Suite.P256).public
        assert isinstance(term, Term)
        return profiles.leaf(issuer or self.region, public, kind, name, domain=domain, term=term)

    def foreign_root(self) -> Issuer:
        """Another root whose name is that of ours as far as it can be."""
        key = suites.generate(Suite.P256)
        return Issuer(key, x509.load_der_x509_certificate(profiles.root(key, self.now, 20)))

    def region_of(self, root: Issuer, domain: str = "") -> Issuer:
        key = suites.generate(Suite.P256)
        der = profiles.region(root, key.public, domain or self.authority.domain, self.now, 3)
        return Issuer(key, x509.load_der_x509_certificate(der))

    def crl(self, issuer: Issuer | None = None, number: int = 1 << 50, hours: int = 6) -> bytes:
        start = self.now - timedelta(minutes=1)
        return profiles.revocation_list(issuer or self.region, number, start, start + timedelta(hours=hours), [])

    def refused(self, reason: str) -> "Refused":
        return Refused(self, reason)

    def refusals(self) -> list[Act]:
        return [act for act in self.audit.acts if act.kind is ActKind.CERTIFICATE_REFUSED]


class Refused:
    """A block that has to end in one refusal with a reason, in words of both languages, and on record."""

    def __init__(self, town: Town, reason: str) -> None:
        self._town = town
        self._reason = reason
        self._before = len(town.refusals())
        self._raises = pytest.raises(CertificateError)

    def __enter__(self) -> None:
        self._found = self._raises.__enter__()

    def __exit__(self, *error: object) -> bool:
        if not self._raises.__exit__(*error):  # type: ignore[arg-type]
            return False
        error_found = self._found.value
        assert error_found.facts["reason"] == self._reason, error_found.message("en")
        for language in ("zh", "en"):
            assert len(error_found.message(language)) > 10
            assert len(error_found.advice(language)) > 10
        assert "?" not in error_found.advice("zh") + error_found.advice("en")
        (act,) = self._town.refusals()[self._before :]
        assert act.detail["reason"] == self._reason
        return True


def pem(issuer: Issuer) -> str:
    return issuer.certificate.public_bytes(Encoding.PEM).decode()
