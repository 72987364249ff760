"""What collection decides, as pure functions and tables.

Keeps promise 6: never silently partial, and promise 8: bad input loses nothing. Rules:

1. A name from outside is a relative path, NFC, without climbing, control or text-direction characters;
   what breaks this is set aside under a harmless name, with the reason.
2. The same bytes under the same sequence are nothing new. Other bytes under the same sequence are a new
   version that names the one before, or wait in quarantine, as the source's `changed` says.
3. What a source was expected to deliver and did not, is named.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chengyi.model.evidence import Completeness
from chengyi.model.submission import SubmissionState
from chengyi.model.text import Text

MAX_NAME_BYTES = 1024
MAX_DEPTH = 32

CHANGED_UNDER_SEQUENCE = Text(
    "同一序号下内容已变，须由档案员核定", "other content under the same sequence; an archivist has to decide"
)

_CLIMBS = Text("名称含上级目录（..）", "the name climbs out by ..")
_ABSOLUTE = Text("名称为绝对路径", "the name is an absolute path")
_EMPTY = Text("名称为空", "the name is empty")
_UNSEEN = Text("名称含控制字符或文字方向字符", "the name holds control or text-direction characters")
_LONG = Text("名称过长", "the name is too long")
_DEEP = Text("目录层次过深", "the folders are nested too deeply")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Judgement(StrEnum):
    """What a delivery is, seen against what its source delivered before."""

    NEW = "new"
    UNCHANGED = "unchanged"
    VERSION = "version"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier submission under the same sequence."""

    id: str
    digest: str
    state: SubmissionState


def bilingual(text: Text) -> str:
    """Return a reason in both languages, for values that hold one string."""
    return f"{text.zh} ({text.en})"


def name_fault(name: str) -> Text | None:
    """Return why a name from outside is not acceptable, or None."""
    steps = name.replace("\\", "/").split("/")
    if any(unicodedata.category(letter) in _UNSEEN_CATEGORIES for letter in name):
        return _UNSEEN
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return _ABSOLUTE
    if ".." in steps:
        return _CLIMBS
    if not any(step not in {"", "."} for step in steps):
        return _EMPTY
    if len(steps) > MAX_DEPTH:
        return _DEEP
    return _LONG if len(name.encode()) > MAX_NAME_BYTES else None


def safe_path(name: str) -> str:
    """Return the name as a harmless relative path; an acceptable name only becomes NFC."""
    shown = "".join(_show(letter) for letter in unicodedata.normalize("NFC", name.replace("\\", "/")))
    steps = [step for step in shown.split("/") if step not in {"", ".", ".."}][:MAX_DEPTH]
    path = "/".join(steps).replace(":", "_") if name[1:2] == ":" else "/".join(steps)
    return path.encode()[:MAX_NAME_BYTES].decode(errors="ignore") or "unnamed"


def judge(history: Sequence[Known], digest: str, changed: str) -> tuple[Judgement, Known | None]:
    """Say what a delivery is, and which earlier submission it corrects; `history` is oldest first."""
    head = next((each for each in reversed(history) if each.state is not SubmissionState.QUARANTINED), None)
    if head is not None and head.digest == digest:
        return Judgement.UNCHANGED, head
    waiting = (each for each in history if each.state is SubmissionState.QUARANTINED)
    same = next((each for each in waiting if each.digest == digest), None)
    if same is not None:
        return Judgement.UNCHANGED, same
    if head is None:
        return Judgement.NEW, None
    return (Judgement.VERSION if changed == "version" else Judgement.CONFLICT), head


def completeness(
    received: Sequence[str], *, deliveries: int | None = None, sequences: Sequence[str] = (), names: Sequence[str] = ()
) -> Completeness:
    """Compare what was accepted with what was declared; `names` may be the last steps of a sequence."""
    have = set(received)
    missing = [sequence for sequence in sequences if sequence not in have]
    missing += [name for name in names if name not in have and not any(one.endswith(f"/{name}") for one in have)]
    declared = len(sequences) + len(names)
    if declared:
        return Completeness(declared, declared - len(missing), tuple(missing))
    if deliveries is None:
        return Completeness(None, len(have))
    lacking = range(len(have) + 1, deliveries + 1)
    return Completeness(deliveries, len(have), tuple(f"第 {each} 份 (delivery {each})" for each in lacking))


def is_unfinished(name: str) -> bool:
    """Tell whether a file name is one that programs give to unfinished or hidden work."""
    return name.startswith((".", "~$")) or name.lower().endswith((".part", ".tmp", ".crdownload"))


def media_type(name: str) -> str:
    """Return the media type that a file name suggests; identification proper is the archive's."""
    _, dot, suffix = name.lower().rpartition(".")
    return _MEDIA_TYPES.get(suffix, _UNKNOWN) if dot else _UNKNOWN


def _show(letter: str) -> str:
    return f"%{ord(letter):02X}" if unicodedata.category(letter) in _UNSEEN_CATEGORIES else letter


_UNKNOWN = "application/octet-stream"
_MEDIA_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "txt": "text/plain",
    "html": "text/html",
    "htm": "text/html",
    "md": "text/markdown",
    "xml": "application/xml",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "ndjson": "application/x-ndjson",
    "pdf": "application/pdf",
    "ofd": "application/ofd",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "parquet": "application/vnd.apache.parquet",
    "sqlite": "application/vnd.sqlite3",
    "db": "application/vnd.sqlite3",
    "sqlite3": "application/vnd.sqlite3",
    "zip": "application/zip",
    "tar": "application/x-tar",
    "gz": "application/gzip",
    "xz": "application/x-xz",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "eml": "message/rfc822",
    "warc": "application/warc",
}
