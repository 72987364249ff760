"""What the stores hold, against what they should hold.

Keeps promise 6: never silently partial. Rules: an object is whole where each of its n fragments is there in the
version that counts; it can be mended where enough of them are; the rest are either lost or the left-over of a writing
that was cut off, and only the rows that name objects can tell which. Old versions, and new ones that never came to
count, are left-overs too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chengyi.model.errors import ChengyiError
from chengyi.trust.vault.fragment import key_of, open_fragment
from chengyi.trust.vault.holdings import Holding
from chengyi.trust.vault.manifest import Manifest
from chengyi.trust.vault.sites import Site
from chengyi.trust.vault.vault import FragmentVault
from chengyi.trust.vault.versions import Expected


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One object: the version that counts, stores that lack it, other versions there, whether it can be read."""

    object: str
    version: int
    lacking: tuple[str, ...]
    leftover: tuple[int, ...]
    readable: bool


@dataclass(slots=True)
class Survey:
    """Walks over all objects of a vault, by the stores' listings."""

    vault: FragmentVault
    _known: dict[str, Expected] = field(init=False)

    def __post_init__(self) -> None:
        """Read once which objects were re-keyed."""
        self._known = self.vault.versions.known()

    def __iter__(self) -> Iterator[Surveyed]:
        for holding in self.vault.holdings():
            yield self.look(holding)

    @property
    def _used(self) -> list[Site]:
        return [site for site in self.vault.sites if not site.leaving]

    def look(self, holding: Holding) -> Surveyed:
        """Return what one object lacks."""
        version = self._known.get(holding.object, Expected(1)).version
        held = holding.versions.get(version, ())
        lacking = [site.id for site in self._used if site.id not in held]
        leftover = tuple(sorted(each for each in holding.versions if each != version))
        if not lacking:
            return Surveyed(holding.object, version, (), leftover, True)
        manifest = self._manifest(holding.object, version, held)
        if manifest is None:
            return Surveyed(holding.object, version, (), leftover, False)
        used = len(self._used) - len(lacking)
        short = max(0, min(manifest.n, len(self._used)) - used)
        readable = len(held) + holding.unlisted >= max(manifest.k, manifest.t)
        return Surveyed(holding.object, version, tuple(lacking[:short]) if readable else (), leftover, readable)

    def _manifest(self, object: str, version: int, held: Sequence[str]) -> Manifest | None:
        verifier = self.vault.keys.verifier
        for site in self.vault.sites:
            if site.id in held:
                try:
                    return site.call(lambda at=site: open_fragment(at.objects, object, version, verifier)).manifest  # type: ignore[misc]
                except (ChengyiError, OSError):
                    continue
        return None

    def sweep(self, found: Surveyed) -> int:
        """Remove the left-overs of other versions of a readable object; return how many versions that were."""
        for version in found.leftover:
            for site in self.vault.sites:
                key = key_of(found.object, version)
                try:
                    site.call(lambda at=site, key=key: at.objects.delete(key))  # type: ignore[misc]
                except (ChengyiError, OSError):
                    continue
        return len(found.leftover)
