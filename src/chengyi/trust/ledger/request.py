"""The texts that a log and a witness exchange about a checkpoint (c2sp.org/tlog-witness, ``add-checkpoint``).

Keeps promise 4: always witnessed. Rules:

1. A request is the line ``old <size>``, at most 63 base64 hashes, an empty line, and a checkpoint; nothing else.
2. An answer is a status with a small text: signature lines where the witness cosigned, its last size where the sizes
   do not meet, and otherwise a sentence in both languages.
3. Whatever comes from outside is bounded before it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chengyi.model.errors import CosigningRefusedError, IntegrityError
from chengyi.trust.ledger.merkle import HASH_SIZE
from chengyi.trust.ledger.notes import decode, encode, is_decimal, parse_checkpoint
from chengyi.trust.ports import Checkpoint

MAX_REQUEST = 1 << 17
MAX_ANSWER = 1 << 16
MAX_PROOF = 63
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to cosign: the size that the log believes the witness has, the proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> "Request":
        """Read a request without believing it; CosigningRefusedError (400, or 413 where it is too long)."""
        if len(body) > MAX_REQUEST:
            raise refused("-", f"请求超过 {MAX_REQUEST} 字节 (it is too long)", 413)
        try:
            head, _, note = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            if not first.startswith("old ") or not is_decimal(first[4:]) or len(lines) > MAX_PROOF:
                raise refused("-", "请求格式有误 (the request is malformed)", 400)
            return cls(int(first[4:]), tuple(map(_hash, lines)), parse_checkpoint(note))
        except (IntegrityError, UnicodeDecodeError) as error:
            raise refused("-", "请求格式有误 (the request is malformed)", 400) from error

    def render(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old}", *map(encode, self.proof)]
        return ("\n".join(lines) + "\n\n" + self.checkpoint.note).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers: an HTTP status, a text, and the text's type."""

    status: int
    body: str
    content_type: str = TEXT_TYPE


def signed_answer(lines: Sequence[str]) -> Answer:
    """Return the answer that carries cosignatures."""
    return Answer(200, "".join(lines))


def refusal_answer(refusal: CosigningRefusedError) -> Answer:
    """Return the answer that says why; where sizes do not meet, the text is the size that the witness has."""
    status, size = int(str(refusal.facts["status"])), refusal.facts.get("size")
    if size is not None:
        return Answer(status, f"{size}\n", SIZE_TYPE)
    lines = [f"{refusal.message(each)} {refusal.advice(each)}\n" for each in ("zh", "en")]
    return Answer(status, "".join(lines))


def refused(origin: str, why: str, status: int, **facts: object) -> CosigningRefusedError:
    """Return a refusal."""
    return CosigningRefusedError(origin=origin, why=why, status=status, **facts)


def _hash(line: str) -> bytes:
    raw = decode(line, "proof")
    if len(raw) != HASH_SIZE:
        raise IntegrityError(object="proof", why="哈希长度不是 32 字节 (a hash is not 32 bytes)")
    return raw
