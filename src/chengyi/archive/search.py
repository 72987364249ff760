"""Search over the text of records, right for Chinese queries of any length.

Rules:

1. A query is words apart by white space; a record is found when it holds every word as a substring, whatever its
   length: there is no tokeniser that could cut a Chinese word wrongly.
2. Text and query are folded alike (NFKC, case); wild cards of the database are taken literally.
3. What the actor may not see is filtered inside the query, so that no count gives it away.
4. Only the latest kept version of a package is found.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, false, func, insert, select, true

from chengyi.archive.holdings import load
from chengyi.archive.rows import packages, record_text
from chengyi.model.actor import Actor, Permission
from chengyi.model.errors import UsageError
from chengyi.model.package import Package

MAX_QUERY = 256
_ESCAPE = "\\"


@dataclass(frozen=True, slots=True)
class Found:
    """One page of search results, newest first, and how many records there are in all."""

    total: int
    packages: tuple[Package, ...]


def fold(text: str) -> str:
    """Return text in the form that is searched: NFKC, case-folded, without NUL."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\0", "")


def visible(actor: Actor) -> ColumnElement[bool]:
    """Return the condition under which an actor may see a package."""
    return true() if actor.may(Permission.SEE_RECORDS) else false()


def insert_texts(connection: Connection, texts: Iterable[tuple[Package, str]]) -> None:
    """Write the searchable text of new packages."""
    rows = [
        {"ref": package.ref, "id": package.id, "text": fold(f"{package.archival_code}\n{text}")}
        for package, text in texts
    ]
    if rows:
        connection.execute(insert(record_text), rows)


def retire_texts(connection: Connection, kept: Iterable[Package]) -> None:
    """Remove the text of versions that later ones follow."""
    for package in kept:
        if package.version > 1:
            older = (record_text.c.id == package.id) & (record_text.c.ref != package.ref)
            connection.execute(delete(record_text).where(older))


def find(connection: Connection, query: str, actor: Actor, *, limit: int, offset: int, **exact: str) -> Found:
    """Return one page of the packages that hold every word of `query`; `exact` filters by columns, where not empty."""
    if len(query) > MAX_QUERY:
        raise UsageError(why=f"检索词超过 {MAX_QUERY} 个字符 (the query is longer than {MAX_QUERY} characters)")
    condition = and_(
        visible(actor),
        packages.c.entry.is_not(None),
        *(packages.c[name] == value for name, value in exact.items() if value),
        *(record_text.c.text.like(_pattern(word), escape=_ESCAPE) for word in fold(query).split()),
    )
    joined = packages.join(record_text, record_text.c.ref == packages.c.ref)
    total = connection.execute(select(func.count()).select_from(joined).where(condition)).scalar_one()
    page: Select[Any] = select(packages).select_from(joined).where(condition).order_by(packages.c.entry.desc())
    return Found(total, tuple(load(connection, page.limit(max(0, limit)).offset(max(0, offset)))))


def _pattern(word: str) -> str:
    for letter in (_ESCAPE, "%", "_"):
        word = word.replace(letter, _ESCAPE + letter)
    return f"%{word}%"
