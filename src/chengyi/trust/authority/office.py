"""The office of an authority: signs, publishes, and puts on record; who may have what is decided in `authority.py`.

Rules:

1. A certificate is in the register first, on record next, and handed out last.
2. A list of revoked certificates serves half its life, then the next is published; numbers only grow.
3. Nothing is signed while the clock stands before the last list, or after the region's own end.
4. A region that this node founded for itself is certified anew, under its key, when two thirds of its life have passed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.errors import CertificateError, UsageError
from chengyi.trust.authority import profiles
from chengyi.trust.authority.ceremony import LIST_LIFE, REGION_YEARS, list_number
from chengyi.trust.authority.founding import REGION_KEY, ROOT_KEY, open_issuer
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.paths import serial_text, value_of
from chengyi.trust.authority.profiles import LEEWAY, LONGEST_LEAF, Issuer, key_identifier, renewal_due
from chengyi.trust.authority.refusals import Reason, reason_of, refusal
from chengyi.trust.authority.register import LONGEST_TOKEN_LIFE, Issued, Register
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.authority.trusted import Trusted
from chengyi.trust.ration import Ration

MOST_REFUSALS = 60
"""How many refusals are put on record in a minute."""


class Office:
    """What an authority works with: its folder, its register, and what it trusts."""

    def __init__(self, folder: Path, parts: Parts, terms: Terms) -> None:
        """Open the office in `folder`."""
        self.folder = folder
        self.parts = parts
        self.terms = terms
        self.register = Register(parts.rows)
        self.trusted = Trusted(folder)
        self._region: Issuer | None = None
        self._refusals = Ration(MOST_REFUSALS)

    @property
    def now(self) -> datetime:
        """Return the present moment."""
        return self.parts.clock.now()

    @property
    def domain(self) -> str:
        """Return the domain of the region."""
        constraints = value_of(self.trusted.regions[0], x509.NameConstraints)
        permitted = constraints.permitted_subtrees if constraints is not None else None
        return str(permitted[0].value) if permitted else ""

    @property
    def chain(self) -> tuple[bytes, bytes]:
        """Return region and root as DER."""
        region, root = self.trusted.regions[0], self.trusted.roots[0]
        return region.public_bytes(Encoding.DER), root.public_bytes(Encoding.DER)

    @property
    def issuing(self) -> bool:
        """Tell whether a region's key is here."""
        return (self.folder / REGION_KEY).exists()

    @property
    def issuer(self) -> Issuer:
        """Return the region's key and certificate; UsageError where the key is elsewhere."""
        if self._region is None:
            self._region = open_issuer(self.folder / REGION_KEY, self.trusted.regions[0], self.parts.keys)
        if self._region is None:
            raise UsageError(why="本节点不是签发机构 (this node issues no certificates)")
        return self._region

    @property
    def suite(self) -> Suite:
        """Return the suite that this office signs with."""
        return self.issuer.key.suite

    def issue(self, kind: Kind, name: str, public: bytes, replaces: str | None = None) -> bytes:
        """Issue a certificate (DER) for a key (SubjectPublicKeyInfo)."""
        self.keep_root()
        now, issuer = self.now, self.issuer
        self._check_clock(now)
        days, hours = self.terms.store_days, self.terms.leaf_hours
        life = timedelta(days=days) if kind is Kind.STORE else timedelta(hours=hours)
        term = profiles.leaf_term(issuer, now, life)
        der = profiles.leaf(issuer, public, kind, name, domain=self.domain, term=term)
        issued = _issued(der, issuer, kind, name, now=now, replaces=replaces)
        self.register.add(issued)
        detail: dict[str, Json] = {
            "kind": kind.value,
            "name": name,
            "domain": self.domain,
            "fingerprint": issued.fingerprint,
            "until": issued.expires_at.isoformat(),
        }
        index = self.record(ActKind.CERTIFIED, issued.serial, detail, replaces or "")
        self.register.witnessed(issued.serial, index)
        return der

    def invite(self, kind: Kind, name: str, life: timedelta) -> str:
        """Return a token with which somebody enrols once; who was invited is on record, the token never."""
        now = self.now
        until = now + min(life, LONGEST_TOKEN_LIFE)
        self.record(ActKind.INVITED, name, {"kind": kind.value, "domain": self.domain, "until": until.isoformat()})
        return self.register.invite(kind, name, now, until)

    def publish(self) -> bytes:
        """Publish and return the region's next list (DER)."""
        now, issuer = self.now, self.issuer
        self._check_clock(now)
        held = self.trusted.list_of(issuer.certificate)
        number = max(list_number(now), held.number + 1 if held is not None else 0)
        revoked = self.register.revoked(_mark(issuer), now - LONGEST_LEAF)
        following = now + timedelta(hours=self.terms.list_hours)
        der = profiles.revocation_list(issuer, number, now, following, revoked)
        self.trusted.put_list(issuer.certificate, der)
        return der

    def fresh_list(self) -> bytes:
        """Return the region's list (DER), published anew where half its life is over."""
        held = self.trusted.list_of(self.issuer.certificate)
        return self.publish() if held is None or _is_half_over(held.crl, self.now) else held.der

    def keep_root(self) -> None:
        """Do what an own root has to: its list, and the region's next certificate."""
        now = self.now
        root = open_issuer(self.folder / ROOT_KEY, self.trusted.roots[0], self.parts.keys)
        if root is None:
            return
        held = self.trusted.list_of(root.certificate)
        if held is None or _is_half_over(held.crl, now):
            der = profiles.revocation_list(root, list_number(now), now, now + LIST_LIFE, [])
            self.trusted.put_list(root.certificate, der)
        if now >= renewal_due(self.trusted.regions[0]):
            self.take_region(profiles.region(root, self.issuer.key.public, self.domain, now, REGION_YEARS))
            self.founded({})

    def take_region(self, der: bytes) -> None:
        """Put a new certificate for the region's key in the place of the old one."""
        Trusted.write(self.folder, [self.chain[1]], [der])
        self.trusted, self._region = Trusted(self.folder), None

    def founded(self, more: Mapping[str, Json]) -> None:
        """Put on record under which region and root this office works, once."""
        root, region = self.trusted.roots[0], self.trusted.regions[0]
        fingerprint = region.fingerprint(SHA256()).hex()
        if not self.parts.audit.entries(object=fingerprint, kind=ActKind.FOUNDED.value, limit=1):
            detail: dict[str, Json] = {"domain": self.domain, "root": root.fingerprint(SHA256()).hex(), **more}
            self.record(ActKind.FOUNDED, fingerprint, detail)

    @contextmanager
    def recording(self, name: str, certificate: str = "") -> Iterator[None]:
        """Put a refusal that happens within on record; of a flood so many a minute, and how many were left out."""
        try:
            yield
        except CertificateError as error:
            unwritten = self._refusals.take(self.now)
            if unwritten is not None:
                whom, detail = name or str(error.facts["name"]), {"reason": reason_of(error).value}
                told: dict[str, Json] = {**detail, "unwritten": unwritten} if unwritten else {**detail}
                self.record(ActKind.CERTIFICATE_REFUSED, whom, told, certificate)
            raise

    def record(self, kind: ActKind, object: str, detail: Mapping[str, Json], certificate: str = "") -> int:
        """Put an act on record and return its ledger index."""
        return self.parts.audit.record(Act(kind, self.parts.actor, object, detail, certificate=certificate))

    def _check_clock(self, now: datetime) -> None:
        if now > self.issuer.certificate.not_valid_after_utc:
            raise refusal(Reason.EXPIRED, self.domain)
        held = self.trusted.list_of(self.issuer.certificate)
        if held is not None and now < held.starts - LEEWAY:
            raise refusal(Reason.CLOCK, self.domain)


def _issued(der: bytes, issuer: Issuer, kind: Kind, name: str, *, now: datetime, replaces: str | None) -> Issued:
    made = x509.load_der_x509_certificate(der)
    mark, until = made.fingerprint(SHA256()).hex(), made.not_valid_after_utc
    return Issued(serial_text(made), _mark(issuer), kind, name, mark, der, now, until, replaces)


def _mark(issuer: Issuer) -> str:
    """Return what a key is called in the register, whichever certificate speaks for it."""
    return key_identifier(issuer.key.public).hex()


def _is_half_over(crl: x509.CertificateRevocationList, now: datetime) -> bool:
    following = crl.next_update_utc
    return following is None or now - crl.last_update_utc >= (following - crl.last_update_utc) / 2
