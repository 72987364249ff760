"""Cells: what the keyed functions say of one place in a table, and of one recipient there.

Rules:

1. A family (one dataset under one marking policy) has one secret. From it come the layout key, which says where the
   marks are, and one key for each recipient, which says how they read in his copy; no key leads back to the secret.
2. A row is known by its code: keyed BLAKE2b (RFC 7693) of its virtual key, 16 bytes. A cell is AES-256 of the row's
   code under the column's key, 16 bytes: bias, dither and density are cut from it.
3. A recipient's bit is AES-256 of the cell under his key, its first 16 bits compared with the bias. AES on distinct
   blocks cannot be told from a random function below 2**64 blocks (PRP/PRF switching lemma).
4. Two layers lie on disjoint cells: layer one has p = 1/2 (strongest against one leaker), layer two p = sin(r)**2 with
   r uniform (Tardos, J. ACM 55(2), 2008), cut off at `CUT` (for colluders).
5. A bias is a whole number of 1/65536, so that every machine derives the same one and the bound uses the exact p.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from chengyi.trust.marks.decoders import Array

KEY_SIZE = 32
CODE_SIZE = 16
CUT = 0.02
_ONE = 1 << 16


def layout_key(secret: bytes) -> bytes:
    """Return the key that says where a family's marks are."""
    return hmac.digest(secret, b"chengyi marks/1 layout", sha256)


def recipient_key(secret: bytes, recipient: str) -> bytes:
    """Return the key that says how a family's marks read in one recipient's copies."""
    return hmac.digest(secret, b"chengyi marks/1 recipient\0" + recipient.encode(), sha256)


def column_key(layout: bytes, column: str) -> bytes:
    """Return the key of one marked column."""
    return hmac.digest(layout, b"column\0" + column.encode(), sha256)


def row_codes(layout: bytes, keys: Iterable[str]) -> Array:
    """Return the codes of rows by their virtual keys, uint8, shape (rows, 16)."""
    joined = b"".join(blake2b(each.encode(), digest_size=CODE_SIZE, key=layout).digest() for each in keys)
    return np.frombuffer(joined, np.uint8).reshape(-1, CODE_SIZE)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one column: their blocks (uint8, shape (n, 16)) and what is cut from them."""

    blocks: Array
    odds: Array
    layer: Array
    dither: Array
    upward: Array

    @property
    def biases(self) -> Array:
        """Return p, float64."""
        return biases(self.odds)


def cells(layout: bytes, column: str, codes: Array, half: float) -> Cells:
    """Return the cells of a column.

    Args:
        layout: The family's layout key.
        column: The column's name in the dataset.
        codes: The rows' codes.
        half: The share of layer one, 0 to 1.
    """
    blocks = _encrypt(column_key(layout, column), codes)
    words = blocks.view("<u4")
    first = blocks[:, 12].astype(np.uint16) * 256 + blocks[:, 13] < round(half * _ONE)
    return Cells(
        blocks=blocks,
        odds=np.where(first, _ONE // 2, _arcsine(words[:, 0])).astype(np.int64),
        layer=np.where(first, 1, 2).astype(np.uint8),
        dither=words[:, 1],
        upward=(blocks[:, 14] & 1).astype(bool),
    )


def bits(key: bytes, blocks: Array, odds: Array) -> Array:
    """Return a recipient's bits at some cells, bool."""
    found: Array = _encrypt(key, blocks).view("<u2")[:, 0] < odds
    return found


def bits_of(keys: Sequence[bytes], blocks: Array, odds: Array) -> Array:
    """Return many recipients' bits at some cells, bool, shape (recipients, cells)."""
    if not keys:
        return np.zeros((0, len(odds)), bool)
    return np.stack([bits(key, blocks, odds) for key in keys])


def ranks(key: bytes, codes: Array) -> Array:
    """Return the numbers by which a recipient's rows are ordered, uint64."""
    found: Array = _encrypt(hmac.digest(key, b"order", sha256), codes).view("<u8")[:, 0]
    return found


def biases(odds: Array) -> Array:
    """Return p for whole numbers of 1/65536."""
    found: Array = odds / _ONE
    return found


def _arcsine(words: Array) -> Array:
    least = np.arcsin(np.sqrt(CUT))
    angle = least + (np.pi / 2 - 2 * least) * (words.astype(np.float64) + 0.5) / 2**32
    found: Array = np.rint(np.sin(angle) ** 2 * _ONE)
    return found


def _encrypt(key: bytes, blocks: Array) -> Array:
    cipher = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305 - a keyed function of distinct blocks
    raw = np.ascontiguousarray(blocks)
    return np.frombuffer(cipher.update(raw.data.cast("B") if raw.size else b""), np.uint8).reshape(-1, CODE_SIZE)
