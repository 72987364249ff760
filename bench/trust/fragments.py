"""Fragments: speed beside the serial limit of the same parts, and a hundred thousand attacks.

The limit is one thread that does nothing but the work itself on buffers that are there already: seal chunks of 16 KiB,
code a stripe with ISA-L's own function, hash the n pieces. The product's pipeline does the same through its own code.
"""

import ctypes
import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from bench.figures import Figure, Result, timed
from bench.ground import TESTS, Ground
from chengyi.model.clock import SystemClock
from chengyi.store.objects import FolderObjects
from chengyi.trust.keys import FileKeys
from chengyi.trust.vault.cobblestone import CHUNK, SEALED_CHUNK, Cobblestone
from chengyi.trust.vault.code import code_of
from chengyi.trust.vault.custody import Custodian, NodeCertifier
from chengyi.trust.vault.encoding import PLAIN_STRIPE, Encoding, keep_heap
from chengyi.trust.vault.manifest import STRIPE
from chengyi.trust.vault.reading import FragmentReader
from chengyi.trust.vault.sites import Lanes, Site
from chengyi.trust.vault.suites import SUITES, Suite
from chengyi.trust.vault.vault import FragmentVault, Shape
from chengyi.trust.vault.versions import Expected

K, N = 6, 9
_PIECE = STRIPE * SEALED_CHUNK // K
_SLICES = 4
_BARS = {"aes-sha256": 0.75, "aes-blake3": 0.6, "sm4-sm3": 0.8}


@cache
def _noise(size: int) -> bytes:
    return secrets.token_bytes(size)


class Stream(io.RawIOBase):
    """So many bytes, the same stripe again and again, without any cost of its own."""

    def __init__(self, size: int) -> None:
        self.left = size
        self._stripe = _noise(PLAIN_STRIPE)

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes."""
        count = min(size, self.left)
        self.left -= count
        return self._stripe if count == PLAIN_STRIPE else self._stripe[:count]


class Memory:
    """The port of objects over buffers in memory; what it costs is in nobody's figure but the vault's."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def put(self, key: str, chunks: Any, *, durable: bool = True) -> None:  # noqa: ANN401 - any buffers
        """Hold an object."""
        self.held[key] = b"".join(chunks)

    def part(self, key: str, start: int, size: int) -> memoryview:
        """Return a part of an object, uncopied."""
        return memoryview(self.held[key])[start : start + size]

    def tail(self, key: str, size: int) -> tuple[bytes, int]:
        """Return the end of an object, and its size."""
        return self.held[key][-size:], len(self.held[key])


class Limit:
    """The serial limit of one suite on one stripe."""

    def __init__(self, suite: Suite) -> None:
        import pyeclib

        found = sorted((Path(pyeclib.__file__).parent.parent / "pyeclib.libs").glob("libisal*"))
        self._isal = ctypes.CDLL(str(found[0]))
        self._hash = suite.hash
        self._cipher = suite.cipher.make(secrets.token_bytes(suite.cipher.key_size))
        self._plain = memoryview(secrets.token_bytes(PLAIN_STRIPE))
        self._tables = self._make_tables()
        self._buffers = [
            ctypes.create_string_buffer(_PIECE * K),
            *(ctypes.create_string_buffer(_PIECE) for _ in range(N - K)),
        ]
        self._sealed = memoryview(self._buffers[0]).cast("B")
        self._pieces = [self._sealed[at * _PIECE : (at + 1) * _PIECE] for at in range(K)]
        self._pieces += [memoryview(each).cast("B") for each in self._buffers[1:]]
        first = ctypes.addressof(self._buffers[0])
        self._data = (ctypes.c_void_p * K)(*[first + at * _PIECE for at in range(K)])
        self._parity = (ctypes.c_void_p * (N - K))(*[ctypes.addressof(each) for each in self._buffers[1:]])

    def _make_tables(self) -> Any:  # noqa: ANN401 - a C buffer
        matrix, tables = ctypes.create_string_buffer(K * N), ctypes.create_string_buffer(32 * K * (N - K))
        self._isal.gf_gen_cauchy1_matrix(matrix, N, K)
        self._isal.ec_init_tables(K, N - K, ctypes.byref(matrix, K * K), tables)
        return tables

    def stripes(self, count: int) -> None:
        """Do the work of so many stripes."""
        for _ in range(count):
            self._stripe()

    def _stripe(self) -> None:
        for number in range(STRIPE):
            plain = self._plain[number * CHUNK : (number + 1) * CHUNK]
            out = self._sealed[number * SEALED_CHUNK : (number + 1) * SEALED_CHUNK]
            self._cipher.encrypt_into(number.to_bytes(12, "big"), plain, None, out)
        self._isal.ec_encode_data(_PIECE, K, N - K, self._tables, self._data, self._parity)
        for piece in self._pieces:
            hasher = self._hash.new(b"")
            hasher.update(piece)
            hasher.digest()


class _Versions:
    def expected(self, _object: str) -> Expected:
        return Expected(1)


def measure(ground: Ground) -> Result:
    """Measure pipeline, restore, whole vault, memory and attacks."""
    keep_heap()
    figures: list[Figure] = []
    for suite in SUITES.values():
        figures += _suite(ground, suite)
    figures += [*_vault(ground), *_small(ground), *_bounded(ground), *_attacks(ground)]
    about = (
        f"{K} of {N}. The limit is one thread: seal chunks of 16 KiB into a buffer, ISA-L's `ec_encode_data` on it, "
        f"hash the {N} pieces. The pipeline is the product's: read, seal, code by pyeclib, hash in a second thread; "
        "`with plain digest` also hashes the plain bytes, as the archive needs it. Neither writes. Restoring takes 6 "
        "fragments from memory, 3 of them parity, checks every piece, decodes, opens, and checks the commitment to the "
        "plain bytes; its bar is against the pipeline with plain digest, the same work the other way. Interleaved runs."
    )
    return Result("fragments", "Fragments", about, tuple(figures))


def _suite(ground: Ground, suite: Suite) -> list[Figure]:
    mebibytes = ground.size(48 if suite.id.startswith("aes") else 12, 6)
    limit, (vault, stored) = Limit(suite), _stored(ground, suite, mebibytes)
    speeds: dict[str, list[float]] = {"limit": [], "pipeline": [], "full": [], "restore": []}
    works: dict[str, Callable[[], object]] = {
        "limit": lambda: limit.stripes((mebibytes << 20) // PLAIN_STRIPE),
        "pipeline": lambda: _encode(suite, mebibytes, digest=False),
        "full": lambda: _encode(suite, mebibytes, digest=True),
        "restore": lambda: _read(vault, stored),
    }
    for _ in range(_SLICES * ground.runs if ground.runs > 1 else 1):  # short turns, so that other work meets all alike
        for name, work in works.items():
            speeds[name].append(mebibytes / timed(work))
    peers = _zfec(ground) if suite.id == "aes-sha256" else ()
    ratio = tuple(a / b for a, b in zip(speeds["pipeline"], speeds["limit"], strict=True))
    whole = tuple(a / b for a, b in zip(speeds["full"], speeds["limit"], strict=True))
    back = tuple(a / b for a, b in zip(speeds["restore"], speeds["full"], strict=True))
    name = suite.id
    figures = [
        Figure(f"{name}: serial limit", "MiB/s", tuple(speeds["limit"])),
        Figure(f"{name}: pipeline", "MiB/s", tuple(speeds["pipeline"])),
        Figure(f"{name}: pipeline / limit", "×", ratio, at_least=_BARS[name]),
        Figure(f"{name}: with plain digest", "MiB/s", tuple(speeds["full"])),
        Figure(f"{name}: with plain digest / limit", "×", whole),
        Figure(f"{name}: restore, 3 lost", "MiB/s", tuple(speeds["restore"])),
        Figure(f"{name}: restore / with plain digest", "×", back, at_least=0.8),
    ]
    if peers:
        figures.append(Figure("zfec + AES-GCM + SHA-256", "MiB/s", peers))
        middle = sorted(peers)[len(peers) // 2]
        against = tuple(each / middle for each in speeds["pipeline"])
        figures.append(Figure("aes-sha256: pipeline / zfec", "×", against, at_least=2))
    return figures


class _Unhashed:
    """Stands for the digest of the plain bytes where only encrypting, coding and hashing of pieces is measured."""

    def update(self, _part: memoryview) -> None:
        return

    def digest(self) -> bytes:
        return b""


def _encode(suite: Suite, mebibytes: int, *, digest: bool) -> None:
    cipher = Cobblestone(secrets.token_bytes(32), b"bench", cipher=suite.cipher)
    source = cast("Any", Stream(mebibytes << 20))
    encoding = Encoding(source, cipher, code_of(K, N), suite.hash, _LANES[0])
    if not digest:
        encoding._plain = cast("Any", _Unhashed())  # noqa: SLF001 - measured without it
    for _ in encoding:
        pass
    encoding.leaves()


_LANES = (Lanes(3, "bench"),)


def _sites(ground: Ground, stores: list[Any]) -> tuple[list[Site], FileKeys]:
    folder = ground.fresh("fragment-keys")
    keys, clock = FileKeys.create(folder, "bench"), SystemClock()
    certifier, sites = NodeCertifier(keys, clock), []
    for number, store in enumerate(stores, 1):
        path = folder / f"s{number}.key"
        custodian = Custodian(f"s{number}", path, keys, clock, certify=certifier.certify, check=certifier.check)
        custodian.create()
        sites.append(Site(f"s{number}", store, custodian))
    return sites, keys


def _stored(ground: Ground, suite: Suite, mebibytes: int) -> tuple[FragmentVault, str]:
    """Return a vault with one object of which three data fragments are lost."""
    stores = [Memory() for _ in range(N)]
    sites, keys = _sites(ground, stores)
    shape, versions = Shape(K, N, suite=suite.id), cast("Any", _Versions())
    stored = FragmentVault(sites, keys, versions, shape).put(cast("Any", Stream(mebibytes << 20)))
    lost = (0, 2, 5)
    for at in lost:
        stores[at].held.clear()
    order = [at for at in range(N) if at not in lost] + list(lost)
    return FragmentVault([sites[at] for at in order], keys, versions, shape), stored.object


def _read(vault: FragmentVault, object: str) -> None:
    buffer = bytearray(PLAIN_STRIPE)
    reader = FragmentReader(vault.gather(object))
    while reader.readinto(buffer):
        pass


def _zfec(ground: Ground) -> tuple[float, ...]:
    """Return MiB per second of zfec with AES-GCM and SHA-256, in a process of its own; nothing where it is not had."""
    python = os.environ.get("CHENGYI_ZFEC_PYTHON") or _peer(ground)
    if not python:
        return ()
    peer = Path(__file__).with_name("zfec_peer.py")
    words = [python, str(peer), str(ground.size(96, 3)), str(max(ground.runs, 1))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout))


def _peer(ground: Ground) -> str:
    """Make a side environment with zfec, which the product may neither import nor require; empty where that fails."""
    if ground.quick:
        return ""
    folder = ground.fresh("zfec")
    python = folder / "bin" / "python"
    for words in (["-m", "venv", str(folder)], ["-m", "pip", "install", "-q", "zfec", "cryptography"]):
        program = str(python) if python.exists() else sys.executable
        if subprocess.run([program, *words], capture_output=True, check=False, timeout=300).returncode:
            return ""
    return str(python)


def _vault(ground: Ground) -> Iterator[Figure]:
    """The whole vault over nine folders: durable writing, reading and checking."""
    mebibytes, folder = ground.size(96, 3), ground.fresh("fragment-folders")
    sites, keys = _sites(ground, [FolderObjects(folder / str(at)) for at in range(N)])
    vault = FragmentVault(sites, keys, cast("Any", _Versions()), Shape(K, N))
    puts, gets = [], []
    for _ in range(max(ground.runs, 1)):
        stored: list[str] = []
        source = cast("Any", Stream(mebibytes << 20))
        puts.append(mebibytes / timed(lambda at=stored, of=source: at.append(vault.put(of).object)))  # type: ignore[misc]
        gets.append(mebibytes / timed(lambda at=stored: _read(vault, at[0])))  # type: ignore[misc]
    yield Figure("vault over 9 folders: put, durable", "MiB/s", tuple(puts))
    yield Figure("vault over 9 folders: read", "MiB/s", tuple(gets))


def _small(ground: Ground) -> Iterator[Figure]:
    """Small objects: each durable for itself, and many under one flush."""
    count, data = ground.size(300, 10), secrets.token_bytes(4_000)
    for k, n in ((2, 3), (K, N)):
        folder = ground.fresh(f"fragment-small-{n}")
        sites, keys = _sites(ground, [FolderObjects(folder / str(at)) for at in range(n)])
        vault = FragmentVault(sites, keys, cast("Any", _Versions()), Shape(k, n))
        each, many = [], []
        for _ in range(max(ground.runs, 1)):
            each.append(count / timed(lambda v=vault: [v.put_bytes(data) for _ in range(count)]))  # type: ignore[misc]
            many.append(count / timed(lambda v=vault: _many(v, data, count)))  # type: ignore[misc]
        yield Figure(f"small objects, {k} of {n} folders", "objects/s", tuple(each))
        yield Figure(f"small objects, {k} of {n} folders, {count} under one flush", "objects/s", tuple(many))


def _many(vault: FragmentVault, data: bytes, count: int) -> None:
    for _ in range(count):
        vault.put_bytes(data, durable=False)
    vault.sync()


def _bounded(ground: Ground) -> Iterator[Figure]:
    """A large object through put and open in a process of its own; its peak memory."""
    size = ground.size(5 << 30, 40 << 20)
    room = os.statvfs(ground.folder)
    if room.f_bavail * room.f_frsize < 3 * size:
        return
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.trust.large_object", str(ground.fresh("fragment-large")), str(size)],
        stdout=subprocess.PIPE,
        text=True,
    )
    answer = json.loads(child.communicate()[0])
    ground.fresh("fragment-large")
    yield Figure(
        f"object of {size >> 20:,} MiB through put and open: peak memory", "MiB", (answer["peak"],), at_most=256
    )
    yield Figure(f"object of {size >> 20:,} MiB: put", "MiB/s", (answer["put"],))
    yield Figure(f"object of {size >> 20:,} MiB: open and read", "MiB/s", (answer["read"],))


def _attacks(ground: Ground) -> Iterator[Figure]:
    """Random attacks on stored fragments, in processes of their own."""
    count, environment = ground.size(52_000, 200), {**os.environ, "PYTHONPATH": str(TESTS)}
    words = [sys.executable, "-m", "simulators.mutations", str(count)]
    running = [
        subprocess.Popen([*words, str(seed)], stdout=subprocess.PIPE, text=True, env=environment) for seed in (1, 2)
    ]
    found = [json.loads(each.communicate()[0]) for each in running]
    yield Figure(
        "attacks on stored fragments", "attacks", (sum(each["attacks"] for each in found),), at_least=0.96 * 2 * count
    )
    yield Figure("silent errors", "errors", (sum(len(each["silent"]) for each in found),), at_most=0)
