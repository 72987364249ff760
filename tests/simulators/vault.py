"""A vault that lives in memory; tests may flip its bytes or fill it up."""

import hashlib
import io
import threading
from collections.abc import Iterator
from typing import BinaryIO

from chengyi.model.errors import IntegrityError, NotFoundError, StorageFullError
from chengyi.trust.ports import Stored


class MemoryVault:
    """Implements `trust.ports.Vault`; `capacity` (bytes) makes it full, `flip` damages an object."""

    def __init__(self, capacity: int | None = None) -> None:
        self._plain: dict[str, bytes] = {}
        self._digests: dict[str, str] = {}
        self.capacity = capacity
        self._lock = threading.Lock()

    def put(self, source: BinaryIO) -> Stored:
        return self.put_bytes(source.read())

    def put_bytes(self, plain: bytes) -> Stored:
        digest = hashlib.sha256(plain).hexdigest()
        with self._lock:
            used = sum(map(len, self._plain.values()))
            if self.capacity is not None and used + len(plain) > self.capacity:
                raise StorageFullError(path="memory")
            object_id = f"obj-{len(self._plain):032x}"
            self._plain[object_id], self._digests[object_id] = bytes(plain), digest
        return Stored(object_id, len(plain), digest)

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
