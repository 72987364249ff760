"""Stores that answer slowly, with garbage, or not at all; real S3 servers beside folders."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import system
from chengyi.model.errors import IntegrityError, NotFoundError, UnreachableError
from chengyi.store.objects import FolderObjects
from chengyi.store.ports import Objects
from chengyi.store.s3 import S3Objects
from chengyi.trust.vault.encoding import PLAIN_STRIPE
from chengyi.trust.vault.faults import FaultKind, FragmentFault
from chengyi.trust.vault.vault import FragmentVault, Shape
from simulators.keys import MemoryKeys
from simulators.objects import MemoryObjects
from simulators.vault import MemoryVersions, VaultScene, make_site
from trust.vault.conftest import noise

KEYS = MemoryKeys()


class Misbehaving(http.server.ThreadingHTTPServer):
    """A real server that hangs, talks nonsense, or breaks off: `how` is what it does to any request."""

    daemon_threads = True

    def __init__(self) -> None:
        self.how = "garbage"
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Misbehaving

    def do_GET(self) -> None:
        how = self.server.how
        if how == "hang":
            self.server.ended.wait(30)
        elif how == "error":
            self.send_error(500)
        elif how == "break off":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"x" * 10)
        else:
            self.send_response(200)
            self.send_header("Content-Length", "70000")
            self.end_headers()
            self.wfile.write(b"garbage" * 10_000)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    with Misbehaving() as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.ended.set()
        running.shutdown()
        thread.join()


def s3(endpoint: str, prefix: str, patience: float = 30) -> S3Objects:
    return S3Objects(endpoint, "site", "testaccesskey", "testsecretkey", prefix, patience=patience)


class Stores:
    """A vault of 2 of 3 over given stores; `faults` is what it refused."""

    def __init__(self, folder: Path, stores: list[Objects], patience: float = 1.0) -> None:
        self.faults: list[FragmentFault] = []
        sites = [
            make_site(f"s{number}", store, KEYS, folder / "keys", patience=patience)
            for number, store in enumerate(stores, 1)
        ]
        self.vault = FragmentVault(sites, KEYS, MemoryVersions(), Shape(2, 3), self.faults.append)


@pytest.mark.slow
@pytest.mark.s3
def test_folders_and_real_s3_sites_mixed(tmp_path: Path) -> None:
    (tmp_path / "bucket" / "site").mkdir(parents=True)
    with system.s3_server(tmp_path / "bucket") as endpoint:
        stores: list[Objects] = [FolderObjects(tmp_path / "a"), s3(endpoint, "one"), s3(endpoint, "two")]
        made = Stores(tmp_path, stores, patience=20)
        for size in (0, 5_000, 9 * PLAIN_STRIPE + 77):
            stored = made.vault.put_bytes(noise(size))
            made.vault.verify(stored.object)
            assert made.vault.read(stored.object) == noise(size)
            for store in stores[:2]:
                key = f"{stored.object[4:6]}/{stored.object}-1"
                held = store.part(key, 0, 1 << 30)
                store.delete(key)
                assert made.vault.read(stored.object) == noise(size)
                store.put(key, [held])
        assert len(list(made.vault.objects())) == 3
    assert {each.kind for each in made.faults} == {FaultKind.MISSING}


@pytest.mark.slow
@pytest.mark.s3
@pytest.mark.parametrize("how", ["garbage", "error", "hang", "break off"])
def test_promise_3_a_store_that_misbehaves_is_done_without(how: str, tmp_path: Path, server: Misbehaving) -> None:
    """The object is written to three good stores; then a server that misbehaves answers for the first of them."""
    good: list[Objects] = [MemoryObjects(), MemoryObjects(), MemoryObjects()]
    plain = noise(PLAIN_STRIPE + 5)
    stored = Stores(tmp_path, good).vault.put_bytes(plain)
    server.how = how
    made = Stores(tmp_path, [s3(server.endpoint, "one", 0.5), *good[1:]])
    start = time.monotonic()
    assert made.vault.read(stored.object) == plain
    assert time.monotonic() - start < 15
    assert {each.store for each in made.faults} == {"s1"}
    assert {each.kind for each in made.faults} <= {FaultKind.UNREACHABLE, FaultKind.MALFORMED}
    alone = Stores(tmp_path, [s3(server.endpoint, "one", 0.5), good[1], MemoryObjects()])
    with pytest.raises(IntegrityError if how == "garbage" else UnreachableError):
        alone.vault.read(stored.object)


@pytest.mark.slow
@pytest.mark.s3
@pytest.mark.parametrize("how", ["error", "hang"])
def test_promise_8_a_server_that_takes_nothing_fails_the_writing(how: str, tmp_path: Path, server: Misbehaving) -> None:
    others = [MemoryObjects(), MemoryObjects()]
    server.how = how
    made = Stores(tmp_path, [s3(server.endpoint, "one", 0.5), *others])
    with pytest.raises(UnreachableError):
        made.vault.put_bytes(b"plain")
    assert [each.stored for each in others] == [{}, {}]


class Hanging(MemoryObjects):
    """A store that stops answering."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.go_on.set()

    def part(self, key: str, start: int, size: int) -> bytes:
        self.go_on.wait(30)
        return super().part(key, start, size)

    def tail(self, key: str, size: int) -> tuple[bytes, int]:
        self.go_on.wait(30)
        return super().tail(key, size)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    store = Hanging()
    yield store
    store.go_on.set()


def test_a_store_that_hangs_costs_its_patience_once(hanging: Hanging, tmp_path: Path) -> None:
    made = Stores(tmp_path, [hanging, MemoryObjects(), MemoryObjects()], patience=0.3)
    objects = [made.vault.put_bytes(noise(size)).object for size in (10, 20, 30, 40, 50, 60)]
    hanging.go_on.clear()
    assert made.vault.read(objects[0]) == noise(10)
    assert [each.kind for each in made.faults] == [FaultKind.UNREACHABLE]
    assert made.vault.sites[0].silent
    for object, size in zip(objects[1:3], (20, 30), strict=True):
        assert made.vault.read(object) == noise(size)
    assert len(made.faults) == 1


def test_a_store_that_hangs_in_the_middle_is_replaced(hanging: Hanging, tmp_path: Path) -> None:
    made = Stores(tmp_path, [hanging, MemoryObjects(), MemoryObjects()], patience=0.3)
    plain = noise(3 * PLAIN_STRIPE)
    with made.vault.open(made.vault.put_bytes(plain).object) as file:
        assert file.read(100) == plain[:100]
        hanging.go_on.clear()
        assert file.read() == plain[100:]


def test_without_enough_answering_stores_the_error_may_pass(hanging: Hanging, tmp_path: Path) -> None:
    made = Stores(tmp_path, [hanging, MemoryObjects(), MemoryObjects()], patience=0.2)
    stored = made.vault.put_bytes(b"plain")
    made.vault.sites[1].objects.delete(f"{stored.object[4:6]}/{stored.object}-1")
    hanging.go_on.clear()
    with pytest.raises(UnreachableError):
        made.vault.read(stored.object)
    hanging.go_on.set()
    assert made.vault.read(stored.object) == b"plain"


class Silent(MemoryObjects):
    """A store that never takes anything."""

    def __init__(self, ended: threading.Event) -> None:
        super().__init__()
        self.ended = ended

    def put(self, key: str, chunks: object, *, durable: bool = True) -> None:
        self.ended.wait(30)


@pytest.mark.parametrize("size", [10, 30 * PLAIN_STRIPE])
def test_promise_8_a_store_that_takes_nothing_fails_the_writing_and_nothing_stays(size: int, tmp_path: Path) -> None:
    ended = threading.Event()
    others = [MemoryObjects(), MemoryObjects()]
    made = Stores(tmp_path, [Silent(ended), *others], patience=0.3)
    with pytest.raises(UnreachableError):
        made.vault.put_bytes(bytes(size))
    assert [each.stored for each in others] == [{}, {}]
    ended.set()


def test_a_store_that_cannot_be_listed_hides_no_object(small: VaultScene, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = small.vault.put_bytes(b"plain")

    def unreachable(_: str = "") -> Iterator[str]:
        raise UnreachableError(source="s1", why="away")

    monkeypatch.setattr(small.stores[0], "keys", unreachable)
    small.forge(2, stored.object, None)
    assert list(small.vault.objects()) == [stored.object]
    assert FaultKind.UNREACHABLE in {each.kind for each in small.faults}
    with pytest.raises(NotFoundError):
        small.vault.read("obj-" + "0" * 32)
