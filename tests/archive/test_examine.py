"""Reading back: encodings, large files, titles, search text; a file is never an exception."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chengyi.archive import examine
from chengyi.archive.examine import Examined, Examiner
from chengyi.archive.facts import ReadState
from chengyi.archive.tables import SealedTables
from simulators.collect import MemoryCollect, source_of
from simulators.house import CSV
from simulators.vault import MemoryVault


def read(name: str, data: bytes, more: str = "", kind: str = "documents") -> Examined:
    vault = MemoryVault()
    source = source_of("s", more, kind=kind)
    submission = MemoryCollect(vault, [source]).hand_in("s", {name: data})
    return Examiner(vault, SealedTables(vault)).examine(submission, source)


def state_of(found: Examined) -> ReadState:
    return found.facts.files[0].reading.state


@pytest.mark.parametrize(
    ("name", "data", "encoding"),
    [
        ("a.txt", "中文".encode(), "utf-8"),
        ("a.txt", b"\xef\xbb\xbf" + "中文".encode(), "utf-8"),
        ("a.txt", "中文内容".encode("gb18030"), "gb18030"),
        ("a.txt", "中文".encode("utf-16"), "utf-16"),
        ("a.html", "<html><meta charset='big5'><p>繁體".encode("big5"), "big5"),
        ("a.xml", "<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>".encode("latin-1"), "iso8859-1"),
        ("a.html", b"<html><meta charset='nonsense'><p>ok", "utf-8"),
        ("a.html", b"<html><meta charset='rot13'><p>ok", "utf-8"),
    ],
)
def test_text_is_decoded_as_it_is_written(name: str, data: bytes, encoding: str) -> None:
    found = read(name, data)
    assert state_of(found) is ReadState.READ
    assert encoding in found.facts.files[0].reading.finding.zh


def test_undecodable_text_fails_only_where_the_suffix_promises_text() -> None:
    assert state_of(read("a.txt", b"\xb0\xff\xff")) is ReadState.UNREADABLE
    assert state_of(read("a.unknown", b"\xb0\xff\xff")) is ReadState.NO_READER


def test_text_with_nul_is_unreadable() -> None:
    assert state_of(read("a.txt", b"a\x00b")) is ReadState.UNREADABLE


@pytest.mark.parametrize("name", ["a.pdf", "a.png", "a.zip"])
def test_what_we_have_no_reader_for_is_said_so(name: str) -> None:
    heads = {"a.pdf": b"%PDF-1.7", "a.png": b"\x89PNG\r\n\x1a\n", "a.zip": b"PK\x03\x04"}
    assert state_of(read(name, heads[name])) is ReadState.NO_READER


@pytest.mark.parametrize("size", [10, 64, 65, 200])
@pytest.mark.parametrize("last", [b"", b"\xff\xff\xff"])
def test_large_files_are_streamed_with_both_digests(monkeypatch: pytest.MonkeyPatch, size: int, last: bytes) -> None:
    monkeypatch.setattr(examine, "CHUNK", 64)
    data = ("字" * size).encode() + last
    file = read("a.txt", data).facts.files[0]
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.sha512 == hashlib.sha512(data).hexdigest()
    assert file.size == len(data)
    assert (file.reading.state is ReadState.READ) is (last == b"")


def test_a_large_binary_file_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "CHUNK", 64)
    found = read("a.pdf", b"%PDF-1.7" + bytes(200) + b"trailer /Encrypt")
    assert found.facts.files[0].format.encrypted
    assert state_of(found) is ReadState.NO_READER


@pytest.mark.parametrize("name", ["b.txt", "b.csv"])
def test_promise_8_no_large_file_passes_undecoded(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(examine, "CHUNK", 64)
    vault = MemoryVault()
    source = source_of("s", CSV, kind="folder")
    files = {"a.csv": b"x\n1\n", name: bytes(100) + b"\xff\xff"}
    submission = MemoryCollect(vault, [source]).hand_in("s", files)
    found = Examiner(vault, SealedTables(vault)).examine(submission, source)
    assert found.facts.files[1].reading.state is ReadState.UNREADABLE


def test_the_rows_of_a_table_are_not_in_the_search_text() -> None:
    assert "张三" not in read("a.csv", "姓名\n张三\n".encode(), CSV, "folder").text


def test_a_table_and_the_files_beside_it() -> None:
    vault = MemoryVault()
    source = source_of("s", CSV, kind="folder")
    files = {"a.csv": b"x\n1\n", "说明.txt": "说明文字".encode(), "b.csv": b"y\n2\n"}
    submission = MemoryCollect(vault, [source]).hand_in("s", files)
    found = Examiner(vault, SealedTables(vault)).examine(submission, source)
    assert found.seal is not None
    assert found.seal.component == "a.csv"
    assert [file.reading.state for file in found.facts.files] == [ReadState.READ] * 3
    assert "说明文字" in found.text


def test_an_object_that_is_gone_is_a_finding() -> None:
    vault = MemoryVault()
    source = source_of("s")
    submission = MemoryCollect(vault, [source]).hand_in("s", {"a.txt": b"x"})
    vault._plain.clear()
    found = Examiner(vault, SealedTables(vault)).examine(submission, source)
    assert found.facts.files[0].fault is not None


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("目录/通知.txt", b"x", "通知"),
        ("README", b"x", "README"),
        (".profile", b"x", ".profile"),
        ("a.html", b"<html><title> Two\n<b>words</b> </title>", "Two words"),
        ("a.html", b"<html><title></title>", "a"),
        ("a.html", "<html><title>题\u202e名</title>".encode(), "题名"),
    ],
)
def test_titles_of_documents(name: str, data: bytes, title: str) -> None:
    assert read(name, data).facts.title == title


def test_titles_of_tables_say_the_source() -> None:
    assert read("2026-01.csv", b"a\n1\n", CSV, "folder").facts.title == "来源s · 2026-01.csv"


def test_only_small_text_is_searchable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examine, "SMALL_TEXT", 20)
    assert "短文" in read("a.txt", "短文".encode()).text
    assert "长文" not in read("a.txt", "长文".encode() * 20).text


def test_a_signature_that_came_along_is_seen() -> None:
    vault = MemoryVault()
    source = source_of("s")
    submission = MemoryCollect(vault, [source]).hand_in("s", {"a.txt": b"x", "a.txt.p7s": b"\x30\x82"})
    assert Examiner(vault, SealedTables(vault)).examine(submission, source).facts.signed


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["txt", "html", "pdf", "bin", "xlsx", ""]))
def test_no_bytes_raise(data: bytes, suffix: str) -> None:
    found = read(f"a.{suffix}", data)
    assert found.facts.files[0].size == len(data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_of_a_table_raise(data: bytes) -> None:
    found = read("a.csv", data, CSV, "folder")
    assert found.facts.files[0].reading.state in {ReadState.READ, ReadState.PARTLY, ReadState.UNREADABLE}
