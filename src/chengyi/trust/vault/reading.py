"""The plain bytes of an object as a seekable stream, from any good fragments.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules:

1. A piece is compared with its leaf before anything is decoded from it; one that does not fit takes its fragment out,
   and another takes its place.
2. A few stripes are in memory, and the pieces of the next are on their way where reading goes straight on.
3. Read from front to end, the bytes are compared with the signed commitment before the last of them are handed out;
   read in any order, every chunk's tag and the length hold.
"""

import hmac
import io
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from chengyi.model.errors import ChengyiError, IntegrityError, NotFoundError, UnreachableError
from chengyi.trust.primitives.hashes import Hash
from chengyi.trust.vault.cobblestone import CHUNK, Cobblestone, open_run
from chengyi.trust.vault.encoding import Running
from chengyi.trust.vault.faults import FaultKind, FragmentRefused, refused
from chengyi.trust.vault.fragment import Fragment, key_of
from chengyi.trust.vault.gathering import Gathered
from chengyi.trust.vault.sites import Site, fulfil

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")
BATCH = 4
_Run = list[memoryview]


class Pieces:
    """Fetches the pieces of an object, one stripe at first, then a few at once where reading goes straight on."""

    def __init__(self, gathered: Gathered) -> None:
        gathered.need()
        self._gathered = gathered
        self.manifest = gathered.manifest
        self._ready: dict[int, dict[int, memoryview]] = {}
        self._next = -1
        self._ahead: tuple[int, dict[int, Future[_Run]]] = (-1, {})

    def stripe(self, number: int) -> bytes:
        """Return one sealed stripe; IntegrityError where too few pieces are good."""
        return self.manifest.code.join(self.pieces(number), self.manifest.stripe_size(number))

    def pieces(self, number: int) -> Mapping[int, memoryview]:
        """Return k good pieces of a stripe, by index from 0."""
        if number not in self._ready:
            self._load(number)
        return self._ready.pop(number)

    def _load(self, number: int) -> None:
        count = self._count(number)
        good: dict[int, _Run] = {}
        started = self._ahead[1] if self._ahead[0] == number else self._start(number, count, set())
        while len(good) < self.manifest.k:
            for index, future in started.items():
                self._await(index, future, good)
            if len(good) < self.manifest.k:
                self._gathered.need()
                started = self._start(number, count, set(good))
        self._ready = {number + at: {index: run[at] for index, run in good.items()} for at in range(count)}
        self._next = number + count
        if self._next < self.manifest.stripes:
            self._ahead = (self._next, self._start(self._next, self._count(self._next), set()))

    def _count(self, number: int) -> int:
        return min(BATCH if number == self._next else 1, self.manifest.stripes - number)

    def _start(self, number: int, count: int, have: set[int]) -> "dict[int, Future[_Run]]":
        wanted = [index for index in sorted(self._gathered.fragments) if index - 1 not in have]
        return {index: self._fetch(index, number, count) for index in wanted[: self.manifest.k - len(have)]}

    def _fetch(self, index: int, number: int, count: int) -> "Future[_Run]":
        fragment, site = self._gathered.fragments[index], self._gathered.sites[index]
        if fragment.held is None:
            return site.start(lambda: pieces_of(fragment, site, number, count))
        here: Future[_Run] = Future()
        fulfil(here, lambda: pieces_of(fragment, site, number, count))
        return here

    def _await(self, index: int, future: "Future[_Run]", good: dict[int, _Run]) -> None:
        if index not in self._gathered.fragments:
            return
        try:
            good[index - 1] = self._gathered.sites[index].wait(future)
        except (FragmentRefused, UnreachableError) as error:
            self._gathered.drop(index, error)
        except NotFoundError:
            self._gathered.drop(index, refused(self.manifest.object, FaultKind.DAMAGED, "分片消失 (it disappeared)"))
        except (ChengyiError, OSError) as error:
            self._gathered.drop(index, UnreachableError(source=self._gathered.sites[index].id, why=str(error)))


def pieces_of(fragment: Fragment, site: Site, number: int, count: int = 1) -> _Run:
    """Return good pieces of consecutive stripes of a fragment; FragmentRefused where one is not good."""
    manifest = fragment.manifest
    sizes = [manifest.code.piece(manifest.stripe_size(number + at)) for at in range(count)]
    start, size = fragment.start(number), sum(sizes)
    if fragment.held is not None:
        held = memoryview(fragment.held)[start : start + size]
    else:
        held = memoryview(site.objects.part(key_of(manifest.object, manifest.version), start, size))
    at, run = 0, []
    for stripe, length in enumerate(sizes, number):
        run.append(fragment.check(stripe, held[at : at + length]))
        at += length
    return run


class FragmentReader(io.RawIOBase):
    """The plain bytes of a gathered object."""

    def __init__(self, gathered: Gathered) -> None:
        self._pieces = Pieces(gathered)
        self._manifest = manifest = gathered.manifest
        self._object = manifest.object
        self._fault: ChengyiError | None = None
        self._at = self._held = 0
        self._stripe, self._next = -1, 0
        self._plain = Running(gathered.lanes if manifest.stripes > 1 else None)
        self._key = gathered.data_key()
        self._cipher = self._named(
            lambda: Cobblestone.open(self._key.key, manifest.context, manifest.head, manifest.suite.cipher)
        )
        size = min(self._span, manifest.size)
        self._buffer, self._other = memoryview(bytearray(size)), memoryview(b"")
        if manifest.stripes > 1:
            self._other = memoryview(bytearray(size))

    @property
    def _span(self) -> int:
        return self._manifest.stripe * CHUNK

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
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._manifest.size}[whence]
        if start + offset < 0:
            raise ValueError("negative seek position")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read up to the end of the current stripe; 0 at the end."""
        if self._fault is not None:
            raise self._fault
        target = memoryview(buffer).cast("B")
        stripe, offset = divmod(self._at, self._span)
        if stripe < self._manifest.stripes and stripe != self._stripe:
            self._load(stripe)
        count = max(0, min(len(target), self._held - offset)) if stripe == self._stripe else 0
        target[:count] = self._buffer[offset : offset + count]
        self._at += count
        return count

    def _load(self, stripe: int) -> None:
        try:
            sealed = memoryview(self._pieces.stripe(stripe))
        except ChengyiError as error:
            self._fault = error
            raise
        first = stripe * self._manifest.stripe
        if self._manifest.stripes > 1:  # the last one may still be hashed
            self._buffer, self._other = self._other, self._buffer
        self._held = self._named(lambda: open_run(self._cipher, first, sealed, self._buffer))
        self._stripe = stripe
        if stripe == self._next:
            self._follow()

    def _follow(self) -> None:
        self._plain.update(self._buffer[: self._held])
        self._next += 1
        if self._next == self._manifest.stripes:
            found = content_commitment(
                self._manifest.suite.hash,
                self._key.salt(self._manifest.context),
                self._manifest.size,
                self._plain.digest(),
            )
            if not hmac.compare_digest(found, self._manifest.commitment):
                self._fault = IntegrityError(object=self._object, why="内容与承诺不符 (the bytes break the commitment)")
                raise self._fault

    def _named(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except IntegrityError as error:
            self._fault = IntegrityError(object=self._object, why=error.facts["why"])
            raise self._fault from error


def content_commitment(hash: Hash, salt: bytes, size: int, digest: bytes) -> bytes:
    """Return the hiding commitment to plain bytes of a size and SHA-256, under a salt only holders of the key know."""
    return hash.new(b"chengyi-content/1" + salt + size.to_bytes(8) + digest).digest()
