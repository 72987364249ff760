"""The evidence bundle: everything by which a third party recomputes one accusation.

A ZIP file of four members, the first of which is signed by the node:

- ``evidence.json``: canonical JSON: the leaked rows' keys and marked cells, the shown bits, the export's revealed
  secrets and terms, the family's recipients by code with their bounds, the verdict.
- ``signature``: the node's Ed25519 signature over it, hexadecimal.
- ``export.tlog-proof``: the receipt of the export's act, which held the commitment before the file left.
- ``roster.tlog-proof``: the receipt of the family's latest export, which held the chain of its recipients.

Revealing an export's secrets shows where its family's marks are: after a bundle is handed out, the dataset's policy
should be changed (a new family), so that the next exports have their marks elsewhere.
"""

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from chengyi.model.canonical import Json, canonical
from chengyi.model.errors import UsageError
from chengyi.trust.ledger.receipts import render
from chengyi.trust.marks.identify import FamilyFinding, Finding, Suspect
from chengyi.trust.ports import Keys, Receipt

FORMAT = "chengyi-export-evidence/1"
EVIDENCE, SIGNATURE, EXPORT, ROSTER = "evidence.json", "signature", "export.tlog-proof", "roster.tlog-proof"
MEMBERS = (EVIDENCE, SIGNATURE, EXPORT, ROSTER)
SIGNED = b"chengyi marks/1 evidence\0"


def write_bundle(
    path: Path,
    finding: Finding,
    suspect: Suspect,
    *,
    codes: Sequence[str],
    receipts: tuple[Receipt, Receipt],
    keys: Keys,
) -> None:
    """Write the bundle that proves an accusation, whole or not at all.

    Args:
        path: Where to; an existing file is replaced.
        finding: What `identify` found.
        suspect: One of those it accuses; UsageError for anyone else.
        codes: The codes of the family's recipients, in their order.
        receipts: Of the suspect's export, and of the family's latest.
        keys: The node's, to sign with.
    """
    if not suspect.accused:
        raise UsageError(why="不能为未被指认的领取人出具证据 (no evidence against someone who is not accused)")
    body = canonical(_evidence(finding, suspect, codes))
    members = (body, keys.sign(SIGNED + body).hex().encode(), *(render(each).encode() for each in receipts))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in zip(MEMBERS, members, strict=True):
            archive.writestr(zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        draft.write_bytes(packed.getvalue())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _evidence(finding: Finding, suspect: Suspect, codes: Sequence[str]) -> dict[str, Json]:
    family = next(each for each in finding.families if suspect in each.suspects)
    export, verdict = suspect.exports[0], suspect.verdict
    return {
        "format": FORMAT,
        "export": export.id,
        "family": export.family,
        "dataset": export.dataset,
        "recipient": export.code,
        "policy": export.policy.terms(),
        "canaries": list(export.canaries),
        "commitment": export.commitment,
        "revealed": {name: getattr(export.secrets, name).hex() for name in ("layout", "key", "salt")},
        "kinds": dict(family.rows.kinds),
        "mapping": dict(family.rows.mapping),
        "rows": _rows(family),
        "shown": family.evidence.digest_of_bits(),
        "biases": [int(each) for each in family.evidence.odds],
        "tested": finding.tested,
        "limit": f"{finding.limit:g}",
        "verdict": {
            "logarithm": f"{verdict.logarithm:.6f}",
            "decoder": verdict.decoder,
            "score": f"{verdict.score:.6f}",
            "agree": f"{verdict.agree:.6f}",
        },
        "roster": list(codes),
        "bounds": {each.code: f"{each.verdict.logarithm:.4f}" for each in family.suspects},
    }


def _rows(family: FamilyFinding) -> list[Json]:
    names = sorted(family.rows.values)
    rows: list[Json] = []
    for at, key in enumerate(family.rows.keys):
        if key is not None:
            rows.append([key, [family.rows.values[name][at] for name in names]])
    return rows
