"""A vault that lives in memory, and a real one over stores that live in memory; tests may damage and fill them."""

import hashlib
import io
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from chengyi.model.clock import Clock, SystemClock
from chengyi.model.errors import IntegrityError, NotFoundError, StorageFullError
from chengyi.store.objects import FolderObjects
from chengyi.store.ports import Objects
from chengyi.trust.ports import Keys, Stored
from chengyi.trust.vault.custody import Custodian, NodeCertifier
from chengyi.trust.vault.faults import FragmentFault
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.vault import FragmentVault, Shape
from chengyi.trust.vault.versions import Expected, Rekeyed
from simulators.keys import MemoryKeys
from simulators.objects import MemoryObjects


class MemoryVault:
    """Implements `trust.ports.Vault`; `capacity` (bytes) makes it full, `flip` damages an object."""

    def __init__(self, capacity: int | None = None) -> None:
        self._plain: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}
        self.capacity = capacity
        self._lock = threading.Lock()

    def sync(self) -> None:
        pass

    def put(self, source: BinaryIO, *, durable: bool = True) -> Stored:
        return self.put_bytes(source.read())

    def put_bytes(self, plain: bytes, *, durable: bool = True) -> Stored:
        digest = hashlib.sha256(plain).hexdigest()
        with self._lock:
            used = sum(map(len, self._plain.values()))
            if self.capacity is not None and used + len(plain) > self.capacity:
                raise StorageFullError(path="memory")
            object_id = f"obj-{len(self._plain):032x}"
            self._plain[object_id], self._digests[object_id] = bytes(plain), digest
        return Stored(object_id, len(plain), digest, self.manifest(object_id))

    def manifest(self, object: str) -> str:
        return hashlib.sha256(object.encode()).hexdigest()

    def open(self, object: str) -> BinaryIO:
        return io.BytesIO(self.read(object))

    def read(self, object: str) -> bytes:
        if object not in self._plain:
            raise NotFoundError(kind="对象 object", id=object)
        plain = self._plain[object]
        if hashlib.sha256(plain).hexdigest() != self._digests[object]:
            raise IntegrityError(object=object, why="内容已被改动 (the bytes were changed)")
        return plain

    def verify(self, object: str) -> None:
        self.read(object)

    def objects(self) -> Iterator[str]:
        return iter(sorted(self._plain))

    def flip(self, object: str, position: int = 0) -> None:
        damaged = bytearray(self._plain[object])
        damaged[position] ^= 1
        self._plain[object] = bytes(damaged)


class MemoryVersions:
    """Implements `trust.vault.versions.Versions`."""

    def __init__(self) -> None:
        self.held: dict[str, Expected] = {}

    def expected(self, object: str) -> Expected:
        return self.held.get(object, Expected(1))

    def known(self) -> dict[str, Expected]:
        return dict(self.held)

    def record(self, rekeyed: Sequence[Rekeyed], at: datetime) -> None:
        self.held |= {each.object: Expected(each.version, each.manifest) for each in rekeyed}


def make_site(
    id: str, objects: Objects, keys: Keys, folder: Path, *, clock: Clock | None = None, patience: float = 30
) -> Site:
    """Make a site whose custodian's key lies in a folder; the node certifies it."""
    clock = clock or SystemClock()
    certifier = NodeCertifier(keys, clock)
    custodian = Custodian(id, folder / f"{id}.key", keys, clock, certify=certifier.certify, check=certifier.check)
    custodian.create()
    return Site(id, objects, custodian, patience)


def folder_vault(folder: Path, keys: Keys, shape: Shape | None = None) -> FragmentVault:
    """Make a real vault over folders."""
    shape = shape or Shape(2, 3)
    names = [f"s{number}" for number in range(1, shape.n + 1)]
    sites = [make_site(name, FolderObjects(folder / name), keys, folder.parent / "store-keys") for name in names]
    return FragmentVault(sites, keys, MemoryVersions(), shape)


class VaultScene:
    """A real vault over stores in memory: `stores` are open to damage, `faults` is what the vault refused."""

    def __init__(self, folder: Path, shape: Shape, keys: Keys | None = None) -> None:
        self.keys: Keys = keys or MemoryKeys()
        self.stores = [MemoryObjects() for _ in range(shape.n)]
        self.faults: list[FragmentFault] = []
        self.versions = MemoryVersions()
        sites = [make_site(f"s{number}", store, self.keys, folder) for number, store in enumerate(self.stores, 1)]
        self.vault = FragmentVault(sites, self.keys, self.versions, shape, self.faults.append)

    def raw(self, index: int, object: str, version: int = 1) -> bytes:
        """Return the stored bytes of a fragment, by the store's number from 0."""
        return self.stores[index].stored[self.key(object, version)]

    def forge(self, index: int, object: str, raw: bytes | None, version: int = 1) -> None:
        """Put other bytes in a fragment's place, or none."""
        if raw is None:
            self.stores[index].delete(self.key(object, version))
        else:
            self.stores[index].stored[self.key(object, version)] = raw

    def key(self, object: str, version: int = 1) -> str:
        """Return the key of a fragment, as anyone can tell it from a listing."""
        return f"{object[4:6]}/{object}-{version}"
