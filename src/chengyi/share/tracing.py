"""From a row back home: to its archived package and to the ledger.

Keeps promise 5: every number leads home. A row is home when all of this holds:

1. its package is in the archive, under the version that the evidence names;
2. the row's leaf hash is the one that was recorded when the row was used;
3. the leaf leads by its audit path to the row root of the package;
4. that root is the one in the package's own archiving act;
5. the receipt of that act verifies against the node's key.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chengyi.model.act import Entry
from chengyi.model.actor import Actor
from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError
from chengyi.model.evidence import Evidence
from chengyi.model.package import Package
from chengyi.model.text import Text
from chengyi.share.ports import Records, RowProof
from chengyi.trust.ports import Audit, Receipt


@dataclass(frozen=True, slots=True)
class RowTrace:
    """One row led home, or the step at which it was lost.

    `hashes` is the audit path from `evidence.leaf` to `root` over `rows` rows; `receipt` proves the archiving act.
    """

    evidence: Evidence
    ok: bool
    finding: Text
    archival_code: str = ""
    title: str = ""
    source: str = ""
    hashes: tuple[str, ...] = ()
    root: str = ""
    rows: int = 0
    entry: int = -1
    receipt: Receipt | None = None

    @property
    def proven(self) -> bool:
        """Tell whether the row is home."""
        return self.ok


class Tracer:
    """Leads rows home, one package at a time."""

    def __init__(self, records: Records, audit: Audit, verifier: str, actor: Actor) -> None:
        self._records = records
        self._audit = audit
        self._verifier = verifier
        self._actor = actor

    def trace(self, evidence: Sequence[Evidence]) -> list[RowTrace]:
        """Lead rows home; the answer has the order of the question."""
        wanted: dict[str, list[Evidence]] = defaultdict(list)
        for each in dict.fromkeys(evidence):
            wanted[each.package].append(each)
        found = {trace.evidence: trace for ref, group in wanted.items() for trace in self._package(ref, group)}
        return [found[each] for each in evidence]

    def check(self, receipt: Receipt) -> Entry:
        """Return the act that a receipt proves; IntegrityError where it proves nothing."""
        from chengyi.trust.ledger.receipts import verify

        return verify(receipt, self._verifier)

    def _package(self, ref: str, evidence: Sequence[Evidence]) -> list[RowTrace]:
        try:
            package = self._records.package(ref, self._actor)
            receipt = self._audit.receipt(package.entry)
            act = self.check(receipt)
            _demand(act.act.detail.get("inventory") == package.inventory, "目录清单与归档行为不符", "inventory")
            proofs = self._proofs(ref, evidence)
            root = str(act.act.detail.get("root", ""))
        except ChengyiError as error:
            return [RowTrace(each, ok=False, finding=_said(error)) for each in evidence]
        return [_row(each, package, receipt, proofs.get(each.row), root) for each in evidence]

    def _proofs(self, ref: str, evidence: Sequence[Evidence]) -> dict[int, RowProof]:
        rows = [each.row for each in evidence if each.row]
        try:
            found = list(self._records.row_proofs(ref, rows)) if rows else []
        except NotFoundError:
            found = [proof for row in rows for proof in self._proof(ref, row)]
        return {proof.row: proof for proof in found}

    def _proof(self, ref: str, row: int) -> Sequence[RowProof]:
        try:
            return self._records.row_proofs(ref, [row])
        except NotFoundError:
            return ()


def _row(evidence: Evidence, package: Package, receipt: Receipt, proof: RowProof | None, root: str) -> RowTrace:
    try:
        _check(evidence, package, proof, root)
    except ChengyiError as error:
        ok, finding = False, _said(error)
    else:
        ok, finding = (
            True,
            Text("已逐级验证至归档行为的账本凭证。", "Proven up to the ledger receipt of its archiving."),
        )
    return RowTrace(
        evidence=evidence,
        ok=ok,
        finding=finding,
        archival_code=package.archival_code,
        title=package.title,
        source=package.source,
        hashes=tuple(each.hex() for each in proof.hashes) if proof else (),
        root=proof.root.hex() if proof else package.inventory,
        rows=proof.rows if proof else 0,
        entry=package.entry,
        receipt=receipt,
    )


def _check(evidence: Evidence, package: Package, proof: RowProof | None, root: str) -> None:
    from chengyi.trust.ledger.merkle import verify_inclusion

    if evidence.row == 0:
        _demand(evidence.leaf == package.inventory, "与档案目录清单不符", "not the digest of the inventory")
        return
    _demand(proof is not None, "档案中没有这一行", "the package has no such row")
    assert proof is not None  # noqa: S101 - for the type checker
    _demand(proof.leaf.hex() == evidence.leaf, "行内容与使用时不同", "the row is not what was used")
    _demand(proof.root.hex() == root, "行根哈希与归档行为不符", "not the root of the archiving act")
    verify_inclusion(evidence.row - 1, proof.rows, proof.leaf, proof.hashes, proof.root)


def _demand(holds: bool, zh: str, en: str) -> None:
    if not holds:
        raise IntegrityError(object="evidence", why=f"{zh} ({en})")


def _said(error: ChengyiError) -> Text:
    return Text(error.message("zh"), error.message("en"))
