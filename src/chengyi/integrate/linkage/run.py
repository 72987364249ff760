"""One linkage run, stage by stage; `people.link_people` calls the stages in order."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chengyi.integrate.linkage import chance, clustering, matcher, rules
from chengyi.integrate.linkage.blocking import block
from chengyi.integrate.linkage.columns import FIELDS, Floats, Halves, Ints, read_columns, relabel, understand
from chengyi.integrate.linkage.compare import compare
from chengyi.integrate.linkage.identity import complete, first_of, identify, sex_of
from chengyi.integrate.linkage.pairs import Pairs, plain
from chengyi.integrate.linkage.profiles import REHEARSED, make_profiles
from chengyi.integrate.linkage.settings import LinkageSettings, LinkageStats, Training
from chengyi.model.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.store.ports import Tables

_NOBODY = np.empty(0, dtype=np.int64)
_LIKELY = 0.0


class Run:
    """The state of one run: profiles, then pairs, then probabilities, then clusters."""

    def __init__(self, mentions: "pa.Table", tables: "Tables", settings: LinkageSettings) -> None:
        _check(mentions)
        self.tables, self.settings = tables, settings
        self.numbers, self.columns = read_columns(mentions)
        self.columns["sex"] = relabel(self.columns["sex"], sex_of)
        self.training: Training = "none"
        self.labels = (0, 0)
        self.components = (0, 0)

    def identify(self) -> None:
        """Find the known people and the distinct profiles."""
        self.identity = identify(self.columns)
        completed = complete(self.columns, self.identity)
        self.profiles = make_profiles(self.columns, completed, self.identity, self.settings)
        self.people = understand(self.profiles.columns)

    def block(self) -> None:
        """Find the candidate pairs, and set those of rehearsed profiles aside as lessons."""
        profiles = self.profiles
        found = block(self.people, profiles, self.tables, self.settings)
        left, right = found.left, found.right
        lesson = profiles.roles[right] == REHEARSED
        other = np.flatnonzero(lesson & (profiles.rows[left] != profiles.rows[right]))
        other = other[matcher.sample(len(other))]
        self.lessons = (left[other], right[other])
        self.candidates = (left[~lesson], right[~lesson])
        self.blocking = replace(found, left=_NOBODY, right=_NOBODY)

    def compare(self) -> None:
        """Turn the candidate pairs into features, rules and evidence of ids."""
        self.pairs = self._look(*self.candidates)
        self.candidates = (_NOBODY, _NOBODY)

    def judge(self) -> None:
        """Give every pair its odds, and those that blocking left out inside components too."""
        self.model = self._teach() or self._start_cold()
        self.pairs = self.pairs.judged(self._odds(self.pairs.features, self.pairs.id_bits))
        self._complete_components()
        if self.training == "cold_start" and self.settings.refine:
            self._refine()
        self.pairs = rules.relent(self.pairs, self.profiles.persons, _LIKELY)

    def cluster(self) -> None:
        """Form clusters of profiles and bring the known people's other mentions along."""
        labels, *counts = self._components()
        self.components = (counts[0], counts[1])
        self.clusters = self._to_mentions(self._cluster(labels))

    def stats(self) -> LinkageStats:
        """Return what the stages met."""
        return LinkageStats(
            mentions=len(self.numbers),
            profiles=self.profiles.count,
            known=int((self.identity.persons >= 0).sum()),
            suspended=int(self.identity.suspended.sum()),
            candidate_pairs=self.blocking.pairs,
            blocks=self.blocking.blocks,
            skipped_blocks=self.blocking.skipped,
            largest_block=self.blocking.largest,
            skew=self.blocking.skew,
            training=self.training,
            labels=self.labels,
            forbidden=int((~self.pairs.free).sum()),
            components=self.components[0],
            split_components=self.components[1],
            clusters=len(np.unique(self.clusters)),
        )

    def _look(self, left: Ints, right: Ints) -> Pairs:
        """Compare pairs; what two known people have in common does not matter."""
        profiles = self.profiles
        told = (profiles.persons[left] >= 0) & (profiles.persons[right] >= 0)
        pairs = plain(left, right, clustering.TIED)
        pairs.features[~told] = compare(self.people, left[~told], right[~told])
        barred = rules.barred(self.people, profiles, pairs.features, left, right)
        id_bits, near = rules.id_evidence(profiles.ids, left, right)
        return replace(pairs, barred=barred, near_id=near, id_bits=id_bits)

    def _teach(self) -> matcher.Matcher | None:
        left, right = self.lessons
        persons = self.profiles.persons
        same = persons[left] == persons[right]
        if min(same.sum(), (~same).sum()) < self.settings.minimum_labels:
            return None
        self.training, self.labels = "known_ids", (int(same.sum()), int((~same).sum()))
        return matcher.train(compare(self.people, left, right), same, persons[right])

    def _start_cold(self) -> chance.ChanceModel | None:
        if not len(self.pairs):
            return None
        self.training = "cold_start"
        return chance.learn(self.people, chance.cut(self.pairs.features))

    def _odds(self, features: Halves, id_bits: Floats) -> Floats:
        if self.model is None:
            return id_bits
        if isinstance(self.model, chance.ChanceModel):
            return self.model.log_odds(chance.cut(features)) + id_bits
        return self.model.log_odds(features) + id_bits

    def _complete_components(self) -> None:
        """Forget the pairs that tie nobody, and add those inside components that blocking did not propose."""
        self._tie_known()
        labels, *_ = self._components()
        self.pairs = self.pairs.take(labels[self.pairs.left] == labels[self.pairs.right])
        left, right = clustering.missing_pairs(labels, self.pairs.left, self.pairs.right, self.settings.pair_budget)
        missing = self._look(left, right)
        persons = self.profiles.persons
        open_ = (persons[left] < 0) | (persons[right] < 0)
        missing.odds[open_] = self._odds(missing.features[open_], missing.id_bits[open_])
        self.pairs = self.pairs.plus(missing)

    def _tie_known(self) -> None:
        """Tie the profiles of each known person whom some open profile may join."""
        persons = self.profiles.persons[: self.profiles.count]
        close = (self.pairs.odds >= self.settings.edge_odds) & self.pairs.free
        touched = np.unique(persons[np.concatenate([self.pairs.left[close], self.pairs.right[close]])])
        rows = np.flatnonzero(np.isin(persons, touched[touched >= 0]))
        rows = rows[np.argsort(persons[rows], kind="stable")]
        first = rows[np.searchsorted(persons[rows], persons[rows])]
        more = first != rows
        self.pairs = self.pairs.plus(plain(first[more], rows[more], clustering.TIED))

    def _components(self) -> tuple[Ints, int, int]:
        free = self.pairs.take(self.pairs.free)
        settings = self.settings
        return clustering.components(self.profiles.count, free, settings.edge_odds, settings.component_cap)

    def _cluster(self, labels: Ints) -> Ints:
        return clustering.cluster(labels, self.pairs, self.settings.threshold)

    def _refine(self) -> None:
        """Learn once from the clusters that the cold start found, then judge every pair again."""
        pairs = self.pairs
        found = self._cluster(self._components()[0])
        same = found[pairs.left] == found[pairs.right]
        lesson = np.flatnonzero(pairs.odds < clustering.TIED)
        chosen = lesson[matcher.sample(len(lesson))]
        if min(same[chosen].sum(), (~same)[chosen].sum()) < self.settings.minimum_labels:
            return
        self.model = matcher.train(pairs.features[chosen], same[chosen], found[pairs.left[chosen]], calibrate=False)
        pairs.odds[lesson] = self._odds(pairs.features[lesson], pairs.id_bits[lesson])

    def _to_mentions(self, found: Ints) -> Ints:
        """Return for each mention the place of the first mention of its cluster."""
        profiles, persons = self.profiles, self.identity.persons
        mine = profiles.persons[: profiles.count]
        lead = first_of(mine)
        joined = np.where(mine[found] >= 0, found[lead[mine[found]]], found)
        cluster = joined[np.where(persons >= 0, lead[persons], profiles.profile_of)]
        _, first, back = np.unique(cluster, return_index=True, return_inverse=True)
        return np.asarray(first[back], dtype=np.int64)


def _check(mentions: "pa.Table") -> None:
    import pyarrow.compute as pc

    missing = sorted({"mention", *FIELDS} - set(mentions.column_names))
    if missing:
        raise UsageError(why="columns are missing: " + ", ".join(missing))
    if mentions["mention"].null_count or pc.count_distinct(mentions["mention"]).as_py() != len(mentions):
        raise UsageError(why="mention numbers must be present and unique")
