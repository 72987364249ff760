"""The vault: the only door to stored bytes, which lie as fragments in several stores.

Keeps promises 2 (never altered) and 3 (useless in pieces). Rules:

1. What goes in is sealed under a random key, coded k of n, and durable in `quorum` stores before `put` returns; the
   key lies shared among the stores and nowhere whole. A failed `put` leaves nothing that could be read.
2. An object has a random id for life; a version of it is written once. A re-keyed object counts in its last version
   only (see `versions`).
3. What comes out is what went in, from any k good fragments, or an error; never anything between.
4. Every fragment that is refused is told to the listener.
5. Memory stays bounded whatever the size of an object; several threads may put and read at once.
"""

import io
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, cast

from chengyi.model.errors import (
    ChengyiError,
    ConfigError,
    IntegrityError,
    NotFoundError,
    StorageFullError,
    UnreachableError,
)
from chengyi.trust.ports import Keys, Stored
from chengyi.trust.vault import manifest as manifests
from chengyi.trust.vault import shares
from chengyi.trust.vault.cobblestone import Cobblestone
from chengyi.trust.vault.code import LARGEST, code_of
from chengyi.trust.vault.encoding import Encoding, Pieces, keep_heap
from chengyi.trust.vault.faults import FaultKind, OnFault, unheard
from chengyi.trust.vault.fragment import ending, key_of, open_fragment
from chengyi.trust.vault.gathering import Gathered, fault_of
from chengyi.trust.vault.holdings import Holding, holdings
from chengyi.trust.vault.manifest import Manifest, SignedManifest
from chengyi.trust.vault.pieces import piece_of
from chengyi.trust.vault.reading import FragmentReader, content_commitment
from chengyi.trust.vault.shares import DataKey
from chengyi.trust.vault.sites import Lanes, Site
from chengyi.trust.vault.spreading import SmallWriting, Writing
from chengyi.trust.vault.suites import SUITES, Suite
from chengyi.trust.vault.versions import Versions

_BUFFER = 1 << 18


@dataclass(frozen=True, slots=True)
class Shape:
    """How new objects are written: k of n fragments, t of n key shares, suite, how many must be durable."""

    k: int
    n: int
    t: int = 0
    suite: str = "aes-sha256"
    quorum: int = 0

    def __post_init__(self) -> None:
        """Fill in t = k and quorum = n; ConfigError where the numbers do not fit together."""
        object.__setattr__(self, "t", self.t or self.k)
        object.__setattr__(self, "quorum", self.quorum or self.n)
        if self.suite not in SUITES:
            raise ConfigError(file="node.toml", key="vault.suite", why=f"须为 {' | '.join(SUITES)} 之一 (one of these)")
        if not 2 <= self.k <= self.t <= self.n <= LARGEST or self.k == self.n:
            why = f"须满足 2 ≤ k < n ≤ {LARGEST}，k ≤ t ≤ n (2 <= k < n <= {LARGEST}, k <= t <= n)"
            raise ConfigError(file="node.toml", key="vault", why=why)
        if not self.t <= self.quorum <= self.n:
            raise ConfigError(file="node.toml", key="vault.write_quorum", why="须满足 t ≤ write_quorum ≤ n (t to n)")


class FragmentsMissing(IntegrityError):
    """An object can be read, but not all of its fragments are there. Facts: object, why."""


class FragmentVault:
    """Keeps the port `trust.ports.Vault` over n sites; the first n are written to, all are read."""

    def __init__(
        self, sites: Sequence[Site], keys: Keys, versions: Versions, shape: Shape, on_fault: OnFault = unheard
    ) -> None:
        if len(sites) < shape.n:
            why = f"存储点 {len(sites)} 个，少于 n = {shape.n} ({len(sites)} stores are fewer than n)"
            raise ConfigError(file="node.toml", key="vault.stores", why=why)
        self.sites = tuple(sites)
        self.keys = keys
        self.versions = versions
        self.shape = shape
        self.on_fault = on_fault
        self._hashing = Lanes(4, "hashing")
        keep_heap()

    def put(self, source: BinaryIO, *, durable: bool = True) -> Stored:
        """Seal all bytes of `source` and spread them; StorageFullError leaves nothing behind."""
        return self.write(f"obj-{secrets.token_hex(16)}", 1, "", source, durable=durable)

    def put_bytes(self, plain: bytes, *, durable: bool = True) -> Stored:
        """Seal a small object."""
        return self.put(io.BytesIO(plain), durable=durable)

    def sync(self) -> None:
        """Make durable what was put before; raises the error of the first store that failed, where too few did it."""
        sites = [site for site in self.sites if not site.leaving]
        started = [(site, site.start(site.objects.sync)) for site in sites]
        failed: list[ChengyiError | OSError] = []
        for site, future in started:
            try:
                site.wait(future)
            except (ChengyiError, OSError) as error:
                failed.append(error)
        if len(sites) - len(failed) < self.shape.quorum:
            raise failed[0]

    def open(self, object: str) -> BinaryIO:
        """Open the plain bytes for reading and seeking; NotFoundError, or IntegrityError as soon as it shows."""
        reader = FragmentReader(self.gather(object))
        return cast("BinaryIO", io.BufferedReader(reader, _BUFFER))

    def read(self, object: str) -> bytes:
        """Read a small object whole."""
        with self.open(object) as plain:
            return plain.read()

    def manifest(self, object: str) -> str:
        """Return the SHA-256 of the object's signed manifest."""
        return self.gather(object).signed.digest

    def verify(self, object: str) -> None:
        """Check every stored byte in every store; IntegrityError names what was changed or is missing."""
        try:
            gathered = self.gather(object, everywhere=True)
            for index, fragment in sorted(gathered.fragments.items()):
                self._verify_pieces(gathered, index, fragment.manifest.stripes)
            gathered.need()
        except NotFoundError as error:
            raise IntegrityError(object=object, why="对象缺失 (the object is missing)") from error
        reader = FragmentReader(gathered)
        while reader.read(_BUFFER):
            pass
        self._demand_all(gathered)

    def objects(self) -> Iterator[str]:
        """List the objects that the stores can give back, in order; left-overs of interrupted writing are none."""
        for holding in self.holdings():
            if self._readable(holding):
                yield holding.object

    def holdings(self) -> Iterator[Holding]:
        """List what the stores hold, object by object; a store that cannot be listed is told to the listener."""
        return holdings(self.sites, self.on_fault)

    def gather(self, object: str, *, everywhere: bool = False, sites: Sequence[Site] = ()) -> Gathered:
        """Return enough good fragments of an object, or all there are, from all sites or some.

        NotFoundError, IntegrityError, or UnreachableError where silent sites make the difference.
        """
        if not manifests.OBJECT.fullmatch(object):
            raise NotFoundError(kind="对象 object", id=object)
        gathered = Gathered(
            sites or self.sites,
            object,
            self.versions.expected(object),
            verifier=self.keys.verifier,
            on_fault=self.on_fault,
            lanes=self._hashing,
            first=self.shape.t,
        )
        if everywhere:
            gathered.ask_all()
        gathered.need()
        return gathered

    def write(self, object: str, version: int, prior: str, source: BinaryIO, *, durable: bool = True) -> Stored:
        """Write one version of an object to the first n sites; what is not durable in `quorum` of them is undone."""
        job = _Job(self, object, version, prior)
        encoding = Encoding(source, job.cipher, code_of(self.shape.k, self.shape.n), job.suite.hash, self._hashing)
        stripes = iter(encoding)
        first = next(stripes)
        second = next(stripes, None)
        if second is None:
            signed = job.sign(encoding)
            writings = job.write_small(first, encoding, signed, durable=durable)
        else:
            writings, signed = job.write_large(chain((first, second), stripes), encoding)
        self._settle(writings, object, version)
        return Stored(object, encoding.size, encoding.digest.hex(), signed.digest)

    def _settle(self, writings: "Sequence[Writing]", object: str, version: int) -> None:
        failed = [(each, each.error) for each in writings if each.error is not None]
        if len(writings) - len(failed) < self.shape.quorum:
            for each in writings:
                each.remove()
            raise _worst(failed)
        for each, error in failed:
            known = error if isinstance(error, (ChengyiError, OSError)) else OSError(str(error))
            self.on_fault(fault_of(object, version, each.site.id, known))

    def _verify_pieces(self, gathered: Gathered, index: int, stripes: int) -> None:
        fragment, site = gathered.fragments[index], gathered.sites[index]
        try:
            for stripe in range(stripes):
                if fragment.held is not None:
                    piece_of(fragment, site, stripe)
                else:
                    site.call(lambda stripe=stripe: piece_of(fragment, site, stripe))  # type: ignore[misc]
        except (ChengyiError, OSError) as error:
            gathered.drop(index, error)

    def _demand_all(self, gathered: Gathered) -> None:
        count, wanted = len(gathered.fragments), gathered.manifest.n
        if count >= wanted:
            return
        named = "；".join(f"{each.store}：{each.kind.words.zh}，{each.why}" for each in gathered.faults)
        why = f"完好分片 {count} 份，应有 {wanted} 份 ({count} of {wanted} fragments are good)：{named}"
        missing = all(each.kind is FaultKind.MISSING for each in gathered.faults)
        raise (FragmentsMissing if missing else IntegrityError)(object=gathered.object, why=why)

    def _readable(self, holding: Holding) -> bool:
        expected = self.shape.n if holding.versions.keys() == {1} else 0
        stores = holding.versions.get(1, ()) if expected else ()
        if expected and len(stores) >= expected:
            return True
        version = self.versions.expected(holding.object).version
        sites = [site for site in self.sites if site.id in holding.versions.get(version, ())]
        needed = _needed(sites, holding.object, version, self.keys.verifier)
        return bool(sites) and len(sites) + holding.unlisted >= needed


class _Job:
    """One version of one object on its way into the stores."""

    def __init__(self, vault: FragmentVault, object: str, version: int, prior: str) -> None:
        shape = vault.shape
        self.suite: Suite = SUITES[shape.suite]
        self._vault, self._object, self._version, self._prior = vault, object, version, prior
        self._sites = vault.sites[: shape.n]
        self._key = DataKey.random()
        verifier, numbers = vault.keys.verifier, (shape.k, shape.n, shape.t)
        self._context = manifests.context(verifier, object, version, self.suite.id, numbers)
        self._shares = self._key.split(self._context, shape.n, shape.t)
        self.cipher = Cobblestone(self._key.key, self._context, cipher=self.suite.cipher)

    def sign(self, encoding: Encoding) -> SignedManifest:
        """Return the signed manifest of what was encoded."""
        shape, salt = self._vault.shape, self._key.salt(self._context)
        indexed = enumerate(self._shares, 1)
        manifest = Manifest(
            object=self._object,
            version=self._version,
            prior=self._prior,
            suite=self.suite,
            k=shape.k,
            n=shape.n,
            t=shape.t,
            size=encoding.size,
            stripe=manifests.STRIPE,
            head=self.cipher.head,
            roots=tuple(map(self.suite.hash.root, encoding.leaves())),
            shares=tuple(shares.commitment(self._context, index, share) for index, share in indexed),
            commitment=content_commitment(self.suite.hash, salt, encoding.size, encoding.digest),
            node=self._vault.keys.verifier,
        )
        return manifests.sign(manifest, self._vault.keys)

    def write_small(
        self, pieces: Pieces, encoding: Encoding, signed: SignedManifest, *, durable: bool
    ) -> "list[Writing]":
        """Write an object of one stripe."""
        endings = list(self._endings(encoding, signed))
        writings: list[Writing] = [
            SmallWriting(site, self._name, (piece, end), durable=durable)
            for site, piece, end in zip(self._sites, pieces, endings, strict=True)
        ]
        return _finished(writings)

    def write_large(self, stripes: Iterator[Pieces], encoding: Encoding) -> "tuple[list[Writing], SignedManifest]":
        """Write an object of several stripes while it is encoded."""
        writings = [Writing(site, self._name) for site in self._sites]
        try:
            for pieces in stripes:
                for writing, piece in zip(writings, pieces, strict=True):
                    writing.feed(piece)
            signed = self.sign(encoding)
            for writing, end in zip(writings, self._endings(encoding, signed), strict=True):
                writing.feed(end)
        except BaseException as error:
            for writing in writings:
                writing.give_up(error)
            for writing in writings:
                writing.remove()
            raise
        return _finished(writings), signed

    @property
    def _name(self) -> str:
        return key_of(self._object, self._version)

    def _endings(self, encoding: Encoding, signed: SignedManifest) -> Iterator[bytes]:
        payload = signed.manifest.payload
        for index, (site, share, leaves) in enumerate(
            zip(self._sites, self._shares, encoding.leaves(), strict=True), 1
        ):
            sealed = shares.seal(self._context, index, share, site.custodian.public())
            yield ending(index, payload, leaves, sealed, signed.raw)


def _finished(writings: "list[Writing]") -> "list[Writing]":
    try:
        for each in writings:
            each.finish()
    except BaseException as error:
        for each in writings:
            each.give_up(error)
            each.remove()
        raise
    return writings


def _worst(failed: "Sequence[tuple[Writing, BaseException | None]]") -> BaseException:
    """Return the error that says most about why too few fragments were written."""
    errors = [error for _, error in failed if error is not None]
    full = [each for each in errors if isinstance(each, StorageFullError)]
    known = [each for each in errors if isinstance(each, (ChengyiError, OSError))]
    fallback = UnreachableError(source=failed[0][0].site.id, why=type(errors[0]).__name__)
    return (full or known or [fallback])[0]


def _needed(sites: Sequence[Site], object: str, version: int, verifier: str) -> int:
    """Return how many fragments an object needs, by the first manifest that can be read; 1 where none can."""
    for site in sites:
        try:
            fragment = site.call(lambda site=site: open_fragment(site.objects, object, version, verifier))  # type: ignore[misc]
        except (ChengyiError, OSError):
            continue
        return max(fragment.manifest.k, fragment.manifest.t)
    return 1
