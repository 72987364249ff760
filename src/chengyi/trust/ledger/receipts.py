"""Receipts: the proof that an act is in the ledger, as one text that is checked without the node.

Keeps promise 4: always witnessed. The text is a C2SP tlog-proof (c2sp.org/tlog-proof@v1) whose ``extra``
line carries the canonical body of the act. Verification needs nothing but the text and the verifier key:

1. The text has exactly one form; whatever `render` would not have written is refused.
2. The checkpoint is signed by the key that the reader trusts, and names the log he expects, if he named one.
3. The receipt's origin, size and root are those of the signed checkpoint.
4. The SHA-256 of the body is the ledger entry, and the entry's leaf hash leads by the audit path to the root.
5. The body is the canonical form of an act; that act is what the ledger witnessed.
6. Where the reader has a policy, the checkpoint's cosignatures meet it; `Quorum` names who cosigned, and when.

A receipt is made under the latest checkpoint that witnesses cosigned, where that reaches the entry, else under the
log's latest own one.
"""

import base64
import binascii
from collections.abc import Mapping

from chengyi.model.act import Entry
from chengyi.model.errors import IntegrityError
from chengyi.trust.body import entry_bytes, parse_body
from chengyi.trust.ledger.merkle import leaf_hash, verify_inclusion
from chengyi.trust.ledger.notes import Verifier, open_checkpoint, parse_checkpoint
from chengyi.trust.ledger.policy import Policy
from chengyi.trust.ports import Ledger, Receipt

HEADER = "c2sp.org/tlog-proof@v1"
_MAX_TEXT = 1 << 20
_MAX_HASHES = 64


def gather(ledger: Ledger, bodies: Mapping[int, bytes]) -> list[Receipt]:
    """Return the receipts of many entries from their bodies by index; tiles that they share are read once."""
    latest, cosigned = ledger.checkpoint(), ledger.cosigned()
    reached = [index for index in bodies if cosigned is not None and index < cosigned.size]
    rest = [index for index in bodies if cosigned is None or index >= cosigned.size]
    paths: dict[int, Receipt] = {}
    for indexes, checkpoint in ((reached, cosigned or latest), (rest, latest)):
        proofs = ledger.inclusions(indexes, checkpoint.size) if indexes else []
        for index, proof in zip(indexes, proofs, strict=True):
            paths[index] = Receipt(index, bodies[index], proof, checkpoint)
    return [paths[index] for index in bodies]


def render(receipt: Receipt) -> str:
    """Return the text of a receipt, to be kept as ``*.tlog-proof``."""
    lines = [HEADER, f"extra {_encode(receipt.body)}", f"index {receipt.index}"]
    lines.extend(map(_encode, receipt.hashes))
    return "\n".join(lines) + "\n\n" + receipt.checkpoint.note


def parse(text: str) -> Receipt:
    """Read a receipt without believing it; IntegrityError where the text is not one."""
    head, _, note = text[:_MAX_TEXT].partition("\n\n")
    lines = head.split("\n")
    if len(text) > _MAX_TEXT or not 3 <= len(lines) <= 3 + _MAX_HASHES or lines[0] != HEADER:
        raise _malformed("首部 (the head)")
    receipt = Receipt(
        index=_number(_value(lines[2], "index")),
        body=_decode(_value(lines[1], "extra")),
        hashes=tuple(map(_decode, lines[3:])),
        checkpoint=parse_checkpoint(note),
    )
    # 1. one form only
    if render(receipt) != text:
        raise _malformed("非规范形式 (not the one form)")
    return receipt


def verify(receipt: Receipt, verifier_key: str, origin: str = "", policy: Policy | None = None) -> Entry:
    """Verify a receipt offline and return the act it proves; IntegrityError where any step fails.

    Args:
        receipt: What `parse` read.
        verifier_key: The vkey of the log, from a place the reader trusts, never from the receipt.
        origin: The log's name; where empty, any log of this key is accepted.
        policy: Which witnesses have to have cosigned the checkpoint; `Policy.judge` names them.
    """
    # 2. signed by the trusted key
    signed = open_checkpoint(receipt.checkpoint.note, Verifier.parse(verifier_key))
    if origin and signed.origin != origin:
        raise IntegrityError(object=signed.origin, why=f"不是账本 {origin} 的回执 (a receipt of another log)")
    # 3. the same checkpoint
    if signed != receipt.checkpoint:
        raise IntegrityError(object=signed.origin, why="检查点与签名内容不符 (not the checkpoint that was signed)")
    # 4. the entry is in the tree
    leaf = leaf_hash(entry_bytes(receipt.body))
    verify_inclusion(receipt.index, signed.size, leaf, receipt.hashes, signed.root)
    # 6. a quorum cosigned it
    if policy is not None:
        policy.require(signed.note)
    # 5. the body is an act
    return parse_body(receipt.index, receipt.body)


def _value(line: str, name: str) -> str:
    found, _, value = line.partition(" ")
    if found != name:
        raise _malformed(name)
    return value


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise _malformed("index")
    return int(text)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed("Base64") from error


def _malformed(where: str) -> IntegrityError:
    return IntegrityError(object="receipt", why=f"回执格式有误：{where} (malformed)")
