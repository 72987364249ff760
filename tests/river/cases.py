"""Bad deliveries, one by one: what comes, what the user is told, what goes on, and the correction.

Rules: `said` stands in one line of what `chengyi run` says in English, `zh` in one line of what it says in Chinese, and
each such line names the source and the file as well; `names` are the persons whose rows go on before the correction.
"""

import gzip
import io
import tarfile
import zipfile
from dataclasses import dataclass, field

import openpyxl

from .house import HEADER, good_roll, number, roll, row

GOOD = [row(each) for each in range(1, 6)]
NAMES = [f"张{each:04}" for each in range(1, 6)]
FILE = "2026-01.csv"
FIRST_FOUR = NAMES[:4]
WHOLE = "Ask 区民政局 to correct it and deliver again."
ROWS = "Ask 区民政局 to correct this and deliver again."


@dataclass(frozen=True)
class Case:
    """One bad delivery. `code` is in the listing of faults; `advice` stands below the message."""

    id: str
    data: bytes
    said: tuple[str, ...]
    zh: tuple[str, ...]
    advice: str
    names: list[str] = field(default_factory=list)
    good: bytes = roll(*GOOD)
    file: str = FILE
    reader: str = "csv"
    kind: str = "folder"
    where: str = "row"
    exit_code: int = 0
    taken: int = 0


def whole(id: str, data: bytes, said: str, zh: str, *, file: str = FILE, good: bytes = roll(*GOOD)) -> Case:
    """Return a delivery that cannot be read at all: its original is set aside whole."""
    reader = file.rpartition(".")[2]
    return Case(id, data, (said,), (zh,), WHOLE, good=good, file=file, reader=reader, where="whole", exit_code=65)


def fifth(id: str, bad: bytes, said: tuple[str, ...], zh: tuple[str, ...]) -> Case:
    """Return a delivery of which only the fifth row is bad."""
    return Case(id, roll(*GOOD[:4]) + bad, said, zh, ROWS, FIRST_FOUR)


def workbook(header: str, *rows: str) -> bytes:
    """Return a roll as XLSX."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for line in (header, *rows):
        sheet.append(line.split(","))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def zipped(*entries: tuple[str, bytes]) -> bytes:
    """Return a ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(size: int) -> bytes:
    """Return a compressed TAR archive of one entry of zeros."""
    stream = io.BytesIO()
    packed = gzip.GzipFile(fileobj=stream, mode="wb", mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        entry = tarfile.TarInfo("zeros.bin")
        entry.size = size
        archive.addfile(entry, io.BytesIO(bytes(size)))
    return stream.getvalue()


def documents(id: str, file: str, data: bytes, said: str, zh: str, *, good: bytes, taken: int = 0) -> Case:
    """Return an archive file of documents that is set aside whole; `taken` of its entries went on."""
    return Case(
        id, data, (said,), (zh,), WHOLE, good=good, file=file, reader="", kind="documents", where="whole",
        exit_code=65, taken=taken,
    )  # fmt: skip


_BOOK = workbook(HEADER, *GOOD)
_CUT = _BOOK[: len(_BOOK) * 2 // 3]
_HTML = ("<html><table><tr><td>" + HEADER.replace(",", "</td><td>") + "</td></tr></table></html>").encode()
_LETTER = ("来文.txt", "关于核定的通知".encode())
_BOMB = 96 << 20

CASES = (
    whole("wrong-encoding", roll(*GOOD).decode().encode("gb18030"), "not utf-8", "不是 utf-8 编码"),
    fifth(
        "one-row-in-another-encoding",
        row(5, name="王五").encode("gb18030") + b"\n",
        ("row 5", "bytes that the declared encoding does not have"),
        ("行 5", "不符合所声明编码的字节"),
    ),
    fifth(
        "truncated-csv",
        row(5).encode()[:-12],
        ("row 5", "the file ends in the middle of this row"),
        ("行 5", "文件在此处中断"),
    ),
    whole("truncated-xlsx", _CUT, "damaged or truncated", "已损坏或不完整", file="a.xlsx", good=_BOOK),
    whole("xlsx-that-is-html", _HTML, "not XLSX but HTML", "不是 XLSX，实为 HTML", file="a.xlsx", good=_BOOK),
    whole(
        "duplicate-header",
        roll(*GOOD, header="姓名,身份证号,姓名,备注"),
        "field 姓名: 表头中列名重复 (the header names a column twice)",
        "字段 姓名：表头中列名重复",
    ),
    Case(
        "missing-required-column",
        roll(*(f"{each.split(',')[0]},2023-02-28,在册" for each in GOOD), header="姓名,批准日期,备注"),
        ("The required column 身份证号 is missing; the whole delivery waits",),
        ("缺少必需的列“身份证号”，整批暂存",),
        "Ask 区民政局 for the agreed columns, or change the contract",
        where="header",
        exit_code=65,
    ),
    Case(
        "missing-optional-column",
        roll(*(each.rpartition(",")[0] for each in GOOD), header="姓名,身份证号,批准日期"),
        ("Column 备注 is missing; read as empty",),
        ("缺少列“备注”，按空值处理",),
        "If this is a new agreement, change the contract",
        NAMES,
        where="drift",
    ),
    Case(
        "extra-column",
        roll(*(f"{each},甲" for each in GOOD), header=f"{HEADER},等级"),
        ("Column 等级 is not in the contract",),
        ("契约之外的列“等级”未采用",),
        "If this is a new agreement, change the contract",
        NAMES,
        where="drift",
    ),
    fifth(
        "ten-megabyte-cell",
        row(5, note="甲" * (10 * (1 << 20) // 3)).encode() + b"\n",
        ("row 5", "a cell is larger than 1 MiB"),
        ("行 5", "单元格超过 1 MiB"),
    ),
    fifth(
        "date-that-does-not-exist",
        (row(5, day="2023-02-30") + "\n").encode(),
        ("row 5, field 批准日期", "is not a date that exists", "(2023-02-30)"),
        ("行 5，字段 批准日期", "不是有效日期", "（2023-02-30）"),
    ),
    fifth(
        "impossible-citizen-number",
        (row(5, citizen=number(5)[:17] + ("1" if number(5)[17] != "1" else "2")) + "\n").encode(),
        ("row 5, field 身份证号", "fails the check digit", f"({number(5)[:3]}****"),
        ("行 5，字段 身份证号", "公民身份号码校验位不符", f"（{number(5)[:3]}****"),
    ),
    fifth("nul-bytes", (row(5, note="在\0册") + "\n").encode(), ("row 5", "holds a NUL byte"), ("行 5", "含 NUL 字节")),
    whole(
        "nul-bytes-in-the-header",
        roll(*GOOD, header=HEADER.replace("备注", "备\0注")),
        "the header holds a NUL byte",
        "表头含 NUL 字节",
    ),
    documents(
        "path-traversal-in-an-archive",
        "文件.zip",
        zipped(_LETTER, ("../../etc/passwd", b"root")),
        "etc/passwd: the name climbs out by ..",
        "etc/passwd：名称含上级目录（..）",
        good=zipped(_LETTER, ("passwd.txt", "说明".encode())),
        taken=1,
    ),
    documents(
        "zip-bomb",
        "文件.zip",
        zipped(_LETTER, ("zeros.bin", bytes(_BOMB))),
        "it unfolds beyond all bounds, as a zip bomb does",
        "展开后过大，疑为压缩炸弹",
        good=zipped(_LETTER),
    ),
    documents(
        "tar-bomb",
        "文件.tar.gz",
        tarred(_BOMB),
        "it unfolds beyond all bounds, as a zip bomb does",
        "展开后过大，疑为压缩炸弹",
        good=tarred(100),
    ),
    documents(
        "truncated-archive",
        "文件.zip",
        zipped(_LETTER)[:-30],
        "damaged or truncated",
        "已损坏或不完整",
        good=zipped(_LETTER),
    ),
)  # fmt: skip

GOOD_ROLL = good_roll(500)
GOOD_NAMES = [f"张{each:04}" for each in range(500, 505)]
