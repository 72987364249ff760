"""The register: every certificate that was issued, what became of it, and the tokens to enrol with.

Rules:

1. A certificate is in the register before it is on record and before anybody is given it; `entry` names its act.
2. Revoking is final: who and when stays as it was written first.
3. A token is kept as its SHA-256 only. It is bound to one kind and name, is good once, and not for long.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from sqlalchemy import Select, insert, select, update

from chengyi.store.rows import Rows
from chengyi.trust.authority.names import Kind
from chengyi.trust.authority.refusals import Reason, refusal
from chengyi.trust.authority.rows import certificates, enrolment_tokens

LONGEST_TOKEN_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate in the register; `serial`, `issuer` and `fingerprint` are hexadecimal."""

    serial: str
    issuer: str
    kind: Kind
    name: str
    fingerprint: str
    der: bytes
    issued_at: datetime
    expires_at: datetime
    replaces: str | None = None
    entry: int | None = None
    revoked_at: datetime | None = None
    reason: str | None = None


class Register:
    """Reads and writes the authority's rows."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, issued: Issued) -> None:
        """Put a certificate in the register, not yet on record."""
        with self._rows.begin() as connection:
            connection.execute(insert(certificates), _values(issued))

    def witnessed(self, serial: str, entry: int) -> None:
        """Say which act put a certificate on record."""
        with self._rows.begin() as connection:
            connection.execute(update(certificates).where(certificates.c.serial == serial).values(entry=entry))

    def find(self, serial: str) -> Issued | None:
        """Return one certificate, or None where it was not issued here."""
        found = self._select(select(certificates).where(certificates.c.serial == serial))
        return found[0] if found else None

    def listed(self, kind: Kind | None = None, name: str = "", limit: int = 100) -> list[Issued]:
        """Return certificates that are on record, newest first."""
        query = select(certificates).where(certificates.c.entry.is_not(None))
        query = query.order_by(certificates.c.issued_at.desc(), certificates.c.serial).limit(limit)
        query = query.where(certificates.c.kind == kind.value) if kind else query
        return self._select(query.where(certificates.c.name == name) if name else query)

    def standing(self, kind: Kind, name: str, at: datetime) -> list[Issued]:
        """Return what somebody holds that has neither expired nor been revoked."""
        query = select(certificates).where(certificates.c.kind == kind.value, certificates.c.name == name)
        return self._select(query.where(certificates.c.expires_at >= at, certificates.c.revoked_at.is_(None)))

    def revoke(self, serial: str, at: datetime, reason: x509.ReasonFlags) -> bool:
        """Revoke a certificate; False where it was revoked before."""
        change = update(certificates).where(certificates.c.serial == serial, certificates.c.revoked_at.is_(None))
        with self._rows.begin() as connection:
            return connection.execute(change.values(revoked_at=at, reason=reason.value)).rowcount == 1

    def revoked(self, issuer: str, since: datetime) -> list[tuple[int, datetime, x509.ReasonFlags]]:
        """Return serial, time and reason of what an issuer revoked, but for what expired before `since`."""
        query = select(certificates).where(certificates.c.revoked_at.is_not(None), certificates.c.issuer == issuer)
        found = self._select(query.where(certificates.c.expires_at >= since).order_by(certificates.c.serial))
        return [
            (int(each.serial, 16), each.revoked_at, x509.ReasonFlags(each.reason or "unspecified"))
            for each in found
            if each.revoked_at is not None
        ]

    def invite(self, kind: Kind, name: str, now: datetime, until: datetime) -> str:
        """Return a new token with which somebody enrols once under this name."""
        token = base64.b32encode(secrets.token_bytes(20)).decode().lower()
        row = {"digest": _digest(token), "kind": kind.value, "name": name, "made_at": now, "expires_at": until}
        with self._rows.begin() as connection:
            connection.execute(insert(enrolment_tokens), row)
        return token

    def invited(self, token: str, now: datetime) -> tuple[Kind, str]:
        """Return whom a token was made for; CertificateError where it is not good now."""
        query = select(enrolment_tokens).where(_is_good(token, now))
        with self._rows.read() as connection:
            found = connection.execute(query).mappings().one_or_none()
        if found is None:
            raise refusal(Reason.TOKEN_UNFIT, "")
        return Kind(found["kind"]), found["name"]

    def redeem(self, token: str, now: datetime) -> None:
        """Use a token up; CertificateError where another did meanwhile."""
        with self._rows.begin() as connection:
            change = update(enrolment_tokens).where(_is_good(token, now)).values(used_at=now)
            if connection.execute(change).rowcount != 1:
                raise refusal(Reason.TOKEN_UNFIT, "")

    def withdraw(self, kind: Kind, name: str, now: datetime) -> None:
        """Use up every open token of somebody."""
        open_ones = update(enrolment_tokens).where(
            enrolment_tokens.c.kind == kind.value, enrolment_tokens.c.name == name
        )
        with self._rows.begin() as connection:
            connection.execute(open_ones.where(enrolment_tokens.c.used_at.is_(None)).values(used_at=now))

    def _select(self, query: Select[Any]) -> list[Issued]:
        with self._rows.read() as connection:
            return [_issued(row) for row in connection.execute(query).mappings()]


def _is_good(token: str, now: datetime) -> Any:  # noqa: ANN401 - a condition of SQLAlchemy
    columns = enrolment_tokens.c
    return (columns.digest == _digest(token)) & columns.used_at.is_(None) & (columns.expires_at > now)


def _digest(token: str) -> str:
    return sha256(token.strip().lower().encode()).hexdigest()


def _values(issued: Issued) -> dict[str, Any]:
    return {name: getattr(issued, name) for name in Issued.__dataclass_fields__} | {"kind": issued.kind.value}


def _issued(row: Mapping[Any, Any]) -> Issued:
    return Issued(**{**row, "kind": Kind(row["kind"])})
