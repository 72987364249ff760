"""Reading dossiers: facts side by side with their evidence, what disagrees, and which value is preferred.

Keeps promise 5 (every fact names its row) and promise 7 (members with probability and reasons). Rules: nothing is
overwritten, a preferred value only stands first; a conflict is two values of an element that describes the subject
itself, never two events; whoever reads a dossier is on record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from chengyi.integrate.contracts import ROLE_ELEMENTS, Contract, EntityMap
from chengyi.integrate.elements import Element, dictionary
from chengyi.integrate.files import read_rows
from chengyi.integrate.mentions import CODE, entities_of
from chengyi.integrate.rows import dataset_packages, dossier_events, dossier_members, dossiers
from chengyi.integrate.rules import preferred
from chengyi.model.dossier import Dossier, EntityKind, Fact, Member
from chengyi.model.errors import NotFoundError
from chengyi.model.evidence import Evidence
from chengyi.model.identifiers import standard_citizen_id
from chengyi.model.text import Text
from chengyi.store.ports import Tables
from chengyi.store.rows import Rows
from chengyi.trust.ports import Keys

SAME_NUMBER = Text("编号相同", "Same number")


@dataclass(frozen=True, slots=True)
class DossierHead:
    """One line of a list of dossiers."""

    id: str
    kind: EntityKind
    label: str
    members: int
    weakest: float


@dataclass(frozen=True, slots=True)
class DossierEvent:
    """One merge, split or retirement in the life of a dossier."""

    run: int
    event: str
    dossier: str
    other: str
    said: Text
    at: Any


class DossierReader:
    """Finds dossiers and puts their pages together."""

    def __init__(self, rows: Rows, tables: Tables, keys: Keys, contracts: Sequence[Contract]) -> None:
        self._rows = rows
        self._tables = tables
        self._keys = keys
        self._contracts = {contract.source: contract for contract in contracts}
        self._ranks = {contract.source: rank for rank, contract in enumerate(contracts)}

    def find(self, query: str, limit: int, offset: int) -> list[DossierHead]:
        """Return dossiers by part of their label, by id, or by an exact number; all of them for an empty query."""
        wanted = select(dossiers).where(dossiers.c.retired.is_(None))
        text = query.strip()
        if text:
            pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            by_number = select(dossier_members.c.dossier).where(dossier_members.c.identity.in_(self._codes(text)))
            named = dossiers.c.label.like(f"%{pattern}%", escape="\\")
            wanted = wanted.where(or_(dossiers.c.id == text, named, dossiers.c.id.in_(by_number)))
        ordered = wanted.order_by(dossiers.c.kind.desc(), dossiers.c.label, dossiers.c.id).limit(limit).offset(offset)
        with self._rows.read() as connection:
            return [
                DossierHead(each.id, EntityKind(each.kind), each.label, each.members, each.weakest)
                for each in connection.execute(ordered)
            ]

    def _codes(self, text: str) -> list[str]:
        numbers = {"citizen_id": standard_citizen_id(text), "household": text, "credit_code": text.upper()}
        return [self._keys.code(number, role)[:CODE] for role, number in numbers.items()]

    def of_row(self, dataset: str, evidence: Evidence) -> list[str]:
        """Return the dossiers that a row belongs to: people first, then households and organisations."""
        ours = select(dossier_members.c.dossier, dossier_members.c.kind).where(
            dossier_members.c.package == evidence.package,
            dossier_members.c.row == evidence.row,
            dossier_members.c.dataset == dataset,
        )
        with self._rows.read() as connection:
            found = connection.execute(ours.order_by(dossier_members.c.kind.desc(), dossier_members.c.entity)).all()
        return list(dict.fromkeys(each.dossier for each in found))

    def events(self, id: str) -> list[DossierEvent]:
        """Return what happened to a dossier, oldest first."""
        ours = select(dossier_events).where(or_(dossier_events.c.dossier == id, dossier_events.c.other == id))
        with self._rows.read() as connection:
            found = connection.execute(ours.order_by(dossier_events.c.run, dossier_events.c.number)).all()
        return [DossierEvent(e.run, e.event, e.dossier, e.other, Text(e.zh, e.en), e.at) for e in found]

    def read(self, id: str) -> Dossier:
        """Return a dossier; one that was merged is read under the id it joined; NotFoundError."""
        with self._rows.read() as connection:
            head = self._head(connection, id)
            ours = select(dossier_members).where(dossier_members.c.dossier == head.id)
            held = connection.execute(ours.order_by(dossier_members.c.dataset, dossier_members.c.package)).all()
            packages = _packages(connection, {each.package for each in held})
        kind = EntityKind(head.kind)
        members = tuple(_member(each) for each in held)
        known = {(each.package, each.row, each.entity) for each in held}
        rows = [each for each in read_rows(self._tables, head.id) if _place(each) in known] if held else []
        facts = [fact for row in rows for fact in self._facts(kind, row, packages)]
        facts = _marked(facts, [self._ranks.get(row["source"], 0) for row in rows for _ in self._names(kind, row)])
        return Dossier(head.id, kind, head.label, members, tuple(facts), _conflicts(kind, facts), head.weakest)

    def _head(self, connection: Connection, id: str) -> Any:  # noqa: ANN401 - a row
        head = connection.execute(select(dossiers).where(dossiers.c.id == id)).first()
        for _ in range(100):
            if head is None or head.into is None:
                break
            head = connection.execute(select(dossiers).where(dossiers.c.id == head.into)).first()
        if head is None or head.retired is not None:
            raise NotFoundError(kind="卷宗 dossier", id=id)
        return head

    def _names(self, kind: EntityKind, row: Mapping[str, Any]) -> list[tuple[str, Element, str]]:
        """Return (field, element, value) of each filled value, a role's value under the element of the role."""
        entity = self._entity(kind, row)
        renamed = {field: ROLE_ELEMENTS[role] for role, field in entity.roles.items() if role in ROLE_ELEMENTS}
        found = []
        for name, value in row["said"].items():
            field = renamed.get(name, name)
            if value is not None and field in dictionary():
                found.append((field, dictionary()[field], value))
        return found

    def _entity(self, kind: EntityKind, row: Mapping[str, Any]) -> EntityMap:
        contract = self._contracts.get(row["source"])
        entities = dict(entities_of(contract, kind)) if contract is not None else {}
        return entities.get(row["entity"], EntityMap(kind, {}))

    def _facts(self, kind: EntityKind, row: Mapping[str, Any], packages: Mapping[str, Any]) -> list[Fact]:
        package = packages.get(row["package"])
        evidence = Evidence(row["package"], row["row"], row["leaf"].hex())
        department = "" if package is None else package.department
        at = None if package is None else package.event_time
        return [
            Fact(field, element.title, value, row["dataset"], department, evidence, at, preferred=False)
            for field, element, value in self._names(kind, row)
        ]


def _packages(connection: Connection, refs: set[str]) -> dict[str, Any]:
    ours = select(dataset_packages).where(dataset_packages.c.package.in_(sorted(refs)))
    return {each.package: each for each in connection.execute(ours)}


def _place(row: Mapping[str, Any]) -> tuple[str, int, int]:
    return row["package"], row["row"], row["entity"]


def _member(row: Any) -> Member:  # noqa: ANN401 - a row
    from chengyi.integrate.linkage.reasons import REASONS

    reasons = tuple(
        SAME_NUMBER if code == "same_number" else REASONS.get(code, Text(code, code)) for code in row.reasons
    )
    return Member(row.dataset, Evidence(row.package, row.row, row.leaf), row.probability, reasons)


def _marked(facts: list[Fact], ranks: Sequence[int]) -> list[Fact]:
    """Mark the preferred fact of each field, and put the facts in the order of fields."""
    from dataclasses import replace

    by_field: dict[str, list[int]] = {}
    for place, fact in enumerate(facts):
        by_field.setdefault(fact.field, []).append(place)
    chosen = {
        places[preferred([facts[n].event_time for n in places], [ranks[n] for n in places])]
        for places in by_field.values()
    }
    return [
        replace(facts[place], preferred=place in chosen)
        for field in sorted(by_field, key=list(dictionary()).index)
        for place in by_field[field]
    ]


def _conflicts(kind: EntityKind, facts: Sequence[Fact]) -> tuple[str, ...]:
    """Return the fields that describe the subject and of which the rows give more than one value."""
    values: dict[str, set[str]] = {}
    for fact in facts:
        if kind in dictionary()[fact.field].describes:
            values.setdefault(fact.field, set()).add(fact.value)
    return tuple(field for field, held in values.items() if len(held) > 1)
