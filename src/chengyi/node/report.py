"""An investigation as a folder that a third party can check without the node.

Rules: every act that the report tells of lies beside it with its receipt; the report says how to check them, and that
the key has to come from elsewhere. Names of files never come from what was found.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.act import Act
from chengyi.model.canonical import Json
from chengyi.model.errors import UsageError
from chengyi.model.text import Text
from chengyi.node.investigation import Investigation

if TYPE_CHECKING:
    from chengyi.node.node import Node

_README = """\
# 追溯调查报告 Investigation

| | |
|---|---|
| 对象 About | `{subject}` |
| 事由 Reason | {reason} |
| 调查人 By | `{by}` |
| 时间 At | {at} UTC |
| 调查行为 Entry | {entry} |
| 行为 Acts | {acts}{cut} |

## 内容 What is here

- `report.json`：查得的全部内容。 Everything that was found.
- `receipts/*.tlog-proof`：每项行为一份回执，均在同一检查点之下或其后。 A receipt for each act.
- `investigation.tlog-proof`：本次调查自身的回执。 The receipt of this investigation itself.
- `evidence-*.zip`：指认泄露副本领取人的证据包，可离线复算。 Evidence against the recipients of a leaked copy.
- `verifier.txt`：节点公钥，仅供比对。 The node's key, only to compare with.

## 核验 How to check

需要 Python 3.11 和 cryptography。公钥须另从可信之处取得，不可只信本目录所附。
Python 3.11 and cryptography are needed. Take the key from a place that you trust, not from this folder alone.

    chengyi-verify receipt receipts/000000000007.tlog-proof --key KEY
    chengyi export check evidence-1.zip --key KEY

回执证明行为在账、未被改动；它不证明行为人的动机。预警只提示注意，结论由人作出。
A receipt proves that an act is in the ledger unchanged; it proves no intention. Alerts only draw attention.

## 查得 Findings

{lines}
"""


def write_report(node: "Node", found: Investigation, folder: Path) -> Path:
    """Write the report into a new or empty folder; UsageError where something is there."""
    from chengyi.trust.ledger.receipts import render

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(why=f"{folder} 已有内容 (there is something already)")
    receipts = folder / "receipts"
    receipts.mkdir(parents=True, exist_ok=True)
    for receipt in found.receipts:
        (receipts / f"{receipt.index:012d}.tlog-proof").write_text(render(receipt), "utf-8")
    if found.leak is not None:
        for number, (recipient, _, _) in enumerate(found.leak.accused, 1):
            node.share.marks.write_bundle(folder / f"evidence-{number}.zip", found.leak.finding, recipient)
    (folder / "investigation.tlog-proof").write_text(render(node.audit.receipt(found.entry)), "utf-8")
    (folder / "verifier.txt").write_text(node.keys.verifier + "\n", "utf-8")
    (folder / "report.json").write_text(json.dumps(plain(found), ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / "README.md").write_text(_readme(found), "utf-8")
    return folder


def plain(found: Investigation) -> dict[str, Json]:
    """Return an investigation as JSON can hold it."""
    return {
        "entry": found.entry,
        "at": found.at.isoformat(),
        "by": found.by,
        "subject": found.subject,
        "reason": found.question.reason,
        "links": [{"title": _both(each.title), "value": each.value, "entry": each.entry} for each in found.links],
        "acts": [
            _act(entry.index, entry.at.isoformat(), entry.act) for trace in found.traces for entry in trace.entries
        ],
        "flags": [
            {
                "number": flag.number,
                "subject": flag.subject,
                "day": flag.day.isoformat(),
                "rules": flag.rules,
                "state": flag.state.value,
                "settled": flag.settled_reason,
                "reasons": [{"rule": each.rule, **_both(each.text), "entries": each.entries} for each in flag.reasons],
            }
            for flag in found.flags
        ],
        "leak": None if found.leak is None else _leak(found),
        "missing": found.missing,
        "cut": found.cut,
    }


def sentences(found: Investigation) -> Iterator[Text]:
    """Say what was found, sentence by sentence, before the list of acts."""
    for link in found.links:
        witnessed = f"（存证第 {link.entry} 条）" if link.entry is not None else ""
        in_ledger = f" (entry {link.entry})" if link.entry is not None else ""
        yield Text(f"{link.title.zh}：{link.value}{witnessed}", f"{link.title.en}: {link.value}{in_ledger}")
    if found.leak is not None:
        yield found.leak.answer
        for recipient, bound, entries in found.leak.accused:
            listed = ", ".join(map(str, entries))
            yield Text(
                f"指认领取人 {recipient}，误指上界 {bound:.3g}；导出见存证第 {listed} 条",
                f"Recipient {recipient}, bound {bound:.3g}; exports in entries {listed}",
            )
        for recipient, bound, entry in found.leak.canaries:
            yield Text(
                f"对照记录指向领取人 {recipient}，偶合概率不超过 {bound:.3g}；导出见存证第 {entry} 条",
                f"Control rows lead to {recipient}, by chance with at most {bound:.3g}; export in entry {entry}",
            )
    for flag in found.flags:
        for reason in flag.reasons:
            yield Text(
                f"预警 {flag.number}（{flag.day}，{flag.subject}）：{reason.text.zh}",
                f"Alert {flag.number} ({flag.day}, {flag.subject}): {reason.text.en}",
            )
    for gap in found.missing:
        yield Text(f"账本第 {gap} 条内容缺失，可能与此有关", f"Entries {gap} have no body and may concern this")
    if found.cut:
        yield Text("在案行为多于所示，请缩小时间范围续查。", "There is more on record than is shown: narrow the time.")


def _readme(found: Investigation) -> str:
    lines = [f"- {_one_line(each.zh)} {_one_line(each.en)}" for each in sentences(found)]
    return _README.format(
        subject=_one_line(found.subject),
        reason=_one_line(found.question.reason),
        by=_one_line(found.by),
        at=f"{found.at:%Y-%m-%d %H:%M:%S}",
        entry=found.entry,
        acts=len(found.receipts),
        cut="（未全列 not all）" if found.cut else "",
        lines="\n".join(lines) or "- 无异常 Nothing odd.",
    )


def _act(index: int, at: str, act: Act) -> dict[str, Json]:
    said: dict[str, Json] = {"entry": index, "at": at, "kind": act.kind.value, "actor": act.actor, "object": act.object}
    words = ("purpose", "grant", "result", "session", "certificate", "address")
    said |= {name: value for name in words if (value := getattr(act, name))}
    return said | ({"fields": act.fields} if act.fields else {}) | {"detail": act.detail}


def _leak(found: Investigation) -> Json:
    leak = found.leak
    if leak is None:
        return None
    return {
        "answer": _both(leak.answer),
        "rows": leak.rows,
        "tested": leak.tested,
        "accused": [
            {"recipient": who, "bound": f"{bound:.3g}", "entries": entries} for who, bound, entries in leak.accused
        ],
        "canaries": [
            {"recipient": who, "chance": f"{bound:.3g}", "entry": entry} for who, bound, entry in leak.canaries
        ],
    }


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("`", "'").split())
