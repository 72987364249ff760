"""What a node itself shows: its key, and the certificate for it.

Rules:

1. The key never leaves the home; it lies wrapped under the node's own keys, in a file that only its owner reads.
2. A new key is made for every certificate. It waits beside the old one until a certificate for it has been checked,
   and takes the old one's place together with it or not at all.
3. A certificate is renewed when two thirds of its life have passed.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from chengyi.model.canonical import parse
from chengyi.model.errors import IntegrityError, UsageError
from chengyi.store.files import write_whole
from chengyi.trust.authority import suites
from chengyi.trust.authority.names import Identity
from chengyi.trust.authority.profiles import renewal_due
from chengyi.trust.authority.refusals import Reason, refusal
from chengyi.trust.authority.requests import make_request, prove_renewal
from chengyi.trust.authority.suites import SigningKey, Suite
from chengyi.trust.authority.trusted import Trusted
from chengyi.trust.authority.wire import CERTIFICATE, pem
from chengyi.trust.ports import Keys

OWN, NEXT = "own.json", "own-next.json"
_LARGEST = 1 << 17
_CONTEXT = b"chengyi own certificate/1"


@dataclass(frozen=True, slots=True)
class Holding:
    """A key and the chain for it as DER, leaf first."""

    key: SigningKey
    chain: tuple[bytes, ...]

    @property
    def certificate(self) -> x509.Certificate:
        """Return the leaf."""
        return x509.load_der_x509_certificate(self.chain[0])

    def is_due(self, at: datetime) -> bool:
        """Tell whether it is time to renew."""
        return at >= renewal_due(self.certificate)

    def prove(self, request: bytes) -> bytes:
        """Return the proof that the holder of this key makes a request."""
        return prove_renewal(self.key, request)

    def pem(self) -> bytes:
        """Return the chain as PEM, leaf first."""
        return pem(CERTIFICATE, *self.chain).encode()


class Credentials:
    """The files of what a node shows, in the folder beside its authority."""

    __slots__ = ("_folder", "_keys")

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._folder = folder
        self._keys = keys

    def current(self) -> Holding | None:
        """Return what is held, or None where there is nothing; IntegrityError where it was changed."""
        return self._read(OWN)

    def begin(self, name: str, suite: Suite) -> bytes:
        """Make the next key, and return the request (DER) for a certificate in this name."""
        key = suites.generate(suite)
        self._write(NEXT, Holding(key, ()))
        return make_request(key, name)

    def accept(self, chain: Sequence[bytes], trusted: Trusted, at: datetime) -> Identity:
        """Take a chain (DER, leaf first) for the next key; CertificateError where it is not good or not for it."""
        waiting, identity = self._waiting(), self.fits(chain, trusted, at)
        self._write(OWN, Holding(waiting.key, tuple(chain)))
        (self._folder / NEXT).unlink()
        return identity

    def fits(self, chain: Sequence[bytes], trusted: Trusted, at: datetime) -> Identity:
        """Check a chain for the next key and return whom it speaks for, as `accept` does, and take nothing."""
        waiting, identity = self._waiting(), trusted.check(chain, at=at)
        if identity.public_key != waiting.key.public:
            raise refusal(Reason.REQUEST_UNFIT, identity.name)
        return identity

    def _waiting(self) -> Holding:
        waiting = self._read(NEXT)
        if waiting is None:
            raise UsageError(why="没有待签发的申请 (there is no request under way)")
        return waiting

    def _read(self, name: str) -> Holding | None:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                value: dict[str, Any] = parse(file.read(_LARGEST))
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError) as error:
            raise IntegrityError(object=str(path), why="无法识读 (it cannot be read)") from error
        try:
            chain = tuple(base64.b64decode(each, validate=True) for each in value["chain"])
            wrapped = base64.b64decode(value["key"], validate=True)
            key = suites.load(Suite(value["suite"]), self._keys.unwrap(wrapped, _CONTEXT))
            fits = not chain or suites.public_of(x509.load_der_x509_certificate(chain[0])) == key.public
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(object=str(path), why="无法识读 (it cannot be read)") from error
        if not fits:
            raise IntegrityError(object=str(path), why="密钥与证书不符 (the key does not fit the certificate)")
        return Holding(key, chain)

    def _write(self, name: str, holding: Holding) -> None:
        wrapped = self._keys.wrap(holding.key.secret(), _CONTEXT)
        value = {
            "suite": holding.key.suite.value,
            "key": base64.b64encode(wrapped).decode(),
            "chain": [base64.b64encode(each).decode() for each in holding.chain],
        }
        write_whole(self._folder / name, json.dumps(value), 0o600)
