"""Walking a package's proof anew, in numbered steps.

Keeps promise 5: every number leads home. Steps:

1. The inventory's stored bytes have the digest that the record names, and hang together.
2. The inventory says of this version what the record says.
3. Every file reads back from the vault with both its digests and its size.
4. Each earlier version is named by the one that follows it.
5. The checks on record are those in the inventory, and none failed.
6. The rows read back to the sealed root.
7. The ledger holds the act of keeping, with this inventory and root, under its signed checkpoint.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import Any

from chengyi.archive import packages as inventories
from chengyi.archive.seals import root
from chengyi.archive.tables import SealedTables
from chengyi.model.act import ActKind, Entry
from chengyi.model.errors import ChengyiError, IntegrityError
from chengyi.model.package import Package, Verdict
from chengyi.model.submission import Component
from chengyi.model.text import Text
from chengyi.trust.body import entry_bytes, parse_body
from chengyi.trust.ledger import receipts
from chengyi.trust.ledger.merkle import leaf_hash, verify_inclusion
from chengyi.trust.ports import Audit, Receipt, Vault

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class VerificationStep:
    """One step of a verification: what was checked, whether it holds, and what was found."""

    number: int
    title: Text
    ok: bool
    finding: Text


@dataclass(frozen=True, slots=True)
class Verification:
    """The walk over the proof of one package version."""

    ref: str
    steps: tuple[VerificationStep, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every step holds."""
        return all(step.ok for step in self.steps)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies packages; with `key` (the log's vkey) also the signature of the checkpoint."""

    vault: Vault
    audit: Audit
    tables: SealedTables
    key: str = ""

    def verify(self, package: Package, stored: str, history: Sequence[Package]) -> Verification:
        """Walk the proof; `stored` is the inventory's vault object, `history` all versions, oldest first."""
        walk = _Walk(self, package, stored, history)
        titled: tuple[tuple[Text, Callable[[], Text]], ...] = (
            (Text("目录清单完整", "The inventory is whole"), walk.inventory),
            (Text("登记与清单一致", "Record and inventory agree"), walk.record),
            (Text("内容逐字节相符", "Every byte of the content agrees"), walk.content),
            (Text("版本前后相承", "The versions follow each other"), walk.chain),
            (Text("四性检测", "Four-property checks"), walk.checks),
            (Text("逐行封印", "Seal over the rows"), walk.rows),
            (Text("账本凭证", "Ledger receipt"), walk.receipt),
        )
        steps = [_step(number, title, work) for number, (title, work) in enumerate(titled, 1)]
        return Verification(package.ref, tuple(steps))


def _step(number: int, title: Text, work: Callable[[], Text]) -> VerificationStep:
    try:
        return VerificationStep(number, title, True, work())
    except ChengyiError as error:
        return VerificationStep(number, title, False, Text(error.message("zh"), error.message("en")))


class _Walk:
    def __init__(self, verifier: Verifier, package: Package, stored: str, history: Sequence[Package]) -> None:
        self._with = verifier
        self._package = package
        self._stored = stored
        self._history = history
        self._read: Mapping[str, Any] | None = None

    @property
    def _inventory(self) -> Mapping[str, Any]:
        if self._read is None:
            raise _fault(self._package.ref, "目录清单不可用", "the inventory cannot be used")
        return self._read

    def inventory(self) -> Text:
        data = self._with.vault.read(self._stored)
        self._demand(sha256(data).hexdigest() == self._package.inventory, "清单摘要不符", "the digest does not agree")
        self._read = inventories.read(data)
        return Text(f"SHA-256 {self._package.inventory}", f"SHA-256 {self._package.inventory}")

    def record(self) -> Text:
        package, told = self._package, self._inventory["chengyi"]
        said = (package.archival_code, package.title, package.source, package.submission, package.version)
        names = ("archival_code", "title", "source", "submission", "version")
        self._demand(said == tuple(told[name] for name in names), "著录不一致", "the descriptions differ")
        self._demand(self._inventory["head"] == f"v{package.version}", "版本号不一致", "the versions differ")
        state = inventories.state_of(self._inventory, package.version)
        self._demand(set(state) == {each.path for each in package.components}, "文件清单不一致", "the files differ")
        return Text(
            f"档号 {package.archival_code}，{len(state)} 个文件", f"{package.archival_code}, {len(state)} files"
        )

    def content(self) -> Text:
        state = inventories.state_of(self._inventory, self._package.version)
        for component in self._package.components:
            found = _digests(self._with.vault, component)
            wanted = (component.sha256, state.get(component.path), component.size)
            self._demand(found == wanted, f"{component.path} 与登记不符", f"{component.path} is not what was kept")
        size = sum(each.size for each in self._package.components)
        return Text(f"{size:,} 字节，SHA-256 与 SHA-512 均相符", f"{size:,} bytes agree with SHA-256 and SHA-512")

    def chain(self) -> Text:
        told = self._inventory["chengyi"]["prior"]
        before = [each for each in self._history if each.version == self._package.version - 1]
        named = before[0].inventory if before else None
        self._demand(told == named, "未指明前一版本", "the version before is not the one named")
        if named is None:
            return Text("首个版本", "the first version")
        return Text(f"承接 {before[0].ref}（{named}）", f"it follows {before[0].ref} ({named})")

    def checks(self) -> Text:
        told = [(each["code"], each["verdict"]) for each in self._inventory["chengyi"]["checks"]]
        kept = self._package.checks
        self._demand(
            told == [(each.code, each.verdict.value) for each in kept], "检测记录被改动", "the checks were changed"
        )
        failed = sum(each.verdict is Verdict.FAIL for each in kept)
        self._demand(not failed, f"{failed} 项未通过", f"{failed} failed")
        passed = sum(each.verdict is Verdict.PASS for each in kept)
        manual = sum(each.verdict is Verdict.MANUAL for each in kept)
        zh = f"{len(kept)} 项：通过 {passed}，待人工 {manual}，不适用 {len(kept) - passed - manual}"
        en = f"{len(kept)} items: {passed} passed, {manual} for a person, {len(kept) - passed - manual} not applicable"
        return Text(zh, en)

    def rows(self) -> Text:
        seal, told = self._package.seal, self._inventory["chengyi"]["seal"]
        self._demand(
            told == (None if seal is None else inventories.seal_part(seal)), "封印被改动", "the seal was changed"
        )
        if seal is None:
            return Text("不是表，无行", "not a table; no rows")
        sealed = [each for each in self._package.components if each.path == seal.component]
        self._demand(bool(sealed), "封印所指文件不存在", "the sealed file is not there")
        table = self._with.tables.read_sealed(sealed[0], seal)
        agree = (len(table.tree), len(table.bad), root(table.tree).hex()) == (seal.rows, seal.rejected, seal.root)
        self._demand(agree, "重新计算的根哈希不符", "the recomputed root does not agree")
        return Text(f"{seal.rows} 行，根哈希 {seal.root}", f"{seal.rows} rows, root {seal.root}")

    def receipt(self) -> Text:
        receipt = self._with.audit.receipt(self._package.entry)
        entry = receipts.verify(receipt, self._with.key) if self._with.key else _included(receipt)
        seal, detail = self._package.seal, entry.act.detail
        wanted = (ActKind.KEPT, self._package.ref, self._package.inventory, seal.root if seal else "")
        found = (entry.act.kind, entry.act.object, detail.get("inventory"), detail.get("root"))
        self._demand(found == wanted, "账本所载与登记不符", "the ledger says something else")
        size = receipt.checkpoint.size
        return Text(f"第 {entry.index} 条，账本长 {size}", f"entry {entry.index} of a ledger of {size}")

    def _demand(self, holds: bool, zh: str, en: str) -> None:
        if not holds:
            raise _fault(self._package.ref, zh, en)


def _digests(vault: Vault, component: Component) -> tuple[str, str, int]:
    short, long, size = sha256(), sha512(), 0
    with vault.open(component.object) as stream:
        while chunk := stream.read(CHUNK):
            short.update(chunk)
            long.update(chunk)
            size += len(chunk)
    return short.hexdigest(), long.hexdigest(), size


def _included(receipt: Receipt) -> Entry:
    leaf = leaf_hash(entry_bytes(receipt.body))
    verify_inclusion(receipt.index, receipt.checkpoint.size, leaf, receipt.hashes, receipt.checkpoint.root)
    return parse_body(receipt.index, receipt.body)


def _fault(ref: str, zh: str, en: str) -> IntegrityError:
    return IntegrityError(object=ref, why=f"{zh} ({en})")
