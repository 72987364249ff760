"""Objects in an S3-compatible store; needs the extra ``chengyi[s3]``.

Rules: an S3 put is atomic by the protocol's own promise; the same keys and errors as in a folder. Nothing is held
or copied whole: writing goes up in parts, reading asks for ranges. A server that does not answer is given up after
`patience` seconds, retries included.
"""

import io
import re
import weakref
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import httpx

from chengyi.model.errors import ConfigError, NotFoundError, UnreachableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER = 1 << 20
_SMALL = 4 << 20
_PART = 8 << 20
_PARTS_AT_ONCE = 2
_SIGNED = timedelta(minutes=10)
_RANGE = re.compile(r"bytes [0-9]+-[0-9]+/([0-9]{1,15})")


class S3Objects:
    """Keeps the port `store.ports.Objects` on one bucket; `prefix` separates several stores in it."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        prefix: str = "",
        *,
        patience: float = 30,
    ) -> None:
        try:
            import obstore
            from obstore.store import S3Store
        except ImportError as fault:
            raise ConfigError(file="node.toml", key="objects.kind", why="pip install 'chengyi[s3]'") from fault
        self._obstore: Any = obstore
        self._prefix = f"{prefix.strip('/')}/" if prefix else ""
        self._client = httpx.Client(timeout=patience, trust_env=False)
        weakref.finalize(self, self._client.close)
        self._store = S3Store(
            bucket,
            endpoint=endpoint,
            access_key_id=access_key,
            secret_access_key=secret_key,
            region="us-east-1",
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=patience),
                "timeout": timedelta(seconds=patience),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=patience)},
        )

    def sync(self) -> None:
        """Do nothing: what the server took is durable."""

    def put(self, key: str, chunks: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
        """Write an object; large ones go up in parts and appear only when complete."""
        source, first = iter(chunks), bytearray()
        for chunk in source:
            first += chunk
            if len(first) > _SMALL:
                break
        with self._explained(key):
            if len(first) <= _SMALL:
                self._obstore.put(self._store, self._prefix + key, bytes(first), use_multipart=False)
            else:
                rest = chain([bytes(first)], map(bytes, source))
                sizes = {"chunk_size": _PART, "max_concurrency": _PARTS_AT_ONCE}
                self._obstore.put(self._store, self._prefix + key, rest, **sizes)

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading and seeking by ranges; NotFoundError where it is absent."""
        whole = self.size(key)
        if whole is None:
            raise NotFoundError(kind="object", id=key)
        return cast("BinaryIO", io.BufferedReader(_Ranges(self, key, whole), _BUFFER))

    def part(self, key: str, start: int, size: int) -> bytes:
        """Return up to `size` bytes from `start` on; NotFoundError where the object is absent."""
        found = self._get(key, f"bytes={start}-{start + size - 1}", start, size) if size else (b"", 0)
        return found[0] if found else b""

    def tail(self, key: str, size: int) -> tuple[bytes, int]:
        """Return the last bytes, up to `size`, and the size of the whole; NotFoundError where the object is absent."""
        found = self._get(key, f"bytes=-{size}", 0, size)
        if found is None:  # some servers refuse a tail that is longer than the whole
            found = self._get(key, "", 0, size)
        return found or (b"", 0)

    def _get(self, key: str, span: str, start: int, size: int) -> tuple[bytes, int] | None:
        """Read one range; None where it holds nothing. A server that ignores ranges is read from the front."""
        address = self._obstore.sign(self._store, "GET", self._prefix + key, _SIGNED)
        with self._explained(key), self._client.stream("GET", address, headers={"Range": span} if span else {}) as got:
            if got.status_code == httpx.codes.NOT_FOUND:
                raise NotFoundError(kind="object", id=key)
            if got.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return None
            got.raise_for_status()
            told = _RANGE.fullmatch(got.headers.get("content-range", ""))
            if told:
                return b"".join(_first(got, size)), int(told[1])
            whole = int(got.headers.get("content-length", 0))
            skip = start if not span.startswith("bytes=-") else max(0, whole - size)
            return b"".join(_first(got, size, skip)), whole

    def size(self, key: str) -> int | None:
        """Return the object's size in bytes, or None where it is absent."""
        try:
            with self._explained(key):
                return int(self._obstore.head(self._store, self._prefix + key)["size"])
        except NotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Remove an object; removing an absent one is no error."""
        try:
            with self._explained(key):
                self._obstore.delete(self._store, self._prefix + key)
        except NotFoundError:
            return

    def keys(self, prefix: str = "") -> Iterator[str]:
        """List the keys under a prefix, in order."""
        yield from (key for key, _ in self._listed(prefix))

    def sizes(self) -> Iterator[tuple[str, int]]:
        """List all keys with the size of each object, in order."""
        yield from self._listed("")

    def _listed(self, prefix: str) -> list[tuple[str, int]]:
        folder = prefix.rpartition("/")[0]
        found: list[tuple[str, int]] = []
        with self._explained(prefix):
            for page in self._obstore.list(self._store, self._prefix + folder):
                found += [(item["path"].removeprefix(self._prefix), int(item["size"])) for item in page]
        return sorted(each for each in found if each[0].startswith(prefix))

    def _explained(self, key: str) -> "_Explained":
        return _Explained(key)


def _first(got: httpx.Response, size: int, skip: int = 0) -> Iterator[bytes]:
    """Yield `size` bytes of an answer after the first `skip`, and read no further."""
    for chunk in got.iter_bytes(_BUFFER):
        part = chunk[skip : skip + size]
        skip, size = max(0, skip - len(chunk)), size - len(part)
        yield part
        if not size:
            return


class _Ranges(io.RawIOBase):
    """An object as a seekable stream, range by range."""

    def __init__(self, objects: S3Objects, key: str, whole: int) -> None:
        self._objects, self._key, self._whole, self._at = objects, key, whole, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._whole}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        wanted = max(0, min(len(target), self._whole - self._at))
        found = self._objects.part(self._key, self._at, wanted)
        target[: len(found)] = found
        self._at += len(found)
        return len(found)


class _Explained:
    """Turns the client's exceptions into ours."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _trace: object) -> None:
        if isinstance(fault, FileNotFoundError):
            raise NotFoundError(kind="object", id=self.key) from fault
        if kind is not None and kind.__module__.partition(".")[0] in {"obstore", "httpx"}:
            raise UnreachableError(source=self.key, why=kind.__name__) from fault
