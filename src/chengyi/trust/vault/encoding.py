"""From plain bytes to pieces, stripe by stripe, with bounded memory.

Rules:

1. A stripe is 48 chunks, so that what is under way stays near the processor: they are sealed one after the other into
   one reused buffer, then coded (one-shot buffers of the whole object cost six times as much).
2. Pieces and plain bytes are hashed in other threads while the next stripe is sealed, or here where they lag behind.
3. At most a few stripes are under way at once.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from hashlib import sha256
from threading import Lock, Semaphore
from typing import BinaryIO

from chengyi.model.errors import UsageError
from chengyi.trust.primitives.hashes import Hash
from chengyi.trust.vault.cobblestone import CHUNK, Cobblestone, seal_run, sealed_size
from chengyi.trust.vault.code import ErasureCode
from chengyi.trust.vault.manifest import MAX_SIZE, STRIPE
from chengyi.trust.vault.sites import Lanes

Pieces = list[memoryview]
PLAIN_STRIPE = STRIPE * CHUNK
_UNDER_WAY = 2
AHEAD = 2


class Running:
    """A SHA-256 that follows a stream in another thread, at most `AHEAD` parts behind; without `lanes`, in this one."""

    def __init__(self, lanes: Lanes | None) -> None:
        self._lanes = lanes
        self._hash = sha256()
        self._room = Semaphore(AHEAD)
        self._waiting: deque[memoryview] = deque()
        self._lock = Lock()
        self._at_work = False

    def update(self, part: memoryview) -> None:
        """Take the next part, once there is room; it must stay as it is until `AHEAD` further ones are taken."""
        if self._lanes is None:
            self._hash.update(part)
            return
        self._room.acquire()
        with self._lock:
            self._waiting.append(part)
            idle, self._at_work = not self._at_work, True
        if idle:
            self._lanes.start(self._follow)

    def digest(self) -> bytes:
        """Return the SHA-256 of all parts."""
        for _ in range(AHEAD):
            self._room.acquire()
        self._room.release(AHEAD)
        return self._hash.digest()

    def _follow(self) -> None:
        """Hash what waits; a thread that finds more goes on, for waking one costs as much as a part."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._at_work = False
                    return
                part = self._waiting.popleft()
            self._hash.update(part)
            self._room.release()


class Encoding:
    """Encodes one stream: iterate for the pieces of each stripe, then ask for `size`, `digest` and `leaves`."""

    def __init__(self, source: BinaryIO, cipher: Cobblestone, code: ErasureCode, hash: Hash, lanes: Lanes) -> None:
        self._source, self._cipher, self._code, self._hash, self._lanes = source, cipher, code, hash, lanes
        self._plain = Running(lanes)
        self._hashed: deque[Future[list[bytes]]] = deque()
        self._stripes: list[list[bytes]] = []
        self.size = 0
        self.digest = b""

    def __iter__(self) -> Iterator[Pieces]:
        plain = memoryview(_read(self._source))
        sealed = memoryview(bytearray(sealed_size(len(plain))))
        if len(plain) < PLAIN_STRIPE:
            yield self._only(plain, sealed)
            return
        for number in range(MAX_SIZE // PLAIN_STRIPE + 1):
            last = len(plain) < PLAIN_STRIPE
            self._plain.update(plain)
            yield self._stripe(number, plain, sealed, last=last)
            if last:
                self.digest = self._plain.digest()
                return
            plain = memoryview(_read(self._source))
        raise UsageError(why=f"单个对象不得超过 {MAX_SIZE:,} 字节 (an object has at most {MAX_SIZE:,} bytes)")

    def leaves(self) -> list[list[bytes]]:
        """Return the leaf hashes of every fragment."""
        while self._hashed:
            self._stripes.append(self._hashed.popleft().result())
        return [list(each) for each in zip(*self._stripes, strict=True)]

    def _only(self, plain: memoryview, sealed: memoryview) -> Pieces:
        """Return the pieces of an object of one stripe; for so little no other thread is asked."""
        pieces = self._code.encode(bytes(sealed[: seal_run(self._cipher, 0, plain, sealed, last=True)]))
        self._stripes.append([self._hash.leaf(each) for each in pieces])
        self.size, self.digest = len(plain), sha256(plain).digest()
        return pieces

    def _stripe(self, number: int, plain: memoryview, sealed: memoryview, *, last: bool) -> Pieces:
        size = seal_run(self._cipher, number * STRIPE, plain, sealed, last=last)
        pieces = self._code.encode(bytes(sealed[:size]))
        self._hashed.append(self._hashing(pieces))
        while len(self._hashed) > _UNDER_WAY:
            self._stripes.append(self._hashed.popleft().result())
        self.size += len(plain)
        return pieces

    def _hashing(self, pieces: Pieces) -> "Future[list[bytes]]":
        """Hash the pieces in another thread, or in this one where that has not yet come through the last ones."""
        if not self._hashed or self._hashed[-1].done():
            return self._lanes.start(lambda: self._leaves(pieces))
        here: Future[list[bytes]] = Future()
        here.set_result(self._leaves(pieces))
        return here

    def _leaves(self, pieces: Pieces) -> list[bytes]:
        return [self._hash.leaf(each) for each in pieces]


def keep_heap() -> None:
    """Have the C library keep freed memory for the next stripe.

    By default it gives freed buffers of this size back to the system at once, and every stripe then pays for fresh
    pages: more time than all encryption and coding together. Freeing one large untouched block raises its threshold
    (glibc, mallopt(3): M_MMAP_THRESHOLD is dynamic); elsewhere this does nothing.
    """
    bytearray(31 << 20)


def _read(source: BinaryIO) -> bytes:
    """Read a stripe of plain bytes; it is shorter only where the stream ends."""
    first = source.read(PLAIN_STRIPE)
    if not first or len(first) == PLAIN_STRIPE:
        return first
    parts, size = [first], len(first)
    while size < PLAIN_STRIPE and (part := source.read(PLAIN_STRIPE - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
