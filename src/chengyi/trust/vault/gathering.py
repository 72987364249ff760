"""Gathering enough good fragments of an object, whatever the sites give.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules:

1. As many sites are asked as are needed, those that answered of late first; each that fails is replaced by another.
2. A fragment counts when its manifest is signed by this node, names this object and the version that counts, has the
   digest on record where there is one, agrees with the other fragments, and its key share opens to its commitment.
3. Whatever else comes is an erasure, and is told to the listener.
4. With fewer than t good ones nothing is read: the error says how many there are. Where silent sites make the
   difference, it is one that may pass.
"""

from collections.abc import Sequence
from concurrent.futures import Future

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from chengyi.model.errors import (
    ChengyiError,
    IntegrityError,
    NotFoundError,
    PassphraseError,
    TransientError,
    UnreachableError,
)
from chengyi.trust.vault import shares
from chengyi.trust.vault.faults import FaultKind, FragmentFault, FragmentRefused, OnFault, refused
from chengyi.trust.vault.fragment import Fragment, open_fragment
from chengyi.trust.vault.manifest import Manifest, SignedManifest
from chengyi.trust.vault.shares import DataKey
from chengyi.trust.vault.sites import Lanes, Site
from chengyi.trust.vault.versions import Expected


class Gathered:
    """The good fragments of one object, by index from 1, and the sites they came from."""

    def __init__(
        self,
        sites: Sequence[Site],
        object: str,
        expected: Expected,
        *,
        verifier: str,
        on_fault: OnFault,
        lanes: Lanes,
        first: int = 2,
    ) -> None:
        """Start with nothing; `first` is how many sites are asked at once in the beginning."""
        self.object = object
        self.lanes = lanes
        self.expected = expected
        self.fragments: dict[int, Fragment] = {}
        self.sites: dict[int, Site] = {}
        self.faults: list[FragmentFault] = []
        self._verifier = verifier
        self._on_fault = on_fault
        self._left = sorted(sites, key=lambda site: site.silent)
        self._count = sum(not site.leaving for site in sites)
        self._first, self._told = first, 0
        self._signed: SignedManifest | None = None
        self._opened: dict[int, bytes] = {}

    @property
    def manifest(self) -> Manifest:
        """Return the manifest on which all good fragments agree."""
        return self.signed.manifest

    @property
    def signed(self) -> SignedManifest:
        """Return the manifest with its signature; only where there is a good fragment."""
        if self._signed is None:
            raise self._too_few(0, 0)
        return self._signed

    @property
    def opened(self) -> dict[int, bytes]:
        """Return the opened key shares, by index."""
        return self._opened

    def need(self) -> None:
        """Gather until the object can be read; NotFoundError, IntegrityError or UnreachableError where it cannot."""
        while (short := self._wanted - len(self.fragments)) > 0:
            if not self._left:
                self._tell()
                raise self._too_few(len(self.fragments), self._wanted)
            self._ask(short)
        self._tell()

    @property
    def _wanted(self) -> int:
        return max(self.manifest.k, self.manifest.t) if self._signed else self._first

    def _ask(self, count: int) -> None:
        asked, self._left = self._left[:count], self._left[count:]
        started = [(site, site.start(self._head(site))) for site in asked]
        for site, future in started:
            self._take(site, future)

    def ask_all(self) -> None:
        """Ask every site that was not asked yet."""
        self._ask(len(self._left))
        self._tell()

    def data_key(self) -> DataKey:
        """Return the data key from the good fragments' shares."""
        return shares.combine(self.manifest, self._opened)

    def drop(self, index: int, fault: ChengyiError | OSError) -> None:
        """Leave out a fragment that turned out bad while it was read."""
        site = self.sites[index]
        self.fragments.pop(index)
        self._note(site, fault)
        self._tell()

    def _head(self, site: Site) -> "_Head":
        return _Head(site, self.object, self.expected.version, self._verifier)

    def _take(self, site: Site, future: "Future[Fragment]") -> None:
        try:
            fragment = site.wait(future)
            self._accept(site, fragment)
        except PassphraseError:
            raise
        except (ChengyiError, OSError) as error:
            self._note(site, error)

    def _accept(self, site: Site, fragment: Fragment) -> None:
        wanted = self.expected.manifest or (self._signed.digest if self._signed else "")
        if wanted and fragment.signed.digest != wanted:
            why = f"清单 {fragment.signed.digest[:16]} 不是在册的那份 (its manifest is not the one on record)"
            raise refused(self.object, FaultKind.FOREIGN, why)
        if fragment.index in self.fragments:
            if site.leaving or self.sites[fragment.index].leaving:
                return
            why = f"与存储点 {self.sites[fragment.index].id} 的分片相同 (the same fragment is in another store)"
            raise refused(self.object, FaultKind.FOREIGN, why)
        share = shares.open(fragment.manifest, fragment.index, fragment.share, _private(site, self.object))
        self._signed = self._signed or fragment.signed
        self.fragments[fragment.index], self.sites[fragment.index] = fragment, site
        self._opened[fragment.index] = share

    def _note(self, site: Site, error: ChengyiError | OSError) -> None:
        if not (site.leaving and isinstance(error, NotFoundError)):
            self.faults.append(fault_of(self.object, self.expected.version, site.id, error))

    def _tell(self) -> None:
        """Tell the listener what is new; a fragment that no site ever had to hold is not missing."""
        new, self._told = self.faults[self._told :], len(self.faults)
        for fault in new:
            spare = self._signed is not None and self.manifest.n < self._count
            if fault.kind is not FaultKind.MISSING or not (spare or self._signed is None):
                self._on_fault(fault)

    def _too_few(self, found: int, wanted: int) -> ChengyiError:
        kinds = [each.kind for each in self.faults]
        if not found and all(each is FaultKind.MISSING for each in kinds):
            return NotFoundError(kind="对象 object", id=self.object)
        named = "；".join(f"{each.store}：{each.why}" for each in self.faults)
        silent = kinds.count(FaultKind.UNREACHABLE)
        if silent and found + silent >= wanted:
            return UnreachableError(source=self.object, why=f"可用分片 {found} 份，须 {wanted} 份（{named}）")
        why = f"可用分片 {found} 份，须 {wanted} 份 ({found} good fragments of {wanted} needed): {named}"
        return IntegrityError(object=self.object, why=why)


class _Head:
    """Reads one fragment's ending in the site's thread."""

    def __init__(self, site: Site, object: str, version: int, verifier: str) -> None:
        self._site, self._object, self._version, self._verifier = site, object, version, verifier

    def __call__(self) -> Fragment:
        return open_fragment(self._site.objects, self._object, self._version, self._verifier)


def _private(site: Site, object: str) -> X25519PrivateKey:
    try:
        return site.custodian.private()
    except (IntegrityError, OSError) as error:
        raise refused(object, FaultKind.KEY, _why(error)) from error


def fault_of(object: str, version: int, store: str, error: ChengyiError | OSError) -> FragmentFault:
    """Return what an error says of a fragment."""
    return FragmentFault(object, version, store, _kind(error), _why(error))


def _kind(error: ChengyiError | OSError) -> FaultKind:
    if isinstance(error, FragmentRefused):
        return FaultKind(str(error.facts["kind"]))
    if isinstance(error, NotFoundError):
        return FaultKind.MISSING
    if isinstance(error, (TransientError, OSError)):
        return FaultKind.UNREACHABLE
    return FaultKind.KEY


def _why(error: ChengyiError | OSError) -> str:
    if isinstance(error, NotFoundError):
        return "分片缺失 (the fragment is missing)"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error.facts.get("why") or error.message("zh"))
