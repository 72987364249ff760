"""The data key in pieces: shared among the stores, each share sealed to one store's key.

Keeps promise 3: useless in pieces. Rules:

1. Object key and blinding seed, 64 random bytes, exist in memory only. They are shared t of n (`shamir`), t >= k.
2. A share goes out with its blinding value, sealed by HPKE (RFC 9180: X25519, HKDF-SHA-256, AES-256-GCM, base mode)
   to the store's key; `info` binds it to node, object, version, shape and index.
3. The manifest commits to each share: SHA-256 over a label, the context, the index, the blinding value and the share.
   The blinding values come from the seed, so that t others can rebuild a lost share to the very same commitment.
4. Keys that open shares are held by the custodian of the store; a share that does not open, or does not fit its
   commitment, is refused.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from chengyi.trust.vault import shamir
from chengyi.trust.vault.cobblestone import KEY
from chengyi.trust.vault.faults import FaultKind, refused
from chengyi.trust.vault.manifest import Manifest

SECRET = 2 * KEY
OPENED = SECRET + KEY
SEALED = 32 + OPENED + 16
_LABEL = b"chengyi-share/1"


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one version of an object, and the seed of its blinding values."""

    secret: bytes = field(repr=False)

    @classmethod
    def random(cls) -> "DataKey":
        """Draw a new one."""
        return cls(secrets.token_bytes(SECRET))

    @property
    def key(self) -> bytes:
        """Return the key of the encryption."""
        return self.secret[:KEY]

    def salt(self, context: bytes) -> bytes:
        """Return the salt of the commitment to the plain bytes, known to holders of the key only."""
        return _expand(self.secret[KEY:], b"content", context)

    def blind(self, context: bytes, index: int) -> bytes:
        """Return the blinding value of one share."""
        return _expand(self.secret[KEY:], b"share" + bytes([index]), context)

    def split(self, context: bytes, n: int, t: int) -> list[bytes]:
        """Return n shares, each with its blinding value."""
        shares = shamir.split(self.secret, n, t)
        return [share + self.blind(context, index) for index, share in enumerate(shares, 1)]


def commitment(context: bytes, index: int, share: bytes) -> bytes:
    """Return the commitment to a share (with its blinding value) of index 1 to n."""
    return sha256(_LABEL + bytes([index]) + len(context).to_bytes(2) + context + share).digest()


def seal(context: bytes, index: int, share: bytes, store: X25519PublicKey) -> bytes:
    """Seal a share to a store's key, 144 bytes."""
    return _hpke().encrypt(share, store, _info(context, index))


def open(manifest: Manifest, index: int, sealed: bytes, store: X25519PrivateKey) -> bytes:
    """Open a share and compare its commitment; FragmentRefused where it does not fit."""
    try:
        share = _hpke().decrypt(sealed, store, _info(manifest.context, index))
    except (InvalidTag, ValueError) as error:
        raise refused(manifest.object, FaultKind.KEY, "密钥份额未能解开 (the key share does not open)") from error
    if not hmac.compare_digest(commitment(manifest.context, index, share), manifest.shares[index - 1]):
        raise refused(manifest.object, FaultKind.KEY, "密钥份额与承诺不符 (the key share breaks its commitment)")
    return share


def combine(manifest: Manifest, opened: Mapping[int, bytes]) -> DataKey:
    """Return the data key from t opened shares by index; FragmentRefused where there are fewer."""
    return DataKey(shamir.combine(_enough(manifest, opened)))


def rebuild(manifest: Manifest, opened: Mapping[int, bytes], index: int) -> bytes:
    """Return the share of another index, exactly as it was, from t opened ones."""
    held = _enough(manifest, opened)
    blind = DataKey(shamir.combine(held)).blind(manifest.context, index)
    return shamir.combine(held, at=index) + blind


def _enough(manifest: Manifest, opened: Mapping[int, bytes]) -> dict[int, bytes]:
    if len(opened) < manifest.t or manifest.t < manifest.k:
        raise refused(
            manifest.object,
            FaultKind.KEY,
            f"密钥份额 {len(opened)} 份，须 {manifest.t} 份 ({len(opened)} key shares of {manifest.t} needed)",
        )
    return {index: opened[index][:SECRET] for index in sorted(opened)[: manifest.t]}


def _hpke() -> hpke.Suite:
    return hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _info(context: bytes, index: int) -> bytes:
    return _LABEL + bytes([index]) + context


def _expand(seed: bytes, purpose: bytes, context: bytes) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=KEY, info=_LABEL + b"|" + purpose + b"|" + context).derive(seed)
