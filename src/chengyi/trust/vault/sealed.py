"""The form of a sealed object, written once from front to back and read from anywhere.

Keeps promises 2 (never altered) and 3 (useless in pieces). An object is::

    magic 16 | length 2 | wrapped data key | Cobblestone-256 message | sealed summary 112 | SHA-256 32

1. The data key is random, used for this object only, and wrapped under the node's keys.
2. Key, message and summary are bound to the object's id, so that objects cannot change places.
3. The summary holds size and SHA-256 of the plain bytes; it is sealed, so that equal contents look different.
4. The last 32 bytes are the SHA-256 of all before them: anyone can find rot without a key.
5. Reading from front to end checks every tag, the plain bytes' digest and the stored bytes' digest, before
   the last bytes are handed out; reading out of order checks every chunk's tag and the length.
"""

import hmac
import io
import secrets
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from chengyi.model.errors import IntegrityError
from chengyi.trust.ports import Keys, Stored
from chengyi.trust.vault.cobblestone import (
    CHUNK,
    HEAD,
    SEALED_CHUNK,
    Cobblestone,
    open_run,
    seal,
    seal_run,
    sealed_size,
    span,
    unseal,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAGIC = b"chengyi-object/1"
RUN = 16
RUN_SIZE = RUN * CHUNK
DIGEST = 32
SUMMARY = HEAD + sealed_size(8 + DIGEST)
_KEY = 32
_LENGTH = 2
T = TypeVar("T")


class Sealing:
    """Seals one stream: iterate for the stored bytes, then ask for `stored`."""

    def __init__(self, object: str, source: BinaryIO, keys: Keys) -> None:
        self._object = object
        self._source = source
        self._keys = keys
        self._size = 0
        self._plain = sha256()

    @property
    def stored(self) -> Stored:
        """Return what was sealed; only meaningful when the iteration has ended."""
        return Stored(self._object, self._size, self._plain.hexdigest())

    def __iter__(self) -> Iterator[bytes]:
        whole = sha256()
        for part in self._parts():
            whole.update(part)
            yield part
        yield whole.digest()

    def _parts(self) -> Iterator[bytes]:
        key, context = secrets.token_bytes(_KEY), _context(self._object)
        wrapped = self._keys.wrap(key, context)
        cipher = Cobblestone(key, context)
        yield MAGIC + len(wrapped).to_bytes(_LENGTH, "big") + wrapped + cipher.head
        yield from self._runs(cipher)
        yield seal(key, _context(self._object, b"summary"), self._size.to_bytes(8, "big") + self._plain.digest())

    def _runs(self, cipher: Cobblestone) -> Iterator[bytes]:
        out, first, last = bytearray(), 0, False
        while not last:
            plain = _read_run(self._source)
            last = len(plain) < RUN_SIZE
            self._plain.update(plain)
            self._size += len(plain)
            out = out or bytearray(sealed_size(len(plain)))
            sealed = seal_run(cipher, first, memoryview(plain), memoryview(out), last=last)
            yield bytes(memoryview(out)[:sealed])
            first += RUN


class Unsealing(io.RawIOBase):
    """The plain bytes of a sealed object as a seekable stream with one run of chunks in memory."""

    def __init__(self, object: str, file: BinaryIO, keys: Keys) -> None:
        self._object = object
        self._file = file
        self._at = 0
        self._run = -1
        self._next = 0
        self._buffer = memoryview(bytearray(RUN_SIZE))
        self._held = 0
        self._fault = ""
        self._open(keys)

    @property
    def size(self) -> int:
        """Return the number of plain bytes."""
        return self._span.size

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the plain bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in the plain bytes."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("negative seek position")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read up to the end of the current run; 0 at the end."""
        self._demand(not self._fault, self._fault)
        target = memoryview(buffer).cast("B")
        run, offset = divmod(self._at, RUN_SIZE)
        if run * RUN <= self._span.chunks - 1 and run != self._run:
            self._load(run)
        count = max(0, min(len(target), self._held - offset)) if run == self._run else 0
        target[:count] = self._buffer[offset : offset + count]
        self._at += count
        return count

    def close(self) -> None:
        """Close the stored object."""
        if not self.closed:
            self._file.close()
        super().close()

    def _open(self, keys: Keys) -> None:
        end = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        start = self._exactly(len(MAGIC) + _LENGTH)
        self._demand(start[:-_LENGTH] == MAGIC, "不是封存对象 (not a sealed object)")
        wrapped = self._exactly(int.from_bytes(start[-_LENGTH:], "big"))
        head = self._exactly(HEAD)
        self._body = self._file.tell()
        self._tail = end - SUMMARY - DIGEST
        self._demand(self._tail >= self._body, "对象被截断 (the object was cut)")
        key = self._named(lambda: keys.unwrap(wrapped, _context(self._object)))
        self._cipher = self._named(lambda: Cobblestone.open(key, _context(self._object), head))
        self._span = self._named(lambda: span(self._tail - self._body))
        self._plain = sha256()
        self._digest = sha256(start + wrapped + head)
        self._read_summary(key)

    def _read_summary(self, key: bytes) -> None:
        self._file.seek(self._tail)
        self._summary, self._stored = self._exactly(SUMMARY), self._exactly(DIGEST)
        summary = self._named(lambda: unseal(key, _context(self._object, b"summary"), self._summary))
        self._demand(int.from_bytes(summary[:8], "big") == self.size, "长度与摘要不符 (the length differs)")
        self._sha256 = summary[8:]

    def _load(self, run: int) -> None:
        first = run * RUN
        self._file.seek(self._body + first * SEALED_CHUNK)
        length = min(RUN * SEALED_CHUNK, self._tail - self._file.tell())
        sealed = memoryview(self._exactly(length))
        self._held = self._named(lambda: open_run(self._cipher, first, sealed, self._buffer))
        self._run = run
        if run == self._next:
            self._follow(sealed)

    def _follow(self, sealed: memoryview) -> None:
        self._digest.update(sealed)
        self._plain.update(self._buffer[: self._held])
        self._next += 1
        if self._next * RUN >= self._span.chunks:
            self._digest.update(self._summary)
            self._demand(self._plain.digest() == self._sha256, "内容与摘要不符 (the plain digest differs)")
            self._demand(self._digest.digest() == self._stored, "密文与摘要不符 (the stored digest differs)")

    def _exactly(self, count: int) -> bytes:
        raw = self._file.read(count)
        self._demand(len(raw) == count, "对象被截断 (the object was cut)")
        return raw

    def _demand(self, holds: bool, why: str) -> None:
        if not holds:
            self._fault = why
            raise IntegrityError(object=self._object, why=why)

    def _named(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except IntegrityError as error:
            self._fault = str(error.facts["why"])
            raise IntegrityError(object=self._object, why=self._fault) from error


def scrub(object: str, file: BinaryIO) -> None:
    """Compare the stored bytes with their digest, without any key; IntegrityError where they differ."""
    end = file.seek(0, io.SEEK_END) - DIGEST
    file.seek(0)
    digest = sha256()
    while (left := end - file.tell()) > 0 and (part := file.read(min(RUN_SIZE, left))):
        digest.update(part)
    if not hmac.compare_digest(digest.digest(), file.read(DIGEST)):
        raise IntegrityError(object=object, why="密文与摘要不符 (the stored digest differs)")


def _context(object: str, part: bytes = b"") -> bytes:
    return MAGIC + b"|" + object.encode() + b"|" + part


def _read_run(source: BinaryIO) -> bytes:
    run = source.read(RUN_SIZE)
    if not run or len(run) == RUN_SIZE:
        return run
    parts, size = [run], len(run)
    while size < RUN_SIZE and (part := source.read(RUN_SIZE - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
