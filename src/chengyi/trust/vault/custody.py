"""The custody of a store: its key pair, to which key shares are sealed, and the certificate that names it.

Keeps promise 3: useless in pieces. Rules:

1. Each store has an X25519 key of its own. The private key lies wrapped under the node's keys in one file, which may
   be on the store's own mount; it is made once and never written again.
2. The public key is certified (X.509, the store's id as common name) by whoever the node trusts. Nothing is sealed to
   a certificate that its checker refuses, or that holds another key; one that ran out is renewed for the same key.
3. A node without an authority certifies its own stores: `NodeCertifier` issues and checks with the node's signing key.
4. A custodian shows its public key only.
"""

import base64
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from chengyi.model.canonical import parse
from chengyi.model.clock import Clock
from chengyi.model.errors import ConfigError, HomeError, IntegrityError
from chengyi.store.files import write_whole
from chengyi.trust.ports import Keys

FORMAT = "chengyi-store-key/1"
_CHECKED = timedelta(minutes=1)
_LIFE = timedelta(days=3650)
_SIGNATURE = 64
_MAX_FILE = 4096

Certify = Callable[[str, X25519PublicKey], bytes]
CheckCertificate = Callable[[bytes, str], None]


class Custodian:
    """Holds the key of one store; several threads may use it."""

    def __init__(
        self, store: str, path: Path, keys: Keys, clock: Clock, *, certify: Certify, check: CheckCertificate
    ) -> None:
        self.store = store
        self._path = path
        self._keys = keys
        self._clock = clock
        self._certify = certify
        self._check = check
        self._private: X25519PrivateKey | None = None
        self._checked: datetime | None = None
        self._lock = threading.Lock()

    def create(self) -> None:
        """Make the store's key, unless there is one."""
        if self._path.exists():
            return
        private = X25519PrivateKey.generate()
        wrapped = self._keys.wrap(private.private_bytes_raw(), self._context)
        value = {"format": FORMAT, "store": self.store, "wrapped": base64.b64encode(wrapped).decode()}
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._path, json.dumps(value, indent=1), 0o600)

    def private(self) -> X25519PrivateKey:
        """Return the key that opens shares; HomeError where there is none, IntegrityError where it is another's."""
        with self._lock:
            if self._private is None:
                raw = self._keys.unwrap(self._read(), self._context)
                self._private = X25519PrivateKey.from_private_bytes(raw)
            return self._private

    def public(self) -> X25519PublicKey:
        """Return the key to seal to, after its certificate was checked; raises what the checker raises."""
        public = self.private().public_key()
        with self._lock:
            now = self._clock.now()
            if self._checked is None or not self._checked <= now < self._checked + _CHECKED:
                self._checked = None
                self._check_certificate(public, now)
                self._checked = now
        return public

    def renew(self) -> bytes:
        """Have the key certified anew, whatever became of its certificate, and return the new one (DER)."""
        self.private()
        with self._lock:
            self._certified.unlink(missing_ok=True)
            self._checked = None
        self.public()
        return self.certificate()

    def certificate(self) -> bytes:
        """Return the certificate (DER) as it stands; HomeError where there is none yet."""
        try:
            return self._certified.read_bytes()
        except FileNotFoundError as error:
            raise HomeError(home=str(self._certified), why="尚无存储点证书 (there is no certificate yet)") from error

    def __repr__(self) -> str:
        return f"Custodian({self.store!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")

    @property
    def _certified(self) -> Path:
        return self._path.with_suffix(".crt")

    @property
    def _context(self) -> bytes:
        return f"{FORMAT}|{self.store}".encode()

    def _check_certificate(self, public: X25519PublicKey, now: datetime) -> None:
        if not self._certified.exists() or _ended(self.certificate(), now):
            renewed = self._certify(self.store, public)
            draft = self._certified.with_name(f".{self._certified.name}")
            draft.write_bytes(renewed)
            draft.replace(self._certified)
        certificate = self.certificate()
        if _subject_key(certificate, self.store) != public.public_bytes_raw():
            raise IntegrityError(object=self.store, why="证书与存储点密钥不符 (the certificate is of another key)")
        self._check(certificate, self.store)

    def _read(self) -> bytes:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError as error:
            raise HomeError(
                home=str(self._path), why="存储点密钥文件不在 (the store's key file is not there)"
            ) from error
        try:
            value = parse(raw) if len(raw) <= _MAX_FILE else None
            if not isinstance(value, dict) or (value["format"], value["store"]) != (FORMAT, self.store):
                raise ValueError
            return base64.b64decode(value["wrapped"], validate=True)
        except (ValueError, KeyError, TypeError) as error:
            why = "不是该存储点的密钥文件 (not the key file of this store)"
            raise ConfigError(file=str(self._path), key=self.store, why=why) from error


class NodeCertifier:
    """Certifies the node's own stores with the node's signing key, where there is no authority above it."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def certify(self, store: str, public: X25519PublicKey) -> bytes:
        """Return a certificate (DER) of a store's key."""
        now = self._clock.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(store))
            .issuer_name(_name(self._keys.verifier.partition("+")[0]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + _LIFE)
        )
        # The builder wants a private key, which the port never gives: a passing one signs, then the node's signature
        # takes its place. Both are Ed25519, whose signature is the last 64 bytes of a certificate.
        draft = builder.sign(Ed25519PrivateKey.generate(), None)
        signature = self._keys.sign(draft.tbs_certificate_bytes)
        return draft.public_bytes(Encoding.DER)[:-_SIGNATURE] + signature

    def check(self, certificate: bytes, store: str) -> None:
        """Check signature, time and name; IntegrityError where one does not hold."""
        found, now = _parsed(certificate, store), self._clock.now()
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(self._keys.verifier.split("+", 2)[2])[1:])
        try:
            public.verify(found.signature, found.tbs_certificate_bytes)
        except InvalidSignature as error:
            why = "存储点证书不是本节点签发 (the certificate was not issued by this node)"
            raise IntegrityError(object=store, why=why) from error
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            raise IntegrityError(object=store, why="存储点证书不在有效期 (the certificate is out of its time)")


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _parsed(certificate: bytes, store: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(certificate)
    except ValueError as error:
        raise IntegrityError(object=store, why="存储点证书不可识别 (not a certificate)") from error


def _ended(certificate: bytes, now: datetime) -> bool:
    return _parsed(certificate, "-").not_valid_after_utc < now


def _subject_key(certificate: bytes, store: str) -> bytes:
    found = _parsed(certificate, store)
    names = [each.value for each in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    key = found.public_key()
    if names != [store] or not isinstance(key, X25519PublicKey):
        raise IntegrityError(object=store, why="证书不属于该存储点 (the certificate is of another store)")
    return key.public_bytes_raw()
