"""The archive: what was collected is checked, numbered, kept, found and proven.

Keeps promise 1 (archived first), promise 2 (never altered) and promise 5 (every number leads home). Rules:

1. Only what the ledger witnesses can be seen; what an actor may not see is absent for him.
2. There is no way to change or remove a package here; a correction is a new version.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import ColumnElement, Select, func, or_, select, true

from chengyi.archive.examine import Examiner
from chengyi.archive.holdings import checks_of, load
from chengyi.archive.keeping import ArchiveReport, Keeper
from chengyi.archive.ports import Deliveries
from chengyi.archive.rows import checks, package_components, packages, row_seals
from chengyi.archive.search import Found, find, visible
from chengyi.archive.tables import RowProof, SealedTable, SealedTables, proofs, reader_of
from chengyi.archive.verification import Verification, VerificationStep, Verifier
from chengyi.model.actor import Actor, Permission
from chengyi.model.archival_code import CodeReport, CodeStyle, examine
from chengyi.model.clock import Clock
from chengyi.model.errors import NotFoundError
from chengyi.model.package import Check, Package, RowSeal, Verdict
from chengyi.model.reporter import Reporter
from chengyi.model.submission import Component
from chengyi.store.rows import Rows
from chengyi.trust.ports import Audit, Receipt, Vault

if TYPE_CHECKING:
    from chengyi.collect.readers import RowBatch

__all__ = [
    "Archive",
    "ArchiveReport",
    "Found",
    "RowProof",
    "SealedTable",
    "Verification",
    "VerificationStep",
]


class Archive:
    """The facade of the archive room.

    `style` is the style of new archival codes; `verifier` is the vkey of the node's log, by which `verify` also checks
    the signature of the checkpoint.
    """

    def __init__(
        self,
        rows: Rows,
        vault: Vault,
        audit: Audit,
        clock: Clock,
        collect: Deliveries,
        *,
        style: CodeStyle = CodeStyle.DAT13,
        verifier: str = "",
    ) -> None:
        self._rows = rows
        self._vault = vault
        self._audit = audit
        self._tables = SealedTables(vault)
        self._verifier = Verifier(vault, audit, self._tables, verifier)
        examiner = Examiner(vault, self._tables)
        self._keeper = Keeper(rows, vault, audit, clock=clock, collect=collect, examiner=examiner, style=style)

    def keep_pending(self, actor: Actor, reporter: Reporter) -> ArchiveReport:
        """Check, number and keep every pending submission, or set it aside with its reason; safe to repeat.

        Raises DeniedError, and TransientError (such as StorageFullError) where a later run will finish the work.
        """
        actor.require(Permission.KEEP_RECORDS)
        return self._keeper.keep_pending(actor, reporter)

    def package(self, ref: str, actor: Actor) -> Package:
        """Return a package by ref (``id@version``), or the latest version by id or archival code; NotFoundError."""
        return self._one(ref, visible(actor))

    def versions(self, id: str, actor: Actor) -> list[Package]:
        """Return all versions of a package, oldest first; NotFoundError where there is none."""
        found = self._load(_seen().where(packages.c.id == id, visible(actor)).order_by(packages.c.version))
        if not found:
            raise NotFoundError(kind="档案 record", id=id)
        return found

    def search(
        self,
        query: str,
        actor: Actor,
        *,
        source: str = "",
        record_class: str = "",
        department: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> Found:
        """Return records that hold every word of `query` in title, code, source, department, metadata or small text."""
        exact = {"source": source, "record_class": record_class, "department": department}
        with self._rows.read() as connection:
            return find(connection, query, actor, limit=limit, offset=offset, **exact)

    def codes(self, refs: Iterable[str]) -> dict[str, str]:
        """Return the archival codes of packages by their refs, in one query; what is not kept is left out."""
        query = select(packages.c.ref, packages.c.archival_code).where(packages.c.entry.is_not(None))
        with self._rows.read() as connection:
            found = connection.execute(query.where(packages.c.ref.in_(sorted(set(refs)))))
            return {each.ref: each.archival_code for each in found}

    def kept_as(self, submission: str, actor: Actor) -> Package:
        """Return the package that a submission was kept as; NotFoundError."""
        found = self._load(_seen().where(packages.c.submission == submission, visible(actor)))
        if not found:
            raise NotFoundError(kind="档案 record", id=submission)
        return found[0]

    def since(self, source: str, after_entry: int) -> list[Package]:
        """Return the packages of a source that were kept after a ledger entry, in ledger order."""
        later = _seen().where(packages.c.source == source, packages.c.entry > after_entry)
        return self._load(later.order_by(packages.c.entry))

    def open(self, package: Package | str, path: str, actor: Actor) -> BinaryIO:
        """Open one file of a package; NotFoundError, IntegrityError."""
        ref = package if isinstance(package, str) else package.ref
        return self._vault.open(_component(self.package(ref, actor), path).object)

    def rows_of(self, ref: str) -> "RowBatch":
        """Return the rows of a table, read again from the vault by the reader on record; NotFoundError."""
        from chengyi.collect.readers import read_rows

        package, seal = self._sealed(ref)
        return read_rows(self._vault, _component(package, seal.component), reader_of(seal.reader))

    def table_of(self, ref: str) -> SealedTable:
        """Return the rows of a table with the leaf hash of each; NotFoundError, IntegrityError."""
        package, seal = self._sealed(ref)
        return self._tables.read_sealed(_component(package, seal.component), seal)

    def row_proof(self, ref: str, row: int) -> RowProof:
        """Return the proof of one record (from 1); NotFoundError where there is no such record."""
        return self.row_proofs(ref, [row])[0]

    def row_proofs(self, ref: str, rows: Sequence[int]) -> list[RowProof]:
        """Return the proofs of some records of one package, in the order asked for; NotFoundError."""
        return proofs(ref, self.table_of(ref), rows)

    def verify(self, ref: str) -> Verification:
        """Walk the proof of a package in numbered steps; NotFoundError where there is no such package."""
        package = self._one(ref, true())
        history = self._load(_seen().where(packages.c.id == package.id).order_by(packages.c.version))
        return self._verifier.verify(package, self._inventory_object(package), history)

    def inventory(self, ref: str, actor: Actor) -> bytes:
        """Return the bytes of a package's inventory (canonical JSON with the keys of OCFL 1.1); NotFoundError."""
        return self._vault.read(self._inventory_object(self.package(ref, actor)))

    def receipt(self, ref: str, actor: Actor) -> Receipt:
        """Return the ledger receipt of the act that kept a package; NotFoundError."""
        return self._audit.receipt(self.package(ref, actor).entry)

    def checks_of(self, submission: str) -> tuple[Check, ...]:
        """Return the checks of a submission, kept or set aside; empty where it was never checked."""
        with self._rows.read() as connection:
            return checks_of(connection, submission)

    def code_report(self, fonds: str = "") -> CodeReport:
        """Report gaps and duplicates among the archival codes in use, of one fonds or of all."""
        query = select(packages.c.archival_code).distinct().where(packages.c.version == 1)
        query = query.where(packages.c.fonds == fonds) if fonds else query
        with self._rows.read() as connection:
            return examine(connection.execute(query).scalars())

    def counts(self) -> dict[str, int]:
        """Return how much is kept: packages, versions, files, bytes, rows, rejected rows, checks left to people."""
        seen = packages.c.entry.is_not(None)
        files = package_components.join(packages, packages.c.ref == package_components.c.ref)
        seals = row_seals.join(packages, packages.c.ref == row_seals.c.ref)
        kept_checks = checks.join(packages, packages.c.submission == checks.c.submission)
        questions: dict[str, Select[Any]] = {
            "packages": select(func.count(packages.c.id.distinct())).where(seen),
            "versions": select(func.count()).select_from(packages).where(seen),
            "files": select(func.count()).select_from(files).where(seen),
            "bytes": select(func.coalesce(func.sum(package_components.c.size), 0)).select_from(files).where(seen),
            "rows": select(func.coalesce(func.sum(row_seals.c.rows), 0)).select_from(seals).where(seen),
            "rejected": select(func.coalesce(func.sum(row_seals.c.rejected), 0)).select_from(seals).where(seen),
            "manual": select(func.count())
            .select_from(kept_checks)
            .where(seen, checks.c.verdict == Verdict.MANUAL.value),
        }
        with self._rows.read() as connection:
            return {name: int(connection.execute(query).scalar_one()) for name, query in questions.items()}

    def _one(self, ref: str, condition: ColumnElement[bool]) -> Package:
        named = or_(packages.c.ref == ref, packages.c.id == ref, packages.c.archival_code == ref)
        found = self._load(_seen().where(named, condition).order_by(packages.c.version.desc()).limit(1))
        if not found:
            raise NotFoundError(kind="档案 record", id=ref)
        return found[0]

    def _sealed(self, ref: str) -> tuple[Package, RowSeal]:
        package = self._one(ref, true())
        if package.seal is None:
            raise NotFoundError(kind="表 table", id=ref)
        return package, package.seal

    def _load(self, query: Select[Any]) -> list[Package]:
        with self._rows.read() as connection:
            return load(connection, query)

    def _inventory_object(self, package: Package) -> str:
        with self._rows.read() as connection:
            query = select(packages.c.inventory_object).where(
                packages.c.id == package.id, packages.c.version == package.version
            )
            return str(connection.execute(query).scalar_one())


def _seen() -> Select[Any]:
    return select(packages).where(packages.c.entry.is_not(None))


def _component(package: Package, path: str) -> Component:
    found = next((each for each in package.components if each.path == path), None)
    if found is None:
        raise NotFoundError(kind="文件 file", id=f"{package.ref}/{path}")
    return found
