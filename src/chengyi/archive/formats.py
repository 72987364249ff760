"""What a file is, by its first and last bytes; and which formats may be kept.

Rules: a format is named by what the bytes are, never by the file's name; a name whose suffix promises a binary
format must keep that promise; an encrypted or executable file is known as such. A PDF header may stand anywhere in the
first 1024 bytes (ISO 32000-1 annex H), and word processors before OLE wrote ``.doc`` files without a signature.
Sources: the formats' own published signatures; the allowed list follows GB/T 18894-2016 and a vendor's list for
DA/T 70 item 3-3 as noted in secondary sources (grade A for the item, B for the list).
"""

import re
from dataclasses import dataclass

HEAD = 4096
_PDF_HEADER = 1024
_ZIPPED = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp", "ofd", "epub", "zip", "jar"})
_OLE = frozenset({"doc", "xls", "ppt", "msg", "wps", "et", "dps"})
_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"%PDF-", 0, "pdf"),
    (b"PK\x03\x04", 0, "zip"),
    (b"PK\x05\x06", 0, "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "ole"),
    (b"SQLite format 3\x00", 0, "sqlite"),
    (b"PAR1", 0, "parquet"),
    (b"\x89PNG\r\n\x1a\n", 0, "png"),
    (b"\xff\xd8\xff", 0, "jpeg"),
    (b"GIF87a", 0, "gif"),
    (b"GIF89a", 0, "gif"),
    (b"II*\x00", 0, "tiff"),
    (b"MM\x00*", 0, "tiff"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", 0, "jp2"),
    (b"BM", 0, "bmp"),
    (b"\x1f\x8b", 0, "gzip"),
    (b"\xfd7zXZ\x00", 0, "xz"),
    (b"BZh", 0, "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", 0, "7z"),
    (b"Rar!\x1a\x07", 0, "rar"),
    (b"ustar", 257, "tar"),
    (b"RIFF", 0, "riff"),
    (b"ID3", 0, "mp3"),
    (b"fLaC", 0, "flac"),
    (b"OggS", 0, "ogg"),
    (b"ftyp", 4, "mp4"),
    (b"WARC/", 0, "warc"),
    (b"{\\rtf", 0, "rtf"),
    (b"\x7fELF", 0, "executable"),
    (b"\xca\xfe\xba\xbe", 0, "executable"),
    (b"\xfe\xed\xfa\xce", 0, "executable"),
    (b"\xfe\xed\xfa\xcf", 0, "executable"),
    (b"\xce\xfa\xed\xfe", 0, "executable"),
    (b"\xcf\xfa\xed\xfe", 0, "executable"),
)
_MARKUP = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|table|body)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<\?xml[\s>]")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

PROMISES: dict[str, frozenset[str]] = {
    **dict.fromkeys(_ZIPPED, frozenset({"zip"})),
    **dict.fromkeys(_OLE, frozenset({"ole", "binary"})),
    "pdf": frozenset({"pdf"}),
    "sqlite": frozenset({"sqlite"}),
    "sqlite3": frozenset({"sqlite"}),
    "parquet": frozenset({"parquet"}),
    "png": frozenset({"png"}),
    "jpg": frozenset({"jpeg"}),
    "jpeg": frozenset({"jpeg"}),
    "gif": frozenset({"gif"}),
    "tif": frozenset({"tiff"}),
    "tiff": frozenset({"tiff"}),
    "jp2": frozenset({"jp2"}),
    "bmp": frozenset({"bmp"}),
    "gz": frozenset({"gzip"}),
    "xz": frozenset({"xz"}),
    "7z": frozenset({"7z"}),
    "rar": frozenset({"rar"}),
    "rtf": frozenset({"rtf"}),
    "wav": frozenset({"riff"}),
    "avi": frozenset({"riff"}),
    "flac": frozenset({"flac"}),
    "ogg": frozenset({"ogg"}),
    "mp4": frozenset({"mp4"}),
    "warc": frozenset({"warc"}),
    "htm": frozenset({"html", "xml", "text"}),
    "html": frozenset({"html", "xml", "text"}),
    **dict.fromkeys(
        ("txt", "csv", "tsv", "json", "jsonl", "ndjson", "md"), frozenset({"text", "xml", "html", "binary"})
    ),
    "xml": frozenset({"xml", "text", "html"}),
}
ALLOWED = frozenset(
    {"pdf", "ofd", "rtf", "docx", "xlsx", "pptx", "wps", "et", "jpeg", "tiff", "png", "gif", "bmp", "jp2", "mp3", "wav"}
    | {"flac", "mp4", "avi", "warc", "text", "csv", "tsv", "json", "xml", "html", "sqlite", "parquet"}
)
TEXTS = frozenset({"text", "xml", "html"})
_FAMILY = {"jpg": "jpeg", "tif": "tiff", "htm": "html", "jsonl": "json", "ndjson": "json", "txt": "text", "md": "text"}


@dataclass(frozen=True, slots=True)
class Format:
    """What the bytes are: a family (zip, ole, pdf, text ...), the exact format by suffix, and two dangers."""

    family: str
    name: str
    encrypted: bool = False
    executable: bool = False


def suffix_of(path: str) -> str:
    """Return the lower-case suffix of a path without its dot, or nothing."""
    return path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""


def identify(path: str, head: bytes, tail: bytes = b"") -> Format:
    """Identify a file by its first `HEAD` and last bytes; an empty file is of the family ``empty``."""
    family = family_of(head)
    return Format(family, _name(family, suffix_of(path)), _encrypted(family, head, tail), family == "executable")


def keeps_promise(path: str, format: Format) -> bool:
    """Tell whether the bytes are what the file's suffix promises; an unknown suffix promises nothing."""
    promised = PROMISES.get(suffix_of(path))
    return promised is None or format.family in promised or format.family == "empty"


def family_of(head: bytes) -> str:
    """Return the family of formats that the first bytes belong to."""
    if not head:
        return "empty"
    if head.startswith(b"MZ") and b"\x00" in head[:64]:
        return "executable"
    for signature, at, family in _SIGNATURES:
        if head.startswith(signature, at) and not (family == "bmp" and b"\x00" not in head[:32]):
            return family
    return "pdf" if b"%PDF-" in head[:_PDF_HEADER] else _text_family(head)


def _text_family(head: bytes) -> str:
    if head.startswith(_BOMS[1:]):
        return "text"
    head = head.removeprefix(_BOMS[0])
    if _MARKUP.match(head):
        return "html"
    if _XML.match(head):
        return "xml"
    return "binary" if b"\x00" in head else "text"


def _name(family: str, suffix: str) -> str:
    suffix = _FAMILY.get(suffix, suffix)
    if family in {"zip", "ole", "riff"}:
        return suffix if suffix in ALLOWED else family
    if family in TEXTS:
        return suffix if suffix in {"csv", "tsv", "json"} else family
    return family


def _encrypted(family: str, head: bytes, tail: bytes) -> bool:
    if family == "zip":
        return len(head) > 7 and bool(head[6] & 1)
    if family == "pdf":
        return b"/Encrypt" in tail or b"/Encrypt" in head
    if family == "ole":
        return "EncryptedPackage".encode("utf-16-le") in head + tail
    return False
