"""The authority of a node: it issues, renews and revokes where it holds a region's key, and checks in any case.

Keeps promise 4 (always witnessed) for certificates. Rules:

1. Founding, inviting, issuing, revoking and every refusal are on record. A certificate is in the register first, on
   record next, and handed out last; what a crash left without an act was given to nobody.
2. Nodes and persons enrol with a one-time token and a request that they signed with their new key. They renew from
   two thirds of the life on, with proof that they hold the old key. A revoked certificate is never renewed: short lives
   make that the end of it even where no list arrives.
3. A store's certificate names an X25519 key to which key shares are sealed. It lives long, since what is sealed rests
   on disks; it is replaced, and the shares sealed anew, when it ends or its key is lost.
4. Lists of revoked certificates hold six hours at most. Without a good list nothing is accepted. Nothing is issued
   while the clock stands before the last list.
5. A node that nobody enrolled founds an authority of its own, so that there are always certificates; joining a region
   puts the region's in its place, and what was there is kept aside.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from chengyi.model.act import ActKind
from chengyi.model.canonical import Json
from chengyi.model.errors import CertificateError, HomeError, NotFoundError, UsageError
from chengyi.trust.authority import profiles, suites
from chengyi.trust.authority.ceremony import REGION_YEARS, ROOT_YEARS, CeremonyRecord, Root
from chengyi.trust.authority.credentials import NEXT, Credentials, Holding
from chengyi.trust.authority.founding import settle, try_out
from chengyi.trust.authority.names import Identity, Kind, Purpose, domain_of, host, own_domain
from chengyi.trust.authority.office import Office
from chengyi.trust.authority.paths import read_chain
from chengyi.trust.authority.profiles import Issuer, renewal_due
from chengyi.trust.authority.refusals import Reason, refusal
from chengyi.trust.authority.register import Issued
from chengyi.trust.authority.requests import check_proof, check_request
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.authority.trusted import ROOTS, Trusted

__all__ = ["Authority", "Parts", "Terms"]


class Authority:
    """Issues and checks certificates of nodes, persons and stores."""

    def __init__(self, folder: Path, parts: Parts, terms: Terms | None = None) -> None:
        """Open what is in `folder`; use `local` where there may be nothing yet."""
        self._office = Office(folder, parts, terms or Terms())

    @classmethod
    def open(cls, folder: Path, parts: Parts, terms: Terms | None = None) -> "Authority":
        """Open an authority; HomeError where there is none."""
        if not (folder / ROOTS).exists():
            raise HomeError(home=str(folder), why="没有证书机构 (there is no authority)")
        return cls(folder, parts, terms)

    @classmethod
    def local(cls, folder: Path, parts: Parts, terms: Terms | None = None, *, node: str) -> "Authority":
        """Open an authority, or found one of this node alone: a root and a region ``<node>.chengyi.internal``."""
        terms = terms or Terms()
        if not (folder / ROOTS).exists():
            now = parts.clock.now()
            key, region_key = suites.generate(terms.suite), suites.generate(terms.suite)
            root = Issuer(key, x509.load_der_x509_certificate(profiles.root(key, now, ROOT_YEARS)))
            der = profiles.region(root, region_key.public, own_domain(node), now, REGION_YEARS)
            region = Issuer(region_key, x509.load_der_x509_certificate(der))
            settle(folder, parts.keys, root.certificate, region.certificate, region, root, replace=False)
        authority = cls(folder, parts, terms)
        return authority._settled({})

    @classmethod
    def create(cls, folder: Path, parts: Parts, terms: Terms | None = None, *, root: Root, region: str) -> "Authority":
        """Make this node a region under a root that was opened for it.

        The same region under the same root keeps its key and is certified anew; any other authority that was here is
        kept aside.
        """
        now = parts.clock.now()
        office = Office(folder, parts, terms or Terms()) if (folder / ROOTS).exists() else None
        if office is not None and office.issuing and office.chain[1] == root.der and office.domain == domain_of(region):
            office.take_region(root.certify_region(office.issuer.key.public, region, now))
        else:
            key = suites.generate(root.suite)
            der = root.certify_region(key.public, region, now)
            issuer = Issuer(key, x509.load_der_x509_certificate(der))
            settle(folder, parts.keys, root.certificate, issuer.certificate, issuer)
        Trusted(folder).put_list(root.certificate, root.publish(now))
        authority = cls(folder, parts, terms)
        return authority._settled(_told(root.record))

    @classmethod
    def join(
        cls,
        folder: Path,
        parts: Parts,
        terms: Terms | None = None,
        *,
        chain: Sequence[bytes],
        fingerprint: str,
        lists: Sequence[bytes],
    ) -> "Authority":
        """Make this node a member of a region that certified it; an authority that was here is kept aside.

        Args:
            folder: The authority's folder.
            parts: What it stands on.
            terms: How it works.
            chain: What the region issued for `Credentials.begin`: leaf, region and root as DER.
            fingerprint: The root's SHA-256 in hexadecimal, from a place that is trusted.
            lists: The lists of region and root as DER.

        Raises:
            CertificateError: The root is another, or the chain or a list is not good; nothing was changed then.
        """
        found, now = read_chain(chain), parts.clock.now()
        if len(found) != 3 or found[2].fingerprint(SHA256()).hex() != fingerprint.replace(":", "").strip().lower():
            raise refusal(Reason.UNKNOWN_ISSUER, "")
        with try_out([found[2]], [found[1]], lists, now) as trusted:
            Credentials(folder, parts.keys).fits(chain, trusted, now)
        settled = settle(folder, parts.keys, found[2], found[1], keep=(NEXT,))
        for each in lists:
            settled.take_list(each, now)
        authority = cls(folder, parts, terms)
        authority.credentials.accept(chain, authority.trusted, now)
        return authority._settled({"joined": True})

    @property
    def trusted(self) -> Trusted:
        """Return the public side: what is trusted here, and checks without a record."""
        return self._office.trusted

    @property
    def domain(self) -> str:
        """Return the domain under which this authority certifies, or its region's where it certifies nobody."""
        return self._office.domain

    @property
    def issuing(self) -> bool:
        """Tell whether a region's key is here."""
        return self._office.issuing

    @property
    def chain(self) -> tuple[bytes, bytes]:
        """Return region and root as DER: what follows a leaf in a chain."""
        return self._office.chain

    # Issuing

    def invite(self, kind: Kind, name: str, life: timedelta = timedelta(hours=24)) -> str:
        """Return a token with which a node or person enrols once under this name; that it was made is on record."""
        if kind is Kind.STORE:
            raise UsageError(why="存储证书由节点直接签发 (stores do not enrol)")
        host(kind, name, self.domain)
        return self._office.invite(kind, name, life)

    def enrol(self, request: bytes, token: str) -> bytes:
        """Issue a certificate (DER) to whoever holds a token, for the key in their request; refusals are on record."""
        with self._office.recording(""):
            now = self._office.now
            kind, name = self._office.register.invited(token, now)
            public = check_request(request, name, self._office.suite)
            self._office.register.redeem(token, now)
            return self._office.issue(kind, name, public)

    def issue_node(self, name: str, request: bytes) -> bytes:
        """Issue a node's certificate (DER) to somebody whom the caller knows; refusals are on record."""
        return self._issue_known(Kind.NODE, name, request)

    def issue_person(self, name: str, request: bytes) -> bytes:
        """Issue a person's certificate (DER) to somebody whom the caller knows; refusals are on record."""
        return self._issue_known(Kind.PERSON, name, request)

    def certify_store(self, id: str, public_key: bytes) -> bytes:
        """Issue a store's certificate (DER) for its X25519 key of 32 bytes."""
        try:
            public = suites.sealing_key(public_key)
        except ValueError as error:
            raise UsageError(
                why="存储公钥须为 32 字节的 X25519 公钥 (a store's key is an X25519 key of 32 bytes)"
            ) from error
        with self._office.recording(id):
            return self._office.issue(Kind.STORE, id, public)

    def renew(self, chain: bytes | Sequence[bytes], request: bytes, proof: bytes) -> bytes:
        """Issue the next certificate (DER) to the holder of one, for the key in the request; refusals are on record.

        Args:
            chain: The certificate that is to be renewed, as for `check`.
            request: A request with the new key, signed with it.
            proof: `requests.prove_renewal` by the old key.
        """
        now = self._office.now
        identity = self.check(chain)
        with self._office.recording(identity.name, identity.serial):
            held = self._office.register.find(identity.serial)
            if held is None or held.fingerprint != identity.fingerprint:
                raise refusal(Reason.NOT_OURS, identity.name)
            if held.revoked_at is not None:
                raise refusal(Reason.REVOKED, identity.name)
            if now < renewal_due(x509.load_der_x509_certificate(held.der)):
                raise refusal(Reason.TOO_EARLY, identity.name)
            check_proof(identity.public_key, request, proof, identity.name)
            public = check_request(request, identity.name, self._office.suite)
            return self._office.issue(identity.kind, identity.name, public, replaces=held.serial)

    # What this node itself shows

    def own(self, name: str) -> Holding:
        """Return this node's key and chain; an authority that issues sees to it that they are fresh.

        Raises:
            UsageError: The node holds nothing, and its region is elsewhere: it has to enrol there.
        """
        held, now = self.credentials.current(), self._office.now
        if self.issuing and (held is None or held.is_due(now) or self._is_foreign(held)):
            request = self.credentials.begin(name, self._office.suite)
            self.credentials.accept([self.issue_node(name, request), *self.chain], self.trusted, now)
            held = self.credentials.current()
        if held is None:
            raise UsageError(why="本节点尚无证书，请用 chengyi ca enrol 登记 (this node has no certificate; enrol it)")
        return held

    @property
    def credentials(self) -> Credentials:
        """Return the files of what this node itself shows."""
        return Credentials(self._office.folder, self._office.parts.keys)

    def _is_foreign(self, held: Holding) -> bool:
        return tuple(held.chain[1:]) != self.chain

    # Revoking

    def revoke(self, serial: str, reason: x509.ReasonFlags = x509.ReasonFlags.unspecified) -> None:
        """Revoke a certificate and publish the list that says so; NotFoundError where it was not issued here."""
        held = self._office.register.find(serial)
        if held is None:
            raise NotFoundError(kind="证书 certificate", id=serial)
        now = self._office.now
        if self._office.register.revoke(serial, now, reason):
            detail: dict[str, Json] = {"kind": held.kind.value, "name": held.name, "reason": reason.value}
            self._office.record(ActKind.DECERTIFIED, serial, detail)
        self._office.publish()

    def revoke_all(self, kind: Kind, name: str, reason: x509.ReasonFlags = x509.ReasonFlags.unspecified) -> int:
        """Revoke whatever somebody holds, and their open tokens; return how many certificates that were."""
        now = self._office.now
        self._office.register.withdraw(kind, name, now)
        held = self._office.register.standing(kind, name, now)
        for each in held:
            self.revoke(each.serial, reason)
        return len(held)

    def crl(self) -> bytes:
        """Return the region's list (DER), fresh enough to hold for half its life at least."""
        return self._office.fresh_list()

    def lists(self) -> list[bytes]:
        """Return every list that is held here (DER), the region's fresh: what a member needs."""
        self.keep_current()
        return [each.der for each in self.trusted.lists()]

    def keep_current(self) -> None:
        """Publish the lists that this node answers for, and renew its own region, where they are about to run out."""
        self._office.keep_root()
        if self.issuing:
            self.crl()

    # Checking

    def check(
        self,
        chain: bytes | Sequence[bytes],
        name: str = "",
        purpose: Purpose = Purpose.CLIENT,
        at: datetime | None = None,
    ) -> Identity:
        """Check what is shown and return whom it speaks for, as `Trusted.check` does; a refusal is on record."""
        with self._office.recording(name):
            return self.trusted.check(chain, name, purpose, at=at or self._office.now)

    def take_list(self, der: bytes) -> None:
        """Keep a newer list of a trusted issuer; a refusal is on record."""
        with self._office.recording("CRL"):
            self.trusted.take_list(der, self._office.now)

    def issued(self, kind: Kind | None = None, name: str = "", limit: int = 100) -> list[Issued]:
        """Return what was issued here, newest first."""
        return self._office.register.listed(kind, name, limit)

    def _issue_known(self, kind: Kind, name: str, request: bytes) -> bytes:
        with self._office.recording(name):
            return self._office.issue(kind, name, check_request(request, name, self._office.suite))

    def _settled(self, more: Mapping[str, Json]) -> "Authority":
        """Put the founding on record and make lists; where the clock forbids that, checks will say so."""
        self._office.founded(more)
        with suppress(CertificateError):
            self.keep_current()
        return self


def _told(record: CeremonyRecord) -> dict[str, Json]:
    return {"present": list(record.present), "held_at": record.at, "ceremony": record.signature}
