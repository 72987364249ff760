"""Deliveries that come again: the same, changed under the same name, still being written, or nothing but a link."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chengyi.model.act import ActKind

from .cases import GOOD_NAMES, GOOD_ROLL
from .house import House, assert_sound, good_roll, held_bytes, names_in

pytestmark = pytest.mark.slow
FILE = "2026-01.csv"
_APPEND = """
import sys, time
with open(sys.argv[1], "ab", buffering=0) as file:
    print("writing", flush=True)
    while True:
        file.write(b"more")
        time.sleep(0.0005)
"""
LARGE = 96 << 20
"""Bytes of the file that changes: enough that reading it takes many turns of the writer."""


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House.build(tmp_path / "home")
    (house.add("good") / FILE).write_bytes(GOOD_ROLL)
    return house


def test_promise_8_the_same_delivery_twice_changes_nothing(house: House) -> None:
    assert house.run().returncode == 0
    target = house.path / "in" / "good" / FILE
    target.unlink()
    target.write_bytes(GOOD_ROLL)
    (target.parent / ".2026-01.csv.part").write_bytes(b"unfinished")
    again = house.run()
    assert (again.returncode, again.stderr) == (0, "")
    assert "Nothing new; nothing was changed." in again.stdout
    with house.node() as node:
        assert node.collect.account("good").received.count == 1
        assert len(node.audit.entries(kind=ActKind.RECEIVED.value)) == 1
        assert names_in(node, "good") == GOOD_NAMES
        assert_sound(node)


def test_promise_2_a_changed_delivery_waits_for_an_archivist_who_releases_it(house: House) -> None:
    first, second = good_roll(10), good_roll(11)
    target = house.add("changed", changed="quarantine") / FILE
    target.write_bytes(first)
    assert house.run().returncode == 0
    target.write_bytes(second)
    told = house.run()
    assert told.returncode == 65
    (waiting,) = house.waiting("changed")
    id = waiting["record"]
    assert f"Source changed, file {FILE}" in told.stderr
    assert "other content under the same sequence; an archivist has to decide" in told.stderr
    assert f"`chengyi release {id}`" in told.stderr
    with house.node() as node:
        assert names_in(node, "changed")[0] == "张0010"
        assert sorted(held_bytes(node, "changed")) == sorted([first, second])
        assert_sound(node)
    assert house.run().returncode == 0
    released = house.command("release", id)
    assert released.returncode == 0, released.stderr
    done = house.run()
    assert done.returncode == 0, done.stderr
    assert house.waiting() == []
    with house.node() as node:
        assert names_in(node, "changed")[0] == "张0011"
        (package,) = {each.id for each in node.archive.since("changed", -1)}
        assert [each.version for each in node.archive.versions(package, node.actor)] == [1, 2]
        assert_sound(node)
    assert "Nothing new" in house.run().stdout
    assert house.command("release", id).returncode == 2


def test_promise_8_a_file_that_changes_while_it_is_read_is_taken_when_it_is_complete(house: House) -> None:
    target = house.add("growing", reader="", kind="documents") / "影像.bin"
    target.write_bytes(bytes(LARGE))
    with subprocess.Popen([sys.executable, "-c", _APPEND, str(target)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        told = house.run()
        writer.kill()
    assert told.returncode == 75
    assert "File 影像.bin of source growing changed while it was read" in told.stderr
    assert "Run again when it is complete." in told.stderr
    with house.node() as node:
        assert names_in(node, "good") == GOOD_NAMES
        assert node.collect.account("growing").received.count == 0
        assert_sound(node)
    whole = target.read_bytes()
    assert len(whole) > LARGE
    assert house.run().returncode == 0
    with house.node() as node:
        assert held_bytes(node, "growing") == [whole]
        assert_sound(node)
    assert "Nothing new" in house.run().stdout


def test_promise_8_a_link_is_refused_by_name_until_the_file_itself_comes(house: House, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_bytes(good_roll(20))
    target = house.add("linked") / FILE
    target.symlink_to(outside)
    told = house.run()
    assert told.returncode == 65
    assert f"Source linked, file {FILE}" in told.stderr
    assert "a link or special file; not taken" in told.stderr
    assert "Ask 区民政局 to deliver the file itself." in told.stderr
    target.unlink()
    os.link(outside, target)
    assert house.run().returncode == 0
    assert house.waiting() == []
    with house.node() as node:
        assert len(names_in(node, "linked")) == 5
        assert_sound(node)


def test_promise_6_an_absent_source_is_named_and_the_others_go_on(house: House) -> None:
    folder = house.add("absent")
    folder.rmdir()
    told = house.run()
    assert told.returncode == 75
    assert "Source absent cannot be reached now" in told.stderr
    assert "other sources are not affected" in told.stderr
    with house.node() as node:
        assert names_in(node, "good") == GOOD_NAMES
    folder.mkdir()
    (folder / FILE).write_bytes(good_roll(30))
    assert house.run().returncode == 0
    assert "Nothing new" in house.run().stdout
