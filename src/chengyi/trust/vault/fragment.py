"""The form of a fragment: one file for one store, object and version.

Keeps promises 2 (never altered) and 3 (useless in pieces). A fragment is::

    magic 16 | pieces | leaf hashes | sealed key share 144 | manifest | trailer

1. It is written once from front to back; what readers need first (leaves, share, manifest) stands at its end, and the
   fixed trailer says where.
2. Lengths are not believed: they have to be exactly those that the manifest's geometry gives, and the file must have
   no byte more or less.
3. The leaves give the root in the manifest, and each piece gives its leaf, so that any part is checked before it is
   used. A digest in the trailer lets anyone find rot in the rest without a key.
4. The manifest has to name this object and the version that is asked for.
"""

import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from chengyi.model.errors import IntegrityError
from chengyi.store.ports import Objects
from chengyi.trust.primitives import hashes
from chengyi.trust.vault import manifest as manifests
from chengyi.trust.vault import shares
from chengyi.trust.vault.faults import FaultKind, refused
from chengyi.trust.vault.manifest import Manifest, SignedManifest

MAGIC = b"chengyi-shard/1\n"
_TRAILER = struct.Struct(">BQIHH")
_END = _TRAILER.size + hashes.SIZE
TAIL = 64 << 10


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment whose manifest, leaves and geometry hold; `held` are its bytes where the file is small."""

    index: int
    signed: SignedManifest
    leaves: tuple[bytes, ...]
    share: bytes
    held: bytes | None = None

    @property
    def manifest(self) -> Manifest:
        """Return the manifest."""
        return self.signed.manifest

    def start(self, stripe: int) -> int:
        """Return where the piece of a stripe begins in the file."""
        return len(MAGIC) + stripe * self.manifest.code.piece(self.manifest.whole_stripe)

    def length(self, stripe: int) -> int:
        """Return the length of the piece of a stripe."""
        return self.manifest.code.piece(self.manifest.stripe_size(stripe))

    def check(self, stripe: int, piece: memoryview) -> memoryview:
        """Return a piece whose hash is its leaf; FragmentRefused where it is not."""
        manifest = self.manifest
        if len(piece) != self.length(stripe) or not hmac.compare_digest(
            manifest.suite.hash.leaf(piece), self.leaves[stripe]
        ):
            raise refused(manifest.object, FaultKind.DAMAGED, f"第 {stripe + 1} 条带 (stripe {stripe + 1})")
        return piece


def key_of(object: str, version: int) -> str:
    """Return the key of a fragment in any store."""
    return f"{object[4:6]}/{object}-{version}"


def parse_key(key: str) -> tuple[str, int] | None:
    """Return object and version of a key, or None where it is no fragment's."""
    object, _, version = key.rpartition("/")[2].rpartition("-")
    fits = manifests.OBJECT.fullmatch(object) and version.isascii() and version.isdigit() and len(version) <= 10
    return (object, int(version)) if fits and key == key_of(object, int(version)) else None


def ending(index: int, payload: int, leaves: Sequence[bytes], share: bytes, manifest: bytes) -> bytes:
    """Return what follows the pieces in the fragment of index 1 to n."""
    trailer = _TRAILER.pack(index, payload, len(leaves), len(share), len(manifest))
    rest = b"".join((*leaves, share, manifest, trailer))
    return rest + sha256(rest).digest()


def open_fragment(objects: Objects, object: str, version: int, verifier: str, wanted: str = "") -> Fragment:
    """Read a fragment's ending from a store; `wanted` is the digest of its manifest where that is on record.

    NotFoundError, or FragmentRefused where it is not what it should be.
    """
    key = key_of(object, version)
    tail, size = objects.tail(key, TAIL)
    index, payload, count, share, manifest = _trailer(object, tail)
    rest = count * hashes.SIZE + share + manifest + _END
    if size != len(MAGIC) + payload + rest:
        raise _cut(object)
    if rest > len(tail):
        tail = objects.part(key, size - rest, rest)
    body = tail[-rest:]
    if len(body) != rest or not hmac.compare_digest(sha256(body[: -hashes.SIZE]).digest(), body[-hashes.SIZE :]):
        raise refused(object, FaultKind.DAMAGED, "尾部摘要不符 (the digest of its ending differs)")
    start = tail if len(tail) == size else objects.part(key, 0, len(MAGIC))
    if start[: len(MAGIC)] != MAGIC:
        raise _cut(object)
    at = count * hashes.SIZE
    signed = _signed(object, version, body[at + share : at + share + manifest], verifier)
    if wanted and signed.digest != wanted:
        why = f"清单 {signed.digest[:16]} 不是在册的那份 (its manifest is not the one on record)"
        raise refused(object, FaultKind.FOREIGN, why)
    _demand_geometry(signed.manifest, index, payload, count, share)
    leaves = tuple(body[each * hashes.SIZE : (each + 1) * hashes.SIZE] for each in range(count))
    if signed.manifest.suite.hash.root(leaves) != signed.manifest.roots[index - 1]:
        raise refused(object, FaultKind.DAMAGED, "叶散列与清单的根不符 (the leaves do not give the manifest's root)")
    return Fragment(index, signed, leaves, body[at : at + share], tail if len(tail) == size else None)


def _trailer(object: str, tail: bytes) -> tuple[int, int, int, int, int]:
    if len(tail) < _END + len(MAGIC):
        raise _cut(object)
    index, payload, count, share, manifest = _TRAILER.unpack(tail[-_END : -hashes.SIZE])
    if share != shares.SEALED or manifest > manifests.MAX_BYTES or payload > manifests.MAX_SIZE:
        raise _cut(object)
    if count > payload:
        raise _cut(object)
    return index, payload, count, share, manifest


def _signed(object: str, version: int, raw: bytes, verifier: str) -> SignedManifest:
    try:
        signed = manifests.read(raw, verifier)
    except IntegrityError as error:
        raise refused(object, FaultKind.FOREIGN, str(error.facts["why"])) from error
    found = signed.manifest
    if (found.object, found.version) != (object, version):
        why = f"清单属于 {found.object} 第 {found.version} 版 (the manifest is of {found.object} v{found.version})"
        raise refused(object, FaultKind.FOREIGN, why)
    return signed


def _demand_geometry(manifest: Manifest, index: int, payload: int, count: int, share: int) -> None:
    wanted = (manifest.payload, manifest.stripes, shares.SEALED)
    if not 1 <= index <= manifest.n or (payload, count, share) != wanted:
        raise refused(manifest.object, FaultKind.MALFORMED, "长度与清单不符 (its lengths differ from the manifest)")


def _cut(object: str) -> IntegrityError:
    return refused(object, FaultKind.MALFORMED, "不是完整的分片 (not a whole fragment)")
