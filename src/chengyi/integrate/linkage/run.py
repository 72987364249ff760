"""One linkage run, stage by stage; `people.link_people` calls the stages in order."""

from typing import TYPE_CHECKING

import numpy as np

from chengyi.integrate.linkage import chance, clustering, matcher, outcome, rules
from chengyi.integrate.linkage.blocking import REHEARSED, block
from chengyi.integrate.linkage.columns import FIELDS, Bools, Floats, Ints, read_columns, relabel, understand
from chengyi.integrate.linkage.compare import FEATURES, compare
from chengyi.integrate.linkage.identity import complete, identify, sex_of
from chengyi.integrate.linkage.profiles import make_profiles
from chengyi.integrate.linkage.settings import Linkage, LinkageSettings, LinkageStats, Training
from chengyi.model.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.store.ports import Tables

_NO_PAIRS = np.empty(0, dtype=np.int64)


class Run:
    """The state of one run: profiles, then pairs, then probabilities, then clusters."""

    def __init__(self, mentions: "pa.Table", tables: "Tables", settings: LinkageSettings) -> None:
        _check(mentions)
        self.tables, self.settings = tables, settings
        self.numbers, self.columns = read_columns(mentions)
        self.columns["sex"] = relabel(self.columns["sex"], sex_of)
        self.left, self.right = _NO_PAIRS, _NO_PAIRS
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
        self.blocking = block(
            self.people, profiles.roles, profiles.persons, profiles.ids, self.tables, self.settings
        )
        left, right = self.blocking.left, self.blocking.right
        lesson = profiles.roles[right] == REHEARSED
        self.left, self.right = left[~lesson], right[~lesson]
        other = lesson & (profiles.rows[left] != profiles.rows[right])
        self.lessons = (left[other], right[other])

    def compare(self) -> None:
        """Turn the candidate pairs into features, rules and evidence of ids."""
        self.features = compare(self.people, self.left, self.right)
        self.apart, self.id_bits, self.near_id = self._judge_rules(self.left, self.right, self.features)

    def judge(self) -> None:
        """Give every pair its log odds, and those that blocking left out inside components too."""
        self.model = self._teach() or self._start_cold()
        self.odds = self._odds(self.left, self.features, self.id_bits)
        self._complete_components()
        if self.training == "cold_start" and self.settings.refine:
            self._refine()

    def cluster(self) -> None:
        """Form clusters of profiles and bring the known people's other mentions along."""
        labels, *counts = self._components()
        self.components = (counts[0], counts[1])
        found = self._cluster(labels)
        self.clusters = self._to_mentions(found)

    def outcome(self) -> Linkage:
        """Return clusters, edges with reasons, doubts and statistics."""
        return outcome.assemble(self, self._stats())

    def _judge_rules(self, left: Ints, right: Ints, features: Floats) -> tuple[Bools, Floats, Bools]:
        profiles = self.profiles
        apart = rules.forbidden(self.people, profiles.persons, profiles.single, features, left, right)
        return (apart, *rules.id_evidence(profiles.ids, left, right))

    def _teach(self) -> matcher.Matcher | None:
        chosen = matcher.sample(len(self.lessons[0]))
        left, right = self.lessons[0][chosen], self.lessons[1][chosen]
        persons = self.profiles.persons
        same = persons[left] == persons[right]
        if min(same.sum(), (~same).sum()) < self.settings.minimum_labels:
            return None
        self.training, self.labels = "known_ids", (int(same.sum()), int((~same).sum()))
        return matcher.train(compare(self.people, left, right), same, persons[right])

    def _start_cold(self) -> chance.ChanceModel | None:
        if not len(self.left):
            return None
        self.training = "cold_start"
        return chance.learn(self.people, chance.cut(self.features))

    def _odds(self, left: Ints, features: Floats, id_bits: Floats) -> Floats:
        if self.model is None:
            return np.zeros(len(left), dtype=np.float32)
        if isinstance(self.model, chance.ChanceModel):
            return self.model.log_odds(chance.cut(features)) + id_bits
        return self.model.log_odds(features) + id_bits

    def _complete_components(self) -> None:
        """Add the pairs inside components that blocking did not propose."""
        self._tie_known()
        labels, *_ = self._components()
        self._keep(labels[self.left] == labels[self.right])
        left, right = clustering.missing_pairs(labels, self.left, self.right, self.settings.pair_budget)
        persons = self.profiles.persons
        told = (persons[left] >= 0) & (persons[right] >= 0)
        features = np.full((len(left), len(FEATURES)), np.nan, dtype=np.float32)
        features[~told] = compare(self.people, left[~told], right[~told])
        apart, id_bits, near = self._judge_rules(left, right, features)
        odds = np.full(len(left), clustering.TIED, dtype=np.float32)
        odds[~told] = self._odds(left[~told], features[~told], id_bits[~told])
        self._append(left, right, features, apart, near, id_bits, odds)

    def _tie_known(self) -> None:
        """Tie the profiles of each known person whom some open profile may join."""
        persons = self.profiles.persons[: self.profiles.count]
        close = (self.odds >= self.settings.edge_odds) & ~self.apart
        touched = np.unique(persons[np.concatenate([self.left[close], self.right[close]])])
        rows = np.flatnonzero(np.isin(persons, touched[touched >= 0]))
        rows = rows[np.argsort(persons[rows], kind="stable")]
        first = rows[np.searchsorted(persons[rows], persons[rows])]
        left, right = first[first != rows], rows[first != rows]
        empty = np.zeros(len(left), dtype=np.bool_)
        features = np.full((len(left), len(FEATURES)), np.nan, dtype=np.float32)
        zero = np.zeros(len(left), dtype=np.float32)
        self._append(left, right, features, empty, empty, zero, zero + np.float32(clustering.TIED))

    def _append(
        self, left: Ints, right: Ints, features: Floats, apart: Bools, near: Bools, id_bits: Floats, odds: Floats
    ) -> None:
        self.left, self.right = np.concatenate([self.left, left]), np.concatenate([self.right, right])
        self.features = np.concatenate([self.features, features])
        self.apart, self.near_id = np.concatenate([self.apart, apart]), np.concatenate([self.near_id, near])
        self.id_bits, self.odds = np.concatenate([self.id_bits, id_bits]), np.concatenate([self.odds, odds])

    def _keep(self, kept: Bools) -> None:
        """Forget the pairs that tie nobody to anybody."""
        self.left, self.right, self.odds = self.left[kept], self.right[kept], self.odds[kept]
        self.features = self.features[kept]
        self.apart, self.near_id, self.id_bits = self.apart[kept], self.near_id[kept], self.id_bits[kept]

    def _components(self) -> tuple[Ints, int, int]:
        free = ~self.apart
        return clustering.components(
            self.profiles.count, self.left[free], self.right[free], self.odds[free],
            self.settings.edge_odds, self.settings.component_cap,
        )  # fmt: skip

    def _cluster(self, labels: Ints) -> Ints:
        likely = clustering.probability(self.odds)
        return clustering.cluster(labels, self.left, self.right, likely, self.apart, self.settings.threshold)

    def _refine(self) -> None:
        """Learn once from the clusters that the cold start found, then judge every pair again."""
        found = self._cluster(self._components()[0])
        same = found[self.left] == found[self.right]
        lesson = np.flatnonzero(self.odds < clustering.TIED)
        chosen = lesson[matcher.sample(len(lesson))]
        if min(same[chosen].sum(), (~same)[chosen].sum()) < self.settings.minimum_labels:
            return
        self.model = matcher.train(self.features[chosen], same[chosen], found[self.left[chosen]], calibrate=False)
        self.odds[lesson] = self._odds(self.left[lesson], self.features[lesson], self.id_bits[lesson])

    def _to_mentions(self, found: Ints) -> Ints:
        """Return for each mention the place of the first mention of its cluster."""
        profiles, persons = self.profiles, self.identity.persons
        stand = profiles.profile_of.copy()
        mine = profiles.persons[: profiles.count]
        known = np.flatnonzero(mine >= 0)
        lead = np.full(int(mine.max(initial=-1)) + 1, -1, dtype=np.int64)
        lead[mine[known][::-1]] = known[::-1]
        stand = np.where(persons >= 0, lead[persons] if len(lead) else stand, stand)
        joined = found[lead[mine[found]]] if len(lead) else found
        cluster = np.where(mine[found] >= 0, joined, found)[stand]
        _, first, back = np.unique(cluster, return_index=True, return_inverse=True)
        return first[back]  # type: ignore[no-any-return]

    def _stats(self) -> LinkageStats:
        return LinkageStats(
            mentions=len(self.numbers),
            profiles=self.profiles.count,
            known=int((self.identity.persons >= 0).sum()),
            suspended=int(self.identity.suspended.sum()),
            candidate_pairs=len(self.blocking.left),
            blocks=self.blocking.blocks,
            skipped_blocks=self.blocking.skipped,
            largest_block=self.blocking.largest,
            skew=self.blocking.skew,
            training=self.training,
            labels=self.labels,
            forbidden=int(self.apart.sum()),
            components=self.components[0],
            split_components=self.components[1],
            clusters=len(np.unique(self.clusters)),
        )


def _check(mentions: "pa.Table") -> None:
    import pyarrow.compute as pc

    missing = sorted({"mention", *FIELDS} - set(mentions.column_names))
    if missing:
        raise UsageError(why="columns are missing: " + ", ".join(missing))
    if mentions["mention"].null_count or pc.count_distinct(mentions["mention"]).as_py() != len(mentions):
        raise UsageError(why="mention numbers must be present and unique")
