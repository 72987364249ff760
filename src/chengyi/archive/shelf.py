"""The next versions of packages, made inside one write transaction.

Keeps promise 2: never altered. Rules: a new unit takes the next number of its category; a unit that is there already
keeps its code, and its new version follows the inventory before; several versions of one unit may be made at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
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
from chengyi.trust.ports import Vault


class Shelf:
    """The packages that a transaction adds to: their present heads, and the codes of new ones."""

    def __init__(self, connection: Connection, vault: Vault, accepted: Sequence[Examined], style: CodeStyle) -> None:
        self._connection = connection
        self._vault = vault
        ids = [_id(each) for each in accepted]
        self._heads = _heads(connection, ids)
        self._codes = {id: code for id, (_, code, _, _) in self._heads.items()}
        fresh = {_id(each): each for each in accepted if _id(each) not in self._heads}
        wanted = [
            (each.source.fonds, each.source.record_class, year_of(each.submission.event_time), each.source.retention)
            for each in fresh.values()
        ]
        codes = number(connection, wanted, style)
        self._codes |= {id: str(code) for id, code in zip(fresh, codes, strict=True)}
        self._holders = _holders(connection, self._codes)

    def facts(self, examined: Examined) -> Facts:
        """Return the facts with the archival code that is to be given."""
        code = self._codes[_id(examined)]
        fonds = code.partition("-")[0] if _id(examined) in self._heads else examined.facts.fonds
        return replace(examined.facts, code=code, fonds=fonds, holders=self._holders.get(code, 0))

    def add(self, examined: Examined, checks: Sequence[Check], actor: Actor, now: datetime) -> tuple[Package, str, str]:
        """Store the inventory of the next version; return package, vault object and the digest it follows."""
        id = _id(examined)
        version, code, prior_digest, prior_object = self._heads.get(id, (0, self._codes[id], "", ""))
        prior = inventories.read(self._vault.read(prior_object)) if prior_object else None
        record = _described(examined, code, version + 1)
        contents = [inventories.Content(file.component, file.sha512) for file in examined.facts.files]
        value = inventories.inventory(
            id,
            contents,
            inventories.record_part(record, checks, examined.seal, prior_digest or None),
            created=now,
            user=(actor.name, actor.id),
            message="更正 correction" if prior else "归档 archived",
            prior=prior,
        )
        stored = self._vault.put_bytes(inventories.render(value))
        self._heads[id] = (version + 1, code, stored.sha256, stored.object)
        return _package(examined, (id, version + 1, code), checks, now, stored.sha256), stored.object, prior_digest


def _id(examined: Examined) -> str:
    return inventories.package_id(examined.submission.source, examined.submission.sequence)


def _heads(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, str, str, str]]:
    """Return version, code, inventory digest and object of the latest version of each known id."""
    columns = packages.c
    query = (
        select(columns.id, columns.version, columns.archival_code, columns.inventory, columns.inventory_object)
        .where(columns.id.in_(ids))
        .order_by(columns.version)
    )
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in connection.execute(query)}


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


def _described(examined: Examined, code: str, version: int) -> dict[str, Any]:
    source, submission = examined.source, examined.submission
    return {
        "archival_code": code,
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
        "version": version,
    }


def _package(
    examined: Examined, ref: tuple[str, int, str], checks: Sequence[Check], at: datetime, digest: str
) -> Package:
    id, version, code = ref
    source, submission = examined.source, examined.submission
    return Package(
        id=id,
        version=version,
        archival_code=code,
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
        inventory=digest,
        entry=-1,
    )
