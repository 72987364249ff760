"""Signed notes and checkpoints: short signed texts that any C2SP tool can check.

Keeps promise 4: always witnessed. Rules (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature):

1. A note is a text that ends in a newline, an empty line, and signature lines
   ``— <key name> base64(key id || signature)``; the last empty line parts the text from them.
2. The key id is the first four bytes of ``SHA-256(name || 0x0A || type || public key)``, so that one key
   cannot be taken for another; lines of unknown keys are ignored, a wrong line of a known key is fatal.
3. A checkpoint is a note of at least three lines: origin, size, base64 of the root.
4. A note counts for nothing until `open_note` has returned its text.
5. A cosignature (type 0x04) signs the moment together with the note, so that a checkpoint carries its date.
6. A note has a bounded length and number of signatures, and sizes have at most 19 digits.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.merkle import HASH_SIZE
from chengyi.trust.ports import Checkpoint

Sign = Callable[[bytes], bytes]

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
_DASH = "— "
_MAX_NOTE = 1 << 18
_MAX_SIGNATURES = 64
_MAX_DIGITS = 19
_UNFIT = re.compile("[\\x00-\\x09\\x0b-\\x1f\\ud800-\\udfff]")
_END_OF_TIME = 253_402_300_800  # 10000-01-01


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public Ed25519 key under its name; `str()` is the vkey text ``name+id+key``."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read a vkey; IntegrityError where it is malformed or its id does not fit."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = decode(encoded, vkey)
        if not is_key_name(name) or raw[:1] != ED25519 or len(raw) != 33:
            raise IntegrityError(object=vkey, why="不是 Ed25519 验证公钥 (not an Ed25519 verifier key)")
        verifier = cls(name, raw[1:])
        if verifier.id().hex() != key_id:
            raise IntegrityError(object=vkey, why="密钥标识不符 (the key id does not fit the key)")
        return verifier

    def __str__(self) -> str:
        return f"{self.name}+{self.id().hex()}+{encode(ED25519 + self.public)}"

    def id(self, kind: bytes = ED25519) -> bytes:
        """Return the four-byte key id for a signature type."""
        return sha256(self.name.encode() + b"\n" + kind + self.public).digest()[:4]

    def check(self, signature: bytes, message: bytes) -> bool:
        """Tell whether this is the key's signature of the message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def sign_note(text: str, verifier: Verifier, sign: Sign, at: datetime | None = None) -> str:
    """Return the signed note over `text`; with `at`, a cosignature that dates it is added."""
    lines = [signature_line(verifier.name, verifier.id(), sign(text.encode()))]
    if at is not None:
        seconds = int(at.timestamp())
        dated = seconds.to_bytes(8, "big") + sign(cosigned_text(text, seconds))
        lines.append(signature_line(verifier.name, verifier.id(COSIGNATURE), dated))
    return f"{text}\n{''.join(lines)}"


def open_note(note: str, verifier: Verifier) -> str:
    """Return the text of a note that the verifier's key signed; IntegrityError otherwise."""
    text, signatures = split_note(note)
    mine = [raw for name, key, raw in signatures if (name, key) == (verifier.name, verifier.id())]
    if not mine:
        raise IntegrityError(object=verifier.name, why="没有该密钥的签名 (this key did not sign)")
    if not all(verifier.check(raw, text.encode()) for raw in mine):
        raise IntegrityError(object=verifier.name, why="签名无效 (the signature is wrong)")
    return text


def note_date(note: str, verifier: Verifier) -> datetime | None:
    """Return when the verifier's key cosigned the note, or None where it did not."""
    text, signatures = split_note(note)
    for name, key, raw in signatures:
        if (name, key) == (verifier.name, verifier.id(COSIGNATURE)):
            seconds = int.from_bytes(raw[:8], "big")
            if not verifier.check(raw[8:], cosigned_text(text, seconds)):
                raise IntegrityError(object=verifier.name, why="会签无效 (the cosignature is wrong)")
            return moment(seconds, verifier.name)
    return None


def moment(seconds: int, signer: str) -> datetime:
    """Return the moment of a cosignature; IntegrityError where it is none that a calendar knows."""
    if not 0 < seconds < _END_OF_TIME:
        raise IntegrityError(object=signer, why="会签时间有误 (the cosignature's time makes no sense)")
    return datetime.fromtimestamp(seconds, UTC)


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Return the text of a checkpoint, ready to be signed."""
    return f"{origin}\n{size}\n{encode(root)}\n"


def parse_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint without believing it; `open_checkpoint` checks the signature as well."""
    text, _ = split_note(note)
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines) or not is_decimal(lines[1]):
        raise IntegrityError(object="checkpoint", why="格式有误 (it is malformed)")
    root = decode(lines[2], lines[0])
    if len(root) != HASH_SIZE:
        raise IntegrityError(object=lines[0], why="根哈希长度有误 (the root has a wrong length)")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root, note=note)


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """Read a checkpoint that the verifier's key signed; IntegrityError otherwise."""
    open_note(note, verifier)
    return parse_checkpoint(note)


def signature_line(name: str, key: bytes, signature: bytes) -> str:
    """Return the line that a note carries for one signature; `key` is the four-byte key id."""
    return f"{_DASH}{name} {encode(key + signature)}\n"


def cosigned_text(text: str, seconds: int) -> bytes:
    """Return the message of a cosignature of type 0x04 (c2sp.org/tlog-cosignature)."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Part a note, unbelieved, into its text and its signatures: key name, key id, the rest."""
    if len(note) > _MAX_NOTE:
        raise IntegrityError(object="note", why="文书过长 (it is too long)")
    body, blank, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or lines.pop() != "" or not 0 < len(lines) <= _MAX_SIGNATURES:
        raise IntegrityError(object="note", why="不是签名文书 (not a signed note)")
    if _UNFIT.search(note):
        raise IntegrityError(object="note", why="含控制字符 (it holds control characters)")
    return body + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    raw = decode(encoded, name)
    if not line.startswith(_DASH) or not is_key_name(name) or len(raw) < 5:
        raise IntegrityError(object="note", why="签名行格式有误 (a signature line is malformed)")
    return name, raw[:4], raw[4:]


def is_key_name(name: str) -> bool:
    """Tell whether a name may stand in a signature line: not empty, no white space, no plus sign."""
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def is_decimal(text: str) -> bool:
    """Tell whether a text is a whole number as these formats write it: no sign, no leading zero."""
    plain = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return plain and (text == "0" or not text.startswith("0"))


def encode(raw: bytes) -> str:
    """Return standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(raw).decode()


def decode(text: str, of: str) -> bytes:
    """Read standard base64 in its one form; IntegrityError, naming `of`, otherwise."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = None
    if raw is None or encode(raw) != text:
        raise IntegrityError(object=of, why="Base64 编码有误 (the base64 is malformed)")
    return raw
