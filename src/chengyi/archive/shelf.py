"""The next versions of packages, made inside one write transaction.

Keeps promise 2: never altered. Rules: a new unit takes the next number of its category; a unit that is there already
keeps its code, and its new version follows the inventory before; several versions of one unit may be made at once.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select

from chengyi.archive import packages as inventories
from chengyi.archive.examine import Examined
from chengyi.archive.facts import Facts
from chengyi.archive.numbering import number, year_of
from chengyi.archive.rows import packages
from chengyi.model.actor import Actor
from chengyi.model.archival_code import CodeStyle
from chengyi.model.package import Check, Package
from chengyi.trust.ports import Stored, Vault

PUTS = 4


class Shelf:
    """The packages that a transaction adds to: their present heads, and the codes of new ones.

    `priors` names, for each new ref, the digest of the inventory that it follows.
    """

    def __init__(self, connection: Connection, vault: Vault, accepted: Sequence[Examined], style: CodeStyle) -> None:
        self.priors: dict[str, str] = {}
        self._vault = vault
        self._heads = _heads(connection, [_id(each) for each in accepted])
        self._values: dict[str, dict[str, Any]] = {}
        self._made: dict[str, bytes] = {}
        self._codes = {id: head.code for id, head in self._heads.items()}
        fresh = {_id(each): each for each in reversed(accepted) if _id(each) not in self._heads}
        wanted = [
            (each.source.fonds, each.source.record_class, year_of(each.submission.event_time), each.source.retention)
            for each in reversed(fresh.values())
        ]
        codes = number(connection, wanted, style)
        self._codes |= {id: str(code) for id, code in zip(reversed(fresh), codes, strict=True)}
        self._holders = _holders(connection, self._codes)

    def facts(self, examined: Examined) -> Facts:
        """Return the facts with the archival code that is to be given."""
        code = self._codes[_id(examined)]
        fonds = code.partition("-")[0] if _id(examined) in self._heads else examined.facts.fonds
        return replace(examined.facts, code=code, fonds=fonds, holders=self._holders.get(code, 0))

    def add(self, examined: Examined, checks: Sequence[Check], actor: Actor, now: datetime) -> Package:
        """Make the next version of a package, and its inventory; nothing is stored yet."""
        id = _id(examined)
        head = self._heads.get(id, _Head(0, self._codes[id], "", ""))
        prior = self._inventory(id, head)
        value = inventories.inventory(
            id,
            [inventories.Content(file.component, file.sha512) for file in examined.facts.files],
            inventories.record_part(_described(examined, head), checks, examined.seal, head.inventory or None),
            created=now,
            user=(actor.name, actor.id),
            message="更正 correction" if prior else "归档 archived",
            prior=prior,
        )
        data = inventories.render(value)
        new = _Head(head.version + 1, head.code, sha256(data).hexdigest(), "")
        package = _package(examined, id, new, checks, now)
        self._heads[id], self._values[id], self._made[package.ref] = new, value, data
        self.priors[package.ref] = head.inventory
        return package

    def store(self) -> dict[str, Stored]:
        """Store the inventories made, several at once; return by ref what the vault keeps. StorageFullError."""
        with ThreadPoolExecutor(PUTS) as pool:
            stored = list(pool.map(lambda data: self._vault.put_bytes(data, durable=False), self._made.values()))
        self._vault.sync()
        return dict(zip(self._made, stored, strict=True))

    def _inventory(self, id: str, head: "_Head") -> dict[str, Any] | None:
        if id not in self._values and head.object:
            self._values[id] = inventories.read(self._vault.read(head.object))
        return self._values.get(id)


@dataclass(frozen=True, slots=True)
class _Head:
    """The latest version of a unit: number, archival code, inventory digest and vault object."""

    version: int
    code: str
    inventory: str
    object: str


def _id(examined: Examined) -> str:
    return inventories.package_id(examined.submission.source, examined.submission.sequence)


def _heads(connection: Connection, ids: Sequence[str]) -> dict[str, _Head]:
    """Return the latest version of each known id."""
    columns = packages.c
    query = (
        select(columns.id, columns.version, columns.archival_code, columns.inventory, columns.inventory_object)
        .where(columns.id.in_(ids))
        .order_by(columns.version)
    )
    return {row[0]: _Head(*row[1:]) for row in connection.execute(query)}


def _holders(connection: Connection, codes: Mapping[str, str]) -> dict[str, int]:
    """Return how many other units bear each of these codes (id -> code)."""
    query = (
        select(packages.c.archival_code, packages.c.id)
        .distinct()
        .where(packages.c.archival_code.in_(list(codes.values())))
    )
    counts: dict[str, int] = {}
    for code, id in connection.execute(query):
        counts[code] = counts.get(code, 0) + (codes.get(id) != code)
    return counts


def _described(examined: Examined, head: _Head) -> dict[str, Any]:
    source, submission = examined.source, examined.submission
    return {
        "archival_code": head.code,
        "department": source.department,
        "event_time": submission.event_time.isoformat(),
        "fonds": source.fonds,
        "metadata": dict(examined.facts.metadata),
        "record_class": source.record_class.value,
        "retention": source.retention.value,
        "sharing": source.sharing.value,
        "source": source.id,
        "submission": submission.id,
        "title": examined.facts.title,
        "version": head.version + 1,
    }


def _package(examined: Examined, id: str, head: _Head, checks: Sequence[Check], at: datetime) -> Package:
    source, submission = examined.source, examined.submission
    return Package(
        id=id,
        version=head.version,
        archival_code=head.code,
        title=examined.facts.title,
        source=source.id,
        department=source.department,
        fonds=source.fonds,
        record_class=source.record_class,
        retention=source.retention,
        sharing=source.sharing,
        submission=submission.id,
        components=submission.components,
        metadata=examined.facts.metadata,
        checks=tuple(checks),
        seal=examined.seal,
        event_time=submission.event_time,
        archived_at=at,
        inventory=head.inventory,
        entry=-1,
    )
