"""An object store that lives in memory; `capacity` (bytes) makes it full."""

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from chengyi.model.errors import NotFoundError, StorageFullError


class MemoryObjects:
    """Implements `store.ports.Objects`; `stored` is open to tests that damage bytes."""

    def __init__(self, capacity: int | None = None) -> None:
        self.stored: dict[str, bytes] = {}
        self.capacity = capacity

    def sync(self) -> None:
        pass

    def put(self, key: str, chunks: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
        whole = bytearray()
        used = sum(len(each) for name, each in self.stored.items() if name != key)
        for chunk in chunks:
            whole += chunk
            if self.capacity is not None and used + len(whole) > self.capacity:
                raise StorageFullError(path=key)
        self.stored[key] = bytes(whole)

    def open(self, key: str) -> BinaryIO:
        if key not in self.stored:
            raise NotFoundError(kind="对象 object", id=key)
        return io.BytesIO(self.stored[key])

    def part(self, key: str, start: int, size: int) -> bytes:
        with self.open(key) as stream:
            stream.seek(start)
            return stream.read(size)

    def tail(self, key: str, size: int) -> tuple[bytes, int]:
        with self.open(key) as stream:
            whole = stream.seek(0, io.SEEK_END)
            stream.seek(max(0, whole - size))
            return stream.read(size), whole

    def size(self, key: str) -> int | None:
        return len(self.stored[key]) if key in self.stored else None

    def delete(self, key: str) -> None:
        self.stored.pop(key, None)

    def keys(self, prefix: str = "") -> Iterator[str]:
        return iter(sorted(key for key in self.stored if key.startswith(prefix)))

    def sizes(self) -> Iterator[tuple[str, int]]:
        return iter([(key, len(self.stored[key])) for key in self.keys()])
