"""The ledger: durable appends beside a plain file, proofs from a long log, witnesses; and what crashes lose."""

import os
import random
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.figures import Figure, Result, timed
from bench.ground import Ground, use_tests
from chengyi.model.clock import SystemClock
from chengyi.model.errors import ChengyiError
from chengyi.store.objects import FolderObjects
from chengyi.trust.keys import FileKeys
from chengyi.trust.ledger.log import CHECKPOINT, FileLedger
from chengyi.trust.ledger.merkle import perfect_levels, root
from chengyi.trust.ledger.notes import Verifier, checkpoint_text, sign_note
from chengyi.trust.ledger.tiles import WIDTH, Edge, tile_path
from chengyi.trust.ledger.verify import verify_ledger

BATCH = 1_000
PROOFS = 1_000
ORIGIN = "bench"
BATCHES = (1, 3, 90, 300, 1, 255, 700)


def measure(ground: Ground) -> Result:
    """Appends per second and their acknowledgement; a thousand proofs from a log of ten million entries; cosigning."""
    use_tests()
    keys = FileKeys.create(ground.fresh("ledger-keys"), ORIGIN)
    figures = [*_appends(ground, keys), *_proofs(ground, keys), *_witnesses(ground, keys)]
    batches, size = ground.size(50, 3), ground.size(10_000_000, 50_000)
    about = (
        f"Appends: {batches} batches of {BATCH} entries of 32 bytes, one after another; each is durable (entries, "
        "tiles, signed checkpoint, every file and folder flushed) before the next begins; 99 % of the acknowledgements "
        "come within the time given. The peer writes the same entries to one plain file, flushed once a batch. "
        f"Proofs: {PROOFS} audit paths of random entries of a synthetic log of {size:,} leaves, each verified before "
        "it is handed out, by a ledger just opened; the limit reads and hashes the same tiles and does nothing else. "
        "Witnesses: one round over HTTP on a loopback port to three witnesses, each of which flushes before it signs."
    )
    return Result("ledger", "Ledger", about, tuple(figures))


def _appends(ground: Ground, keys: FileKeys) -> list[Figure]:
    rates, plain, ninety_nine = [], [], []
    for run in range(ground.runs):
        ledger = _open(ground.fresh(f"ledger-{run}"), keys)
        batches = [[secrets.token_bytes(32) for _ in range(BATCH)] for _ in range(ground.size(50, 3))]
        laps = [timed(partial(ledger.append, batch)) for batch in batches]
        rates.append(BATCH * len(laps) / sum(laps))
        ninety_nine.append(sorted(laps)[-(-len(laps) * 99 // 100) - 1] * 1000)
        path = ground.folder / "plain.log"
        plain.append(BATCH * len(batches) / timed(partial(_append_plain, path, batches)))
    ratio = tuple(a / b for a, b in zip(rates, plain, strict=True))
    return [
        Figure(f"durable appends, {BATCH} at once", "entries/s", tuple(rates), at_least=10_000),
        Figure("acknowledgement, 99 %", "ms", tuple(ninety_nine), at_most=1_100),
        Figure("plain file, flushed as often", "entries/s", tuple(plain)),
        Figure("ledger / plain file", "×", ratio),
    ]


def _append_plain(path: Path, batches: list[list[bytes]]) -> None:
    with path.open("ab") as file:
        for batch in batches:
            file.writelines(batch)
            file.flush()
            os.fsync(file.fileno())


def _proofs(ground: Ground, keys: FileKeys) -> list[Figure]:
    folder = ground.fresh("long-log")
    size = _synthetic(folder, keys, ground.size(10_000_000, 50_000))
    cold, used, again, limit = [], [], [], []
    for run in range(ground.runs):
        indexes = random.Random(run).sample(range(size), PROOFS)
        limit.append(1000 * timed(partial(_read_tiles, folder, indexes)))
        ledger = _open(folder, keys)
        before = time.process_time()
        cold.append(1000 * timed(partial(ledger.inclusions, indexes, size)))
        used.append(1000 * (time.process_time() - before))
        again.append(1000 * timed(partial(ledger.inclusions, indexes, size)))
    return [
        Figure(f"{PROOFS} proofs of {size:,} entries, log just opened", "ms", tuple(cold)),
        Figure("the same, processor time", "ms", tuple(used)),
        Figure("the same proofs again", "ms", tuple(again)),
        Figure("limit: read and hash their tiles", "ms", tuple(limit)),
        Figure("proofs / limit", "×", tuple(a / b for a, b in zip(cold, limit, strict=True))),
    ]


def _read_tiles(folder: Path, indexes: list[int]) -> None:
    for number in sorted({index // WIDTH for index in indexes}):
        perfect_levels((folder / tile_path(0, number)).read_bytes())


def _synthetic(folder: Path, keys: FileKeys, size: int) -> int:
    """Write the tiles of a log of random leaf hashes, and its signed checkpoint; return its size, full tiles only."""
    size -= size % WIDTH
    level, hashes = 0, list[bytes]()
    for number in range(size // WIDTH):
        raw = os.urandom(32 * WIDTH)
        _write(folder, tile_path(0, number), raw)
        hashes.append(perfect_levels(raw)[-1])
    while hashes:
        level, below, hashes = level + 1, hashes, []
        for start in range(0, len(below), WIDTH):
            tile = below[start : start + WIDTH]
            _write(folder, tile_path(level, start // WIDTH, len(tile)), b"".join(tile))
            hashes += [root(tile)] if len(tile) == WIDTH else []
    top = Edge.load(size, lambda path: (folder / path).read_bytes()).root()
    verifier = Verifier.parse(keys.verifier)
    note = sign_note(checkpoint_text(ORIGIN, size, top), verifier, keys.sign, SystemClock().now())
    (folder / CHECKPOINT).write_text(note)
    return size


def _write(folder: Path, name: str, raw: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def _witnesses(ground: Ground, keys: FileKeys) -> list[Figure]:
    from chengyi.trust.ledger.policy import Policy
    from chengyi.trust.ledger.publish import Publisher
    from simulators.audit import MemoryAudit
    from simulators.witness import Switchboard, key_of, make_witness

    board, verifier, clock = Switchboard(), Verifier.parse(keys.verifier), SystemClock()
    ledger = _open(ground.fresh("witnessed"), keys)
    for name in "abc":
        board.witnesses[name] = make_witness(ground.fresh(f"witness-{name}"), name, {ORIGIN: verifier}).add_checkpoint
    publisher = Publisher(
        ledger,
        verifier,
        [board.address(name) for name in "abc"],
        policy=Policy.of({name: key_of(name) for name in "abc"}, 2),
        objects=FolderObjects(ground.fresh("publisher")),
        clock=clock,
        audit=MemoryAudit(clock),
        actor="bench",
    )
    rounds = []
    for _ in range(max(3, ground.runs)):
        ledger.append([secrets.token_bytes(32) for _ in range(BATCH)])
        rounds.append(1000 * timed(publisher.publish))
    board.close()
    return [Figure("a round with three witnesses", "ms", tuple(rounds))]


# What crashes lose


def measure_crashes(ground: Ground) -> Result:
    """Kill a process that appends, and cut the power under another, a thousand times each."""
    use_tests()
    kills, cuts = ground.size(1_000, 10), ground.size(1_000, 20)
    lost_by_kills, told = _kills(ground, kills)
    lost_by_cuts = _power_cuts(ground, cuts)
    about = (
        f"Kills: {kills} processes that append batches of {min(BATCHES)} to {max(BATCHES)} entries to one log are "
        "killed (SIGKILL) at random moments; each time the log is opened and compared with what the process had been "
        f"told is safe, and the next goes on with it; at the end all {told:,} acknowledged entries are read and the "
        "log is verified. "
        f"Power cuts: {cuts} disks are made up from the trace of a writer's file operations, cut at a random one: what "
        "was not flushed, of files and of folders, is lost, torn, or there, in any order."
    )
    figures = [
        Figure("kills", "", (float(kills),)),
        Figure("acknowledged entries lost by kills", "", (float(lost_by_kills),), at_most=0),
        Figure("power cuts", "", (float(cuts),)),
        Figure("acknowledged entries lost by power cuts", "", (float(lost_by_cuts),), at_most=0),
    ]
    return Result("crashes", "Ledger after crashes", about, tuple(figures))


def _kills(ground: Ground, kills: int) -> tuple[int, int]:
    from simulators.crashes import killed

    keys = FileKeys.create(ground.fresh("crash-keys"), ORIGIN)
    folder, chance, told, lost = ground.fresh("crashed"), random.Random(1), 0, 0
    for _ in range(kills):
        told = max(told, killed(partial(_append_for_ever, folder, keys), chance.random() * 0.08))
        lost += max(0, told - _open(folder, keys).checkpoint().size)
    ledger = _open(folder, keys)
    lost += sum(ledger.entry(index) != _entry(index) for index in range(min(told, ledger.checkpoint().size)))
    lost += len(verify_ledger(folder, keys.verifier).faults)
    return lost, told


def _append_for_ever(folder: Path, keys: FileKeys, tell: Callable[[int], None]) -> None:
    ledger = _open(folder, keys)
    while True:
        for count in BATCHES:
            first = ledger.checkpoint().size
            ledger.append([_entry(index) for index in range(first, first + count)])
            tell(first + count)


def _power_cuts(ground: Ground, cuts: int) -> int:
    from simulators.crashes import FlushTrace

    keys = FileKeys.create(ground.fresh("cut-keys"), ORIGIN)
    trace, lost = FlushTrace(ground.fresh("cut")), 0
    trace.folder.mkdir(parents=True)
    with trace.watching():
        ledger = _open(trace.folder, keys)
        for count in BATCHES:
            first = ledger.checkpoint().size
            ledger.append([_entry(index) for index in range(first, first + count)])
            trace.told(first + count)
    chance = random.Random(2)
    for _ in range(cuts):
        files, told = trace.after_power_cut(chance.randrange(len(trace.steps) + 1), chance)
        lost += _lost(files, told, ground.fresh("after-cut"), keys)
    return lost


def _lost(files: dict[str, bytes], told: int, folder: Path, keys: FileKeys) -> int:
    """Return how many acknowledged entries are gone from a disk, all of them where the log does not open."""
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    try:
        ledger = _open(folder, keys)
        size = ledger.checkpoint().size
        ledger.append([_entry(index) for index in range(size, size + 300)])
        again = _open(folder, keys)
        return max(0, told - size) + sum(again.entry(index) != _entry(index) for index in range(min(told, size)))
    except ChengyiError:
        return max(told, 1)


def _entry(index: int) -> bytes:
    return f"entry {index}".encode()


def _open(folder: Path, keys: FileKeys) -> FileLedger:
    return FileLedger(folder, keys, ORIGIN, SystemClock())
