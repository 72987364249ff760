"""Exports: a copy of granted rows leaves the node, and is recognised again.

Keeps promise 4 (always witnessed) and promise 6 (never silently partial). Rules:

1. Deny by default: the grant's rules are those of reading; a refusal is on record.
2. Originals are never marked. An export is a derived copy: `marked` where a policy declares columns, else `exact`,
   which changes no value.
3. The recipient is told before he takes it (`NOTICE`), and says that he knows: the export is his, identifiable, and
   not to be passed on. Without that nothing leaves.
4. The act is on record before the file has its name: grant, purpose, fields, rows, the file's digest, the commitment
   to the secrets by which it is recognised, and the chain of recipients.
5. A file is there whole or not at all, and never over another; beside it a manifest signed by the node, with
   completeness, and the receipt of the act.
"""

import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.act import Act, ActKind, ActResult
from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json, canonical, digest, parse
from chengyi.model.clock import Clock
from chengyi.model.errors import NotFoundError
from chengyi.model.evidence import Completeness
from chengyi.model.reporter import Reporter, SilentReporter
from chengyi.model.text import Text
from chengyi.share import rules
from chengyi.share.copies import Copy
from chengyi.share.exportorders import ExportOrder, check_order, policy_in_force
from chengyi.share.grants import Grants
from chengyi.share.reading import Opened, ReadingRoom
from chengyi.share.rules import Use
from chengyi.trust.marks.records import ExportRecord
from chengyi.trust.marks.registry import Facts, Issue, Registry
from chengyi.trust.ports import Audit, Keys

if TYPE_CHECKING:
    from collections.abc import Iterator


NOTICE = Text(
    "本文件供领取人按授权用途使用，不得转交。为保护数据，导出的数值可能在声明的容差内作微小调整，行序经过调整，"
    "并可能含有少量对照记录；据此可以认定泄露的副本出自哪一位领取人。对照记录不是真实对象，不得作为办理依据。",
    "This file is for its recipient and the granted purpose, and is not to be passed on. To protect the data, values "
    "may be moved a little within declared tolerances, the rows are re-ordered, and a few control rows may be among "
    "them; by these a leaked copy is led to its recipient. Control rows are no real persons or things and decide "
    "nothing.",
)
MANIFEST, RECEIPT = ".manifest.json", ".tlog-proof"
FORMAT = "chengyi-export/1"
_SIGNED = b"chengyi export manifest/1\0"


@dataclass(frozen=True, slots=True)
class Exported:
    """What left: the file, its manifest and receipt, what is known of it, and what it does not reach."""

    record: ExportRecord
    path: Path
    manifest: Path
    receipt: Path
    completeness: Completeness
    shift: Mapping[str, float] = field(default_factory=dict)


class ExportRoom:
    """Lets people take out copies of what was granted to them."""

    def __init__(
        self, *, reading: ReadingRoom, grants: Grants, registry: Registry, audit: Audit, keys: Keys, clock: Clock
    ) -> None:
        self._reading = reading
        self._grants = grants
        self._registry = registry
        self._audit = audit
        self._keys = keys
        self._clock = clock

    def export(self, actor: Actor, order: ExportOrder, reporter: Reporter | None = None) -> Exported:
        """Write a copy of the granted rows for this actor, and put it on record before it has its name.

        Raises as `view` does; UsageError where the order does not make sense, or the notice was not accepted.
        """
        form = check_order(order)
        opened = self._reading.open(actor, order.grant, Use(order.case, order.filters))
        policy = policy_in_force(order, opened)
        recipient = f"{opened.grant.department}/{actor.id}"
        issue = self._registry.issue(opened.grant.dataset, policy, recipient)
        with _draft(order.path) as draft:
            copy = Copy(opened, order, issue, form)
            copy.write(draft, reporter or SilentReporter())
            file = _digest(draft)
            facts = self._record(actor, order, opened, issue, copy=copy, file=file)
            record = self._registry.enter(issue, facts)
            self._enter_access(actor, order, opened, facts)
            manifest, receipt = self._accompany(order, opened, record, draft.stat().st_size)
            draft.replace(order.path)
        return Exported(record, order.path, manifest, receipt, opened.completeness, copy.shift)

    def exports(self, actor: Actor) -> list[ExportRecord]:
        """List exports, newest first: one's own department's, or all for those who grant or audit."""
        if actor.may(Permission.GRANT) or actor.may(Permission.SEE_AUDIT):
            return self._registry.records()
        actor.require(Permission.USE_GRANT)
        return [each for each in self._registry.records() if each.recipient.startswith(f"{actor.department}/")]

    def find(self, actor: Actor, id: str) -> ExportRecord:
        """Return one export that this actor may know of; NotFoundError."""
        for each in self.exports(actor):
            if each.id == id:
                return each
        raise NotFoundError(kind="导出 export", id=id)

    def _record(
        self, actor: Actor, order: ExportOrder, opened: Opened, issue: Issue, *, copy: Copy, file: str
    ) -> Facts:
        detail: dict[str, Json] = {
            "export": issue.id,
            "family": issue.family,
            "recipient": issue.code,
            "commitment": issue.commitment(copy.canaries),
            "roster": {"count": issue.recipients, "root": issue.root},
            "case": order.case,
            "mode": order.mode,
            "form": copy.form,
            "rows": copy.rows,
            "version": opened.entry.version,
            "marked": [each.column for each in issue.policy.columns],
            "canaries": len(copy.canaries),
            "file": file,
            "notice": digest({"zh": NOTICE.zh, "en": NOTICE.en}),
            "filters": [[name, self._keys.code(value, "share.filter")] for name, value in order.filters],
        }
        index = self._audit.record(
            Act(
                ActKind.EXPORTED,
                actor.id,
                f"dataset:{opened.grant.dataset}",
                detail,
                fields=tuple(each.name for each in opened.entry.fields),
                purpose=opened.grant.purpose.text,
                grant=opened.grant.id,
                result=ActResult.ALLOWED.value,
            )
        )
        return Facts(
            version=opened.entry.version,
            mode=order.mode,
            form=copy.form,
            grant=opened.grant.id,
            actor=actor.id,
            department=opened.grant.department,
            at=self._clock.now(),
            rows=copy.rows,
            marks=copy.marks,
            columns=copy.columns,
            canaries=copy.canaries,
            sketch=copy.sketch,
            file=file,
            entry=index,
        )

    def _enter_access(self, actor: Actor, order: ExportOrder, opened: Opened, facts: Facts) -> None:
        self._grants.add_access(
            {
                "entry": facts.entry,
                "grant_id": opened.grant.id,
                "dataset": opened.grant.dataset,
                "version": facts.version,
                "actor": actor.id,
                "case_no": order.case,
                "rows": facts.rows,
                "at": facts.at,
            }
        )

    def _accompany(self, order: ExportOrder, opened: Opened, record: ExportRecord, size: int) -> tuple[Path, Path]:
        from chengyi.trust.ledger.receipts import render

        manifest: dict[str, Json] = _manifest(order, opened, record, size)
        signature = self._keys.sign(_SIGNED + canonical(manifest)).hex()
        signed = canonical({"manifest": manifest, "signature": signature, "verifier": self._keys.verifier})
        receipt = render(self._audit.receipt(record.entry)).encode()
        paths = [order.path.with_name(order.path.name + ending) for ending in (MANIFEST, RECEIPT)]
        for path, raw in zip(paths, (signed, receipt), strict=True):
            with _draft(path) as draft:
                draft.write_bytes(raw)
                draft.replace(path)
        return paths[0], paths[1]


def check_manifest(raw: bytes, verifier_key: str) -> Mapping[str, object]:
    """Return the manifest that a node signed; IntegrityError where it did not."""
    from chengyi.model.errors import IntegrityError
    from chengyi.trust.ledger.notes import Verifier

    try:
        found = parse(raw[: 1 << 22])
        body, signature = canonical(found["manifest"]), bytes.fromhex(found["signature"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(object="manifest", why="清单格式有误 (malformed manifest)") from error
    if not Verifier.parse(verifier_key).check(signature, _SIGNED + body):
        raise IntegrityError(object="manifest", why="签名无效 (the signature is wrong)")
    return dict(found["manifest"])


def _manifest(order: ExportOrder, opened: Opened, record: ExportRecord, size: int) -> dict[str, Json]:
    reached = opened.completeness
    return {
        "format": FORMAT,
        "export": record.id,
        "dataset": record.dataset,
        "title": {"zh": opened.entry.title.zh, "en": opened.entry.title.en},
        "version": record.version,
        "grant": record.grant,
        "purpose": rules.purpose_terms(opened.grant.purpose),
        "case": order.case,
        "recipient": record.recipient,
        "at": record.at.isoformat(),
        "mode": record.mode,
        "fields": [[each.name, each.title.zh, each.title.en, each.type] for each in opened.entry.fields],
        "masked": list(opened.masked),
        "tolerances": [each.terms() for each in record.policy.columns],
        "rows": record.rows,
        "control_rows": len(record.canaries),
        "file": {"name": order.path.name, "size": size, "sha256": record.file},
        "completeness": {
            "expected": reached.expected,
            "received": reached.received,
            "missing": list(reached.missing),
        },
        "notice": {"zh": NOTICE.zh, "en": NOTICE.en},
        "entry": record.entry,
    }


@contextmanager
def _draft(path: Path) -> "Iterator[Path]":
    """Give a hidden file beside the target that only its owner reads; it is gone afterwards unless it was renamed."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        seen = sha256()
        while chunk := file.read(1 << 20):
            seen.update(chunk)
    return seen.hexdigest()
