"""A policy: which logs are accepted, and which witnesses make a quorum.

Keeps promise 4: always witnessed. Rules (c2sp.org/tlog-policy):

1. A policy is a text of lines: ``log``, ``witness``, ``group``, and exactly one ``quorum``; a name stands on a line
   before it is used, each member counts in one group only, and no key is named twice.
2. A group is witnessed where at least k of its members are; ``any`` is one of them, ``all`` is each of them.
3. A checkpoint keeps the policy where the quorum's name is witnessed; ``quorum none`` asks for no witness.
4. A policy of m of n lets no split view through while at most ``2m - n - 1`` witnesses are corrupt: any two quorums
   share ``2m - n`` witnesses, so one of those is honest and signs one view only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.cosignatures import Cosignature, Cosigner, cosignatures
from chengyi.trust.ledger.notes import Verifier

NONE = "none"
_MAX_TEXT = 1 << 18
_MAX_LINES = 1_000
_SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Quorum:
    """How a checkpoint stands with a policy: who cosigned it and when, and whether that is enough.

    `policy` is the SHA-256 of the policy's text in hexadecimal.
    """

    met: bool
    cosignatures: tuple[Cosignature, ...]
    policy: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was read; `groups` holds each group's threshold and members, in their order."""

    text: str
    logs: tuple[Verifier, ...]
    witnesses: Mapping[str, Cosigner]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Read a policy; IntegrityError, with the line's number, where it is malformed."""
        return _Reader(text).read()

    @classmethod
    def of(cls, witnesses: Mapping[str, Cosigner], quorum: int, logs: Sequence[Verifier] = ()) -> "Policy":
        """Return the policy that asks for `quorum` of the named witnesses; 0 asks for none."""
        lines = [f"log {each}" for each in logs]
        lines += [f"witness {name} {key}" for name, key in witnesses.items()]
        if quorum:
            lines += [f"group witnesses {quorum} {' '.join(witnesses)}", "quorum witnesses"]
        else:
            lines.append(f"quorum {NONE}")
        return cls.parse("".join(f"{line}\n" for line in lines))

    @property
    def id(self) -> str:
        """Return the SHA-256 of the text in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    def judge(self, note: str) -> Quorum:
        """Return who of this policy cosigned a checkpoint; IntegrityError where a known key's line is wrong."""
        found = cosignatures(note, tuple(self.witnesses.values()))
        keys = {each.cosigner for each in found}
        signed = {name for name, key in self.witnesses.items() if key in keys}
        return Quorum(self.quorum == NONE or self._witnessed(self.quorum, signed), found, self.id)

    def require(self, note: str) -> Quorum:
        """Judge a checkpoint; IntegrityError where its quorum is not met."""
        found = self.judge(note)
        if not found.met:
            who = "、".join(each.cosigner.name for each in found.cosignatures) or "-"
            raise IntegrityError(object="quorum", why=f"会签未达到策略要求，已会签：{who} (the quorum is not met)")
        return found

    def _witnessed(self, name: str, signed: set[str]) -> bool:
        if name in self.witnesses:
            return name in signed
        least, members = self.groups[name]
        return sum(self._witnessed(each, signed) for each in members) >= least


class _Reader:
    """Reads the lines of a policy one after another."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._logs: list[Verifier] = []
        self._witnesses: dict[str, Cosigner] = {}
        self._groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._members: set[str] = set()
        self._quorum = ""

    def read(self) -> Policy:
        lines = self._text.split("\n")
        if len(self._text) > _MAX_TEXT or len(lines) > _MAX_LINES or lines[-1]:
            raise _wrong(len(lines), "过长或末行不完整 (too long, or the last line has no end)")
        for number, line in enumerate(lines, 1):
            words = _SPACE.split(line.strip(" \t"))
            if any(ord(each) < 0x20 or ord(each) == 0x7F for each in "".join(words)):
                raise _wrong(number, "含控制字符 (control characters)")
            if words[0] and not words[0].startswith("#"):
                self._line(number, words)
        if not self._quorum:
            raise _wrong(len(lines), "缺少 quorum 行 (there is no quorum line)")
        return Policy(self._text, tuple(self._logs), self._witnesses, self._groups, self._quorum)

    def _line(self, number: int, words: Sequence[str]) -> None:
        match words:
            case ["log", vkey, *rest] if len(rest) < 2:
                self._log(number, Verifier.parse(vkey))
            case ["witness", name, vkey, *rest] if len(rest) < 2:
                self._witness(number, name, Cosigner.parse(vkey))
            case ["group", name, least, *members] if members:
                self._group(number, name, least, members)
            case ["quorum", name] if not self._quorum and (name == NONE or self._known(name)):
                self._quorum = name
            case _:
                raise _wrong(number, "无法解析 (it cannot be read)")

    def _log(self, number: int, key: Verifier) -> None:
        if any(each.public == key.public for each in self._logs):
            raise _wrong(number, "公钥重复 (a key is named twice)")
        self._logs.append(key)

    def _witness(self, number: int, name: str, key: Cosigner) -> None:
        if any(each.public == key.public for each in self._witnesses.values()):
            raise _wrong(number, "公钥重复 (a key is named twice)")
        self._new(number, name)
        self._witnesses[name] = key

    def _group(self, number: int, name: str, least: str, members: Sequence[str]) -> None:
        self._new(number, name)
        count = {"any": 1, "all": len(members)}.get(least) or (int(least) if re.fullmatch("[0-9]{1,4}", least) else 0)
        if not 1 <= count <= len(members) or len(set(members)) != len(members):
            raise _wrong(number, "门限或成员有误 (the threshold or the members are wrong)")
        for each in members:
            if not self._known(each) or each in self._members:
                raise _wrong(number, f"成员 {each} 未定义或已属他组 (unknown, or in a group already)")
        self._members.update(members)
        self._groups[name] = (count, tuple(members))

    def _new(self, number: int, name: str) -> None:
        if name == NONE or self._known(name):
            raise _wrong(number, f"名称 {name} 不可用 (the name is taken)")

    def _known(self, name: str) -> bool:
        return name in self._witnesses or name in self._groups


def _wrong(line: int, why: str) -> IntegrityError:
    return IntegrityError(object=f"policy:{line}", why=f"会签策略有误：{why}")
