"""Formats by their bytes: what is what it says, what is not, what is dangerous."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.archive.formats import ALLOWED, Format, family_of, identify, keeps_promise, suffix_of


def zipped(name: str = "a.txt", data: bytes = b"x") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("path", "head", "family", "name"),
    [
        ("a.pdf", b"%PDF-1.7\n", "pdf", "pdf"),
        ("a.pdf", b"\xef\xbb\xbfjunk\n%PDF-1.4", "pdf", "pdf"),
        ("a.docx", zipped(), "zip", "docx"),
        ("a.zip", zipped(), "zip", "zip"),
        ("a.ofd", zipped(), "zip", "ofd"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole", "ole"),
        ("a.wps", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole", "wps"),
        ("a.db", b"SQLite format 3\x00", "sqlite", "sqlite"),
        ("a.parquet", b"PAR1", "parquet", "parquet"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "jpeg", "jpeg"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVE", "riff", "wav"),
        ("a.mp4", b"\x00\x00\x00\x18ftypmp42", "mp4", "mp4"),
        ("a.tar", b"a" * 257 + b"ustar", "tar", "tar"),
        ("a.html", b"\xef\xbb\xbf  <!DOCTYPE html><html>", "html", "html"),
        ("a.htm", b"<!-- x --><HTML>", "html", "html"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "xml", "xml"),
        ("a.csv", "姓名,号码\n".encode("gb18030"), "text", "csv"),
        ("a.txt", "BMW 说明".encode(), "text", "text"),
        ("a.txt", b"MZ is a text", "text", "text"),
        ("a.txt", "中文".encode("utf-16"), "text", "text"),
        ("a.jsonl", b"{}\n", "text", "json"),
        ("README", b"hello", "text", "text"),
        ("a.bin", b"\x01\x00\x02", "binary", "binary"),
        ("a.doc", b"\xdb\xa5\x2d\x00", "binary", "binary"),
        ("a.txt", b"", "empty", "empty"),
    ],
)
def test_formats_are_named_by_their_bytes(path: str, head: bytes, family: str, name: str) -> None:
    assert identify(path, head) == Format(family, name)
    assert keeps_promise(path, identify(path, head))


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("名册.xlsx", b"<html><table>"),
        ("名册.xls", b"<?xml version='1.0'?><html>"),
        ("a.pdf", b"hello"),
        ("a.csv", zipped()),
        ("a.txt", b"%PDF-1.4"),
        ("a.png", b"\xff\xd8\xff"),
        ("a.parquet", b"a,b\n1,2"),
        ("a.html", b"\x7fELF\x02"),
        ("a.sqlite", b"a,b"),
    ],
)
def test_a_file_that_is_not_what_its_suffix_promises(path: str, head: bytes) -> None:
    assert not keeps_promise(path, identify(path, head))


def test_encryption_is_seen() -> None:
    locked = bytearray(zipped())
    locked[6] |= 1
    assert identify("a.zip", bytes(locked)).encrypted
    assert identify("a.pdf", b"%PDF-1.7", b"trailer << /Encrypt 5 0 R >>").encrypted
    office = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    assert identify("a.xlsx", office).encrypted
    assert not identify("a.pdf", b"%PDF-1.7", b"trailer").encrypted


@pytest.mark.parametrize("head", [b"MZ\x90\x00\x03", b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe"])
def test_programs_are_seen_whatever_their_name(head: bytes) -> None:
    assert identify("报告.docx", head).executable


@pytest.mark.parametrize(
    ("path", "suffix"), [("a.TXT", "txt"), ("a.b/c", ""), ("x/y.tar.gz", "gz"), (".hidden", "hidden"), ("", "")]
)
def test_suffixes(path: str, suffix: str) -> None:
    assert suffix_of(path) == suffix


@settings(deadline=None)
@given(st.binary(max_size=600), st.text(max_size=8))
def test_any_bytes_are_something(head: bytes, suffix: str) -> None:
    found = identify(f"a.{suffix}", head)
    assert found.family == family_of(head)
    assert found.name in ALLOWED or found.name == found.family or found.family in {"zip", "ole", "riff"}


def test_promise_8_many_comments_cost_no_more_than_their_length() -> None:
    comments = b"<!-- a --> " * 350
    assert family_of(b"<?xml version='1.0'?>" + comments + b"<html>") == "html"
    assert family_of(b"<?xml version='1.0'?>" + comments + b"<stylesheet>") == "xml"
