"""Where an object belongs: from a fragment, a stored object, a package or a code back to its source.

Rules: what a name says is a claim only; what the vault, the archive and the ledger say of it is shown. Nothing that an
object holds is opened or shown, only where it belongs and whether it is whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from chengyi.model.act import ActKind
from chengyi.model.errors import ChengyiError, NotFoundError
from chengyi.model.package import Package
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.node.node import Node

_OBJECT = re.compile(r"obj-[0-9a-f]{32}")
_TAIL = 64 << 10


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that an object belongs to: what it is, its name, and the ledger entry that witnesses it, if any."""

    title: Text
    value: str
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an object belongs to, innermost first, and the names under which acts are on record about it."""

    links: tuple[Link, ...]
    names: tuple[str, ...]


def claimed(file: Path) -> str:
    """Return which object a fragment's file claims to be of, by its name or its ending; NotFoundError.

    The last 64 KiB are read, for the manifest stands there.
    """
    if found := _OBJECT.search(file.name):
        return found[0]
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - _TAIL))
        tail = opened.read(_TAIL)
    if not (found := _OBJECT.search(tail.decode("ascii", "replace"))):
        raise NotFoundError(kind="分片所属对象 object of this fragment", id=file.name)
    return found[0]


def provenance(node: "Node", name: str) -> Provenance:
    """Return where a thing belongs; one that nothing is known of has no links, and is traced by its name only."""
    if _OBJECT.fullmatch(name):
        return _of_object(node, name)
    package = _package(node, name)
    return _of_package(node, package) if package else Provenance((), (name,))


def _of_object(node: "Node", object: str) -> Provenance:
    links, names = [*_in_vault(node, object)], [object]
    for ref, path in _packages_with(node, object):
        links.append(Link(Text("档案中的文件", "File of a record"), f"{ref} {path}"))
        found = _of_package(node, node.archive.package(ref, node.actor))
        links += [each for each in found.links if each not in links]
        names += [each for each in found.names if each not in names]
    if len(names) == 1:
        for submission, path in _submissions_with(node, object):
            links += [
                Link(Text("报送中的文件", "File of a delivery"), f"{submission} {path}"),
                *_delivery(node, submission),
            ]
            names.append(submission)
    return Provenance(tuple(links), tuple(names))


def _of_package(node: "Node", package: Package) -> Provenance:
    links = [
        Link(Text("档号", "Archival code"), package.archival_code),
        Link(Text("题名", "Title"), package.title),
        Link(Text("版本", "Version"), package.ref, package.entry),
        Link(Text("形成单位", "Department"), package.department),
        *_witnessed(node, package.ref, ActKind.KEPT, Text("归档", "Archived")),
        *_delivery(node, package.submission),
    ]
    return Provenance(tuple(links), (package.ref, package.submission))


def _delivery(node: "Node", submission: str) -> list[Link]:
    found = node.collect.submission(submission)
    source = node.collect.source(found.source)
    return [
        Link(Text("来源", "Source"), f"{found.source} {source.title.zh}"),
        Link(Text("报送", "Delivery"), f"{found.sequence} ({found.id})"),
        *_witnessed(node, submission, ActKind.RECEIVED, Text("收入", "Received")),
    ]


def _witnessed(node: "Node", object: str, kind: ActKind, title: Text) -> Iterator[Link]:
    """Say who did one kind of act to an object, and when."""
    for entry in node.audit.entries(object=object, kind=kind.value, limit=1):
        yield Link(title, f"{entry.act.actor} {entry.at:%Y-%m-%d %H:%M:%S} UTC", entry.index)


def _in_vault(node: "Node", object: str) -> Iterator[Link]:
    """Say in which stores an object's fragments are whole now, and what care of the stores found earlier."""
    yield Link(Text("对象", "Object"), object)
    title = Text("现存分片", "Fragments now")
    try:
        gathered = node.vault.gather(object, everywhere=True)
        whole = sorted(gathered.sites[index].id for index in gathered.fragments)
        shape = gathered.manifest
        yield Link(title, f"{len(whole)}/{shape.n} ({', '.join(whole)}), k={shape.k}")
        yield from (Link(Text("受损分片", "Damaged fragment"), each.text.zh) for each in gathered.faults)
    except (ChengyiError, OSError) as error:
        said = error.message("zh") if isinstance(error, ChengyiError) else str(error)
        yield Link(title, said)
    yield from _cared_for(node, object)


def _cared_for(node: "Node", object: str) -> Iterator[Link]:
    from chengyi.trust.vault.rows import vault_damages

    for row in _rows(node, select(vault_damages).where(vault_damages.c.object == object)):
        said = f"{row['store']}: {row['why']} {row['found_at']:%Y-%m-%d %H:%M:%S} UTC"
        yield Link(Text("巡检发现", "Found by scrubbing"), said)
    for entry in node.audit.entries(kind=ActKind.SCRUBBED.value, limit=1):
        said = f"{entry.act.object} {entry.at:%Y-%m-%d %H:%M:%S} UTC"
        yield Link(Text("最近一次巡检", "Last scrubbed"), said, entry.index)


def _package(node: "Node", name: str) -> Package | None:
    try:
        return node.archive.package(name, node.actor)
    except NotFoundError:
        return None


def _packages_with(node: "Node", object: str) -> list[tuple[str, str]]:
    from chengyi.archive.rows import package_components, packages

    files = select(package_components.c.ref, package_components.c.path).where(package_components.c.object == object)
    lists = select(packages.c.ref).where(packages.c.inventory_object == object)
    found = [(str(row["ref"]), str(row["path"])) for row in _rows(node, files)]
    return found + [(str(row["ref"]), "inventory") for row in _rows(node, lists)]


def _submissions_with(node: "Node", object: str) -> list[tuple[str, str]]:
    from chengyi.collect.rows import components

    wanted = select(components.c.submission, components.c.path).where(components.c.object == object)
    return [(str(row["submission"]), str(row["path"])) for row in _rows(node, wanted)]


def _rows(node: "Node", query: Select[Any]) -> list[dict[str, Any]]:
    with node.rows.read() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
