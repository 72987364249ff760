"""Reading a submission back from the vault, once, to learn what the checks and the seal need.

Rules: bytes are read as a stream, a table whole; the text of small documents is kept for the search, rows of a table
are not; a table is read by the reader that its source declares; a file that cannot be read is a finding, never an
exception; only trouble of the store is raised.
"""

import codecs
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256, sha512
from typing import TYPE_CHECKING, BinaryIO

from chengyi.archive.facts import Facts, FileFacts, Reading, ReadState
from chengyi.archive.formats import HEAD, TEXTS, Format, identify, suffix_of
from chengyi.archive.tables import SealedTables, seal_of
from chengyi.model.errors import IntegrityError, NotFoundError, TerminalError
from chengyi.model.package import RowSeal
from chengyi.model.submission import Component, Submission, submission_digest
from chengyi.model.text import Text
from chengyi.trust.ports import Vault

if TYPE_CHECKING:
    from hashlib import _Hash

    from chengyi.collect.sources import ReaderSettings, Source

CHUNK = 1 << 20
SMALL_TEXT = 1 << 16
_SIGNATURES = frozenset({"p7s", "p7m", "sig", "asc", "tsr", "tst"})
_TEXT_SUFFIXES = frozenset({"txt", "csv", "tsv", "json", "jsonl", "ndjson", "md", "xml", "html", "htm"})
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]{0,2000}>", re.IGNORECASE | re.DOTALL)
_NOTHING = Format("empty", "empty")


@dataclass(frozen=True, slots=True)
class Examined:
    """A submission read back: its facts, the seal over its table where it has one, and its searchable text."""

    submission: Submission
    source: "Source"
    facts: Facts
    seal: RowSeal | None
    text: str


@dataclass(frozen=True, slots=True)
class _Read:
    sha256: str
    sha512: str
    size: int
    head: bytes
    tail: bytes
    text: "_TextProbe"
    whole: bytes | None


class Examiner:
    """Reads submissions back, keeping tables that were just read at hand."""

    def __init__(self, vault: Vault, tables: SealedTables, scanner: str = "") -> None:
        self._vault = vault
        self._tables = tables
        self._scanner = scanner

    def examine(self, submission: Submission, source: "Source") -> Examined:
        """Read one submission back."""
        files: list[FileFacts] = []
        texts: list[str] = []
        seal: RowSeal | None = None
        for component in submission.components:
            facts, text, sealed = self._file(component, source, seal is None)
            files.append(facts)
            texts.append(text)
            seal = seal or sealed
        title = _title(submission, source, texts)
        facts_ = _facts(submission, source, title, tuple(files), self._scanner)
        return Examined(submission, source, facts_, seal, _search_text(source, facts_, texts))

    def _file(self, component: Component, source: "Source", may_seal: bool) -> tuple[FileFacts, str, RowSeal | None]:
        reader = source.reader if may_seal else None
        try:
            with self._vault.open(component.object) as stream:
                read = _read(stream) if reader is None else _read_whole(stream)
        except (IntegrityError, NotFoundError) as error:
            fault = Text(error.message("zh"), error.message("en"))
            nothing = Reading(ReadState.UNREADABLE, fault)
            return FileFacts(component, "", "", 0, _NOTHING, nothing, fault), "", None
        kind = identify(component.path, read.head, read.tail)
        reading, seal = (
            (_reading(component, kind, read), None)
            if reader is None
            else self._table(component, reader, read, source.id)
        )
        facts = FileFacts(component, read.sha256, read.sha512, read.size, kind, reading)
        return facts, _small_text(kind, read) if reader is None else "", seal

    def _table(
        self, component: Component, reader: "ReaderSettings", read: _Read, source: str
    ) -> tuple[Reading, RowSeal | None]:
        try:
            table = self._tables.read(component, reader, read.whole, source)
            seal = seal_of(component, reader, table)
        except TerminalError as error:
            return Reading(ReadState.UNREADABLE, Text(error.message("zh"), error.message("en"))), None
        good, bad = len(table.rows), len(table.bad)
        if not bad:
            return Reading(ReadState.READ, Text(f"读出 {good} 行", f"{good} rows were read"), good), seal
        first = table.bad[0]
        finding = Text(
            f"读出 {good} 行，{bad} 行无法解析（首例第 {first.row} 行：{first.reason.zh}）",
            f"{good} rows were read, {bad} could not be parsed (first is row {first.row}: {first.reason.en})",
        )
        return Reading(ReadState.PARTLY if good else ReadState.UNREADABLE, finding, good, bad), seal


class _TextProbe:
    """Tells in one pass whether bytes are text in one of the likely encodings."""

    def __init__(self, head: bytes) -> None:
        self.encodings = _encodings(head)
        self._decoders = {name: codecs.getincrementaldecoder(name)() for name in self.encodings}
        self._nul = False

    def feed(self, data: bytes, final: bool = False) -> None:
        """Take the next bytes."""
        for name, decoder in list(self._decoders.items()):
            try:
                self._nul |= "\0" in decoder.decode(data, final)
            except (UnicodeError, ValueError):
                del self._decoders[name]

    @property
    def encoding(self) -> str:
        """Return the first encoding that fits so far, or nothing."""
        return next(iter(self._decoders), "")

    def reading(self, promised: bool) -> Reading:
        """Return what reading gave; `promised` tells whether the suffix says that it is text."""
        if not self.encoding:
            tried = ", ".join(self.encodings)
            why = Text(f"按 {tried} 均无法解码", f"it cannot be decoded as {tried}")
            return Reading(ReadState.UNREADABLE if promised else ReadState.NO_READER, why)
        if self._nul:
            return Reading(ReadState.UNREADABLE, Text("文本含空字节（NUL）", "the text holds NUL bytes"))
        return Reading(ReadState.READ, Text(f"按 {self.encoding} 解码", f"decoded as {self.encoding}"))


def _encodings(head: bytes) -> list[str]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ["utf-16"]
    names = ["utf-8-sig"]
    declared = _DECLARED.search(head)
    if declared:
        try:
            name = codecs.lookup(declared[1].decode("ascii")).name
            "".encode(name)
        except (LookupError, ValueError):
            name = "utf-8"
        names += [name] if name not in {"utf-8", "utf-8-sig", "gb18030"} else []
    return [*names, "gb18030"]


def _reading(component: Component, kind: Format, read: _Read) -> Reading:
    promised = suffix_of(component.path) in _TEXT_SUFFIXES
    if kind.family in TEXTS or (kind.family == "binary" and promised):
        return read.text.reading(promised)
    if kind.family == "empty":
        return Reading(ReadState.READ, Text("空文件", "an empty file"))
    return Reading(ReadState.NO_READER, Text(f"{kind.name} 须人工浏览", f"{kind.name}: a person has to look at it"))


def _read(stream: BinaryIO) -> _Read:
    first = stream.read(CHUNK)
    probe = _TextProbe(first[:HEAD])
    if len(first) == CHUNK:
        return _read_long(stream, first, probe)
    probe.feed(first, final=True)
    digests = sha256(first).hexdigest(), sha512(first).hexdigest()
    return _Read(*digests, len(first), first[:HEAD], first[-HEAD:], probe, first)


def _read_whole(stream: BinaryIO) -> _Read:
    """Take a table whole, as its reader will; the digests follow beside."""
    digests = sha256(), sha512()
    parts = []
    with ThreadPoolExecutor(1) as pool:
        while part := stream.read(CHUNK):
            parts.append(part)
            pool.submit(_follow, digests, part)
        data = b"".join(parts)
    short, long = (each.hexdigest() for each in digests)
    return _Read(short, long, len(data), data[:HEAD], data[-HEAD:], _TextProbe(data[:HEAD]), data)


def _follow(digests: "Iterable[_Hash]", part: bytes) -> None:
    for each in digests:
        each.update(part)


def _read_long(stream: BinaryIO, first: bytes, probe: _TextProbe) -> _Read:
    """Read on in chunks; the two digests run side by side, both let other threads run."""
    short, long = sha256(), sha512()
    size, chunk, tail = 0, first, b""
    waiting: Future[None] | None = None
    with ThreadPoolExecutor(1) as pool:
        while chunk:
            if waiting is not None:
                waiting.result()
            waiting = pool.submit(long.update, chunk)
            short.update(chunk)
            probe.feed(chunk)
            size, tail = size + len(chunk), (tail + chunk)[-HEAD:]
            chunk = stream.read(CHUNK)
    probe.feed(b"", final=True)
    return _Read(short.hexdigest(), long.hexdigest(), size, first[:HEAD], tail, probe, None)


def _small_text(kind: Format, read: _Read) -> str:
    if kind.family not in TEXTS or read.whole is None or read.size > SMALL_TEXT or not read.text.encoding:
        return ""
    return read.whole.decode(read.text.encoding, "replace")


def _title(submission: Submission, source: "Source", texts: Sequence[str]) -> str:
    if source.kind != "documents":
        return f"{source.title.zh} · {submission.sequence}"
    found = _TITLE.search(texts[0]) if texts else None
    told = " ".join(_TAGS.sub(" ", found[1]).split())[:200] if found else ""
    name = submission.sequence.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return "".join(letter for letter in told if letter.isprintable()) or stem


def _facts(submission: Submission, source: "Source", title: str, files: tuple[FileFacts, ...], scanner: str) -> Facts:
    found = tuple(
        Component(file.component.path, file.size, file.sha256, file.component.media_type, "") for file in files
    )
    return Facts(
        title=title,
        fonds=source.fonds,
        record_class=source.record_class,
        retention=source.retention,
        sharing=source.sharing,
        department=source.department,
        event_time=submission.event_time,
        captured_at=submission.captured_at,
        digest=submission.digest,
        computed=submission_digest(found),
        files=files,
        metadata={
            "sequence": submission.sequence,
            "captured_at": submission.captured_at.isoformat(),
            "source_title": source.title.zh,
            "source_title_en": source.title.en,
        },
        declared_size=submission.size,
        declared_count=len(submission.components),
        signed=any(suffix_of(each.path) in _SIGNATURES for each in submission.components),
        scanner=scanner,
    )


def _search_text(source: "Source", facts: Facts, texts: Sequence[str]) -> str:
    named = [facts.title, source.id, source.department, *facts.metadata.values()]
    paths = [file.component.path for file in facts.files]
    return "\n".join([*named, *paths, *(_TAGS.sub(" ", text) if "<" in text else text for text in texts)])
