"""The ledger, receipts, and the audit log (promise 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from chengyi.console.application import node_of
from chengyi.console.door import opens
from chengyi.console.views.page import PAGE_ROWS, number_of, show, text_of
from chengyi.console.views.records import receipt_file
from chengyi.console.vouching import signers_of
from chengyi.model.act import ActKind, Entry
from chengyi.model.actor import Permission
from chengyi.model.canonical import canonical
from chengyi.model.errors import ChengyiError, IntegrityError
from chengyi.model.text import Text

MOST_RECEIPT_BYTES = 256 * 1024
LAST = 10**9
_WORDS = ("fields", "purpose", "grant", "result", "session", "certificate", "address")


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step of a verification; `ok` is None for what is only said."""

    title: Text
    ok: bool | None
    finding: Text


@opens(Permission.SEE_LEDGER)
def listing(request: HttpRequest) -> HttpResponse:
    """Show the checkpoint and the latest entries; what an entry says is for the auditor's log."""
    before = _before(request)
    entries = node_of(request).audit.entries(limit=PAGE_ROWS, before=before)
    values = {
        "entries": entries,
        "checkpoint": node_of(request).ledger.checkpoint(),
        "verifier": node_of(request).keys.verifier,
        "older": entries[-1].index if len(entries) == PAGE_ROWS else None,
        "before": before,
    }
    return show(request, "ledger.html", values)


@opens(Permission.SEE_LEDGER)
def entry(request: HttpRequest, index: int) -> HttpResponse:
    """Show one entry with its receipt drawn."""
    found = node_of(request).audit.entry(index)
    proven = index if found.erased is None else found.erased.entry
    values: dict[str, Any] = {"entry": found, "receipt": node_of(request).audit.receipt(proven)}
    try:
        values["signers"], values["met"] = signers_of(node_of(request), values["receipt"].checkpoint.note)
    except IntegrityError:
        values["forged"] = True
    may_audit = request.actor.may(Permission.SEE_AUDIT)
    values["may_take"] = may_audit or request.actor.may(Permission.SEE_RECORDS)
    if may_audit:
        values["detail"] = _said(found)
    return show(request, "entry_page.html", values)


@opens(Permission.SEE_AUDIT, Permission.SEE_RECORDS)
def receipt(request: HttpRequest, index: int) -> HttpResponse:
    """Hand out an entry's receipt as a file."""
    from chengyi.trust.ledger.receipts import render

    return receipt_file(render(node_of(request).audit.receipt(index)), index)


@opens(Permission.SEE_LEDGER)
def check(request: HttpRequest) -> HttpResponse:
    """Show the form."""
    return show(request, "receipts.html", {"verifier": node_of(request).keys.verifier})


@opens(Permission.SEE_LEDGER, post=True)
def checked(request: HttpRequest) -> HttpResponse:
    """Check a receipt step by step; nothing of it is kept."""
    text = _receipt_text(request)
    key = text_of(request, "key", 400) or node_of(request).keys.verifier
    steps, entry = check_receipt(request, text, key)
    values = {"verifier": node_of(request).keys.verifier, "text": text, "key": key, "steps": steps, "entry": entry}
    return show(request, "receipts.html", values)


@opens(Permission.SEE_AUDIT)
def audit(request: HttpRequest) -> HttpResponse:
    """Show who did what."""
    kind, actor, object = (text_of(request, name, 200) for name in ("kind", "actor", "object"))
    before = _before(request)
    entries = node_of(request).audit.entries(object=object, actor=actor, kind=kind, limit=PAGE_ROWS, before=before)
    values = {
        "lines": [(each, _said(each)) for each in entries],
        "older": entries[-1].index if len(entries) == PAGE_ROWS else None,
        "kinds": list(ActKind),
        "kind": kind,
        "by": actor,
        "object": object,
        "before": before,
    }
    return show(request, "audit.html", values)


def _said(entry: Entry) -> str:
    """Return all that an act says beside actor, kind and object; of an erased one, why it says no more."""
    if (gone := entry.erased) is not None:
        said: dict[str, Any] = {"erased": gone.entry, "by": gone.by, "approved_by": gone.approved_by}
        return canonical(said | {"reason": gone.reason, "basis": gone.basis}).decode()
    words = {name: value for name in _WORDS if (value := getattr(entry.act, name))}
    return canonical({**words, **entry.act.detail}).decode()


def check_receipt(request: HttpRequest, text: str, key: str) -> tuple[list[Step], Entry | None]:
    """Return the steps walked, up to the first that fails, and the act that was proven."""
    from chengyi.trust.ledger.receipts import parse, verify

    steps: list[Step] = []
    try:
        receipt = parse(text)
        steps.append(
            _passed(
                Text("读取回执", "Read the receipt"),
                Text("格式规范，无多余内容。", "In its one form, with nothing added."),
            )
        )
        found = verify(receipt, key)
    except ChengyiError as error:
        title = Text("核验签名与路径", "Check signature and path") if steps else Text("读取回执", "Read the receipt")
        return [*steps, Step(title, ok=False, finding=Text(error.message("zh"), error.message("en")))], None
    size = receipt.checkpoint.size
    steps += [
        _passed(
            Text("核验检查点签名", "Check the checkpoint's signature"),
            Text(
                f"由所填公钥签署：{receipt.checkpoint.origin}，共 {size} 条。",
                f"Signed by the given key: {receipt.checkpoint.origin}, {size} entries.",
            ),
        ),
        _passed(
            Text("核验记录在账", "Check that the entry is in the tree"),
            Text(
                f"第 {receipt.index} 条，经 {len(receipt.hashes)} 级哈希到达树根。",
                f"Entry {receipt.index} leads to the root in {len(receipt.hashes)} hashes.",
            ),
        ),
        _witnessed(request, receipt.checkpoint.note, key),
        _against_own_ledger(request, found, receipt.index),
    ]
    return steps, found


def _witnessed(request: HttpRequest, note: str, key: str) -> Step:
    """Say which of this node's witnesses cosigned a checkpoint of its own; of another log nothing can be said here."""
    title, node = Text("核验见证方会签", "Check the witnesses' cosignatures"), node_of(request)
    if key != node.keys.verifier:
        finding = Text(
            "他方账本的会签须按其策略核验（chengyi-verify）。",
            "Cosignatures of another log are checked by its own policy (chengyi-verify).",
        )
        return Step(title, ok=None, finding=finding)
    if not node.settings.ledger.needed:
        finding = Text("未配置见证方，只凭账本自己的签名。", "There are no witnesses; the log's own signature counts.")
        return Step(title, ok=None, finding=finding)
    try:
        signers, met = signers_of(node, note)
    except ChengyiError as error:
        return Step(title, ok=False, finding=Text(error.message("zh"), error.message("en")))
    names = Text("、".join(signers) or "无", ", ".join(signers) or "nobody")
    if met:
        return _passed(title, Text(f"由 {names.zh} 会签，达到要求。", f"Cosigned by {names.en}: the quorum is met."))
    zh = f"已会签：{names.zh}，尚未达到要求；待会签后可重新下载回执。"
    return Step(
        title, ok=None, finding=Text(zh, f"Cosigned by {names.en}: no quorum yet; take the receipt again later.")
    )


def _against_own_ledger(request: HttpRequest, found: Entry, index: int) -> Step:
    title = Text("与本节点账本比对", "Compare with this node's ledger")
    try:
        same = node_of(request).audit.entry(index) == found
    except ChengyiError:
        same = False
    if same:
        return _passed(title, Text(f"与本节点第 {index} 条一致。", f"The same as this node's entry {index}."))
    return Step(title, ok=False, finding=Text("不是本节点账本中的记录。", "This node's ledger does not hold it."))


def _passed(title: Text, finding: Text) -> Step:
    return Step(title, ok=True, finding=finding)


def _receipt_text(request: HttpRequest) -> str:
    upload = request.FILES.get("file")
    if upload is not None:
        return str(upload.read(MOST_RECEIPT_BYTES).decode("utf-8", errors="replace"))
    text = str(request.POST.get("text", ""))[:MOST_RECEIPT_BYTES].replace("\r\n", "\n")
    return text.strip("\n") + "\n" if text.strip() else ""


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("before")
    return None if not text else number_of(text, LAST, LAST)
