"""Cosignatures: what a witness says about another's checkpoint, and the keys it says it with.

Keeps promise 4: always witnessed. Rules (c2sp.org/tlog-cosignature):

1. A cosignature states that, at its moment, the named tree was the largest consistent one the witness had seen.
2. Type 0x04 is Ed25519 over ``cosignature/v1``, the moment and the whole note text; type 0x06 is ML-DSA-44
   (FIPS 204, pure, empty context) over the structure ``cosigned_message``: label, cosigner's name, moment, origin,
   range from 0 to the size, root.
3. Lines of unknown keys are ignored; a wrong line of a known key is fatal, and so is one key that cosigned twice.
4. The ML-DSA seed never lies on a disk in the clear: it is wrapped by the node's keys and made once.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from chengyi.model.errors import IntegrityError
from chengyi.store.ports import Objects
from chengyi.trust.ledger.notes import (
    COSIGNATURE,
    Verifier,
    cosigned_text,
    decode,
    encode,
    is_key_name,
    moment,
    parse_checkpoint,
    signature_line,
    split_note,
)
from chengyi.trust.ports import Checkpoint, Keys

ML_DSA_44 = b"\x06"
_KEY_SIZES = {COSIGNATURE: 32, ML_DSA_44: 1312}
_LABEL = b"subtree/v1\n\0"
_STAMP = 8
_SEED = 32
_SEED_OBJECT = "ml-dsa-44.key"
_SEED_CONTEXT = b"chengyi witness ml-dsa-44/1"


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's public key under its name; `kind` is the signature type, `str()` the vkey text."""

    name: str
    kind: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Cosigner":
        """Read a vkey of type 0x04 or 0x06; IntegrityError where it is malformed or its id does not fit."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = decode(encoded, "vkey")
        cosigner = cls(name, raw[:1], raw[1:])
        if not is_key_name(name) or _KEY_SIZES.get(cosigner.kind) != len(cosigner.public):
            raise IntegrityError(object=name or "vkey", why="不是会签公钥 (not a cosignature key of type 04 or 06)")
        if cosigner.id().hex() != key_id:
            raise IntegrityError(object=name, why="密钥标识不符 (the key id does not fit the key)")
        return cosigner

    @classmethod
    def of(cls, verifier: Verifier) -> "Cosigner":
        """Return the Ed25519 cosignature key that shares name and key with a log's verifier."""
        return cls(verifier.name, COSIGNATURE, verifier.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id().hex()}+{encode(self.kind + self.public)}"

    def id(self) -> bytes:
        """Return the four-byte key id."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def message(self, checkpoint: Checkpoint, seconds: int) -> bytes:
        """Return what this key signs to cosign a checkpoint at a moment (POSIX seconds)."""
        if self.kind == COSIGNATURE:
            return cosigned_text(split_note(checkpoint.note)[0], seconds)
        name, origin = (_short(each) for each in (self.name, checkpoint.origin))
        numbers = (each.to_bytes(8, "big") for each in (seconds, 0, checkpoint.size))
        stamp, start, end = numbers
        return _LABEL + name + stamp + origin + start + end + checkpoint.root

    def check(self, checkpoint: Checkpoint, raw: bytes) -> datetime:
        """Return the moment of a timestamped signature; IntegrityError where it is not this key's."""
        seconds = int.from_bytes(raw[:_STAMP], "big")
        at = moment(seconds, self.name)
        public = Ed25519PublicKey if self.kind == COSIGNATURE else MLDSA44PublicKey
        try:
            public.from_public_bytes(self.public).verify(raw[_STAMP:], self.message(checkpoint, seconds))
        except (InvalidSignature, ValueError) as error:
            raise IntegrityError(object=self.name, why="会签无效 (the cosignature is wrong)") from error
        return at


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One witness's verified statement about a checkpoint: who, when, and the line as it stands in the note."""

    cosigner: Cosigner
    at: datetime
    line: str = field(repr=False)


class CosigningKey(Protocol):
    """A private cosignature key."""

    @property
    def public(self) -> Cosigner:
        """Return its public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a message made by `Cosigner.message`."""
        ...


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """The node's own signing key, used for cosignatures of type 0x04."""

    public: Cosigner
    sign: Callable[[bytes], bytes] = field(repr=False)

    @classmethod
    def of(cls, keys: Keys) -> "Ed25519Key":
        """Return the cosignature key of a node."""
        return cls(Cosigner.of(Verifier.parse(keys.verifier)), keys.sign)


class MlDsaKey:
    """An ML-DSA-44 key for cosignatures of type 0x06."""

    __slots__ = ("_private", "public")

    def __init__(self, name: str, seed: bytes) -> None:
        """Hold the key that a 32-byte seed makes (FIPS 204); use `open` for a node's."""
        self._private = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public = Cosigner(name, ML_DSA_44, self._private.public_key().public_bytes_raw())

    @classmethod
    def open(cls, objects: Objects, keys: Keys) -> "MlDsaKey":
        """Return a node's key, made at first use; IntegrityError where its seed was changed."""
        name = Verifier.parse(keys.verifier).name
        if objects.size(_SEED_OBJECT) is None:
            objects.put(_SEED_OBJECT, [keys.wrap(secrets.token_bytes(_SEED), _SEED_CONTEXT)])
        with objects.open(_SEED_OBJECT) as file:
            return cls(name, keys.unwrap(file.read(), _SEED_CONTEXT))

    def sign(self, message: bytes) -> bytes:
        """Sign with ML-DSA-44, 2,420 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"MlDsaKey({self.public.name!r})"


def cosign(checkpoint: Checkpoint, key: CosigningKey, at: datetime) -> str:
    """Return the signature line by which a witness cosigns a checkpoint."""
    seconds = int(at.timestamp())
    raw = seconds.to_bytes(_STAMP, "big") + key.sign(key.public.message(checkpoint, seconds))
    return signature_line(key.public.name, key.public.id(), raw)


def cosignatures(note: str, known: Sequence[Cosigner]) -> tuple[Cosignature, ...]:
    """Return the verified cosignatures of known keys on a checkpoint, in their order there.

    Raises:
        IntegrityError: A line of a known key is wrong, or a key cosigned more than once.
    """
    checkpoint = parse_checkpoint(note)
    keys = {(each.name, each.id()): each for each in known}
    found: list[Cosignature] = []
    for name, key, raw in split_note(note)[1]:
        cosigner = keys.pop((name, key), None)
        if cosigner is not None:
            found.append(Cosignature(cosigner, cosigner.check(checkpoint, raw), signature_line(name, key, raw)))
        elif any((name, key) == (each.cosigner.name, each.cosigner.id()) for each in found):
            raise IntegrityError(object=name, why="同一公钥会签两次 (one key cosigned twice)")
    return tuple(found)


def add_cosignatures(note: str, lines: Sequence[str]) -> str:
    """Return the note with further signature lines at its end."""
    return note + "".join(lines)


def _short(text: str) -> bytes:
    raw = text.encode()
    if not 0 < len(raw) <= 0xFF:
        raise IntegrityError(object=text[:40], why="名称超过 255 字节，不能用 ML-DSA 会签 (the name is too long)")
    return bytes([len(raw)]) + raw
