"""Care for the fragments: how the stores are, scrubbing, repair, re-keying, and taking a store out of use.

Every kind of care is on record, tells its progress, can be interrupted at any moment, and goes on when it is called
again. One thing at a time: the caller holds the home's lock for what writes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.errors import ChengyiError, NotFoundError, UsageError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.store.rows import Rows
from chengyi.trust.ports import Audit
from chengyi.trust.vault.placement import Placement, Retirements
from chengyi.trust.vault.rekey import Rekeyer, RekeyReport
from chengyi.trust.vault.repair import Repaired, Repairer
from chengyi.trust.vault.rounds import Rounds
from chengyi.trust.vault.scrub import Scrubbed, Scrubber
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.survey import Survey
from chengyi.trust.vault.vault import FragmentVault


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One store: its part (used, leaving), what it holds, lacks, and has damaged, and when it was last scrubbed."""

    id: str
    part: str
    reachable: bool
    fragments: int
    bytes: int
    missing: int
    damaged: int
    scrubbed_at: datetime | None
    scrubbing: bool


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """The vault at a glance; `unreadable` objects are lost, or left-overs of writings that were cut off."""

    k: int
    n: int
    t: int
    suite: str
    objects: int
    unreadable: int
    stores: tuple[StoreStatus, ...]
    spare: tuple[str, ...]
    retired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retired:
    """What taking a store out of use did: fragments made in its replacement, and those that could not be."""

    store: str
    replacement: str
    fragments: int
    failed: tuple[tuple[str, str, ChengyiError], ...]

    @property
    def done(self) -> bool:
        """Tell whether the store is needed no more."""
        return not self.failed


class Care:
    """Cares for the vault of a home; `open` gives the vault anew where the placement changed."""

    def __init__(
        self,
        rows: Rows,
        audit: Audit,
        clock: Clock,
        actor: str,
        *,
        vault: Callable[[], FragmentVault],
        placement: Callable[[], Placement],
        scrub_bytes_per_day: int = 0,
    ) -> None:
        self._audit, self._clock, self._actor = audit, clock, actor
        self._rounds = Rounds(rows)
        self._retirements = Retirements(rows)
        self._open, self._placement = vault, placement
        self._budget = scrub_bytes_per_day

    def status(self, reporter: Reporter) -> VaultStatus:
        """Take stock of every store."""
        vault, placement = self._open(), self._placement()
        objects = unreadable = 0
        missing = {site.id: 0 for site in vault.sites}
        with reporter.step(Text("清点分片", "Take stock of fragments")) as step:
            for found in Survey(vault):
                objects, unreadable = objects + found.readable, unreadable + (not found.readable)
                for store in found.lacking:
                    missing[store] += 1
                step.advance()
        shape, damages = vault.shape, [each.store for each in self._rounds.damages()]
        stores = tuple(self._store(site, missing[site.id], damages.count(site.id)) for site in vault.sites)
        return VaultStatus(
            *(shape.k, shape.n, shape.t, shape.suite, objects, unreadable), stores, placement.spare, placement.retired
        )

    def scrub(self, reporter: Reporter) -> list[Scrubbed]:
        """Read stored bytes again as far as today's budget goes."""
        return Scrubber(self._open(), self._rounds, self._clock, self._budget).run(self._actor, self._audit, reporter)

    def repair(self, reporter: Reporter) -> Repaired:
        """Make missing and damaged fragments anew."""
        return Repairer(self._open(), self._rounds).run(self._actor, self._audit, reporter)

    def rekey(self, objects: Sequence[str], reporter: Reporter) -> RekeyReport:
        """Give these objects new keys, or all where none is named."""
        rekeyer = Rekeyer(self._open(), self._rounds, self._clock)
        if objects:
            return rekeyer.run(objects, self._actor, self._audit, reporter)
        return rekeyer.run_all(self._actor, self._audit, reporter)

    def retire(self, store: str, replacement: str, reporter: Reporter) -> Retired:
        """Take a store out of use, lost or not; its fragments are made in the replacement (a spare; "" for the first).

        NotFoundError where the store is not in use, UsageError where no spare is there. Safe to repeat after an
        interruption.
        """
        replacement = self._begin(store, replacement)
        vault = self._open()
        survey = Survey(vault)
        wanted = [(replacement, found.object) for found in survey if replacement in found.lacking]
        repairer = Repairer(vault, self._rounds)
        done, failed = repairer.restore(wanted, self._actor, self._audit, reporter, ActKind.REPAIRED)
        if not failed:
            detail: dict[str, Json] = {"replacement": replacement, "fragments": len(done)}
            self._audit.record(Act(ActKind.RETIRED, self._actor, f"store:{store}", detail))
            self._retirements.finish(store, self._clock.now())
            self._open()
        return Retired(store, replacement, len(done), failed)

    def _begin(self, store: str, replacement: str) -> str:
        placement, known = self._placement(), self._retirements.known()
        if store in placement.leaving:
            return known[store][0]
        if store not in placement.used:
            raise NotFoundError(kind="在用的存储点 store in use", id=store)
        replacement = replacement or next(iter(placement.spare), "")
        if replacement not in placement.spare:
            named = "、".join(placement.spare) or "无 none"
            why = f"须有备用存储点作替代；现有备用：{named} (a spare store is needed; spares: {named})"
            raise UsageError(why=why)
        self._retirements.begin(store, replacement, self._clock.now())
        return replacement

    def _store(self, site: Site, missing: int, damaged: int) -> StoreStatus:
        round = self._rounds.get(f"scrub:{site.id}")
        try:
            sizes = site.call(lambda: [size for _, size in site.objects.sizes()])
            reachable = True
        except (ChengyiError, OSError):
            sizes, reachable = [], False
        return StoreStatus(
            id=site.id,
            part="leaving" if site.leaving else "used",
            reachable=reachable,
            fragments=len(sizes),
            bytes=sum(sizes),
            missing=missing,
            damaged=damaged,
            scrubbed_at=round.done_at if round else None,
            scrubbing=round is not None and round.done_at is None,
        )
