"""What a linkage run is told, and what it gives back.

Rules: every number that steers a run is a named setting with a stated meaning; nothing in a result depends on the
order of the rows that came in.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

Training = Literal["known_ids", "cold_start", "none"]


@dataclass(frozen=True, slots=True)
class LinkageSettings:
    """How people are linked.

    Args:
        single_sources: sources in which one person is mentioned at most once, so two of their mentions never link.
        threshold: mean probability above which two groups become one (average linkage).
        edge_floor: probability above which a pair ties two mentions into one component, before clustering.
        doubt_floor: probability above which a pair that was not joined is reported for a person to decide.
        block_cap: largest side of a block; a code shared by more mentions makes no pairs and is reported.
        pair_budget: most candidate pairs to compare; those that share the rarest codes are kept.
        pairs_each: most candidate pairs for each profile that is looked up, on average.
        component_cap: most groups to cluster at once; larger components get a higher `edge_floor`.
        minimum_labels: matching pairs with known ids below which the matcher starts cold (Fellegi-Sunter EM).
        training_people: most people with known ids who are looked up as if their id were unknown.
        refine: whether a cold start is followed by one round of learning from its own clusters.
        representatives: most distinct profiles of one known person that are compared; the others follow by id.
    """

    single_sources: frozenset[str] = field(default_factory=frozenset)
    threshold: float = 0.3
    edge_floor: float = 0.2
    doubt_floor: float = 0.2
    block_cap: int = 60
    pair_budget: int = 3_000_000
    pairs_each: int = 30
    component_cap: int = 1_500
    minimum_labels: int = 300
    training_people: int = 1_500
    refine: bool = True
    representatives: int = 12

    @property
    def edge_odds(self) -> float:
        """The edge floor as log2 odds."""
        return math.log2(self.edge_floor / (1 - self.edge_floor))


@dataclass(frozen=True, slots=True)
class LinkageStats:
    """What happened in a run, stage by stage.

    Attributes:
        mentions: rows that came in.
        profiles: distinct profiles that were compared.
        known: mentions whose citizen id is valid and not suspected of being shared.
        suspended: mentions whose valid id is also used by a clearly different person.
        candidate_pairs: pairs that were compared.
        blocks: codes shared by at least two profiles.
        skipped_blocks: codes above the cap, which made no pairs.
        largest_block: profiles under the most frequent code.
        skew: the largest skipped blocks as (code kind, profiles).
        training: how the matcher was trained.
        labels: labelled pairs it was trained on, as (matching, different).
        forbidden: candidate pairs that a rule kept apart.
        components: components that were clustered, and `split_components` those above the cap.
        clusters: people found.
    """

    mentions: int = 0
    profiles: int = 0
    known: int = 0
    suspended: int = 0
    candidate_pairs: int = 0
    blocks: int = 0
    skipped_blocks: int = 0
    largest_block: int = 0
    skew: tuple[tuple[str, int], ...] = ()
    training: Training = "none"
    labels: tuple[int, int] = (0, 0)
    forbidden: int = 0
    components: int = 0
    split_components: int = 0
    clusters: int = 0


@dataclass(frozen=True, slots=True)
class Linkage:
    """The outcome of a run.

    Attributes:
        clusters: `mention`, `cluster` (both int64), one row a mention; a cluster is named by its smallest mention.
        edges: `left`, `right` (int64), `probability` (float64), `reasons` (list of codes of `REASONS`):
            why mentions of one cluster belong together.
        doubts: the same columns: pairs that were not joined but may deserve a person's look, likeliest first.
        stats: what happened, stage by stage.
    """

    clusters: "pa.Table"
    edges: "pa.Table"
    doubts: "pa.Table"
    stats: LinkageStats
