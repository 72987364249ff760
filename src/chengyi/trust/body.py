"""The body of an act, whose SHA-256 is the ledger entry.

Keeps promise 4: always witnessed. Rules:

1. The body is the canonical JSON of the act, its moment, and a random 16-byte salt.
2. Only the SHA-256 of the body enters the ledger: the ledger gives away nothing, and a body that the law
   demands to be erased can be erased without breaking the log, because the salt goes with it.
3. A body has one byte form only; anything else is refused when it is read.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from chengyi.model.act import Act, ActKind, Entry
from chengyi.model.canonical import canonical
from chengyi.model.errors import IntegrityError

SALT_SIZE = 16


def render_body(act: Act, at: datetime, salt: str) -> bytes:
    """Return the canonical body of an act done at `at` (timezone-aware); `salt` is hexadecimal."""
    return canonical(
        {
            "actor": act.actor,
            "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "detail": act.detail,
            "kind": act.kind.value,
            "object": act.object,
            "salt": salt,
        }
    )


def parse_body(index: int, body: bytes) -> Entry:
    """Read a body; IntegrityError where it is not the canonical body of an act."""
    try:
        entry = _entry(index, json.loads(body))
        same = render_body(entry.act, entry.at, entry.salt) == body
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(object=f"act {index}", why=f"行为记录格式有误 (malformed body: {error})") from error
    if not same:
        raise IntegrityError(object=f"act {index}", why="行为记录不是规范形式 (the body is not canonical)")
    return entry


def entry_bytes(body: bytes) -> bytes:
    """Return the ledger entry of a body: its SHA-256."""
    return sha256(body).digest()


def _entry(index: int, value: Mapping[str, Any]) -> Entry:
    act = Act(ActKind(value["kind"]), value["actor"], value["object"], value["detail"])
    return Entry(index=index, at=datetime.fromisoformat(value["at"]), salt=value["salt"], act=act)
