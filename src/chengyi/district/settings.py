"""What the demonstration district is made from: its size, its seed, its day, and the policy it pretends to have.

Every value that shapes the district stands here or in a table beside the code that uses it; nothing is read from the
machine, so that the same settings give the same bytes.
"""

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

NOTICE = "本文件为演示数据，人名地名均系虚构"
NOTICE_EN = "Demonstration data: all names of people and places are invented."
DISTRICT_NAME = "云汀区"
DEFAULT_SEED = 990_106


@dataclass(frozen=True, slots=True)
class Settings:
    """The district's parameters; rates of error are in `faults.RATES`, hazards in `life`.

    `as_of` is the last day that the departments' records reach; `standard` is the district's invented low-income
    line in yuan a month a head.
    """

    people: int = 20_000
    seed: int = DEFAULT_SEED
    as_of: date = date(2026, 10, 31)
    standard: int = 900
    served: float = 0.80
    served_edge: float = 0.45
    leaked: float = 0.003

    def stream(self, name: str) -> np.random.Generator:
        """Return the random numbers of one part of the district; parts do not disturb each other."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def months(self, count: int) -> list[str]:
        """Return the last `count` months as ``2026-10``, oldest first."""
        first = self.as_of.year * 12 + self.as_of.month - count
        return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(first, first + count)]

    def days(self, count: int) -> list[date]:
        """Return the last `count` days, oldest first."""
        return [self.as_of - timedelta(days=back) for back in range(count - 1, -1, -1)]


def quota(total: int, shares: np.ndarray) -> np.ndarray:
    """Split `total` by `shares` into whole numbers that sum to it (largest remainder)."""
    exact = np.asarray(shares, dtype=float) / np.sum(shares) * total
    whole = np.floor(exact).astype(np.int64)
    rest = np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]
    whole[rest] += 1
    return np.asarray(whole)
