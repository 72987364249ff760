"""Sharing: ask, answer, use, and prove.

Keeps promise 1 (the brain sees only what was shared) and promise 4 (every reading and every refusal is witnessed).
This is the room's face; the desk answers requests, the reading room lets people and programs read, the export room
lets people take out copies that can be recognised.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chengyi.model.act import Entry
from chengyi.model.actor import Actor, Permission, node_actor
from chengyi.model.clock import Clock
from chengyi.model.codes import SharingClass
from chengyi.model.decision import Need
from chengyi.model.evidence import Evidence
from chengyi.model.grant import CatalogueEntry, Grant, Purpose, Request, RequestState, View
from chengyi.model.reporter import Reporter
from chengyi.share import rows as tables
from chengyi.share import rules
from chengyi.share.catalogue import Catalogue, matches
from chengyi.share.desk import Desk
from chengyi.share.errors import GrantEndedError
from chengyi.share.exchange import SharedTable
from chengyi.share.exportorders import ExportOrder
from chengyi.share.exports import Exported, ExportRoom
from chengyi.share.grants import Grants
from chengyi.share.ports import Datasets, Gaps, Records
from chengyi.share.reading import ReadingRoom
from chengyi.share.rules import Use
from chengyi.share.tracing import RowTrace, Tracer
from chengyi.share.workdays import Calendar, national_calendar
from chengyi.store.rows import Rows
from chengyi.trust.marks.marks import Marks
from chengyi.trust.marks.records import ExportRecord
from chengyi.trust.ports import Audit, Keys, Receipt


class Share:
    """The room of sharing.

    Args:
        gaps: Tells how complete a source is; where it is absent, answers say that nothing is known.
        calendar: The working days by which deadlines run; the national table by default.
    """

    def __init__(  # noqa: PLR0917 - every room is wired in this order
        self,
        rows: Rows,
        keys: Keys,
        audit: Audit,
        clock: Clock,
        integrate: Datasets,
        archive: Records,
        *,
        gaps: Gaps | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        self._datasets = integrate
        self._catalogue = Catalogue(rows, audit)
        self._grants = Grants(rows, keys, audit)
        self._desk = Desk(self._grants, audit, clock, calendar or national_calendar())
        self._reading = ReadingRoom(
            catalogue=self._catalogue,
            grants=self._grants,
            datasets=integrate,
            keys=keys,
            audit=audit,
            clock=clock,
            gaps=gaps,
        )
        self.marks = Marks(rows, keys, audit)
        self._exports = ExportRoom(
            reading=self._reading,
            grants=self._grants,
            registry=self.marks.registry,
            audit=audit,
            keys=keys,
            clock=clock,
        )
        self._tracer = Tracer(archive, audit, keys.verifier, node_actor("share"))

    def publish(self, actor: Actor) -> int:
        """Bring the catalogue up to date with the datasets; return how many entries changed."""
        return self._catalogue.publish(self._datasets.datasets(), actor.id)

    def catalogue(self, actor: Actor, query: str = "") -> list[CatalogueEntry]:
        """List what may be asked for, by name; every word of the query must be in the entry."""
        actor.require(Permission.SEE_CATALOGUE)
        return [each for each in map(rules.offered, self._catalogue.datasets()) if matches(each, query)]

    def entry(self, dataset: str, actor: Actor) -> CatalogueEntry:
        """Return one entry; NotFoundError."""
        actor.require(Permission.SEE_CATALOGUE)
        return self._catalogue.entry(dataset)

    def request(self, actor: Actor, dataset: str, fields: Sequence[str], purpose: Purpose) -> Request:
        """Ask for fields of a dataset.

        An unconditional dataset is granted at once, a withheld one refused at once with its legal basis. The same
        open request made again is the same request.
        """
        actor.require(Permission.REQUEST)
        rules.check_purpose(purpose)
        entry = self._catalogue.entry(dataset)
        return self._desk.request(actor, entry, rules.check_fields(entry, fields), purpose)

    def requests(self, actor: Actor, state: RequestState | None = None) -> list[Request]:
        """List requests, newest first: one's own department's, or all for those who answer or audit."""
        where: list[Any] = [tables.requests.c.state == state.value] if state else []
        if not _oversees(actor):
            actor.require(Permission.REQUEST)
            where.append(tables.requests.c.department == actor.department)
        return self._grants.requests(*where)

    def approve(
        self,
        actor: Actor,
        request_id: str,
        *,
        clear: Iterable[str] = (),
        where: Iterable[tuple[str, Sequence[str]]] = (),
        days: int = rules.DEFAULT_GRANT_DAYS,
    ) -> Grant:
        """Grant an open request on terms.

        `clear` are the fields to show unmasked, `where` the rows to show as field and allowed values (every row where
        it is empty), `days` how long the grant lasts, 1 to 365.
        """
        request = self._desk.open_request(actor, request_id)
        terms = rules.check_terms(request, clear, where, days)
        rules.check_fields(
            self._catalogue.entry(request.dataset), [*request.fields, *(name for name, _ in terms.where)]
        )
        return self._desk.grant(request, actor.id, terms)

    def refuse(self, actor: Actor, request_id: str, reason: str) -> Request:
        """Refuse an open request; a reason is owed."""
        request = self._desk.open_request(actor, request_id)
        rules.check_reason(reason)
        return self._desk.refuse(request, actor.id, reason)

    def revoke(self, actor: Actor, grant_id: str, reason: str) -> Grant:
        """End a grant at once; a reason is owed."""
        actor.require(Permission.GRANT)
        rules.check_reason(reason)
        return self._desk.revoke(actor, grant_id, reason)

    def grants(self, actor: Actor) -> list[Grant]:
        """List grants, newest first: those for one's own department, or all for those who grant or audit."""
        if _oversees(actor):
            return self._grants.grants()
        actor.require(Permission.USE_GRANT)
        return self._grants.grants(tables.grants.c.department == actor.department)

    def grant(self, id: str) -> Grant:
        """Return a grant; NotFoundError."""
        return self._grants.grant(id)

    def signature(self, grant_id: str) -> bytes:
        """Return the owner's Ed25519 signature over the canonical terms of a grant."""
        return self._grants.signature(grant_id)

    def accesses(self, actor: Actor, grant_id: str) -> list[dict[str, Any]]:
        """List the readings under a grant, newest first, each with its ledger entry."""
        actor.require(Permission.SEE_LEDGER)
        return self._grants.accesses(grant_id)

    def view(
        self,
        actor: Actor,
        grant_id: str,
        *,
        case: str,
        limit: int | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> View:
        """Read under a grant: masked rows with their evidence, completeness, and the ledger entry of the reading.

        Raises NotFoundError where the grant is absent or is not this department's, GrantEndedError,
        OutsideGrantError, WithheldError; each refusal is on record.
        """
        return self._reading.view(actor, grant_id, Use(case, tuple(sorted((filters or {}).items()))), limit)

    def export(self, actor: Actor, order: ExportOrder, reporter: Reporter | None = None) -> Exported:
        """Write a copy of granted rows to a file, recognisable as this actor's; it is on record before it leaves.

        Raises as `view` does; UsageError where the order does not make sense, or the notice was not accepted.
        """
        return self._exports.export(actor, order, reporter)

    def exports(self, actor: Actor) -> list[ExportRecord]:
        """List exports, newest first: those of one's own department, or all for those who grant or audit."""
        return self._exports.exports(actor)

    def standing_grant(self, actor: Actor, need: Need, purpose: Purpose) -> Grant:
        """Return the node's own grant for a declared need: the same need and purpose have one grant.

        Identifiers, names, phones and addresses are never in the clear in it. A withheld dataset has none, a revoked
        grant is not given anew, an expired one is.
        """
        rules.check_purpose(purpose)
        entry = self._catalogue.entry(need.dataset)
        fields = rules.check_fields(entry, need.fields)
        if entry.sharing is SharingClass.WITHHELD:
            raise self._reading.denied(actor, f"dataset:{entry.dataset}", rules.withheld(entry))
        grant = self._desk.standing(actor, entry, fields, purpose)
        if grant.revoked_at is not None:
            ended = GrantEndedError(grant=grant.id, why="数据提供部门已撤销 (revoked by its owner)")
            raise self._reading.denied(actor, f"grant:{grant.id}", ended)
        return grant

    def read(self, grant: Grant, actor: Actor, case: str) -> SharedTable:
        """Open a dataset for a program under a grant: an expression over the granted fields, and nothing more.

        Identifiers that are not granted in the clear come as keyed codes, equal in every dataset of the node. Raises
        as `view` does.
        """
        return self._reading.read(actor, grant.id, Use(case))

    def trace_rows(self, evidence: Sequence[Evidence]) -> list[RowTrace]:
        """Lead rows home: row proof, package and ledger receipt for each, in the order asked for."""
        return self._tracer.trace(evidence)

    def check_receipt(self, receipt: Receipt) -> Entry:
        """Return the act that a receipt of this node proves; IntegrityError where it proves nothing."""
        return self._tracer.check(receipt)


def _oversees(actor: Actor) -> bool:
    return actor.may(Permission.GRANT) or actor.may(Permission.SEE_AUDIT)
