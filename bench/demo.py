"""The demonstration: the whole command, and the command that brings it up to date when nothing is new."""

import json

from bench.figures import Figure, Result
from bench.ground import CommandError, Ground


def measure(ground: Ground) -> Result:
    """Wall time and peak memory of `chengyi demo --no-serve`, every time in a new home."""
    words = ("demo", "--no-serve", "--people", str(ground.people), "--home")
    ended = [ground.chengyi(*words, str(ground.fresh("demo-run"))) for _ in range(1 if ground.quick else 3)]
    figures = (
        Figure("whole command", "s", tuple(each.wall for each in ended), at_most=180),
        Figure("processor time", "s", tuple(each.cpu for each in ended)),
        Figure("peak memory", "MiB", tuple(each.peak_mib for each in ended), at_most=2048),
    )
    about = (
        f"`chengyi demo --no-serve` on {ground.people:,} people: the district is generated and runs through every "
        "room. The bar of 180 s includes setting up the environment, which is not measured here."
    )
    return Result("demo", "The demonstration", about, figures)


def measure_idle(ground: Ground) -> Result:
    """Wall time of `chengyi run` on the demonstration's home when nothing is new, as a whole process."""
    words = ("run", "--home", str(ground.demo), "--json")
    ground.chengyi(*words)
    ended = [ground.chengyi(*words) for _ in range(max(3, ground.runs))]
    for each in ended:
        if json.loads(each.said[each.said.index("{") :])["changed"]:
            raise CommandError("a run with nothing new changed something")
    figures = (
        Figure("whole command", "s", tuple(each.wall for each in ended), at_most=2),
        Figure("processor time", "s", tuple(each.cpu for each in ended)),
        Figure("peak memory", "MiB", tuple(each.peak_mib for each in ended)),
    )
    about = (
        f"`chengyi run` on the demonstration's home ({ground.people:,} people) with nothing new, from start to exit."
    )
    return Result("idle", "A run with nothing new", about, figures)
