"""Writing a department's rows in its carrier, the same bytes every time.

Rules: no time of writing and no name of a machine goes into a file; XLSX and PDF are therefore written here by hand, in
the smallest valid form. SQLite and Parquet files name the version of the library that wrote them, so they are the same
wherever the locked requirements are installed.
"""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

_ZIP_DAY = (2026, 10, 31, 0, 0, 0)
_EXCEL_EPOCH = date(1899, 12, 30)
_BAD_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])

Columns = Sequence[np.ndarray]


def write_csv(
    path: Path,
    header: Sequence[str],
    columns: Columns,
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    end: str = "\n",
) -> None:
    """Write delimited text; an empty cell is unquoted, so that readers take it as null."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerow(header)
    writer.writerows(zip(*(column.tolist() for column in columns), strict=True))
    path.write_bytes(text.getvalue().encode(encoding))


def write_jsonl(path: Path, header: Sequence[str], columns: Columns) -> None:
    """Write one JSON object a line, keys in the sender's order."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    rows = zip(*(column.tolist() for column in columns), strict=True)
    text = "".join(encode(dict(zip(header, row, strict=True))) + "\n" for row in rows)
    path.write_bytes(text.encode())


def write_sqlite(path: Path, table: str, header: Sequence[str], columns: Columns) -> None:
    """Write one table of a new SQLite database."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    try:
        named = ", ".join(f'"{name}"' for name in header)
        database.execute(f'CREATE TABLE "{table}" ({named})')
        marks = ", ".join("?" * len(header))
        rows = zip(*(column.tolist() for column in columns), strict=True)
        database.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)  # noqa: S608
        database.commit()
    finally:
        database.close()


def write_parquet(path: Path, header: Sequence[str], columns: Columns) -> None:
    """Write typed columns; the type of each follows from its cells."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [pa.array(column.tolist()) for column in columns]
    pq.write_table(pa.table(arrays, names=list(header)), path, compression="zstd")


def write_xlsx(path: Path, sheet: str, header: Sequence[str], columns: Columns) -> None:
    """Write a workbook of one sheet: text cells inline, numbers and dates typed."""
    names = [_letters(number) for number in range(len(header))]
    rows = [header, *zip(*(column.tolist() for column in columns), strict=True)]
    lines = "".join(_row(number, names, row) for number, row in enumerate(rows, start=1))
    parts = dict(_XLSX_PARTS)
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace("SHEET", escape(sheet))
    parts["xl/worksheets/sheet1.xml"] = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, _ZIP_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0
            archive.writestr(entry, text.encode())


def _letters(number: int) -> str:
    return chr(65 + number) if number < 26 else _letters(number // 26 - 1) + chr(65 + number % 26)


def _row(number: int, names: Sequence[str], row: Sequence[object]) -> str:
    cells = "".join(_cell(f"{name}{number}", cell) for name, cell in zip(names, row, strict=True) if cell is not None)
    return f'<row r="{number}">{cells}</row>'


def _cell(place: str, cell: object) -> str:
    if isinstance(cell, date):
        return f'<c r="{place}" s="1"><v>{(cell - _EXCEL_EPOCH).days}</v></c>'
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell}</v></c>'
    text = str(cell).translate(_BAD_XML)
    keep = "" if text == text.strip() else ' xml:space="preserve"'
    return f'<c r="{place}" t="inlineStr"><is><t{keep}>{escape(text)}</t></is></c>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XLSX_PARTS = (
    (
        "[Content_Types].xml",
        (
            f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPE}.worksheet+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPE}.styles+xml"/></Types>'
        ),
    ),
    (
        "_rels/.rels",
        (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
    ),
    (
        "xl/workbook.xml",
        (
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="SHEET" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
    ),
    (
        "xl/_rels/workbook.xml.rels",
        (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
        ),
    ),
    (
        "xl/styles.xml",
        (
            f'{_XML}<styleSheet xmlns="{_MAIN}">'
            '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
            '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
            '</fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
            '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
            '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
            '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
            '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
            "</styleSheet>"
        ),
    ),
)
