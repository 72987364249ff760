"""The erasure code: k data pieces and n - k parity pieces, any k of which give a stripe back.

Rules:

1. The matrix is ISA-L's Cauchy matrix, which keeps that promise for every shape (its Vandermonde matrix does not).
2. The code is systematic: the first k pieces joined are the stripe, filled up with zeros to a multiple of k.
3. The coder does not notice a wrong piece: it decodes it to wrong bytes. Only pieces whose hash was compared come here.
4. The coder's own headers of 80 bytes are not stored: they depend on the shape and the stripe's length alone, and
   are made anew from a coded stripe of zeros.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from chengyi.model.errors import IntegrityError, UsageError

LARGEST = 32
Piece = bytes | memoryview
_HEADER = 80


class ErasureCode:
    """A code of one shape, k of n."""

    def __init__(self, k: int, n: int) -> None:
        """Make the coder; UsageError unless 2 <= k < n <= 32."""
        if not 2 <= k < n <= LARGEST:
            raise UsageError(why=f"纠删码须满足 2 ≤ k < n ≤ {LARGEST} (a code needs 2 <= k < n <= {LARGEST})")
        from pyeclib.ec_iface import ECDriver

        self.k, self.n = k, n
        self._driver = ECDriver(ec_type="isa_l_rs_cauchy", k=k, m=n - k)
        self._headers = lru_cache(maxsize=8)(self._make_headers)

    def piece(self, stripe: int) -> int:
        """Return the length of the pieces of a stripe of so many bytes."""
        return -(-stripe // self.k)

    def encode(self, stripe: bytes) -> list[memoryview]:
        """Return the n pieces of a stripe, which is not empty."""
        return [memoryview(each)[_HEADER:] for each in self._driver.encode(stripe)]

    def join(self, pieces: Mapping[int, Piece], stripe: int) -> bytes:
        """Return a stripe of so many bytes from k pieces by index; the data pieces alone are only joined."""
        if all(index < self.k for index in pieces):
            return b"".join(pieces[index] for index in sorted(pieces))[:stripe]
        return bytes(self._driver.decode(self._headed(pieces, stripe)))

    def rebuild(self, pieces: Mapping[int, Piece], wanted: int, stripe: int) -> bytes:
        """Return one missing piece from k others by index."""
        return bytes(self._driver.reconstruct(self._headed(pieces, stripe), [wanted])[0])[_HEADER:]

    def _headed(self, pieces: Mapping[int, Piece], stripe: int) -> list[bytes]:
        if len(pieces) != self.k or {len(each) for each in pieces.values()} != {self.piece(stripe)}:
            raise IntegrityError(object="stripe", why="分片数目或长度不符 (pieces are too few or of a wrong length)")
        headers = self._headers(stripe)
        return [b"".join((headers[index], pieces[index])) for index in sorted(pieces)]

    def _make_headers(self, stripe: int) -> Sequence[bytes]:
        return [each[:_HEADER] for each in self._driver.encode(bytes(stripe))]


@lru_cache(maxsize=16)
def code_of(k: int, n: int) -> ErasureCode:
    """Return the code of a shape; it holds no secret and serves any number of threads."""
    return ErasureCode(k, n)
