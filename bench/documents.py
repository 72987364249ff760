"""Many small documents through the river, against a plain copy of each."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node

_SOURCE = """\
[source]
id = "papers"
title = { zh = "测速文书", en = "Papers for measuring" }
department = "测速"
fonds = "Y001"
record_class = "WS"
retention = "D10"
sharing = "conditional"
[connector]
kind = "documents"
path = "papers"
"""
_QUIET = SilentReporter()
_LETTERS = "云汀区安宁街道办事处关于做好二零二六年度入户核查工作的通知各社区居委会请于本月底前完成并报送区民政局备案"


def measure(ground: Ground) -> Result:
    """Documents per second collected, checked, packaged and put on record; the peer copies, hashes and flushes."""
    count = ground.size(2_000, 60)
    laps, copies = [], []
    for _ in range(ground.runs):
        home = _home(ground, count)
        laps.append(_through(home, count))
        papers = sorted((home / "papers").iterdir())
        copies.append(timed(lambda papers=papers: _copy(papers, ground.fresh("copies"))))  # type: ignore[misc]
    totals = [collect + archive for collect, archive in laps]
    ratios = tuple(copy / total for copy, total in zip(copies, totals, strict=True))
    figures = (
        Figure("river", "documents/s", tuple(count / total for total in totals), at_least=100),
        Figure("collect alone", "documents/s", tuple(count / lap[0] for lap in laps)),
        Figure("archive alone", "documents/s", tuple(count / lap[1] for lap in laps)),
        Figure("plain copies", "documents/s", tuple(count / seconds for seconds in copies)),
        Figure("river / plain copies", "×", ratios),
    )
    about = (
        f"{count:,} small documents (text in UTF-8 and GB18030, HTML, JSON, XML, PDF, PNG; 0.5 to 20 kB) of a folder: "
        "each sealed into the vault, received on record, read back, checked for the four properties, numbered, "
        "packaged, and kept on record. The peer copies each file, hashes it, and flushes file and folder to the disk."
    )
    return Result("documents", "Small documents through the river", about, figures)


def _home(ground: Ground, count: int) -> Path:
    home = ground.fresh("documents")
    Node.create(home, "bench", zh="测速", en="bench", department="测速").close()
    (home / "sources" / "papers.toml").write_text(_SOURCE, "utf-8")
    (home / "papers").mkdir()
    random = Random(7)
    for number in range(count):
        suffix, make = _CARRIERS[number % len(_CARRIERS)]
        text = "".join(random.choices(_LETTERS, k=random.randint(150, 6_000)))
        (home / "papers" / f"{number:05d}.{suffix}").write_bytes(make(f"{number} {text}"))
    return home


def _through(home: Path, count: int) -> tuple[float, float]:
    node = Node(home)
    collect = timed(lambda: node.collect.collect(node.actor, _QUIET))
    archive = timed(lambda: node.archive.keep_pending(node.actor, _QUIET))
    kept = node.collect.account("papers").archived.count
    node.close()
    if kept != count:
        raise AssertionError(f"{kept} of {count} documents were kept")
    return collect, archive


def _copy(files: Sequence[Path], folder: Path) -> None:
    folder.mkdir()
    for file in files:
        data = file.read_bytes()
        sha256(data).hexdigest()
        with (folder / file.name).open("wb") as copy:
            copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    shutil.rmtree(folder)


def _pdf(text: str) -> bytes:
    return b"%PDF-1.4\n% " + text.encode() + b"\ntrailer << /Size 1 >>\nstartxref\n9\n%%EOF\n"


def _png(text: str) -> bytes:
    start = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55")
    return start + sha256(text.encode()).digest() * 40 + bytes.fromhex("0000000049454e44ae426082")


_CARRIERS: Sequence[tuple[str, Callable[[str], bytes]]] = (
    ("txt", str.encode),
    ("txt", lambda text: text.encode("gb18030")),
    ("html", lambda text: f'<html><head><meta charset="utf-8"><title>{text[:20]}</title></head>{text}</html>'.encode()),
    ("json", lambda text: json.dumps({"text": text}, ensure_ascii=False).encode()),
    ("xml", lambda text: f'<?xml version="1.0" encoding="UTF-8"?><notice>{text}</notice>'.encode()),
    ("pdf", _pdf),
    ("png", _png),
)
