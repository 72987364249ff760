"""The proof of one archived record, as files that anyone checks without the node.

Keeps promises 2 (never altered), 4 (always witnessed) and 5 (every number leads home). The form ``chengyi-proof/1``:

1. ``receipt.tlog-proof`` is the receipt of the act that kept this version; ``inventory.json`` is the inventory that the
   act names by digest; ``content/`` holds every file of the version under its own path; ``rows/<n>.json`` shows one row
   of the table with its audit path.
2. Every file is canonical, and nothing else lies there: the stand-alone verifier refuses what nothing proves.
3. It is written whole or not at all, as a folder or, where the name ends in ``.zip``, as one file.

The folder holds the record in the clear: it is handed out by the same rules as the record itself.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chengyi.model.canonical import canonical
from chengyi.model.errors import UsageError

if TYPE_CHECKING:
    from chengyi.archive import RowProof
    from chengyi.model.actor import Actor
    from chengyi.model.package import Package
    from chengyi.node.node import Node

RECEIPT = "receipt.tlog-proof"
INVENTORY = "inventory.json"
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ExportedProof:
    """What was written: where, of which package version, how many files and rows, under how long a ledger.

    `witnesses` are those of the node's policy that cosigned; `quorum` tells whether they are enough.
    """

    to: str
    ref: str
    files: int
    rows: int
    size: int
    witnesses: tuple[str, ...]
    quorum: bool


def export_proof(node: "Node", ref: str, to: Path, actor: "Actor", rows: Sequence[int] = ()) -> ExportedProof:
    """Write the proof of a record to a folder, or to one file where `to` ends in ``.zip``.

    Args:
        node: The node that holds the record.
        ref: A package version (``id@version``), an id or an archival code.
        to: An absent path.
        actor: On whose behalf; what he may not see is absent for him.
        rows: Rows of the record's table to be shown, from 1.

    Raises:
        UsageError: Something is there already.
        NotFoundError: There is no such record or row.
        IntegrityError: What is stored is not what was kept.
    """
    from chengyi.trust.ledger.receipts import render

    if to.exists():
        raise UsageError(why=f"{to} 已存在，不予覆盖 (it exists and is not overwritten)")
    package = node.archive.package(ref, actor)
    receipt = node.archive.receipt(package.ref, actor)
    texts = {RECEIPT: render(receipt).encode(), INVENTORY: node.archive.inventory(package.ref, actor)}
    shown = sorted({*rows})
    for proof in node.archive.row_proofs(package.ref, shown) if shown else ():
        texts[f"rows/{proof.row}.json"] = _row(proof)
    _write(_parts(node, package, actor, texts), to)
    quorum = node.publisher.policy.judge(receipt.checkpoint.note)
    witnesses = tuple(each.cosigner.name for each in quorum.cosignatures)
    counts = (len(package.components), len(shown), receipt.checkpoint.size)
    return ExportedProof(str(to), package.ref, *counts, witnesses, quorum.met)


def _row(proof: "RowProof") -> bytes:
    hashes = [each.hex() for each in proof.hashes]
    return canonical({"hashes": hashes, "row": proof.row, "text": proof.canonical.decode()})


def _parts(
    node: "Node", package: "Package", actor: "Actor", texts: Mapping[str, bytes]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    for name, text in texts.items():
        yield name, [text]
    for component in package.components:
        with node.archive.open(package, component.path, actor) as file:
            yield f"content/{component.path}", iter(lambda file=file: file.read(_CHUNK), b"")  # type: ignore[misc]


def _write(parts: Iterable[tuple[str, Iterable[bytes]]], to: Path) -> None:
    """Write beside the target, then put it in its place."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".proof-", dir=to.parent) as work:
        draft = Path(work) / "proof"
        if to.suffix == ".zip":
            _write_zip(parts, draft)
        else:
            _write_folder(parts, draft)
        draft.rename(to)


def _write_folder(parts: Iterable[tuple[str, Iterable[bytes]]], folder: Path) -> None:
    for name, chunks in parts:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(chunks)


def _write_zip(parts: Iterable[tuple[str, Iterable[bytes]]], path: Path) -> None:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, chunks in parts:
            with zipped.open(zipfile.ZipInfo(name, _EPOCH), "w", force_zip64=True) as file:
                for chunk in chunks:
                    file.write(chunk)
