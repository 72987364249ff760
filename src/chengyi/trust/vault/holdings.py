"""What the stores hold, object by object, from their listings alone."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from chengyi.model.errors import ChengyiError
from chengyi.trust.vault.faults import FaultKind, FragmentFault, OnFault
from chengyi.trust.vault.fragment import parse_key
from chengyi.trust.vault.sites import Site


@dataclass(frozen=True, slots=True)
class Holding:
    """The stores that hold an object's fragments, by version; `unlisted` stores could not be asked."""

    object: str
    versions: Mapping[int, tuple[str, ...]]
    unlisted: int = 0


def holdings(sites: Sequence[Site], on_fault: OnFault) -> Iterator[Holding]:
    """List what the sites hold, in the order of the objects."""
    lists, unlisted = [], 0
    for site in sites:
        try:
            lists.append(_found(site.id, site.call(lambda site=site: list(site.objects.keys()))))  # type: ignore[misc]
        except (ChengyiError, OSError) as error:
            unlisted += 1
            on_fault(FragmentFault("", 0, site.id, FaultKind.UNREACHABLE, str(error)))
    for object, group in groupby(heapq.merge(*lists), key=itemgetter(0)):
        versions: dict[int, tuple[str, ...]] = {}
        for _, version, store in group:
            versions[version] = (*versions.get(version, ()), store)
        yield Holding(object, versions, unlisted)


def _found(store: str, keys: Sequence[str]) -> list[tuple[str, int, str]]:
    parsed = (parse_key(key) for key in keys)
    return sorted((each[0], each[1], store) for each in parsed if each is not None)
