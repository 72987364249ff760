"""One large object through put and open, in a process of its own: prints speeds and peak memory as JSON."""

import json
import os
import sys
from pathlib import Path
from typing import Any, cast

from bench.figures import timed
from bench.ground import Ground
from bench.trust.fragments import K, N, Stream, _read, _sites, _Versions
from chengyi.cli.bench import high_water
from chengyi.store.objects import FolderObjects
from chengyi.trust.vault.vault import FragmentVault, Shape


def main(folder: Path, size: int) -> None:
    """Write and read an object of so many bytes."""
    ground = Ground(folder, 1, quick=False)
    sites, keys = _sites(ground, [FolderObjects(folder / str(at)) for at in range(N)])
    vault = FragmentVault(sites, keys, cast("Any", _Versions()), Shape(K, N))
    stored: list[str] = []
    put = timed(lambda: stored.append(vault.put(cast("Any", Stream(size))).object))
    read = timed(lambda: _read(vault, stored[0]))
    peak = high_water(os.getpid())
    print(json.dumps({"put": (size >> 20) / put, "read": (size >> 20) / read, "peak": peak}))


main(Path(sys.argv[1]), int(sys.argv[2]))
