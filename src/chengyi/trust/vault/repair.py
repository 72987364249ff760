"""Repair: making lost and damaged fragments anew, key share included, from those that are good.

Keeps promises 2 (never altered) and 8 (bad input loses nothing). Rules:

1. A fragment is rebuilt to exactly what the manifest says of it: its pieces by the code, its key share from t others;
   the manifest does not change. The root of its leaves is compared before it is finished.
2. It is written like any other: durable before the old one counts as replaced, whole or not at all. An interruption
   leaves the rest for the next call.
3. The data key itself is put together for the moment of rebuilding a share only.
4. Each batch is one act on record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.errors import ChengyiError, IntegrityError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.trust.ports import Audit
from chengyi.trust.vault import shares
from chengyi.trust.vault.fragment import ending, key_of
from chengyi.trust.vault.gathering import Gathered
from chengyi.trust.vault.pieces import Pieces
from chengyi.trust.vault.rounds import Rounds
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.spreading import Writing
from chengyi.trust.vault.survey import Survey
from chengyi.trust.vault.vault import FragmentVault

BATCH = 100


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did: fragments made anew (store, object), those that could not be and why, left-overs removed."""

    fragments: tuple[tuple[str, str], ...]
    failed: tuple[tuple[str, str, ChengyiError], ...]
    swept: int = 0


@dataclass(slots=True)
class _Work:
    done: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str, ChengyiError]] = field(default_factory=list)
    recorded: int = 0


class Repairer:
    """Repairs the fragments of a vault."""

    def __init__(self, vault: FragmentVault, rounds: Rounds) -> None:
        self._vault, self._rounds = vault, rounds
        self._sites = {site.id: site for site in vault.sites}

    def run(self, actor: str, audit: Audit, reporter: Reporter) -> Repaired:
        """Make everything anew that is missing or on the list of damages."""
        wanted, swept = self._wanted(reporter)
        return Repaired(*self.restore(wanted, actor, audit, reporter, ActKind.REPAIRED), swept)

    def restore(
        self, wanted: Sequence[tuple[str, str]], actor: str, audit: Audit, reporter: Reporter, kind: ActKind
    ) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str, ChengyiError], ...]]:
        """Make the wanted fragments (store, object) anew, and put them on record batch by batch."""
        work = _Work()
        try:
            with reporter.step(Text("重建分片", "Rebuild fragments"), len(wanted)) as step:
                for store, object in wanted:
                    self._one(store, object, work)
                    step.advance()
                    if len(work.done) - work.recorded >= BATCH:
                        self._record(work, actor, audit, kind)
        finally:
            self._record(work, actor, audit, kind)
        return tuple(work.done), tuple(work.failed)

    def _wanted(self, reporter: Reporter) -> tuple[list[tuple[str, str]], int]:
        survey, swept = Survey(self._vault), 0
        wanted = {(each.store, each.object) for each in self._rounds.damages() if each.store in self._sites}
        with reporter.step(Text("清点分片", "Take stock of fragments")) as step:
            for found in survey:
                wanted |= {(store, found.object) for store in found.lacking}
                swept += survey.sweep(found) if found.readable and found.leftover else 0
                step.advance()
        return sorted(wanted, key=lambda each: each[::-1]), swept

    def _one(self, store: str, object: str, work: _Work) -> None:
        try:
            self.rebuild(object, self._sites[store])
        except ChengyiError as error:
            work.failed.append((store, object, error))
        else:
            work.done.append((store, object))

    def _record(self, work: _Work, actor: str, audit: Audit, kind: ActKind) -> None:
        new = work.done[work.recorded :]
        if not new:
            return
        stores: dict[str, Json] = {
            store: [object for at, object in new if at == store] for store in sorted({at for at, _ in new})
        }
        audit.record(Act(kind, actor, "vault", {"fragments": len(new), "stores": stores}))
        self._rounds.mended(new)
        work.recorded = len(work.done)

    def rebuild(self, object: str, site: Site) -> None:
        """Make the fragment of an object in one store anew; IntegrityError where too few others are good."""
        others = [each for each in self._vault.sites if each.id != site.id]
        gathered = self._vault.gather(object, everywhere=True, sites=others)
        index = self._index(gathered, site)
        writing = Writing(site, key_of(object, gathered.manifest.version))
        try:
            leaves = []
            for piece in _pieces(gathered, index):
                leaves.append(gathered.manifest.suite.hash.leaf(piece))
                writing.feed(piece)
            writing.feed(self._ending(gathered, index, leaves, site))
        except BaseException as error:
            writing.give_up(error)
            raise
        writing.finish()
        if isinstance(writing.error, ChengyiError):
            raise writing.error
        if writing.error is not None:
            raise IntegrityError(object=object, why=f"未能写入 {site.id} ({type(writing.error).__name__})")

    def _index(self, gathered: Gathered, site: Site) -> int:
        """Return which fragment belongs to a store: that of a leaving store, else its slot's, else a free one."""
        count = gathered.manifest.n
        leaving = {index for index, at in gathered.sites.items() if at.leaving}
        free = set(range(1, count + 1)) - (gathered.fragments.keys() - leaving)
        if not free:
            raise IntegrityError(object=gathered.object, why="没有空缺的分片 (no fragment is lacking)")
        slot = 1 + [each.id for each in self._vault.sites].index(site.id)
        return slot if slot in free else min(free & leaving or free)

    def _ending(self, gathered: Gathered, index: int, leaves: Sequence[bytes], site: Site) -> bytes:
        manifest = gathered.manifest
        if manifest.suite.hash.root(leaves) != manifest.roots[index - 1]:
            raise IntegrityError(
                object=manifest.object, why="重建结果与清单不符 (what was rebuilt breaks the manifest)"
            )
        share = gathered.opened.get(index) or shares.rebuild(manifest, gathered.opened, index)
        sealed = shares.seal(manifest.context, index, share, site.custodian.public())
        return ending(index, manifest.payload, leaves, sealed, gathered.signed.raw)


def _pieces(gathered: Gathered, index: int) -> Iterator[bytes | memoryview]:
    pieces, code = Pieces(gathered), gathered.manifest.code
    for number in range(gathered.manifest.stripes):
        good = pieces.pieces(number)
        wanted = good.get(index - 1)
        yield code.rebuild(good, index - 1, gathered.manifest.stripe_size(number)) if wanted is None else wanted
