"""The demonstration district 云汀区 (Yunting): invented, from a fixed seed, with the truth kept apart.

No real person and no real boundary is in it. It imports only `chengyi.model`, and nothing of the product imports it but
the commands that make a demonstration.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.reporter import Reporter, SilentReporter

if TYPE_CHECKING:
    from chengyi.district.writer import District

DEFAULT_PEOPLE = 20_000
DEFAULT_SEED = 990_106
MOST_PEOPLE = 500_000

__all__ = ["DEFAULT_PEOPLE", "DEFAULT_SEED", "MOST_PEOPLE", "District", "generate"]


def generate(
    folder: Path, people: int = DEFAULT_PEOPLE, seed: int = DEFAULT_SEED, reporter: Reporter | None = None
) -> "District":
    """Write the district below `folder` (usually a home): ``deliveries/``, ``sources/``, ``areas.toml`` and ``truth/``.

    `people` is between 500 and 500,000. The same `people` and `seed` give the same bytes. UsageError on another size.
    """
    from chengyi.district.writer import write
    from chengyi.model.errors import UsageError

    if not 500 <= people <= MOST_PEOPLE:
        raise UsageError(why=f"人口须在 500 到 {MOST_PEOPLE} 之间 (people must be from 500 to {MOST_PEOPLE})")
    return write(folder, people, seed, reporter or SilentReporter())


def __getattr__(name: str) -> object:
    if name == "District":
        from chengyi.district.writer import District

        return District
    raise AttributeError(name)
