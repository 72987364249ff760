"""The ledger and the vault, against plain files that are hashed and flushed."""

import io
import os
import secrets
from hashlib import sha256
from pathlib import Path

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.node import Node

_BATCH = 200


def measure(ground: Ground) -> Result:
    """Appends per second and MiB per second, and the same by plain means."""
    home = ground.fresh("trust")
    node = Node.create(home, "bench", zh="测速", en="bench", department="测速")
    appends, mebibytes = ground.size(200, 20), ground.size(64, 2)
    figures = [*_ledger(node, ground, appends), *_vault(node, ground, mebibytes)]
    node.close()
    about = (
        f"Ledger: {appends} entries appended one by one, then in batches of {_BATCH}, each append durable and under a "
        "newly signed checkpoint; the peer appends a line to a file and flushes it. "
        f"Vault: one object of {mebibytes} MiB is sealed and made durable, then read and checked; "
        "the peer writes, hashes and flushes a plain file, then reads and hashes it."
    )
    return Result("trust", "Ledger and vault", about, tuple(figures))


def _ledger(node: Node, ground: Ground, appends: int) -> list[Figure]:
    single, batched, plain = [], [], []
    for _ in range(ground.runs):
        single.append(appends / timed(lambda: [node.ledger.append([secrets.token_bytes(32)]) for _ in range(appends)]))
        batch = [secrets.token_bytes(32) for _ in range(_BATCH)]
        batched.append(10 * _BATCH / timed(lambda batch=batch: [node.ledger.append(batch) for _ in range(10)]))  # type: ignore[misc]
        plain.append(appends / timed(lambda: _append_plain(ground.folder / "plain.log", appends)))
    return [
        Figure("ledger, one by one", "appends/s", tuple(single)),
        Figure("plain file, one by one", "appends/s", tuple(plain)),
        Figure("ledger / plain file", "×", tuple(a / b for a, b in zip(single, plain, strict=True))),
        Figure(f"ledger, {_BATCH} at once", "entries/s", tuple(batched)),
    ]


def _append_plain(path: Path, count: int) -> None:
    with path.open("ab") as file:
        for _ in range(count):
            file.write(sha256(secrets.token_bytes(32)).digest())
            file.flush()
            os.fsync(file.fileno())


def _vault(node: Node, ground: Ground, mebibytes: int) -> list[Figure]:
    data, path = secrets.token_bytes(mebibytes << 20), ground.folder / "plain.bin"
    speeds: dict[str, list[float]] = {"put": [], "plain put": [], "get": [], "plain get": []}
    for _ in range(ground.runs):
        stored: list[str] = []
        speeds["put"].append(mebibytes / timed(lambda held=stored: held.append(_put(node, data))))  # type: ignore[misc]
        speeds["plain put"].append(mebibytes / timed(lambda: _write_plain(path, data)))
        speeds["get"].append(mebibytes / timed(lambda held=stored: node.vault.read(held[0])))  # type: ignore[misc]
        speeds["plain get"].append(mebibytes / timed(lambda: sha256(path.read_bytes()).digest()))
    figures = []
    for way in ("put", "get"):
        ours, peers = tuple(speeds[way]), tuple(speeds[f"plain {way}"])
        figures += [Figure(f"vault {way}", "MiB/s", ours), Figure(f"plain file {way}", "MiB/s", peers)]
        ratio = tuple(a / b for a, b in zip(ours, peers, strict=True))
        figures.append(Figure(f"vault {way} / plain file", "×", ratio))
    return figures


def _put(node: Node, data: bytes) -> str:
    return node.vault.put(io.BytesIO(data)).object


def _write_plain(path: Path, data: bytes) -> None:
    sha256(data).digest()
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
