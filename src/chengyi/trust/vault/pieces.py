"""The pieces of an object, as they come from the stores.

Keeps promise 2 (never altered). Rules:

1. A piece is compared with its leaf before anybody gets it; one that does not fit takes its fragment out, and another
   takes its place.
2. Stores are asked for a window of a few stripes, and for the next one ahead where reading goes straight on; what is
   asked for waits in memory, nothing more.
3. Stores answer in their own threads; pieces are compared in the reader's, for waking a thread costs as much as a fast
   hash of a piece. With a slow one, other threads help.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import islice

from chengyi.model.errors import ChengyiError, NotFoundError, UnreachableError
from chengyi.trust.vault.faults import FaultKind, FragmentRefused, refused
from chengyi.trust.vault.fragment import Fragment, key_of
from chengyi.trust.vault.gathering import Gathered
from chengyi.trust.vault.sites import Site, fulfil

WINDOW = 8


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive pieces of one fragment, from the stripe `first` on, on their way."""

    first: int
    under_way: "Future[memoryview]"


class Pieces:
    """Fetches the pieces of a gathered object."""

    def __init__(self, gathered: Gathered) -> None:
        """Take an object; where it cannot be read, the error says why, as `Gathered.need`."""
        gathered.need()
        self._gathered = gathered
        self.manifest = gathered.manifest
        self._window = range(0)
        self._runs: dict[int, _Run] = {}
        self._ahead: dict[int, _Run] = {}

    def stripe(self, number: int) -> bytes:
        """Return one sealed stripe; IntegrityError where too few pieces are good."""
        return self.manifest.code.join(self.pieces(number), self.manifest.stripe_size(number))

    def pieces(self, number: int) -> Mapping[int, memoryview]:
        """Return k good pieces of a stripe, by index from 0."""
        if number not in self._window:
            self._move(number)
        good: dict[int, memoryview] = {}
        while len(good) < self.manifest.k:
            self._gathered.need()
            self._take(number, good)
        return good

    def _move(self, number: int) -> None:
        """Go to the window of a stripe: a wide one, and the next one ahead, where reading goes straight on."""
        straight = number == self._window.stop
        self._runs = self._ahead if straight else {}
        self._window = self._range(number, WINDOW if straight and number else 1)
        following = self._range(self._window.stop, WINDOW if straight else 0)
        first = list(islice(self._missing({}), self.manifest.k))
        for index in first:
            if index not in self._runs:
                self._runs[index] = self._fetch(index, self._window)
        self._ahead = {index: self._fetch(index, following) for index in first if following}

    def _range(self, start: int, count: int) -> range:
        return range(start, min(start + count, self.manifest.stripes))

    def _missing(self, have: Mapping[int, object]) -> Iterator[int]:
        return (index for index in sorted(self._gathered.fragments) if index - 1 not in have)

    def _take(self, number: int, good: dict[int, memoryview]) -> None:
        """Take pieces of fragments that are not among the good ones, as many as are missing."""
        chosen = list(islice(self._missing(good), self.manifest.k - len(good)))
        for index in chosen:
            if index not in self._runs or number < self._runs[index].first:
                self._runs[index] = self._fetch(index, range(number, self._window.stop))
        helped = self._helped(chosen, number)
        for index in sorted(chosen, key=helped.__contains__):
            try:
                good[index - 1] = helped[index].result() if index in helped else self._piece(index, number)
            except (ChengyiError, OSError) as error:
                self._gathered.drop(index, self._fault(index, error))

    def _helped(self, chosen: Sequence[int], number: int) -> "dict[int, Future[memoryview]]":
        """Have other threads take every second piece where hashing one takes longer than waking them."""
        if not self.manifest.suite.hash.slow or self.manifest.stripes == 1:
            return {}
        lanes = self._gathered.lanes
        return {index: lanes.start(partial(self._piece, index, number)) for index in chosen[1::2]}

    def _fault(self, index: int, error: ChengyiError | OSError) -> ChengyiError:
        """Return what an error says of a fragment that was good so far."""
        if isinstance(error, (FragmentRefused, UnreachableError)):
            return error
        if isinstance(error, NotFoundError):
            return refused(self.manifest.object, FaultKind.DAMAGED, "分片消失 (it disappeared)")
        return UnreachableError(source=self._gathered.sites[index].id, why=str(error))

    def _piece(self, index: int, number: int) -> memoryview:
        run, fragment = self._runs[index], self._gathered.fragments[index]
        held = self._gathered.sites[index].wait(run.under_way)
        start = fragment.start(number) - fragment.start(run.first)
        return fragment.check(number, held[start : start + fragment.length(number)])

    def _fetch(self, index: int, stripes: range) -> _Run:
        fragment, site = self._gathered.fragments[index], self._gathered.sites[index]
        if fragment.held is None:
            return _Run(stripes.start, site.start(lambda: _held(fragment, site, stripes)))
        here: Future[memoryview] = Future()
        fulfil(here, lambda: _held(fragment, site, stripes))
        return _Run(stripes.start, here)


def piece_of(fragment: Fragment, site: Site, stripe: int) -> memoryview:
    """Return one good piece of a fragment; FragmentRefused where it is not good."""
    return fragment.check(stripe, _held(fragment, site, range(stripe, stripe + 1)))


def _held(fragment: Fragment, site: Site, stripes: range) -> memoryview:
    """Return what a store holds for consecutive pieces, unchecked."""
    start = fragment.start(stripes.start)
    size = fragment.start(stripes[-1]) + fragment.length(stripes[-1]) - start
    if fragment.held is not None:
        return memoryview(fragment.held)[start : start + size]
    manifest = fragment.manifest
    return memoryview(site.objects.part(key_of(manifest.object, manifest.version), start, size))
