"""The manifest of an object: what its fragments are, without any key, signed by the node that wrote it.

Keeps promise 2: never altered. Rules:

1. It is canonical JSON of fixed fields, followed by an Ed25519 signature over a label and that JSON; there is exactly
   one byte form of one manifest.
2. It names object, version, the manifest it follows, suite, shape (k, n, t with k <= t <= n), size, geometry, the key
   commitment of the encryption, the root of each fragment's hash tree, and hiding commitments of the plain bytes and
   of each key share. It does not name stores: a fragment that moves or is rebuilt changes nothing here.
3. What comes from a store is bounded before it is parsed; anything unexpected, in another order, or signed by
   another key is refused.
4. The encryption and the shares are bound to profile, node, object, version, shape and suite (`context`).
"""

import base64
import hmac
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chengyi.model.canonical import canonical, parse
from chengyi.model.errors import IntegrityError
from chengyi.trust.ports import Keys
from chengyi.trust.primitives import hashes
from chengyi.trust.vault.cobblestone import HEAD, SEALED_CHUNK, sealed_size
from chengyi.trust.vault.code import LARGEST, ErasureCode, code_of
from chengyi.trust.vault.suites import SUITES, Suite

FORMAT = "chengyi-fragments/1"
STRIPE = 48
MAX_SIZE = 1 << 40
MAX_BYTES = 16 << 10
SIGNATURE = 64
OBJECT = re.compile(r"obj-[0-9a-f]{32}")
_LABEL = b"chengyi-manifest/1\n"
_MAX_STRIPE = 1024
_MAX_VERSION = 1 << 31
_HEX = re.compile(r"([0-9a-f]{2})*")


@dataclass(frozen=True)
class Manifest:
    """What the fragments of one version of an object are; `prior` is the digest of the manifest before, or empty."""

    object: str
    version: int
    prior: str
    suite: Suite
    k: int
    n: int
    t: int
    size: int
    stripe: int
    head: bytes
    roots: tuple[bytes, ...]
    shares: tuple[bytes, ...]
    commitment: bytes
    node: str

    @property
    def code(self) -> ErasureCode:
        """Return the erasure code of its shape."""
        return code_of(self.k, self.n)

    @property
    def sealed(self) -> int:
        """Return the number of encrypted bytes, over all stripes."""
        return sealed_size(self.size)

    @property
    def whole_stripe(self) -> int:
        """Return the number of encrypted bytes of a whole stripe."""
        return self.stripe * SEALED_CHUNK

    @property
    def stripes(self) -> int:
        """Return the number of stripes, the last of which may be shorter."""
        return -(-self.sealed // self.whole_stripe)

    @property
    def payload(self) -> int:
        """Return the number of bytes of all pieces of one fragment."""
        full, rest = divmod(self.sealed, self.whole_stripe)
        return full * self.code.piece(self.whole_stripe) + self.code.piece(rest)

    def stripe_size(self, number: int) -> int:
        """Return the number of encrypted bytes of one stripe."""
        return min(self.whole_stripe, self.sealed - number * self.whole_stripe)

    @cached_property
    def context(self) -> bytes:
        """Return what the encryption is bound to."""
        return context(self.node, self.object, self.version, self.suite.id, (self.k, self.n, self.t))

    @cached_property
    def body(self) -> bytes:
        """Return the canonical JSON."""
        return canonical(
            {
                "commitment": self.commitment.hex(),
                "format": FORMAT,
                "head": self.head.hex(),
                "k": self.k,
                "n": self.n,
                "node": self.node,
                "object": self.object,
                "prior": self.prior,
                "roots": [each.hex() for each in self.roots],
                "shares": [each.hex() for each in self.shares],
                "size": self.size,
                "stripe": self.stripe,
                "suite": self.suite.id,
                "t": self.t,
                "version": self.version,
            }
        )


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """A manifest with its signature: `raw` is what is stored, `digest` its SHA-256 in hexadecimal."""

    manifest: Manifest
    raw: bytes

    @property
    def digest(self) -> str:
        """Return what the ledger knows this manifest by."""
        return sha256(self.raw).hexdigest()


def context(node: str, object: str, version: int, suite: str, shape: tuple[int, int, int]) -> bytes:
    """Return profile, tenant, object, version, suite and (k, n, t) as one unambiguous byte string."""
    return canonical([FORMAT, node.partition("+")[0], object, version, suite, *shape])


def sign(manifest: Manifest, keys: Keys) -> SignedManifest:
    """Sign a manifest with the node's key."""
    return SignedManifest(manifest, manifest.body + keys.sign(_LABEL + manifest.body))


def read(raw: bytes, verifier: str) -> SignedManifest:
    """Read a stored manifest; IntegrityError unless it is well-formed, canonical and signed by that node."""
    if not SIGNATURE < len(raw) <= MAX_BYTES:
        raise _malformed("长度有误 (a wrong length)")
    body, signature = raw[:-SIGNATURE], raw[-SIGNATURE:]
    try:
        _public_key(verifier).verify(signature, _LABEL + body)
    except InvalidSignature as error:
        raise IntegrityError(object="manifest", why="清单签名不符 (the manifest's signature does not fit)") from error
    manifest = _manifest(_fields(body))
    if manifest.node != verifier or not hmac.compare_digest(manifest.body, body):
        raise _malformed("不是规范形式 (not in canonical form)")
    return SignedManifest(manifest, raw)


@lru_cache(maxsize=16)
def _public_key(vkey: str) -> Ed25519PublicKey:
    """Return the public key in the node's own verifier key (C2SP signed-note: ``name+id+base64(0x01 || key)``)."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(vkey.split("+", 2)[2])[1:])


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = parse(body)
    except (ValueError, RecursionError) as error:
        raise _malformed("不是 JSON (not JSON)") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise _malformed(f"不是 {FORMAT} (not {FORMAT})")
    return value


def _manifest(value: dict[str, Any]) -> Manifest:
    k, n, t = (_number(value, name, 1, LARGEST) for name in ("k", "n", "t"))
    if not 2 <= k <= t <= n or k == n:
        raise _malformed("须满足 2 ≤ k ≤ t ≤ n 且 k < n (2 <= k <= t <= n and k < n must hold)")
    if str(value.get("suite")) not in SUITES:
        raise _malformed("套件未知 (an unknown suite)")
    prior = value.get("prior")
    if prior != "":
        _hex(prior, hashes.SIZE)
    version = _number(value, "version", 1, _MAX_VERSION)
    if (version == 1) != (prior == "") or not _text(value, "object", OBJECT):
        raise _malformed("对象或版本有误 (a wrong object or version)")
    return Manifest(
        object=value["object"],
        version=version,
        prior=str(prior),
        suite=SUITES[str(value["suite"])],
        k=k,
        n=n,
        t=t,
        size=_number(value, "size", 0, MAX_SIZE),
        stripe=_number(value, "stripe", 1, _MAX_STRIPE),
        head=_hex(value.get("head"), HEAD),
        roots=_hexes(value.get("roots"), n),
        shares=_hexes(value.get("shares"), n),
        commitment=_hex(value.get("commitment"), hashes.SIZE),
        node=str(value.get("node")),
    )


def _number(value: dict[str, Any], name: str, low: int, high: int) -> int:
    found = value.get(name)
    if type(found) is not int or not low <= found <= high:
        raise _malformed(f"{name} 越界 ({name} is out of range)")
    return found


def _text(value: dict[str, Any], name: str, form: re.Pattern[str]) -> bool:
    found = value.get(name)
    return isinstance(found, str) and form.fullmatch(found) is not None


def _hex(found: object, size: int) -> bytes:
    if not isinstance(found, str) or len(found) != 2 * size or not _HEX.fullmatch(found):
        raise _malformed("十六进制有误 (wrong hexadecimal)")
    return bytes.fromhex(found)


def _hexes(found: object, count: int) -> tuple[bytes, ...]:
    if not isinstance(found, list) or len(found) != count:
        raise _malformed("摘要数目有误 (a wrong number of digests)")
    return tuple(_hex(each, hashes.SIZE) for each in found)


def _malformed(why: str) -> IntegrityError:
    return IntegrityError(object="manifest", why=f"清单{why}")
