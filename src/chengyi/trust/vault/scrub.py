"""Scrubbing: reading every stored byte now and then, without any key.

Keeps promise 2: never altered unnoticed. Rules:

1. A round goes over the fragments of a store in the order of their keys; it goes on where it was interrupted.
2. No more than a budget of bytes is read in a day, over all stores; the next call, or the next day, goes on.
3. Every piece is hashed and compared with its leaf, the leaves with the signed manifest, the manifest with the version
   that counts. What does not fit is put on the list for repair.
4. Each call is one act a store on record, with counts and the objects found damaged.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Reporter, Step
from chengyi.model.text import Text
from chengyi.trust.ports import Audit
from chengyi.trust.vault.faults import FaultKind, FragmentFault
from chengyi.trust.vault.fragment import open_fragment, parse_key
from chengyi.trust.vault.gathering import fault_of
from chengyi.trust.vault.pieces import piece_of
from chengyi.trust.vault.rounds import Round, Rounds
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.vault import FragmentVault

_NAMED = 100
_EVERY = 64


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """What one call did on one store: fragments and bytes read, damages found, whether the round is done."""

    store: str
    checked: int
    bytes: int
    damages: tuple[FragmentFault, ...]
    done: bool


class Scrubber:
    """Scrubs the stores of a vault; `budget` is in bytes a day, 0 for no limit."""

    def __init__(self, vault: FragmentVault, rounds: Rounds, clock: Clock, budget: int) -> None:
        self._vault, self._rounds, self._clock, self._budget = vault, rounds, clock, budget

    def run(self, actor: str, audit: Audit, reporter: Reporter) -> list[Scrubbed]:
        """Scrub every store in use as far as today's budget goes."""
        sites = [site for site in self._vault.sites if not site.leaving]
        done = []
        for site in sites:
            found = self._store(site, reporter)
            done.append(found)
            audit.record(_act(found, actor))
        return done

    def _left(self) -> float:
        """Return how many bytes may still be read today."""
        if not self._budget:
            return float("inf")
        today = self._clock.now().date().isoformat()
        rounds = [self._rounds.get(_name(site.id)) for site in self._vault.sites]
        return self._budget - sum(each.spent for each in rounds if each is not None and each.day == today)

    def _store(self, site: Site, reporter: Reporter) -> Scrubbed:
        round = self._rounds.open(_name(site.id), self._clock.now())
        try:
            keys = site.call(lambda: list(site.objects.sizes()))
        except (ChengyiError, OSError) as error:
            fault = fault_of("", 0, site.id, error)
            return Scrubbed(site.id, 0, 0, (fault,), False)
        todo = keys[bisect_right(keys, (round.after, 1 << 62)) :] if round.after else keys
        title = Text(f"巡检存储点 {site.id}", f"Scrub store {site.id}")
        with reporter.step(title, len(todo)) as step:
            return self._round(site, todo, round, step)

    def _round(self, site: Site, todo: Sequence[tuple[str, int]], round: Round, step: Step) -> Scrubbed:
        start, left, damages, saved = round, self._left(), list[FragmentFault](), 0
        done = True
        for key, size in todo:
            if round.spent - start.spent + size > left:
                done = False
                break
            damages += self._check(site, key)
            round = round.past(key, size)
            step.advance()
            if round.checked % _EVERY == 0:
                self._save(round, damages[saved:])
                saved = len(damages)
        self._save(replace(round, done_at=self._clock.now()) if done else round, damages[saved:])
        return Scrubbed(site.id, round.checked - start.checked, round.bytes - start.bytes, tuple(damages), done)

    def _save(self, round: Round, damages: Sequence[FragmentFault]) -> None:
        if damages:
            self._rounds.damaged(damages, self._clock.now())
        self._rounds.put(round)

    def _check(self, site: Site, key: str) -> list[FragmentFault]:
        parsed = parse_key(key)
        if parsed is None or parsed[1] != self._vault.versions.expected(parsed[0]).version:
            return []
        object, version = parsed
        try:
            self._read(site, object, version)
        except (ChengyiError, OSError) as error:
            fault = fault_of(object, version, site.id, error)
            self._vault.on_fault(fault)
            return [] if fault.kind in {FaultKind.UNREACHABLE, FaultKind.MISSING} else [fault]
        return []

    def _read(self, site: Site, object: str, version: int) -> None:
        verifier, wanted = self._vault.keys.verifier, self._vault.versions.expected(object).manifest
        fragment = site.call(lambda: open_fragment(site.objects, object, version, verifier, wanted))
        for stripe in range(fragment.manifest.stripes):
            site.call(lambda stripe=stripe: piece_of(fragment, site, stripe))  # type: ignore[misc]


def _name(store: str) -> str:
    return f"scrub:{store}"


def _act(found: Scrubbed, actor: str) -> Act:
    detail: dict[str, Json] = {
        "checked": found.checked,
        "bytes": found.bytes,
        "damaged": len(found.damages),
        "objects": [each.object for each in found.damages[:_NAMED]],
        "done": found.done,
    }
    return Act(ActKind.SCRUBBED, actor, f"store:{found.store}", detail)
