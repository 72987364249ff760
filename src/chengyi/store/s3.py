"""Objects in an S3-compatible store; needs the extra ``chengyi[s3]``.

Rules: an S3 put is atomic by the protocol's own promise; the same keys and errors as in a folder.
"""

import tempfile
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

from chengyi.model.errors import ConfigError, NotFoundError, UnreachableError

_CHUNK = 1 << 20
_SPOOL = 8 << 20


class S3Objects:
    """Keeps the port `store.ports.Objects` on one bucket; `prefix` separates several stores in it."""

    def __init__(self, endpoint: str, bucket: str, access_key: str, secret_key: str, prefix: str = "") -> None:
        try:
            import obstore
            from obstore.store import S3Store
        except ImportError as fault:
            raise ConfigError(file="node.toml", key="objects.kind", why="pip install 'chengyi[s3]'") from fault
        self._obstore: Any = obstore
        self._prefix = f"{prefix.strip('/')}/" if prefix else ""
        self._store = S3Store(
            bucket,
            endpoint=endpoint,
            access_key_id=access_key,
            secret_access_key=secret_key,
            region="us-east-1",
            virtual_hosted_style_request=False,
            client_options={"allow_http": endpoint.startswith("http://")},
        )

    def put(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write an object; large ones go up in parts and appear only when complete."""
        with self._explained(key):
            self._obstore.put(self._store, self._prefix + key, iter(chunks))

    def open(self, key: str) -> BinaryIO:
        """Open a local copy for reading, in memory while small; NotFoundError where it is absent."""
        with self._explained(key):
            chunks = self._obstore.get(self._store, self._prefix + key).stream(min_chunk_size=_CHUNK)
            spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_SPOOL))  # noqa: SIM115 - the caller closes it
            for chunk in chunks:
                spool.write(chunk)
            spool.seek(0)
            return spool

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
        folder = prefix.rpartition("/")[0]
        found: list[str] = []
        with self._explained(prefix):
            for page in self._obstore.list(self._store, self._prefix + folder):
                found += [item["path"].removeprefix(self._prefix) for item in page]
        yield from sorted(key for key in found if key.startswith(prefix))

    def _explained(self, key: str) -> "_Explained":
        return _Explained(key)


class _Explained:
    """Turns the client's exceptions into ours."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _trace: object) -> None:
        if isinstance(fault, FileNotFoundError):
            raise NotFoundError(kind="object", id=self.key) from fault
        if kind is not None and kind.__module__.startswith("obstore"):
            raise UnreachableError(source=self.key, why=kind.__name__) from fault
