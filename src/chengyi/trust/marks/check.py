"""Checking an evidence bundle offline: with the verifier key and the file, no trust in the node is needed.

Steps:

1. The file has the four members, within bounds, and one form; the evidence is signed by the trusted key.
2. Both receipts verify against the trusted key, and prove exports of this family.
3. The export's act names this export, recipient and commitment; the revealed secrets and terms open that commitment.
4. The list of recipients is the chain of the roster's act, which is not older than the export's act.
5. From the rows and the revealed layout key follow the cells, their biases and the shown bits: those stated.
6. From the revealed recipient key follow his bits, and with them the verdict: the one stated.
7. The bound, times the number of recipients tested, which is not less than the roster's, is within the limit, and the
   limit is 1e-6 or less.
8. Where the reader has the leaked file himself, its rows are exactly those of the evidence: nobody chose among them.

What is then proven: the leak holds marks that were committed to, before the file left, for this recipient, and an
innocent recipient's would fit so well with at most the stated probability. What is not: that the recipient himself
passed it on (his copy may have been stolen), or that the node, which made the copy, did not.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chengyi.model.act import ActKind, Entry
from chengyi.model.canonical import canonical, parse
from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError
from chengyi.trust.ledger.notes import Verifier
from chengyi.trust.ledger.verify import verify_receipt
from chengyi.trust.marks.accusation import LIMIT, Verdict
from chengyi.trust.marks.bundle import EVIDENCE, EXPORT, FORMAT, MEMBERS, ROSTER, SIGNATURE, SIGNED
from chengyi.trust.marks.evidence import Evidence, gather, judge
from chengyi.trust.marks.leakfiles import read_leak
from chengyi.trust.marks.policy import high_order, policy_of_terms
from chengyi.trust.marks.records import Secrets, commitment, roster_root, terms_of
from chengyi.trust.marks.rowkeys import row_keys, written

_MOST = {EVIDENCE: 1 << 28, SIGNATURE: 1 << 10, EXPORT: 1 << 20, ROSTER: 1 << 20}
_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True)
class Proven:
    """What a bundle proves: who got which export when, how many marks agree, and the bound on a false accusation."""

    export: str
    dataset: str
    actor: str
    grant: str
    at: datetime
    entry: int
    marks: int
    tested: int
    verdict: Verdict
    limit: float


def check_bundle(path: Path, verifier_key: str, leak: Path | None = None) -> Proven:
    """Recompute the accusation in a bundle; IntegrityError names the step that fails.

    Args:
        path: The bundle.
        verifier_key: The vkey of the node, from a place the reader trusts, never from the bundle.
        leak: The leaked file as the reader has it; without it, that no rows were left out is not checked.
    """
    members = _members(path)
    try:
        if leak is not None:
            _check_leak(parse(members[EVIDENCE]), leak)
        return _check(members, verifier_key)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _broken("格式 (malformed)", type(error).__name__) from error
    except IntegrityError:
        raise
    except ChengyiError as error:
        raise _broken("格式 (malformed)", error.message("en")) from error


def _check(members: Mapping[str, bytes], verifier_key: str) -> Proven:
    # 1. signed and canonical
    body = members[EVIDENCE]
    _demand(
        Verifier.parse(verifier_key).check(bytes.fromhex(members[SIGNATURE].decode()), SIGNED + body),
        "第 1 步：签名无效 (step 1: the signature is wrong)",
    )
    said = parse(body)
    _demand(said["format"] == FORMAT and canonical(said) == body, "第 1 步：非规范形式 (step 1: not the one form)")
    # 2. both receipts
    export, roster = (_export_act(members[name].decode(), verifier_key, said) for name in (EXPORT, ROSTER))
    # 3. the commitment
    secrets = Secrets(*(_key(said["revealed"][name]) for name in ("layout", "key", "salt")))
    _check_commitment(said, secrets, export)
    # 4. the recipients
    _check_roster(said, export, roster)
    # 5. the shown bits
    evidence = _evidence(said, secrets)
    # 6. the verdict
    verdict = judge(evidence, [secrets.key])[0]
    stated = said["verdict"]
    _demand(
        abs(verdict.logarithm - float(stated["logarithm"])) <= _ROUNDING * (1 + abs(verdict.logarithm))
        and verdict.decoder == stated["decoder"],
        "第 6 步：复算的结论不同 (step 6: the recomputed verdict differs)",
    )
    # 7. the limit
    tested, limit = int(said["tested"]), float(said["limit"])
    within = 0 < limit <= LIMIT and tested >= len(said["roster"]) and verdict.accused(tested, limit)
    _demand(within, "第 7 步：未达到指认的界限 (step 7: not within the limit)")
    return Proven(
        export=said["export"],
        dataset=said["dataset"],
        actor=export.act.actor,
        grant=export.act.grant,
        at=export.at,
        entry=export.index,
        marks=len(evidence.odds),
        tested=tested,
        verdict=verdict,
        limit=limit,
    )


def _export_act(receipt: str, verifier_key: str, said: Mapping[str, Any]) -> Entry:
    entry = verify_receipt(receipt, verifier_key)
    same = entry.act.kind is ActKind.EXPORTED and entry.act.detail.get("family") == said["family"]
    _demand(same, "第 2 步：回执不是本组导出的行为 (step 2: not the receipt of an export of this family)")
    return entry


def _check_commitment(said: Mapping[str, Any], secrets: Secrets, export: Entry) -> None:
    detail = export.act.detail
    for name in ("export", "recipient", "commitment"):
        _demand(detail.get(name) == said[name], f"第 3 步：{name} 与导出行为不符 (step 3: not that of the act)")
    policy = policy_of_terms(said["policy"])
    terms = terms_of(said["export"], said["family"], said["recipient"], policy, said["canaries"])
    opened = commitment(secrets, terms) == said["commitment"]
    _demand(opened, "第 3 步：所示密钥与事先承诺不符 (step 3: the secrets do not open the commitment)")


def _check_roster(said: Mapping[str, Any], export: Entry, roster: Entry) -> None:
    codes = [str(each) for each in said["roster"]]
    chain = roster.act.detail.get("roster")
    same = isinstance(chain, Mapping) and chain.get("root") == roster_root(codes) and chain.get("count") == len(codes)
    _demand(same, "第 4 步：领取人名单与账本不符 (step 4: the recipients are not those of the ledger)")
    _demand(roster.index >= export.index, "第 4 步：名单早于导出 (step 4: the roster is older than the export)")
    _demand(said["recipient"] in codes, "第 4 步：名单中没有该领取人 (step 4: the recipient is not on the list)")


def _evidence(said: Mapping[str, Any], secrets: Secrets) -> Evidence:
    names = sorted(said["kinds"])
    keys = [str(key) for key, _ in said["rows"]]
    _demand(all(len(cells) == len(names) for _, cells in said["rows"]), "第 5 步：行的列数不符 (step 5: ragged rows)")
    values = {name: [str(cells[at]) for _, cells in said["rows"]] for at, name in enumerate(names)}
    found = gather(secrets.layout, policy_of_terms(said["policy"]), keys, values, said["kinds"])
    same = found.digest_of_bits() == said["shown"] and [int(each) for each in found.odds] == said["biases"]
    _demand(same, "第 5 步：复算的标记不同 (step 5: the recomputed marks differ)")
    return found


def _check_leak(said: Mapping[str, Any], leak: Path) -> None:
    # 8. the same rows
    columns, mapping = read_leak(leak), said["mapping"]
    parts = policy_of_terms(said["policy"]).key
    named = {high_order(part)[0] for part in parts}
    keys = row_keys({name: columns[mapping[name]] for name in named}, parts)
    cells = [[written(each) for each in columns[mapping[name]]] for name in sorted(said["kinds"])]
    rows = [[key, list(each)] for key, *each in zip(keys, *cells, strict=True) if key is not None]
    _demand(rows == said["rows"], "第 8 步：与泄露文件的行不同 (step 8: not the rows of the leaked file)")


def _members(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        raise NotFoundError(kind="证据包 bundle", id=path)
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {each.filename: each.file_size for each in archive.infolist()}
            whole = len(archive.infolist()) == len(MEMBERS) and set(sizes) == set(MEMBERS)
            _demand(
                whole and all(sizes[name] <= _MOST[name] for name in MEMBERS), "第 1 步：成员不符 (step 1: members)"
            )
            return {name: _bounded(archive, name) for name in MEMBERS}
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        raise _broken("第 1 步：不是证据包 (step 1: not a bundle)", type(error).__name__) from error


def _bounded(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        raw = member.read(_MOST[name] + 1)
    _demand(len(raw) <= _MOST[name], "第 1 步：成员过大 (step 1: a member is too large)")
    return raw


def _key(text: str) -> bytes:
    raw = bytes.fromhex(text)
    _demand(len(raw) == 32, "第 3 步：密钥长度不符 (step 3: a key has a wrong length)")
    return raw


def _demand(holds: bool, why: str) -> None:
    if not holds:
        raise IntegrityError(object="evidence bundle", why=why)


def _broken(why: str, detail: str) -> IntegrityError:
    return IntegrityError(object="evidence bundle", why=f"{why}: {detail}")
