"""What a run tells: clusters, the edges that made them with reasons, and doubts for a person to settle.

Rules: every cluster of several mentions is connected by its edges; a doubt is a pair that was left apart although it
is fairly likely, likeliest first; reasons are observations, in the order of `REASONS`.
"""

from typing import TYPE_CHECKING

import numpy as np

from chengyi.integrate.linkage.clustering import TIED, probability
from chengyi.integrate.linkage.columns import Bools, Floats, Halves, Ints
from chengyi.integrate.linkage.compare import PLACE
from chengyi.integrate.linkage.identity import first_of
from chengyi.integrate.linkage.pairs import FAMILY
from chengyi.integrate.linkage.reasons import REASONS
from chengyi.integrate.linkage.settings import Linkage

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.integrate.linkage.run import Run

_RARE = 10.0
_SIMILAR = 0.85
_DOUBTS = 10_000
_SAME_PROFILE = 0.999


def assemble(run: "Run") -> Linkage:
    """Return the outcome of a run whose stages are done."""
    import pyarrow as pa

    numbers = run.numbers
    clusters = pa.table({"mention": numbers, "cluster": numbers[run.clusters]})
    return Linkage(clusters, _edges(run), _doubts(run), run.stats())


def _edges(run: "Run") -> "pa.Table":
    import pyarrow as pa

    pairs, likely = run.pairs, probability(run.pairs.odds)
    together = _clusters(run)[pairs.left] == _clusters(run)[pairs.right]
    joined = together & (likely >= run.settings.threshold) & pairs.free & (pairs.odds < TIED)
    tables = [_table(run, np.flatnonzero(joined), likely), *_stars(run)]
    return pa.concat_tables(tables).sort_by([("left", "ascending"), ("right", "ascending")])


def _clusters(run: "Run") -> Ints:
    return run.clusters[run.profiles.rows[: run.profiles.count]]


def _stars(run: "Run") -> "list[pa.Table]":
    """Tie each known mention to the first of its person, and each open one to the first of its profile."""
    profiles, persons = run.profiles, run.identity.persons
    rows = np.arange(len(persons))
    first = first_of(persons)[persons]
    tied = np.flatnonzero((persons >= 0) & (first != rows))
    lead = profiles.rows[profiles.profile_of]
    twin = np.flatnonzero((persons < 0) & (lead != rows))
    return [
        _star(run.numbers, first[tied], tied, 1.0, "same_id"),
        _star(run.numbers, lead[twin], twin, _SAME_PROFILE, "same_profile"),
    ]


def _star(numbers: Ints, left: Ints, right: Ints, likely: float, reason: str) -> "pa.Table":
    import pyarrow as pa

    return pa.table(
        {
            "left": numbers[left],
            "right": numbers[right],
            "probability": np.full(len(left), likely),
            "reasons": pa.array([[reason]] * len(left), pa.list_(pa.string())),
        }
    )


def _doubts(run: "Run") -> "pa.Table":
    pairs, likely = run.pairs, probability(run.pairs.odds)
    split = _clusters(run)[pairs.left] != _clusters(run)[pairs.right]
    rows = np.flatnonzero(split & (likely >= run.settings.doubt_floor) & (pairs.odds < TIED))
    rows = rows[np.lexsort((pairs.right[rows], pairs.left[rows], -likely[rows]))][:_DOUBTS]
    return _table(run, rows, likely)


def _table(run: "Run", rows: Ints, likely: Floats) -> "pa.Table":
    import pyarrow as pa

    codes, held = observe(run, rows)
    hits, places = np.nonzero(held)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(hits, minlength=len(rows)))]).astype(np.int32)
    values = pa.array(codes, pa.string()).take(pa.array(places))
    ends = run.numbers[run.profiles.rows]
    return pa.table(
        {
            "left": ends[run.pairs.left[rows]],
            "right": ends[run.pairs.right[rows]],
            "probability": likely[rows].astype(np.float64),
            "reasons": pa.ListArray.from_arrays(pa.array(offsets), values),
        }
    )


def observe(run: "Run", rows: Ints) -> tuple[list[str], Bools]:
    """Return the reason codes, and for each pair which of them hold."""
    pairs, profiles = run.pairs.take(rows), run.profiles
    held = _agreements(pairs.features) | _differences(pairs.features)
    sources, suspended = run.people.source.codes, run.identity.suspended[profiles.rows]
    left, right = pairs.left, pairs.right
    held["near_id"] = pairs.near_id
    held["same_single_source"] = profiles.single[left] & profiles.single[right] & (sources[left] == sources[right])
    held["different_ids"] = (profiles.persons[left] >= 0) & (profiles.persons[right] >= 0)
    held["shared_id"] = suspended[left] | suspended[right]
    held["same_household_other_person"] = pairs.barred == FAMILY
    matrix = np.column_stack([held.get(code, np.zeros(len(rows), dtype=np.bool_)) for code in REASONS])
    matrix[:, list(REASONS).index("overall")] = ~matrix.any(axis=1)
    return list(REASONS), matrix


def _agreements(features: Halves) -> dict[str, Bools]:
    column = {name: features[:, place] for name, place in PLACE.items()}
    name, birth, address = column["name_level"], column["birth_level"], column["address_level"]
    similar = (name == 2) | ((name < 2) & (column["name_sorted"] >= _SIMILAR))
    return {
        "same_name": (name == 5) & (column["name_bits"] < _RARE),
        "rare_name": (name == 5) & (column["name_bits"] >= _RARE),
        "variant_name": name == 4,
        "sound_name": name == 3,
        "similar_name": similar,
        "same_birth_date": birth == 5,
        "similar_birth_date": (birth == 4) | (birth == 3),
        "same_birth_year": birth == 2,
        "same_sex": column["sex_same"] == 1,
        "same_address": address == 3,
        "similar_address": address == 2,
        "same_phone": column["phone_level"] == 2,
        "similar_phone": column["phone_level"] == 1,
        "same_household": column["household_same"] == 1,
        "same_extra": column["extra_level"] == 2,
    }


def _differences(features: Halves) -> dict[str, Bools]:
    column = {name: features[:, place] for name, place in PLACE.items()}
    return {
        "different_name": (column["name_level"] <= 1) & (column["name_sorted"] < _SIMILAR),
        "different_birth_date": column["birth_level"] <= 1,
        "different_sex": column["sex_same"] == 0,
    }
