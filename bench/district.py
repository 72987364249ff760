"""The district room by room, and how well its people were linked."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.district import generate
from chengyi.integrate.linkage.scores import PairScores, score_pairs
from chengyi.integrate.rows import dossier_members
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node

_QUIET = SilentReporter()
Place = tuple[str, str, int, int]


def measure(ground: Ground) -> Result:
    """Seconds a room on the demonstration district; people and mentions linked per second; F1 against its truth."""
    laps: dict[str, list[float]] = defaultdict(list)
    scores: list[PairScores] = []
    mentions = 0
    for _ in range(1 if ground.quick else min(3, ground.runs)):
        home = ground.fresh("district")
        Node.create(home, "bench", zh="测速", en="bench", department="测速", demonstration=True).close()
        laps["generate (not part of the river)"].append(timed(lambda home=home: generate(home, ground.people)))  # type: ignore[misc]
        node = Node(home)
        for room, work in _rooms(node).items():
            laps[room].append(timed(work))
        places, dossiers = _linked(node)
        node.close()
        mentions = len(places)
        scores.append(_score(home, places, dossiers))
    link = laps["link"]
    figures = [Figure(room, "s", tuple(seconds)) for room, seconds in laps.items()]
    figures += [
        Figure("people linked", "people/s", tuple(ground.people / seconds for seconds in link)),
        Figure("mentions linked", "mentions/s", tuple(mentions / seconds for seconds in link)),
        Figure("precision of pairs", "", tuple(each.precision for each in scores)),
        Figure("recall of pairs", "", tuple(each.recall for each in scores)),
        Figure("F1 of pairs", "", tuple(each.f1 for each in scores)),
    ]
    about = (
        f"{ground.people:,} people, {mentions:,} mentions of them in the departments' tables, with the errors that the "
        "generator put in. Linking is the whole step: people, households, organisations, dossiers and their rows. "
        "Pairs of mentions are scored against the truth, which the product never reads."
    )
    return Result("district", "The district, room by room", about, tuple(figures))


def _rooms(node: Node) -> dict[str, Callable[[], object]]:
    return {
        "collect": lambda: node.collect.collect(node.actor, _QUIET),
        "archive": lambda: node.archive.keep_pending(node.actor, _QUIET),
        "integrate": lambda: node.integrate.update(node.actor, _QUIET),
        "link": lambda: node.integrate.link(node.actor, _QUIET),
        "share": lambda: node.share.publish(node.actor),
        "brain": lambda: node.brain.compute(_QUIET),
    }


def _linked(node: Node) -> tuple[list[Place], list[str]]:
    """Return where each mention of a person stands (source, delivery, row, number in the row), and its dossier."""
    delivery = {
        package.ref: (package.source, package.metadata["sequence"])
        for source in node.collect.sources
        for package in node.archive.since(source.id, -1)
    }
    member = dossier_members.c
    ours = select(member.package, member.row, member.entity, member.dossier).where(member.kind == "person")
    with node.rows.read() as connection:
        found = connection.execute(ours.order_by(member.package, member.row, member.entity)).all()
    places: list[Place] = []
    before, number = ("", 0), 0
    for each in found:
        number = number + 1 if (each.package, each.row) == before else 0
        before = (each.package, each.row)
        places.append((*delivery[each.package], each.row, number))
    return places, [each.dossier for each in found]


def _score(home: Path, places: list[Place], dossiers: list[str]) -> PairScores:
    import pyarrow.parquet as pq

    truth = pq.read_table(home / "truth" / "people.parquet").to_pydict()
    keys = zip(truth["source"], truth["delivery"], truth["row"], truth["entity"], strict=True)
    person = dict(zip(keys, truth["person"], strict=True))
    known = [(person[place], dossier) for place, dossier in zip(places, dossiers, strict=True) if place in person]
    if len(known) < len(places) * 0.9:
        raise AssertionError(f"the truth knows only {len(known)} of {len(places)} mentions")
    return score_pairs([truth for truth, _ in known], [dossier for _, dossier in known])
