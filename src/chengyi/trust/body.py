"""The body of an act, whose SHA-256 is the ledger entry.

Keeps promise 4: always witnessed. Rules:

1. The body is the canonical JSON of the act, its moment, and a random 16-byte salt.
2. Only the SHA-256 of the body enters the ledger: the ledger gives away nothing, and a body that the law
   demands to be erased can be erased without breaking the log, because the salt goes with it.
3. A body has one byte form only; anything else is refused when it is read.
4. Of what an act says only where it applies (fields, purpose, grant, result, session, certificate, address), the
   body holds what is set: a body from before these were known keeps its bytes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from chengyi.model.act import Act, ActKind, Entry
from chengyi.model.canonical import Json, canonical, parse
from chengyi.model.errors import IntegrityError

SALT_SIZE = 16
_WORDS = ("purpose", "grant", "result", "session", "certificate", "address")


def render_body(act: Act, at: datetime, salt: str) -> bytes:
    """Return the canonical body of an act done at `at` (timezone-aware); `salt` is hexadecimal."""
    said: dict[str, Json] = {
        "actor": act.actor,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "detail": act.detail,
        "kind": act.kind.value,
        "object": act.object,
        "salt": salt,
    }
    if act.fields:
        said["fields"] = act.fields
    for name in _WORDS:
        if word := getattr(act, name):
            said[name] = word
    return canonical(said)


def parse_body(index: int, body: bytes) -> Entry:
    """Read a body; IntegrityError where it is not the canonical body of an act."""
    try:
        entry = _entry(index, parse(body))
        same = render_body(entry.act, entry.at, entry.salt) == body
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise IntegrityError(object=f"act {index}", why=f"行为记录格式有误 (malformed body: {error})") from error
    if not same:
        raise IntegrityError(object=f"act {index}", why="行为记录不是规范形式 (the body is not canonical)")
    return entry


def entry_bytes(body: bytes) -> bytes:
    """Return the ledger entry of a body: its SHA-256."""
    return sha256(body).digest()


def _entry(index: int, value: Mapping[str, Any]) -> Entry:
    words = {name: value[name] for name in _WORDS if name in value}
    fields = tuple(value.get("fields", ()))
    if not all(isinstance(each, str) for each in (*fields, *words.values(), value["actor"], value["object"])):
        raise TypeError("a word is not text")
    act = Act(ActKind(value["kind"]), value["actor"], value["object"], value["detail"], fields, **words)
    return Entry(index=index, at=datetime.fromisoformat(value["at"]), salt=value["salt"], act=act)
