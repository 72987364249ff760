"""Evidence of a split view: two signed checkpoints of one log that cannot both be true.

Keeps promises 2 (never altered) and 4 (always witnessed). Rules:

1. Evidence is one canonical JSON text that anyone checks offline with nothing but the log's verifier key.
2. Equal sizes with different roots need no further proof.
3. For a smaller and a larger checkpoint the evidence holds a consistency proof that leads to the larger one's root,
   and from another root over the smaller one's leaves (`prefix`) than the one that was signed.
4. What only looks wrong, such as a proof that leads nowhere, is no evidence: anyone could have made it.
5. Cosignatures stay on the checkpoints: a witness that cosigned both views is convicted by the same text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from chengyi.model.canonical import canonical, parse
from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.cosignatures import Cosigner, cosignatures
from chengyi.trust.ledger.merkle import proven_prefix
from chengyi.trust.ledger.notes import Verifier, decode, encode, open_checkpoint
from chengyi.trust.ports import Checkpoint

FORMAT = "chengyi-split-view/1"
_MAX_TEXT = 1 << 20
_MAX_PROOF = 63


@dataclass(frozen=True, slots=True)
class SplitView:
    """Two checkpoints that contradict each other, the smaller one first, and the proof that they do.

    `prefix` is the root of the second tree over the first one's leaves, with `proof` from it to the second root; both
    are empty where the sizes are equal.
    """

    first: Checkpoint
    second: Checkpoint
    prefix: bytes
    proof: tuple[bytes, ...]

    @property
    def id(self) -> str:
        """Return the SHA-256 of the text, in hexadecimal."""
        return sha256(self.render().encode()).hexdigest()

    def render(self) -> str:
        """Return the one text of this evidence."""
        value = {
            "first": self.first.note,
            "format": FORMAT,
            "prefix": encode(self.prefix),
            "proof": [encode(each) for each in self.proof],
            "second": self.second.note,
        }
        return canonical(value).decode()

    def culprits(self, known: Sequence[Cosigner]) -> tuple[Cosigner, ...]:
        """Return the witnesses that cosigned both views."""
        signed = [{each.cosigner for each in cosignatures(note.note, known)} for note in (self.first, self.second)]
        return tuple(each for each in known if each in signed[0] & signed[1])


def split_view(
    one: Checkpoint, other: Checkpoint, verifier: Verifier, prefix: bytes = b"", proof: Sequence[bytes] = ()
) -> SplitView | None:
    """Return the evidence where two checkpoints contradict each other beyond doubt, else None.

    Args:
        one: A checkpoint of the log.
        other: Another one, in any order.
        verifier: The log's key; both are opened with it.
        prefix: The root of the larger tree over the smaller one's leaves, where it is known.
        proof: The consistency proof from `prefix` to the larger tree.
    """
    first, second = sorted((one, other), key=lambda each: each.size)
    for each in (first, second):
        if open_checkpoint(each.note, verifier) != each:
            raise IntegrityError(object=each.origin, why="检查点与签名内容不符 (not the checkpoint that was signed)")
    if first.origin != second.origin:
        return None
    if first.size == second.size:
        return SplitView(first, second, b"", ()) if first.root != second.root else None
    try:
        found = proven_prefix(first.size, second.size, proof, prefix or first.root, second.root)
    except IntegrityError:
        return None
    return SplitView(first, second, found, tuple(proof)) if found != first.root else None


class Grown(Protocol):
    """Whatever can prove how a log grew: a ledger, or a copy of its tiles."""

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` entries."""
        ...

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the tree of `new` extends the tree of `old`."""
        ...


def compare(one: Checkpoint, other: Checkpoint, verifier: Verifier, larger: Grown) -> SplitView | None:
    """Return the evidence where two checkpoints contradict each other; `larger` is the log of the larger one.

    None where the larger tree extends the smaller one. This is what a monitor asks about every log it follows.
    """
    first, second = sorted((one, other), key=lambda each: each.size)
    if not 0 < first.size < second.size:
        return split_view(first, second, verifier)
    proof = larger.consistency(first.size, second.size)
    return split_view(first, second, verifier, larger.root(first.size), proof)


def parse_split_view(text: str, verifier_key: str) -> SplitView:
    """Read and verify evidence; IntegrityError where it is malformed or proves nothing against this log."""
    try:
        value = _value(text)
        verifier = Verifier.parse(verifier_key)
        first, second = (open_checkpoint(value[name], verifier) for name in ("first", "second"))
        prefix, proof = decode(value["prefix"], "prefix"), [decode(each, "proof") for each in value["proof"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed() from error
    found = split_view(first, second, verifier, prefix, proof) if len(proof) <= _MAX_PROOF else None
    if found is None:
        raise IntegrityError(object="split view", why="两个检查点并不矛盾 (the two checkpoints do not contradict)")
    if found.render() != text:
        raise _malformed()
    return found


def _value(text: str) -> dict[str, Any]:
    value = parse(text) if len(text) <= _MAX_TEXT else None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise _malformed()
    return value


def _malformed() -> IntegrityError:
    return IntegrityError(object="split view", why="证据格式有误 (the evidence is malformed)")
