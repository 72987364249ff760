"""Packages in rows: written once, read back whole.

Keeps promise 2: never altered. A package row is inserted and gets its ledger entry; nothing else ever changes it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, delete, insert, select

from chengyi.archive.packages import seal_part
from chengyi.archive.rows import checks as checks_table
from chengyi.archive.rows import package_components, packages, row_seals
from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.errors import IntegrityError
from chengyi.model.package import Check, Package, Property, RowSeal, Verdict
from chengyi.model.submission import Component
from chengyi.model.text import Text

_SLICE = 500
_PLAIN = ("id", "version", "archival_code", "title", "source", "department", "fonds", "submission", "metadata")
_CODES = ("record_class", "retention", "sharing")
_LATER = ("event_time", "archived_at", "inventory")


def insert_packages(connection: Connection, made: Sequence[Package], by: str, objects: Mapping[str, str]) -> None:
    """Write new packages without their entry; `objects` maps ref -> vault object of the inventory."""
    if not made:
        return
    connection.execute(insert(packages), [_package_row(each, by, objects[each.ref]) for each in made])
    files = [{"ref": each.ref, **_component_row(file)} for each in made for file in each.components]
    connection.execute(insert(package_components), files)
    seals = [{"ref": each.ref, **seal_part(each.seal)} for each in made if each.seal is not None]
    if seals:
        connection.execute(insert(row_seals), seals)


def replace_checks(connection: Connection, found: Mapping[str, Sequence[Check]]) -> None:
    """Write the checks of submissions (id -> checks), in place of those of an earlier attempt."""
    if not found:
        return
    connection.execute(delete(checks_table).where(checks_table.c.submission.in_(list(found))))
    rows = [
        {"submission": submission, "ordinal": ordinal, **_check_row(check)}
        for submission, checks in found.items()
        for ordinal, check in enumerate(checks)
    ]
    connection.execute(insert(checks_table), rows)


def load(connection: Connection, query: Select[Any]) -> list[Package]:
    """Return the packages that a query over `packages` selects, whole, in its order; IntegrityError on edited codes."""
    rows = list(connection.execute(query).mappings())
    refs = [row["ref"] for row in rows]
    files = _grouped(connection, package_components, package_components.c.ref, refs, package_components.c.path)
    submissions = [row["submission"] for row in rows]
    checks = _grouped(connection, checks_table, checks_table.c.submission, submissions, checks_table.c.ordinal)
    seals = _grouped(connection, row_seals, row_seals.c.ref, refs, row_seals.c.ref)
    try:
        return [_package(row, files[row["ref"]], checks[row["submission"]], seals[row["ref"]]) for row in rows]
    except (ValueError, TypeError) as error:
        raise IntegrityError(object="packages", why=f"著录行被改动 (a row was edited: {error})") from error


def checks_of(connection: Connection, submission: str) -> tuple[Check, ...]:
    """Return the checks of one submission, kept or set aside."""
    query = select(checks_table).where(checks_table.c.submission == submission).order_by(checks_table.c.ordinal)
    return tuple(_check(row) for row in connection.execute(query).mappings())


def _grouped(
    connection: Connection, table: Table, key: ColumnElement[Any], values: Sequence[str], order: ColumnElement[Any]
) -> defaultdict[str, list[RowMapping]]:
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for start in range(0, len(values), _SLICE):
        query = select(table).where(key.in_(values[start : start + _SLICE])).order_by(order)
        for row in connection.execute(query).mappings():
            found[row[key.name]].append(row)
    return found


def _package_row(package: Package, by: str, inventory_object: str) -> dict[str, Any]:
    row = {name: getattr(package, name) for name in (*_PLAIN, *_LATER)}
    row |= {name: getattr(package, name).value for name in _CODES}
    return row | {"ref": package.ref, "archived_by": by, "inventory_object": inventory_object, "entry": None}


def _component_row(component: Component) -> dict[str, Any]:
    return {name: getattr(component, name) for name in Component.__slots__}


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "code": check.code,
        "property": check.property.value,
        "title_zh": check.title.zh,
        "title_en": check.title.en,
        "verdict": check.verdict.value,
        "finding_zh": check.finding.zh,
        "finding_en": check.finding.en,
    }


def _package(
    row: RowMapping, files: Iterable[RowMapping], checks: Iterable[RowMapping], seals: Sequence[RowMapping]
) -> Package:
    return Package(
        **{name: row[name] for name in (*_PLAIN, *_LATER)},
        record_class=RecordClass(row["record_class"]),
        retention=Retention(row["retention"]),
        sharing=SharingClass(row["sharing"]),
        components=tuple(Component(**{name: file[name] for name in Component.__slots__}) for file in files),
        checks=tuple(_check(check) for check in checks),
        seal=_seal(seals[0]) if seals else None,
        entry=-1 if row["entry"] is None else row["entry"],
    )


def _check(row: RowMapping) -> Check:
    return Check(
        row["code"],
        Property(row["property"]),
        Text(row["title_zh"], row["title_en"]),
        Verdict(row["verdict"]),
        Text(row["finding_zh"], row["finding_en"]),
    )


def _seal(row: RowMapping) -> RowSeal:
    columns = tuple(row["columns"])
    return RowSeal(row["component"], row["reader"], columns, row["rows"], row["rejected"], row["root"])
