"""The ceremony: an offline root, made before witnesses, that certifies regions and nothing else.

Rules:

1. The root's key is made once, in a folder that is carried and not connected, under a passphrase; without one there is
   no ceremony. Nothing overwrites it, and a wrong passphrase destroys nothing.
2. The record says who was present, when, and the root's fingerprint, and is signed with the root's key: whoever has
   the root can check it, and it is put on record by every region that joins.
3. The root's own list of revoked regions holds for 180 days at most, so that the root is fetched twice a year.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from chengyi.model.canonical import canonical, parse
from chengyi.model.errors import HomeError, IntegrityError, UsageError
from chengyi.store.files import write_whole
from chengyi.trust import keyfile
from chengyi.trust.authority import profiles, suites
from chengyi.trust.authority.names import domain_of
from chengyi.trust.authority.profiles import Issuer
from chengyi.trust.authority.suites import Suite

FORMAT = "chengyi-root/1"
KEY_FILE, ROOT_FILE, RECORD_FILE, LIST_FILE = "root.key", "root.pem", "ceremony.json", "root.crl"
ROOT_YEARS, REGION_YEARS = 20, 3
LIST_LIFE = timedelta(days=180)
_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1}
_LARGEST_RECORD = 1 << 16


@dataclass(frozen=True, slots=True)
class CeremonyRecord:
    """What was done at a ceremony: when, who was present, which root came of it (SHA-256 of its DER)."""

    at: str
    present: tuple[str, ...]
    suite: str
    fingerprint: str
    signature: str

    def statement(self) -> bytes:
        """Return the bytes that are signed."""
        return canonical(
            {"at": self.at, "present": list(self.present), "suite": self.suite, "fingerprint": self.fingerprint}
        )


class Root:
    """An opened root; it is closed by leaving it alone."""

    __slots__ = ("_folder", "_issuer", "record")

    def __init__(self, folder: Path, issuer: Issuer, record: CeremonyRecord) -> None:
        self._folder = folder
        self._issuer = issuer
        self.record = record

    @classmethod
    def create(cls, folder: Path, passphrase: str, present: Sequence[str], now: datetime, suite: Suite) -> "Root":
        """Hold the ceremony: make the root, its record and its first list.

        Raises:
            UsageError: The passphrase is shorter than 12 characters, or nobody is named as present.
            HomeError: The folder holds a root already.
        """
        names = tuple(each.strip() for each in present if each.strip())
        if len(passphrase) < 12 or not names:
            raise UsageError(
                why="根密钥须有 12 个字符以上的口令和在场人姓名 (a root needs 12 characters of passphrase and names)"
            )
        if (folder / KEY_FILE).exists():
            raise HomeError(home=str(folder), why="已有根密钥，不予覆盖 (there is a root, which is not overwritten)")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = suites.generate(suite)
        certificate = x509.load_der_x509_certificate(profiles.root(key, now, ROOT_YEARS))
        root = cls(folder, Issuer(key, certificate), _record(key, certificate, now, names))
        text = certificate.public_bytes(Encoding.PEM).decode()
        write_whole(folder / ROOT_FILE, text)
        write_whole(folder / RECORD_FILE, _text(root.record))
        root._begin_list(now)
        header = {"format": FORMAT, "suite": suite.value, "certificate": text}
        keyfile.make(folder / KEY_FILE, header, key.secret(), passphrase, _SCRYPT)  # last: it makes the root one
        return root

    @classmethod
    def open(cls, folder: Path, passphrase: str) -> "Root":
        """Open a root; PassphraseError where the passphrase does not fit, HomeError where there is none."""
        header, secret = keyfile.take(folder / KEY_FILE, FORMAT, passphrase, ("suite", "certificate"))
        try:
            key = suites.load(Suite(header["suite"]), secret)
            certificate = x509.load_pem_x509_certificate(header["certificate"].encode())
            if suites.public_of(certificate) != key.public:
                raise ValueError("another key")
        except ValueError as error:
            raise IntegrityError(
                object=str(folder / KEY_FILE), why="密钥与根证书不符 (key and root do not fit)"
            ) from error
        return cls(folder, Issuer(key, certificate), read_record(folder, certificate))

    @property
    def certificate(self) -> x509.Certificate:
        """Return the root's certificate."""
        return self._issuer.certificate

    @property
    def der(self) -> bytes:
        """Return the root's certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def suite(self) -> Suite:
        """Return the suite of the root."""
        return self._issuer.key.suite

    def certify_region(self, public: bytes, region: str, now: datetime) -> bytes:
        """Return a certificate (DER) for a region's key; a region holds names under its own domain only."""
        return profiles.region(self._issuer, public, domain_of(region), now, REGION_YEARS)

    def publish(self, now: datetime, revoked: Sequence[tuple[int, datetime, x509.ReasonFlags]] = ()) -> bytes:
        """Write and return the root's list of revoked regions (DER); earlier entries stay on it."""
        kept = [*self._earlier(), *revoked]
        der = profiles.revocation_list(self._issuer, list_number(now), now, now + LIST_LIFE, kept)
        write_whole(self._folder / LIST_FILE, der)
        return der

    def _begin_list(self, now: datetime) -> None:
        (self._folder / LIST_FILE).unlink(missing_ok=True)
        self.publish(now)

    def __repr__(self) -> str:
        return f"Root({self.record.fingerprint})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")

    def _earlier(self) -> list[tuple[int, datetime, x509.ReasonFlags]]:
        path = self._folder / LIST_FILE
        if not path.exists():
            return []
        return [(each.serial_number, each.revocation_date_utc, _reason(each)) for each in _load_list(path)]


def read_record(folder: Path, root: x509.Certificate) -> CeremonyRecord:
    """Read a ceremony's record and check that the root signed it; IntegrityError where it did not."""
    path = folder / RECORD_FILE
    try:
        with path.open("rb") as file:
            value = parse(file.read(_LARGEST_RECORD))
        record = CeremonyRecord(**{**value, "present": tuple(value["present"])})
        suites.check_signature(suites.public_of(root), bytes.fromhex(record.signature), record.statement())
        if record.fingerprint != root.fingerprint(SHA256()).hex():
            raise ValueError("another root")
    except (OSError, ValueError, TypeError, KeyError, RecursionError, InvalidSignature) as error:
        raise IntegrityError(object=str(path), why="仪式记录与根不符 (the record is not this root's)") from error
    return record


def list_number(now: datetime) -> int:
    """Return the number of a list: milliseconds since 1970, so that numbers grow without a counter to lose."""
    return int(now.timestamp() * 1000)


def _record(key: suites.SigningKey, root: x509.Certificate, now: datetime, names: tuple[str, ...]) -> CeremonyRecord:
    plain = CeremonyRecord(now.isoformat(), names, key.suite.value, root.fingerprint(SHA256()).hex(), "")
    signature = key.sign(plain.statement()).hex()
    return CeremonyRecord(plain.at, plain.present, plain.suite, plain.fingerprint, signature)


def _text(record: CeremonyRecord) -> str:
    value = {name: getattr(record, name) for name in CeremonyRecord.__dataclass_fields__}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _load_list(path: Path) -> x509.CertificateRevocationList:
    try:
        return x509.load_der_x509_crl(path.read_bytes())
    except ValueError as error:
        raise IntegrityError(object=str(path), why="不是吊销列表 (not a list of revoked certificates)") from error


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return x509.ReasonFlags.unspecified
