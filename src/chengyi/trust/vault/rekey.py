"""Re-keying: a new key for an object, so that whatever leaked of the old one opens nothing any more.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules:

1. The bytes are read through every check, sealed under a new random key, and written as the next version, which names
   the manifest before it.
2. A batch of new versions is durable first, then on record as an act, then made to count in one transaction; only then
   are the old fragments removed. From that moment an old version is refused, even where all stores bring it back.
3. An interruption at any step leaves every object readable in exactly one version; left-overs are removed by the next
   re-keying or repair. Re-keying everything goes on where it was interrupted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.trust.ports import Audit
from chengyi.trust.vault.fragment import key_of
from chengyi.trust.vault.rounds import Rounds
from chengyi.trust.vault.survey import Survey, Surveyed
from chengyi.trust.vault.vault import FragmentVault
from chengyi.trust.vault.versions import Rekeyed

BATCH = 50
_ROUND = "rekey"


@dataclass(slots=True)
class RekeyReport:
    """What a re-keying did, and what could not be re-keyed."""

    rekeyed: list[Rekeyed] = field(default_factory=list)
    failed: list[tuple[str, ChengyiError]] = field(default_factory=list)


class Rekeyer:
    """Re-keys objects of a vault."""

    def __init__(self, vault: FragmentVault, rounds: Rounds, clock: Clock) -> None:
        self._vault, self._rounds, self._clock = vault, rounds, clock

    def run(self, objects: Sequence[str], actor: str, audit: Audit, reporter: Reporter) -> RekeyReport:
        """Re-key these objects."""
        report = RekeyReport()
        with reporter.step(Text("更换密钥", "Re-key"), len(objects)) as step:
            for start in range(0, len(objects), BATCH):
                batch = objects[start : start + BATCH]
                self._batch(batch, actor, audit, report)
                step.advance(len(batch))
        return report

    def run_all(self, actor: str, audit: Audit, reporter: Reporter) -> RekeyReport:
        """Re-key every object, or the rest of them where a re-keying of all was interrupted."""
        report = RekeyReport()
        round = self._rounds.open(_ROUND, self._clock.now())
        survey = Survey(self._vault)
        with reporter.step(Text("更换全部密钥", "Re-key everything")) as step:
            todo = self._todo(survey, round.after)
            while batch := list(islice(todo, BATCH)):
                self._batch([each.object for each in batch], actor, audit, report)
                round = replace(round, after=batch[-1].object, checked=round.checked + len(batch))
                self._rounds.put(round)
                step.advance(len(batch))
        self._rounds.put(replace(round, done_at=self._clock.now()))
        return report

    def _todo(self, survey: Survey, after: str) -> Iterator[Surveyed]:
        for found in survey:
            if found.readable and found.leftover:
                survey.sweep(found)
            if found.readable and found.object > after:
                yield found

    def _batch(self, objects: Sequence[str], actor: str, audit: Audit, report: RekeyReport) -> None:
        new: list[Rekeyed] = []
        for object in objects:
            try:
                new.append(self._one(object))
            except ChengyiError as error:
                report.failed.append((object, error))
        if not new:
            return
        detail: dict[str, Json] = {"objects": [list(each) for each in new], "count": len(new)}
        audit.record(Act(ActKind.REKEYED, actor, "vault", detail))
        self._vault.versions.record(new, self._clock.now())
        for each in new:
            self._remove(each.object, each.version - 1)
        report.rekeyed += new

    def _one(self, object: str) -> Rekeyed:
        gathered = self._vault.gather(object)
        version, prior = gathered.manifest.version + 1, gathered.signed.digest
        with self._vault.open(object) as plain:
            stored = self._vault.write(object, version, prior, plain)
        return Rekeyed(object, version, stored.manifest)

    def _remove(self, object: str, version: int) -> None:
        for site in self._vault.sites:
            key = key_of(object, version)
            try:
                site.call(lambda at=site, key=key: at.objects.delete(key))  # type: ignore[misc]
            except (ChengyiError, OSError):
                continue  # the next repair removes it; it is refused already
