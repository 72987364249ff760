"""What a node trusts: root certificates, the regions under them, and their lists of revoked certificates.

Rules: all of it is public and lies in one folder; files are written whole or not at all; a list is kept under the key
identifier of its issuer and gives way only to a newer one by the same; what another process wrote is seen at the next
check.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography import x509

from chengyi.model.errors import CertificateError, IntegrityError
from chengyi.store.files import write_whole
from chengyi.trust.authority.chains import Checker
from chengyi.trust.authority.names import Identity, Purpose, split_host
from chengyi.trust.authority.paths import (
    check_path,
    check_use,
    domain_under,
    find_path,
    has_known_parts,
    identify,
    read_chain,
    value_of,
)
from chengyi.trust.authority.profiles import key_identifier
from chengyi.trust.authority.refusals import Reason, refusal
from chengyi.trust.authority.revocation import RevocationList, check_not_revoked
from chengyi.trust.authority.suites import SM2_WITH_SM3, is_signed_by, public_of
from chengyi.trust.authority.wire import CERTIFICATE, pem

ROOTS, REGIONS, LISTS = "roots.pem", "regions.pem", "lists"
_LARGEST_FILE = 1 << 20
_Stamp = tuple[int, int, int] | None


class Trusted:
    """The public side of authority: checks whatever is shown, and needs no secret for it."""

    __slots__ = ("_domains", "_folder", "_held", "checker", "regions", "roots")

    def __init__(self, folder: Path) -> None:
        """Read what is trusted; IntegrityError where a file cannot be read as certificates."""
        self._folder = folder
        self.roots = _read(folder / ROOTS)
        self.regions = _read(folder / REGIONS)
        if not self.roots or not self.regions:
            raise IntegrityError(object=str(folder), why="没有根或区域证书 (there is no root or no region)")
        self.checker = Checker(self.roots, depth=1)
        self._held: dict[str, tuple[_Stamp, RevocationList | None]] = {}
        self._domains: dict[tuple[x509.Certificate, x509.Certificate], str | None] = {}

    @staticmethod
    def write(folder: Path, roots: Sequence[bytes], regions: Sequence[bytes]) -> None:
        """Write the certificates (DER) that are to be trusted."""
        (folder / LISTS).mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(folder / ROOTS, pem(CERTIFICATE, *roots))
        write_whole(folder / REGIONS, pem(CERTIFICATE, *regions))

    def check(
        self, chain: bytes | Sequence[bytes], name: str = "", purpose: Purpose = Purpose.CLIENT, *, at: datetime
    ) -> Identity:
        """Check what is shown and return whom it speaks for.

        Args:
            chain: A leaf as DER, or leaf, region (and root), leaf first; a region known here may be left out.
            name: Whom it has to be made out to; empty takes anybody.
            purpose: What it is shown for.
            at: The moment to check for.

        Raises:
            CertificateError: It is refused; the reason says why.
        """
        found = read_chain(chain)
        leaf, told = found[0], name or _told(found[0])
        path = find_path(leaf, [*found[1:], *self.regions], self.roots, told)
        domain = self._judge(path, purpose, at, told)
        identity = identify(leaf, domain, told)
        check_use(identity, purpose, name)
        check_not_revoked(path, self.lists(), at, told)
        return identity

    def lists(self) -> list[RevocationList]:
        """Return the newest list of each issuer; one that is damaged counts as absent."""
        held = self._held
        if not held or any(_stamp(path) != stamp for path, (stamp, _) in held.items()):
            place = self._folder / LISTS
            paths = [str(place), *map(str, sorted(place.glob("*.crl")))]
            self._held = held = {path: self._current(path, _stamp(path)) for path in paths}
        return [found for _, found in held.values() if found is not None]

    def _current(self, path: str, stamp: _Stamp) -> tuple[_Stamp, RevocationList | None]:
        """Return a file's stamp with the list in it, read anew only where the stamp is another."""
        known = self._held.get(path)
        if known is not None and known[0] == stamp:
            return known
        with suppress(CertificateError, OSError):
            return stamp, RevocationList.read(Path(path).read_bytes(), _is_by)
        return stamp, None

    def list_of(self, issuer: x509.Certificate) -> RevocationList | None:
        """Return the list of an issuer, or None where there is none."""
        return next((each for each in self.lists() if each.is_by(issuer)), None)

    def take_list(self, der: bytes, at: datetime) -> None:
        """Keep a list of a trusted issuer; CertificateError where it is foreign, unfit, stale or older than ours."""
        fresh = RevocationList.read(der, _is_by)
        issuer = next((each for each in [*self.roots, *self.regions] if fresh.is_by(each)), None)
        if issuer is None:
            raise refusal(Reason.UNKNOWN_ISSUER, "CRL")
        fresh.check(issuer, at, "CRL")
        held = self.list_of(issuer)
        if held is not None and (held.number, held.crl.last_update_utc) > (fresh.number, fresh.crl.last_update_utc):
            raise refusal(Reason.LIST_STALE, "CRL")
        self.put_list(issuer, der)

    def put_list(self, issuer: x509.Certificate, der: bytes) -> None:
        """Write a list of an issuer, whatever was there."""
        path = self._folder / LISTS / f"{key_identifier(public_of(issuer)).hex()}.crl"
        write_whole(path, der)

    def _judge(self, path: Sequence[x509.Certificate], purpose: Purpose, at: datetime, name: str) -> str:
        """Return the region's domain: by `cryptography` first where it can judge, for the reason by ourselves."""
        leaf, region, root = path
        if purpose is Purpose.SEAL or root.signature_algorithm_oid == SM2_WITH_SM3:
            return check_path(path, at, name)
        usage = value_of(leaf, x509.KeyUsage)
        if usage is not None and usage.key_agreement:
            check_path(path, at, name)
            raise refusal(Reason.WRONG_USE, name)
        host = value_of(leaf, x509.SubjectAlternativeName)
        names = host.get_values_for_type(x509.DNSName) if host is not None else []
        subject = x509.DNSName(names[0]) if purpose is Purpose.SERVER and names else None
        try:
            self.checker.check(leaf, [region], lists=None, at=at, purpose=purpose, subject=subject, name=name)
        except CertificateError:
            check_use(identify(leaf, check_path(path, at, name), name), purpose, name)
            raise
        if (region, root) not in self._domains:
            self._domains[region, root] = domain_under(region, root)
        domain = self._domains[region, root]
        if domain is None or not has_known_parts(leaf):
            raise refusal(Reason.OUTSIDE_PROFILE, name)
        return domain


def _told(leaf: x509.Certificate) -> str:
    names = value_of(leaf, x509.SubjectAlternativeName)
    found = names.get_values_for_type(x509.DNSName) if names is not None else []
    return found[0] if len(found) == 1 and split_host(found[0]) is not None else ""


def _stamp(path: str) -> _Stamp:
    """Return what changes with every new file or entry: when, which, how long; None where there is nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - on every check; a Path costs more than the call
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _is_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    return is_signed_by(crl, public_of(issuer))


def _read(path: Path) -> list[x509.Certificate]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE)
        return x509.load_pem_x509_certificates(text) if text.strip() else []
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise IntegrityError(object=str(path), why="不是 PEM 证书 (not PEM certificates)") from error
