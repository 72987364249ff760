r"""The bytes behind the characters of a CSV or JSON-lines file.

Rules: a byte order mark is no content; text that is plainly in another encoding than declared is refused as a
whole, because reading it would turn names into other names without any error; bytes that the encoding does not
have spoil only their record, and stay visible in its raw text as ``\xNN``.
"""

import codecs
import re
from typing import TYPE_CHECKING

from chengyi.collect.readers.batch import BadRow
from chengyi.collect.readers.faults import refuse

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 1 << 16
ENOUGH = 12
_ESCAPED = re.compile("[\udc80-\udcff]")
_HAN = re.compile("[\u4e00-\u9fff]")
_UNUSUAL = re.compile("[\ue000-\uf8ff\u0080-\u009f\ufffd]")
_WIDE = ("utf-16", "utf-32")


def without_mark(data: bytes, encoding: str) -> bytes:
    """Return the bytes without the UTF-8 byte order mark (that of UTF-16 and UTF-32 is the codec's)."""
    return data if encoding.startswith(_WIDE) else data.removeprefix(codecs.BOM_UTF8)


def refuse_other(data: bytes, encoding: str, file: str, source: str) -> None:
    """Raise BadInputError where the text is plainly in another encoding than declared."""
    if encoding.startswith(_WIDE):
        return
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refuse(source, file, f"实为 UTF-16 编码，不是所声明的 {encoding} (it is UTF-16, not {encoding})")
    if encoding == "gb18030" and _is_utf8(data[:SAMPLE], whole=len(data) <= SAMPLE):
        raise refuse(source, file, "实为 UTF-8 编码，不是所声明的 gb18030 (it is UTF-8, not gb18030)")


def splits_as_bytes(encoding: str, delimiter: bytes) -> bool:
    """Tell whether delimiters, quotes and line ends can be found in the bytes without decoding them."""
    if len(delimiter) != 1 or delimiter >= b"\x80":
        return False
    return encoding == "utf-8" or (encoding == "gb18030" and (delimiter < b"0" or b"9" < delimiter < b"@"))


def as_utf8(data: bytes, encoding: str, file: str, source: str) -> bytes:
    """Return the text in UTF-8; bytes outside the encoding become sequences that UTF-8 does not have."""
    if encoding == "utf-8":
        return data
    try:
        return data.decode(encoding, "surrogateescape").encode("utf-8", "surrogatepass")
    except (UnicodeError, LookupError) as fault:
        raise refuse(source, file, f"不是 {encoding} 编码 (it is not {encoding})") from fault


def shown(raw: bytes) -> str:
    r"""Return the raw text of a record, with bytes outside the encoding as ``\xNN``."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
    return _ESCAPED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def refuse_most(bad: list[BadRow], good: int, encoding: str, file: str, source: str, *, data: bytes) -> None:
    """Raise BadInputError where most records of the data are outside the encoding: then that is what is wrong."""
    wrong = [each for each in bad if each.code == "bad_encoding"]
    if wrong and len(wrong) > good:
        why = f"{len(wrong)} 行不是 {encoding} 编码 (so many rows are not {encoding})"
        raise refuse(source, file, why + hint(data, encoding), row=wrong[0].row)


def hint(data: bytes, encoding: str) -> str:
    """Say which encoding to declare, where text that is not in the declared one reads well in GB 18030."""
    sample = data[:SAMPLE]
    if encoding == "gb18030":
        return ""
    try:
        text = codecs.getincrementaldecoder("gb18030")().decode(sample, final=len(data) <= SAMPLE)
    except UnicodeDecodeError:
        return ""
    if not _HAN.search(text) or _UNUSUAL.search(text):
        return ""
    return '；似为 GB18030，可在来源文件的 [reader] 中写 encoding = "gb18030" (it reads as GB 18030)'


def text_columns(table: "pa.Table", encoding: str) -> "pa.Table":
    """Return binary columns as text, each distinct value decoded once; UnicodeError where one cannot be."""
    import pyarrow as pa

    columns = [_text_column(column, encoding) for column in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _text_column(column: "pa.ChunkedArray", encoding: str) -> "pa.Array":
    import pyarrow as pa

    whole = column.combine_chunks()
    whole = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    content = whole.buffers()[2]
    if content is None or bytes(content).isascii():
        return whole.cast(pa.string())
    coded = whole.dictionary_encode()
    values = pa.array([value.decode(encoding) for value in coded.dictionary.to_pylist()], pa.string())
    return values.take(coded.indices)


def _is_utf8(sample: bytes, *, whole: bool) -> bool:
    if sum(byte >= 0x80 for byte in sample) < ENOUGH:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        return False
    return True
