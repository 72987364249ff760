"""RFC 3161 time-stamps over checkpoints: asked for, checked, and kept beside the ledger.

Keeps promise 4: when a checkpoint existed is said by a clock that is not ours, where an outside authority is named.
Rules:

1. One stamp a checkpoint, never one a record: the checkpoint covers them all.
2. The imprint is the SHA-256 of the signed checkpoint note, which is kept with its token.
3. A reply counts only when it was granted, carries our nonce and our imprint, lies within `skew` of our clock, and
   its signature leads to the pinned authority through a certificate for time-stamping that was valid then.
4. A token is durable before its act is recorded; a crash in between is made good by the next `stamp`.
5. Checking needs nothing but the files and the trusted certificates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ObjectIdentifier
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import Clock
from chengyi.model.errors import IntegrityError, NotFoundError, StampError
from chengyi.store.files import write_whole
from chengyi.trust.anchors.news import is_news
from chengyi.trust.ports import Audit, Checkpoint
from chengyi.trust.transport import Exchange, Limits

MOST_TOKEN_BYTES = 64 << 10
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_LIBRARY_FAULTS = (
    VerificationError,
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)


class Tsa(Protocol):
    """A time-stamp authority."""

    @property
    def name(self) -> str:
        """Return what people call it."""
        ...

    def answer(self, query: bytes) -> bytes:
        """Return the reply to a query, both DER (RFC 3161 §3); UnreachableError where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class TsaTrust:
    """Which certificates a token may lead to: roots, those between, and the authority's own where it is pinned."""

    roots: tuple[x509.Certificate, ...]
    between: tuple[x509.Certificate, ...] = ()
    pinned: x509.Certificate | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a checked token says: which checkpoint existed at which moment, by whose clock, under which serial."""

    size: int
    at: datetime
    authority: str
    serial: int
    policy: str


class HttpTsa:
    """An authority behind HTTP (RFC 3161 §3.4)."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self._exchange = Exchange(url, "application/timestamp-query", limits or Limits(most_bytes=MOST_TOKEN_BYTES))

    @property
    def name(self) -> str:
        """Return the host and port."""
        return self._exchange.host

    def answer(self, query: bytes) -> bytes:
        """Return the reply, DER; UnreachableError where there is none within the limits."""
        return self._exchange.post(query)

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()


class Stamps:
    """Stamps checkpoints and keeps the tokens in a folder: ``<size>.checkpoint`` and ``<size>.tsr``."""

    def __init__(
        self,
        folder: Path,
        tsa: Tsa,
        trust: TsaTrust,
        audit: Audit,
        clock: Clock,
        *,
        actor: str,
        skew: timedelta = timedelta(minutes=5),
    ) -> None:
        self._folder = folder
        self._tsa = tsa
        self._trust = trust
        self._audit = audit
        self._clock = clock
        self._actor = actor
        self._skew = skew

    def stamp(self, checkpoint: Checkpoint) -> Stamp:
        """Return the stamp of a checkpoint, from the authority where there is none yet.

        UnreachableError and StampError leave everything as it was; IntegrityError where the kept one is damaged.
        """
        if not self._token(checkpoint.size).exists():
            note = checkpoint.note.encode()
            reply = self._ask(note, checkpoint.size)
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._note(checkpoint.size), note)
            write_whole(self._token(checkpoint.size), reply)
        stamp = self.verify(checkpoint.size)
        self._record(checkpoint, stamp)
        return stamp

    def stamp_news(self, checkpoint: Checkpoint) -> Stamp | None:
        """Stamp a checkpoint, or return None where nothing but our own acts is new since the last stamp."""
        last = max(self.sizes(), default=0)
        return self.stamp(checkpoint) if is_news(self._audit, last, checkpoint.size) else None

    def verify(self, size: int) -> Stamp:
        """Check the kept stamp of a checkpoint offline; NotFoundError where there is none."""
        note, token = self._note(size), self._token(size)
        try:
            return check_token(_read(token), _read(note), self._trust, size=size)
        except FileNotFoundError as fault:
            raise NotFoundError(kind="时间戳 time-stamp", id=size) from fault

    def sizes(self) -> list[int]:
        """Return the sizes of the stamped checkpoints, ascending."""
        return sorted(_sizes(self._folder))

    def _ask(self, note: bytes, size: int) -> bytes:
        builder = TimestampRequestBuilder().data(note).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        reply = self._tsa.answer(request.as_bytes())
        try:
            stamp = check_token(reply, note, self._trust, size=size, nonce=request.nonce)
        except IntegrityError as fault:
            raise StampError(authority=self._tsa.name, why=fault.facts["why"]) from fault
        if abs(stamp.at - self._clock.now()) > self._skew:
            why = f"其时间 {stamp.at:%Y-%m-%d %H:%M:%S} 与本机相差过大 (its clock and ours differ too much)"
            raise StampError(authority=self._tsa.name, why=why)
        return reply

    def _record(self, checkpoint: Checkpoint, stamp: Stamp) -> None:
        name = f"{checkpoint.origin} {checkpoint.size}"
        if self._audit.entries(object=name, kind=ActKind.STAMPED.value, limit=1):
            return
        token = sha256(_read(self._token(checkpoint.size))).hexdigest()
        detail = {"at": stamp.at.isoformat(), "authority": stamp.authority, "serial": str(stamp.serial), "token": token}
        self._audit.record(Act(ActKind.STAMPED, self._actor, name, detail))

    def _note(self, size: int) -> Path:
        return self._folder / f"{size}.checkpoint"

    def _token(self, size: int) -> Path:
        return self._folder / f"{size}.tsr"


def check_token(reply: bytes, note: bytes, trust: TsaTrust, *, size: int, nonce: int | None = None) -> Stamp:
    """Return what a reply (DER) says of a signed checkpoint note; IntegrityError where it does not count."""
    response = _granted(reply)
    info = response.tst_info
    if info.message_imprint.hash_algorithm != _SHA256 or info.message_imprint.message != sha256(note).digest():
        raise _bad("时间戳属于另一检查点 (it is a stamp of something else)")
    if nonce is not None and info.nonce != nonce:
        raise _bad("随机数不符 (its nonce is not ours)")
    authority = _authority(response, note, trust)
    return Stamp(size, info.gen_time, authority, info.serial_number, info.policy.dotted_string)


def _granted(reply: bytes) -> TimeStampResponse:
    if len(reply) > MOST_TOKEN_BYTES:
        raise _bad("时间戳过大 (it is too large)")
    try:
        response = decode_timestamp_response(reply)
        status = response.status
    except ValueError as fault:
        raise _bad("不是时间戳回复 (it is no time-stamp reply)") from fault
    if status != 0:
        raise _bad(f"请求被拒，状态 {status} (it was not granted)")
    try:
        response.tst_info  # noqa: B018 - it is parsed here, and nowhere else for the first time
    except ValueError as fault:
        raise _bad("时间戳令牌格式有误 (the token is malformed)") from fault
    return response


def _authority(response: TimeStampResponse, note: bytes, trust: TsaTrust) -> str:
    """Return the name of the certificate that signed, after its signature and its chain were checked."""
    builder = VerifierBuilder(tsa_certificate=trust.pinned, intermediates=list(trust.between), roots=list(trust.roots))
    try:
        builder.build().verify_message(response, note)
        return _signer_name(response, trust)
    except _LIBRARY_FAULTS as fault:
        raise _bad("签名或证书不成立 (its signature or certificate does not hold)") from fault


def _signer_name(response: TimeStampResponse, trust: TsaTrust) -> str:
    if trust.pinned is not None:
        return trust.pinned.subject.rfc4514_string()
    signers = {(each.issuer, each.serial_number) for each in response.signed_data.signer_infos}
    for raw in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(raw)
        if (certificate.issuer, certificate.serial_number) in signers:
            return certificate.subject.rfc4514_string()
    return "?"


def _bad(why: str) -> IntegrityError:
    return IntegrityError(object="时间戳 time-stamp", why=why)


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.glob("*.tsr"):
        if path.stem.isascii() and path.stem.isdigit():
            yield int(path.stem)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_TOKEN_BYTES + 1)
