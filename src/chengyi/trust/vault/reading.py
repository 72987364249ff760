"""The plain bytes of an object as a seekable stream, from any good fragments.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules:

1. Nothing is decoded but pieces that were compared with their leaves; a few stripes of them are in memory.
2. Read from front to end, the bytes are compared with the signed commitment before the last of them are handed out;
   read in any order, every chunk's tag and the length hold.
"""

import hmac
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from chengyi.model.errors import ChengyiError, IntegrityError
from chengyi.trust.primitives.hashes import Hash
from chengyi.trust.vault.cobblestone import CHUNK, Cobblestone, open_run
from chengyi.trust.vault.encoding import AHEAD, Running
from chengyi.trust.vault.gathering import Gathered
from chengyi.trust.vault.pieces import Pieces

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")


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
        size, count = min(self._span, manifest.size), min(manifest.stripes, AHEAD + 1)
        self._buffers = [memoryview(bytearray(size)) for _ in range(count)]
        self._buffer = self._buffers[0]

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
        self._buffers.append(self._buffers.pop(0))  # the last ones may still be hashed
        self._buffer = self._buffers[-1]
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
