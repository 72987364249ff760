"""Erasure: a body goes where the law demands it, and the ledger stays whole.

Keeps promises 2 (never altered) and 4 (always witnessed). Rules:

1. Only people's acts of use and of accounts can be erased: what the archive and its figures rest on never goes (so
   nothing that a node did by itself, save to flag somebody), and neither does an act of erasure, of losing, or of
   settling a flag.
2. Two people are needed: one who may erase, and another who may see the audit and approves. Neither may be the one
   whose act it is, or who was flagged by it. A reason and the legal ground are owed.
3. The act of erasure names the entry, its time, its kind, its ledger digest and both people, never whom it concerned.
4. The act and the removal are one transaction: there is no moment when one holds without the other.
5. With the body go the columns by which the act was found: actor, object, session, certificate.
6. The salt goes with the body: what the ledger holds is then the digest of an unknown text.

Ground: 《中华人民共和国个人信息保护法》第四十七条 (deletion, or no handling but storage); recalled, the official text
was not at hand.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chengyi.model.act import Act, ActKind, Entry, Erasure
from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json
from chengyi.model.errors import IntegrityError, UsageError
from chengyi.store.rows import Rows
from chengyi.trust.body import entry_bytes

ERASABLE = frozenset(
    {
        ActKind.REQUESTED,
        ActKind.REFUSED,
        ActKind.READ,
        ActKind.DENIED,
        ActKind.EXPORTED,
        ActKind.REFUSED_INPUT,
        ActKind.MESSAGE_REFUSED,
        ActKind.CERTIFICATE_REFUSED,
        ActKind.FLAGGED,
        ActKind.INVESTIGATED,
        ActKind.SIGNED_IN,
        ActKind.SIGN_IN_FAILED,
        ActKind.TURNED_AWAY,
    }
)
NOTHING: Mapping[str, str | None] = {"body": "", "actor": "", "object": "", "session": None, "certificate": None}
"""What is left of an erased act in the rows, beside its index, time and kind."""
_WORDS_AT_LEAST = 4
_WORDS_AT_MOST = 500
_OBJECT = re.compile(r"act:(0|[1-9][0-9]{0,17})")


def erased_object(index: int | str) -> str:
    """Return how an act of erasure names the entry whose body goes."""
    return f"act:{index}"


def erasing_act(entry: Entry, body: bytes, by: Actor, approver: Actor, words: tuple[str, str]) -> Act:
    """Return the act that erases `entry`; DeniedError or UsageError where it may not be.

    `words` are the reason and the legal ground.
    """
    _check_people(entry, by, approver)
    reason, basis = (_checked(word) for word in words)
    by_itself = entry.act.actor.startswith("node:") and entry.act.kind is not ActKind.FLAGGED
    if entry.act.kind not in ERASABLE or by_itself:
        raise UsageError(why=f"{entry.act.kind.value} 类记录不得清除 (acts of this kind are never erased)")
    detail: dict[str, Json] = {
        "approved_by": approver.id,
        "at": entry.at.isoformat(timespec="microseconds"),
        "basis": basis,
        "digest": entry_bytes(body).hex(),
        "kind": entry.act.kind.value,
        "reason": reason,
    }
    return Act(ActKind.ERASED, by.id, erased_object(entry.index), detail)


def erasure_of(index: int, entry: Entry) -> tuple[Erasure, datetime, ActKind, str]:
    """Return what an act of erasure says of entry `index`: the erasure, and that entry's time, kind and digest.

    IntegrityError where it is no such act, or speaks of another entry.
    """
    act, detail = entry.act, entry.act.detail
    if act.kind is not ActKind.ERASED or act.object != erased_object(index) or not _OBJECT.fullmatch(act.object):
        raise IntegrityError(object=f"act {index}", why="清除记录不符 (not the act that erased it)")
    words = _texts(detail)
    try:
        at, kind = datetime.fromisoformat(words["at"]), ActKind(words["kind"])
        gone = Erasure(entry.index, entry.at, act.actor, words["approved_by"], words["reason"], words["basis"])
    except (KeyError, ValueError) as error:
        raise IntegrityError(object=f"act {entry.index}", why="清除记录格式有误 (malformed erasure)") from error
    return gone, at, kind, words.get("digest", "")


def scrub(rows: Rows) -> None:
    """Make an embedded database forget deleted bytes: its write-ahead log is emptied into the file.

    The pages were overwritten already (`secure_delete`). Another database keeps dead rows until its own cleaning.
    """
    if rows.dialect != "sqlite":
        return
    connection = rows.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _check_people(entry: Entry, by: Actor, approver: Actor) -> None:
    by.require(Permission.ERASE_AUDIT)
    approver.require(Permission.SEE_AUDIT)
    if by.id == approver.id:
        raise UsageError(why="清除须由他人复核 (another person has to approve it)")
    if {entry.act.actor, entry.act.object.removeprefix("subject:")} & {by.id, approver.id}:
        raise UsageError(why="不得清除涉及本人的行为记录 (nobody erases what concerns oneself)")


def _checked(words: str) -> str:
    words = words.strip()
    if not _WORDS_AT_LEAST <= len(words) <= _WORDS_AT_MOST:
        raise UsageError(why="事由和法律依据均须写明，各4至500字 (a reason and a legal ground of 4 to 500 characters)")
    return words


def _texts(detail: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in detail.items() if isinstance(value, str)}
