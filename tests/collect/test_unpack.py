"""Archive files from outside: one forged asset per attack."""

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from chengyi.collect import unpack
from chengyi.collect.unpack import Unpacking, is_archive
from chengyi.model.errors import UnreachableError, UnsettledError
from simulators.collect_room import Room


@pytest.fixture
def documents(room: Room) -> Room:
    (room.home / "in").mkdir()
    room.add("docs", 'kind = "documents"\npath = "in"')
    return room


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def tarred(path: Path, *entries: tuple[str, bytes], mode: str = "w", extra: Callable[..., None] | None = None) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if extra is not None:
            extra(archive)
    return path


def sequences(room: Room) -> set[str]:
    return {each.sequence for each in room.collect.pending()}


@pytest.mark.parametrize(("suffix", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.xz", "w:xz")])
def test_each_entry_of_a_tar_is_a_record(documents: Room, suffix: str, mode: str) -> None:
    tarred(documents.home / "in" / f"a.{suffix}", ("x/1.txt", b"one"), ("2.txt", b"two"), mode=mode)
    assert documents.one().new == 2
    assert sequences(documents) == {f"a.{suffix}!/x/1.txt", f"a.{suffix}!/2.txt"}
    contents = {documents.vault.read(each.components[0].object) for each in documents.collect.pending()}
    assert contents == {b"one", b"two"}
    assert documents.one().unchanged == 2


def test_each_entry_of_a_zip_is_a_record_and_inner_archives_stay_whole(documents: Room, tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ("deep.txt", b"x")).read_bytes()
    zipped(documents.home / "in" / "a.zip", ("1.txt", b"one"), ("folder/", b""), ("inner.zip", inner))
    documents.put("in/sub/plain.txt", "p")
    assert documents.one().new == 3
    assert sequences(documents) == {"a.zip!/1.txt", "a.zip!/inner.zip", "sub/plain.txt"}


def test_an_archive_file_may_stay_closed(room: Room) -> None:
    (room.home / "in").mkdir()
    room.add("docs", 'kind = "documents"\npath = "in"\nunpack = false')
    zipped(room.home / "in" / "a.zip", ("1.txt", b"one"))
    room.run()
    assert sequences(room) == {"a.zip"}


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil", "ev\u202eil.txt", "ev\x1bil", "x/" * 40 + "y"],
)
def test_promise_8_an_entry_with_a_bad_name_is_set_aside_with_its_archive(documents: Room, name: str) -> None:
    file = zipped(documents.home / "in" / "a.zip", ("good.txt", b"good"), (name, b"evil"))
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (1, 1)
    assert sequences(documents) == {"a.zip!/good.txt"}
    (aside,) = [each for each in documents.collect.submissions() if each.reason]
    assert documents.vault.read(aside.components[0].object) == file.read_bytes()
    assert "未收条目" in aside.reason
    assert not (documents.home / "evil.txt").exists()
    assert documents.one().unchanged == 2


def test_links_and_devices_in_an_archive_are_left_inside(documents: Room) -> None:
    def extra(archive: tarfile.TarFile) -> None:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"special-{kind!r}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)

    tarred(documents.home / "in" / "a.tar", ("good.txt", b"good"), extra=extra)
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    zipped(documents.home / "in" / "b.zip", (link, b"/etc/passwd"))
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (1, 2)


def test_a_zip_bomb_is_set_aside_without_unfolding_it(documents: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "RATIO_FLOOR", 1 << 16)
    zipped(documents.home / "in" / "bomb.zip", ("zeros", bytes(1 << 22)))
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (0, 1)
    assert "压缩炸弹" in documents.collect.submissions()[0].reason


@pytest.mark.parametrize(("suffix", "mode"), [("tar.gz", "w:gz"), ("tar.xz", "w:xz")])
def test_a_tar_bomb_is_set_aside_but_what_came_before_it_is_taken(
    documents: Room, monkeypatch: pytest.MonkeyPatch, suffix: str, mode: str
) -> None:
    monkeypatch.setattr(unpack, "RATIO_FLOOR", 1 << 16)
    tarred(documents.home / "in" / f"bomb.{suffix}", ("good", b"x"), ("zeros", bytes(1 << 23)), mode=mode)
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (1, 1)


def test_a_tar_header_that_asks_for_much_memory_is_a_bomb(documents: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_READ", 1 << 16)

    def extra(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("long")
        info.pax_headers = {"comment": "x" * (1 << 20)}
        archive.addfile(info)

    tarred(documents.home / "in" / "a.tar.gz", ("good", b"x"), mode="w:gz", extra=extra)
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (1, 1)


def test_a_zip_whose_entries_are_larger_than_declared_is_damaged(documents: Room) -> None:
    file = zipped(documents.home / "in" / "a.zip", ("lie.txt", b"x" * 5000), ("good.txt", b"good"))
    content = file.read_bytes()
    central = content.index(b"PK\x01\x02")
    file.write_bytes(content[: central + 24] + struct.pack("<I", 10) + content[central + 28 :])
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined, outcome.skipped) == (1, 1, 1)
    assert "lie.txt" in documents.collect.submissions()[0].reason + documents.collect.submissions()[1].reason


def test_too_many_entries_are_set_aside(documents: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_ENTRIES", 2)
    zipped(documents.home / "in" / "a.zip", *((str(number), b"x") for number in range(3)))
    tarred(documents.home / "in" / "b.tar", *((str(number), b"x") for number in range(3)))
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (2, 2)


def test_a_large_directory_is_not_loaded(documents: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MAX_DIRECTORY", 10)
    zipped(documents.home / "in" / "a.zip", ("1", b"x"))
    assert documents.one().quarantined == 1


def test_a_name_that_occurs_twice_is_taken_once(documents: Room) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(documents.home / "in" / "a.zip", ("1.txt", b"x"), ("1.txt", b"y"))
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (1, 1)
    assert "重复" in outcome.notes[0].zh


def test_encrypted_entries_are_left_inside(documents: Room) -> None:
    file = zipped(documents.home / "in" / "a.zip", ("1.txt", b"x"))
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(content)
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (0, 1)
    assert "加密" in outcome.notes[0].zh


@pytest.mark.parametrize("cut", [30, 300])
def test_promise_8_a_truncated_archive_is_set_aside_whole(documents: Room, cut: int) -> None:
    whole = zipped(documents.home / "in" / "a.zip", ("1.txt", b"x" * 100), ("2.txt", b"y" * 100))
    whole.write_bytes(whole.read_bytes()[:-cut])
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (0, 1)


def test_promise_8_the_good_part_of_a_truncated_tar_goes_on(documents: Room) -> None:
    file = tarred(documents.home / "in" / "a.tar", ("1.txt", b"x" * 600), ("2.txt", b"y" * 5000))
    file.write_bytes(file.read_bytes()[:3000])
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined) == (1, 1)
    assert sequences(documents) == {"a.tar!/1.txt"}


def test_what_only_claims_to_be_an_archive_is_set_aside(documents: Room) -> None:
    for name in ("a.zip", "a.tar", "a.tar.gz", "a.tar.xz"):
        documents.put(f"in/{name}", "hello" * 200)
    outcome = documents.one()
    assert (outcome.new, outcome.quarantined, outcome.error) == (0, 4, None)


def test_an_archive_that_changes_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", ("1.txt", b"one"))
    with Unpacking(file, "s") as unpacking:
        entry = next(unpacking.entries())
        with file.open("ab") as more:
            more.write(b"more")
        with pytest.raises(UnsettledError):
            entry.open().read()


def test_a_changed_archive_gives_its_changed_entries(room: Room) -> None:
    (room.home / "in").mkdir()
    room.add("docs", 'kind = "documents"\npath = "in"', changed="version")
    zipped(room.home / "in" / "a.zip", ("1.txt", b"one"), ("2.txt", b"two"))
    room.run()
    zipped(room.home / "in" / "a.zip", ("1.txt", b"one"), ("2.txt", b"TWO!"), ("3.txt", b"three"))
    outcome = room.one()
    assert (outcome.new, outcome.unchanged, outcome.changed) == (1, 1, 1)


def test_one_archive_file_may_be_the_whole_source(room: Room) -> None:
    zipped(room.home / "a.zip", ("1.txt", b"one"))
    room.add("docs", 'kind = "documents"\npath = "a.zip"')
    assert room.one().new == 1


def test_an_absent_folder_is_unreachable_and_a_closed_one_is_named(
    documents: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    documents.put("in/closed/1.txt", "x")
    documents.put("in/open/1.txt", "x")
    (documents.home / "in" / "link").symlink_to("/etc")
    real = os.scandir

    def scan(path: Path) -> object:
        if str(path).rstrip("/").endswith("closed"):
            raise PermissionError(13, "no")
        return real(path)

    monkeypatch.setattr("chengyi.collect.connectors.documents.os.scandir", scan)
    outcome = documents.one()
    assert (outcome.new, outcome.skipped) == (1, 2)
    documents.add("docs", 'kind = "documents"\npath = "nowhere"')
    assert isinstance(documents.one().error, UnreachableError)


def test_archive_names() -> None:
    assert is_archive("A.ZIP")
    assert is_archive("a.tar.xz")
    assert not is_archive("a.gz")


def test_real_documents_from_a_corpus(room: Room, shared_data: Path) -> None:
    room.add("docs", f'kind = "documents"\npath = "{shared_data}/archives/format-corpus-part.tar.xz"')
    outcome = room.one()
    assert (outcome.new, outcome.quarantined, outcome.error) == (205, 0, None)
