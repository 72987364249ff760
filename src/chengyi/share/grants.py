"""Requests and grants, as they are kept.

Keeps promise 4: always witnessed. Rules:

1. A grant is signed by the node that owns the data, and sealed under its key: a grant whose row was edited is refused.
2. A revocation is an act in the ledger; it holds even where the grant's row was edited back.
3. A grant is never changed, only revoked.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, update

from chengyi.model.act import ActKind
from chengyi.model.canonical import Json, canonical
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.model.grant import Grant, Purpose, Request, RequestState
from chengyi.share import rows as tables
from chengyi.share.errors import SettledRequestError
from chengyi.share.rules import purpose_terms, sealed_terms
from chengyi.store.rows import Rows, insert_new
from chengyi.trust.ports import Audit, Keys

_SEAL = "share.grant"


class Grants:
    """The book of requests and grants."""

    def __init__(self, rows: Rows, keys: Keys, audit: Audit) -> None:
        self._rows = rows
        self._keys = keys
        self._audit = audit

    def add_request(self, request: Request) -> None:
        """Enter a request."""
        with self._rows.begin() as connection:
            insert_new(connection, tables.requests, [_request_row(request)])

    def refuse(self, request: Request, reason: str) -> Request:
        """Refuse an open request; SettledRequestError where someone was faster."""
        with self._rows.begin() as connection:
            _settle(connection, request, RequestState.REFUSED, reason, None)
        return self.request(request.id)

    def request(self, id: str) -> Request:
        """Return a request; NotFoundError."""
        found = self.requests(tables.requests.c.id == id)
        if not found:
            raise NotFoundError(kind="共享申请 request", id=id)
        return found[0]

    def requests(self, *where: Any) -> list[Request]:  # noqa: ANN401 - SQL conditions
        """List requests, newest first."""
        query = select(tables.requests).where(*where).order_by(tables.requests.c.requested_at.desc())
        with self._rows.read() as connection:
            return [_request(dict(row)) for row in connection.execute(query).mappings()]

    def add(self, grant: Grant, *, standing: str | None = None, settles: Request | None = None) -> Grant:
        """Enter a grant, signed and sealed, and settle its request with it."""
        terms = sealed_terms(grant)
        row = {
            "id": grant.id,
            "standing": standing,
            "dataset": grant.dataset,
            "terms": terms,
            "department": grant.department,
            "signature": self._keys.sign(canonical(terms)).hex(),
            "seal": self._seal(terms, grant.entry),
            "entry": grant.entry,
            "revoked_at": None,
        }
        with self._rows.begin() as connection:
            if settles is not None:
                _settle(connection, settles, RequestState.GRANTED, "", grant.id)
            insert_new(connection, tables.grants, [row])
        return grant

    def signature(self, id: str) -> bytes:
        """Return the owner's Ed25519 signature over the canonical terms of a grant."""
        return bytes.fromhex(str(self._row(id)["signature"]))

    def grant(self, id: str) -> Grant:
        """Return a grant as it was signed; NotFoundError, IntegrityError where its row was edited."""
        return self._checked(self._row(id))

    def grants(self, *where: Any) -> list[Grant]:  # noqa: ANN401 - SQL conditions
        """List grants, newest first."""
        query = select(tables.grants).where(*where).order_by(tables.grants.c.entry.desc())
        return [self._checked(row) for row in self._rows_of(query)]

    def standing(self, key: str) -> Grant | None:
        """Return the latest standing grant under a key, live or not."""
        found = self.grants(tables.grants.c.standing == key)
        return found[0] if found else None

    def revoke(self, id: str, at: datetime) -> None:
        """Mark a grant as revoked."""
        with self._rows.begin() as connection:
            connection.execute(update(tables.grants).where(tables.grants.c.id == id).values(revoked_at=at))

    def add_access(self, row: Mapping[str, Any]) -> None:
        """Enter one reading, so that it is found by grant."""
        with self._rows.begin() as connection:
            insert_new(connection, tables.accesses, [row])

    def accesses(self, grant: str) -> list[dict[str, Any]]:
        """List the readings under a grant, newest first."""
        table = tables.accesses
        return self._rows_of(select(table).where(table.c.grant_id == grant).order_by(table.c.entry.desc()))

    def _rows_of(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._rows.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _row(self, id: str) -> dict[str, Any]:
        found = self._rows_of(select(tables.grants).where(tables.grants.c.id == id))
        if not found:
            raise NotFoundError(kind="授权 grant", id=id)
        return found[0]

    def _checked(self, row: Mapping[str, Any]) -> Grant:
        if row["seal"] != self._seal(row["terms"], row["entry"]) or row["terms"]["id"] != row["id"]:
            raise IntegrityError(object=row["id"], why="授权记录已被改动 (the grant's record was edited)")
        revoked = row["revoked_at"] or self._revoked_by_ledger(row["id"])
        return _grant(row["terms"], row["entry"], revoked)

    def _revoked_by_ledger(self, id: str) -> datetime | None:
        acts = self._audit.entries(object=f"grant:{id}", kind=ActKind.REVOKED.value, limit=1)
        return acts[0].at if acts else None

    def _seal(self, terms: Mapping[str, Json], entry: int) -> str:
        return self._keys.code(canonical({"terms": terms, "entry": entry}).decode(), _SEAL)


def _settle(connection: Connection, request: Request, state: RequestState, reason: str, grant: str | None) -> None:
    table = tables.requests
    where = (table.c.id == request.id) & (table.c.state == RequestState.OPEN.value)
    done = connection.execute(update(table).where(where).values(state=state.value, reason=reason, grant_id=grant))
    if done.rowcount != 1:
        raise SettledRequestError(request=request.id, state="已有答复 answered")


def _grant(terms: Mapping[str, Any], entry: int, revoked: datetime | None) -> Grant:
    return Grant(
        id=terms["id"],
        dataset=terms["dataset"],
        fields=tuple(terms["fields"]),
        clear=tuple(terms["clear"]),
        where=tuple((field, tuple(values)) for field, values in terms["where"]),
        grantor=terms["grantor"],
        grantee=terms["grantee"],
        department=terms["department"],
        purpose=Purpose(**terms["purpose"]),
        not_before=datetime.fromisoformat(terms["not_before"]),
        expires=datetime.fromisoformat(terms["expires"]),
        entry=entry,
        revoked_at=revoked,
    )


def _request_row(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "dataset": request.dataset,
        "fields": list(request.fields),
        "requester": request.requester,
        "department": request.department,
        "purpose": purpose_terms(request.purpose),
        "requested_at": request.requested_at,
        "due": request.due,
        "state": request.state.value,
        "reason": request.reason,
        "grant_id": request.grant,
    }


def _request(row: Mapping[str, Any]) -> Request:
    return Request(
        id=row["id"],
        dataset=row["dataset"],
        fields=tuple(row["fields"]),
        requester=row["requester"],
        department=row["department"],
        purpose=Purpose(**row["purpose"]),
        requested_at=row["requested_at"],
        due=row["due"],
        state=RequestState(row["state"]),
        reason=row["reason"],
        grant=row["grant_id"],
    )
