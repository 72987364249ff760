"""The registry of exports: families, recipients, secrets; what was handed out to whom.

Rules:

1. Secrets lie wrapped under the node's keys, each bound to its family or export.
2. The facts of an export are sealed under the node's key: a record that was edited is refused.
3. A recipient's place in his family is given once and kept; two exports at one time cannot share a place.
4. A family is one dataset under one policy and one row key: then all copies have their marks in the same cells, and
   two of them differ exactly where their recipients' bits do.
"""

import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from chengyi.model.canonical import Json, canonical, digest
from chengyi.model.errors import BusyError, IntegrityError, NotFoundError
from chengyi.model.text import Text
from chengyi.store.rows import Rows, insert_new
from chengyi.trust.marks import rows as tables
from chengyi.trust.marks.cells import KEY_SIZE, layout_key, recipient_key
from chengyi.trust.marks.policy import MarkPolicy, policy_of_terms
from chengyi.trust.marks.records import ExportColumn, ExportRecord, Secrets, commitment, roster_root, terms_of
from chengyi.trust.ports import Keys

_SEAL = "marks.export"
_CODE = "marks.recipient"
_TRIES = 100


@dataclass(frozen=True, slots=True)
class Issue:
    """An export about to be made: its id, its place in its family, its secrets, and the family as it stands."""

    id: str
    family: str
    dataset: str
    policy: MarkPolicy
    recipient: str
    code: str
    ordinal: int
    recipients: int
    root: str
    secrets: Secrets = field(repr=False)

    def commitment(self, canaries: tuple[str, ...]) -> str:
        """Return what goes into the ledger before the file leaves."""
        return commitment(self.secrets, terms_of(self.id, self.family, self.code, self.policy, canaries))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an export once its file is written and its act is on record."""

    version: int
    mode: str
    form: str
    grant: str
    actor: str
    department: str
    at: datetime
    rows: int
    marks: int
    columns: tuple[ExportColumn, ...]
    canaries: tuple[str, ...]
    sketch: bytes = field(repr=False)
    file: str
    entry: int


class Registry:
    """The book of exports."""

    def __init__(self, rows: Rows, keys: Keys) -> None:
        self._rows = rows
        self._keys = keys

    def issue(self, dataset: str, policy: MarkPolicy, recipient: str) -> Issue:
        """Give an export its id and secrets, and its recipient a place in the family."""
        family = self.family(dataset, policy)
        code = self._keys.code(f"{family}\0{recipient}", _CODE)
        with self._rows.begin() as connection:
            secret = self._secret(connection, family, dataset, policy)
            ordinal = _enlist(connection, family, recipient, code)
            codes = _codes(connection, family)
        layout, own = layout_key(secret), recipient_key(secret, recipient)
        return Issue(
            id=f"exp-{random.token_hex(12)}",
            family=family,
            dataset=dataset,
            policy=policy,
            recipient=recipient,
            code=code,
            ordinal=ordinal,
            recipients=len(codes),
            root=roster_root(codes),
            secrets=Secrets(layout, own, random.token_bytes(KEY_SIZE)),
        )

    def enter(self, issue: Issue, facts: Facts) -> ExportRecord:
        """Enter an export that is on record in the ledger."""
        note = _note(issue, facts)
        own = issue.secrets
        row = {
            "id": issue.id,
            "family": issue.family,
            "grant_id": facts.grant,
            "dataset": issue.dataset,
            "actor": facts.actor,
            "department": facts.department,
            "at": facts.at,
            "note": note,
            "seal": self._seal(issue.id, note),
            "sketch": facts.sketch,
            "wrapped": self._keys.wrap(own.layout + own.key + own.salt, issue.id.encode()),
            "entry": facts.entry,
        }
        with self._rows.begin() as connection:
            insert_new(connection, tables.exports, [row])
        return self.record(issue.id)

    def record(self, id: str) -> ExportRecord:
        """Return one export; NotFoundError, IntegrityError where its record was edited."""
        found = self.records(tables.exports.c.id == id)
        if not found:
            raise NotFoundError(kind="导出 export", id=id)
        return found[0]

    def records(self, *where: Any) -> list[ExportRecord]:  # noqa: ANN401 - SQL conditions
        """List exports, newest first."""
        query = select(tables.exports).where(*where).order_by(tables.exports.c.entry.desc())
        with self._rows.read() as connection:
            return [self._record(dict(row)) for row in connection.execute(query).mappings()]

    def codes(self, family: str) -> list[str]:
        """Return the codes of a family's recipients, in their order."""
        with self._rows.read() as connection:
            return _codes(connection, family)

    def family(self, dataset: str, policy: MarkPolicy) -> str:
        """Return the id of a family."""
        return f"fam-{digest({'dataset': dataset, 'policy': policy.terms()})[:24]}"

    def _secret(self, connection: Connection, family: str, dataset: str, policy: MarkPolicy) -> bytes:
        fresh = {
            "id": family,
            "dataset": dataset,
            "terms": policy.terms(),
            "wrapped": self._keys.wrap(random.token_bytes(KEY_SIZE), family.encode()),
        }
        insert_new(connection, tables.families, [fresh])
        query = select(tables.families.c.wrapped).where(tables.families.c.id == family)
        return self._keys.unwrap(connection.execute(query).scalar_one(), family.encode())

    def _record(self, row: Mapping[str, Any]) -> ExportRecord:
        note: Mapping[str, Any] = row["note"]
        if row["seal"] != self._seal(row["id"], note) or note["entry"] != row["entry"]:
            raise IntegrityError(object=row["id"], why="导出记录已被改动 (the record of the export was edited)")
        secret = self._keys.unwrap(row["wrapped"], row["id"].encode())
        return ExportRecord(
            id=row["id"],
            family=note["family"],
            dataset=note["dataset"],
            version=note["version"],
            mode=note["mode"],
            form=note["form"],
            grant=note["grant"],
            recipient=note["recipient"],
            actor=note["actor"],
            code=note["code"],
            ordinal=note["ordinal"],
            at=datetime.fromisoformat(note["at"]),
            rows=note["rows"],
            marks=note["marks"],
            columns=tuple(_column(each) for each in note["columns"]),
            policy=policy_of_terms(note["policy"]),
            canaries=tuple(note["canaries"]),
            sketch=row["sketch"],
            file=note["file"],
            commitment=note["commitment"],
            entry=note["entry"],
            secrets=Secrets(secret[:KEY_SIZE], secret[KEY_SIZE : 2 * KEY_SIZE], secret[2 * KEY_SIZE :]),
        )

    def _seal(self, id: str, note: Mapping[str, Json]) -> str:
        return self._keys.code(canonical({"id": id, "note": note}).decode(), _SEAL)


def _enlist(connection: Connection, family: str, recipient: str, code: str) -> int:
    """Return the recipient's place, giving him the next one; whoever was faster keeps a place, and we try the next."""
    table = tables.recipients
    known = select(table.c.ordinal).where(table.c.family == family, table.c.recipient == recipient)
    last = select(func.coalesce(func.max(table.c.ordinal), -1)).where(table.c.family == family)
    for _ in range(_TRIES):
        found = connection.execute(known).scalar()
        if found is not None:
            return int(found)
        ordinal = int(connection.execute(last).scalar_one()) + 1
        row = {"family": family, "ordinal": ordinal, "recipient": recipient, "code": code}
        insert_new(connection, table, [row])
    raise BusyError(home=family, holder="?")


def _codes(connection: Connection, family: str) -> list[str]:
    table = tables.recipients
    query = select(table.c.code).where(table.c.family == family).order_by(table.c.ordinal)
    return [str(each) for each in connection.execute(query).scalars()]


def _note(issue: Issue, facts: Facts) -> dict[str, Json]:
    return {
        "family": issue.family,
        "dataset": issue.dataset,
        "version": facts.version,
        "mode": facts.mode,
        "form": facts.form,
        "grant": facts.grant,
        "recipient": issue.recipient,
        "actor": facts.actor,
        "code": issue.code,
        "ordinal": issue.ordinal,
        "at": facts.at.isoformat(),
        "rows": facts.rows,
        "marks": facts.marks,
        "columns": [
            [each.name, each.title.zh, each.title.en, each.kind, [f"{value:.6g}" for value in each.profile]]
            for each in facts.columns
        ],
        "policy": issue.policy.terms(),
        "canaries": list(facts.canaries),
        "file": facts.file,
        "commitment": issue.commitment(facts.canaries),
        "entry": facts.entry,
    }


def _column(values: list[Any]) -> ExportColumn:
    name, zh, en, kind, profile = values
    return ExportColumn(name, Text(zh, en), kind, tuple(float(each) for each in profile))
