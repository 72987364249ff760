"""The vault of a real home by its commands: damage is named, mended and on record; wrong keys change nothing."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chengyi.cli.vault import vault_app
from chengyi.model.act import ActKind
from chengyi.model.errors import ConfigError, HomeError, PassphraseError
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node

QUIET = SilentReporter()
SPARE = '\n[[vault.stores]]\nid = "s4"\npath = "elsewhere/s4"\nkey = "elsewhere/s4.key"\n'
SOURCE = """
[source]
id = "papers"
title = { zh = "文书", en = "Papers" }
department = "区档案馆"
fonds = "Y012"
record_class = "WS"
retention = "D10"
sharing = "conditional"
[connector]
kind = "documents"
path = "papers"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    node = Node.create(home, "test", zh="试", en="test", department="区档案馆", passphrase="right")
    node.close()
    (home / "node.toml").write_text((home / "node.toml").read_text("utf-8") + SPARE, "utf-8")
    (home / "sources" / "papers.toml").write_text(SOURCE, "utf-8")
    (home / "papers").mkdir()
    for number in range(3):
        (home / "papers" / f"{number}.txt").write_text(f"通知 {number}", "utf-8")
    node = Node(home, passphrase="right")
    node.run(QUIET)
    node.close()
    return home


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    node = Node(home, passphrase="right")
    yield node
    node.close()


def command(home: Path, *words: str, code: int = 0, passphrase: str = "right") -> Any:
    done = CliRunner().invoke(
        vault_app, [*words, "--home", str(home), "--json"], env={"CHENGYI_PASSPHRASE": passphrase}
    )
    if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def fragments(home: Path, store: str) -> list[Path]:
    return sorted((home / "vault" / store).rglob("obj-*"))


def spoil(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:20] + bytes([raw[20] ^ 1]) + raw[21:])


def test_a_new_home_lies_in_three_stores(home: Path, node: Node) -> None:
    assert len(fragments(home, "s1")) == len(fragments(home, "s2")) == len(fragments(home, "s3")) == 6
    found = command(home, "status")
    assert (found["k"], found["n"], found["objects"], found["unreadable"]) == (2, 3, 6, 0)
    assert found["spare"] == ["s4"]
    assert node.verify(QUIET).faults == ()


def test_promise_4_the_acts_of_receiving_and_keeping_name_the_manifests(node: Node) -> None:
    named = set()
    for entry in node.audit.entries(kind="collect.received"):
        named |= set(entry.act.detail["manifests"])  # type: ignore[arg-type]
    named |= {str(entry.act.detail["manifest"]) for entry in node.audit.entries(kind="archive.kept")}
    assert named == {node.vault.manifest(object) for object in node.vault.objects()}


def test_promise_2_a_damaged_fragment_is_named_mended_and_on_record(home: Path, node: Node) -> None:
    victim = fragments(home, "s2")[0]
    spoil(victim)
    (fault,) = node.verify(QUIET).faults
    assert "s2" in fault.zh
    found = command(home, "scrub", code=76)
    assert [len(each["damages"]) for each in found["stores"]] == [0, 1, 0]
    fragments(home, "s3")[1].unlink()
    assert len(command(home, "repair")["fragments"]) == 2
    assert node.verify(QUIET).faults == ()
    kinds = [entry.act.kind for entry in node.audit.entries(kind="vault.")]
    assert kinds.count(ActKind.SCRUBBED) == 3
    assert kinds.count(ActKind.REPAIRED) == 1
    assert ActKind.FRAGMENT_REFUSED in kinds


def test_promise_4_a_fragment_refused_on_reading_is_on_record_with_the_next_run(home: Path, node: Node) -> None:
    victim = fragments(home, "s1")[0]
    spoil(victim)
    object = victim.name.rpartition("-")[0]
    assert node.vault.read(object)
    node.run(QUIET)
    (refused,) = node.audit.entries(kind=ActKind.FRAGMENT_REFUSED.value)
    assert (refused.act.object, refused.act.detail["store"], refused.act.detail["fault"]) == (object, "s1", "damaged")


def test_rekeying_and_retiring_leave_a_sound_home(home: Path, node: Node) -> None:
    assert len(command(home, "rekey", "--all")["rekeyed"]) == 6
    assert {path.name.rpartition("-")[2] for path in fragments(home, "s1")} == {"2"}
    shutil.rmtree(home / "vault" / "s3")
    assert command(home, "retire", "s3")["replacement"] == "s4"
    assert len(list((home / "elsewhere" / "s4").rglob("obj-*"))) == 6
    after = Node(home, passphrase="right")
    assert [site.id for site in after.vault.sites] == ["s1", "s2", "s4"]
    assert after.verify(QUIET).faults == ()
    after.close()
    assert command(home, "status")["retired"] == ["s3"]


def test_rekey_wants_objects_or_all(home: Path) -> None:
    done = CliRunner().invoke(vault_app, ["rekey", "--home", str(home)])
    assert done.exit_code == 2


def test_people_are_told_in_their_language(home: Path) -> None:
    spoil(fragments(home, "s2")[0])
    for language, word in (("zh", "损坏 1 份"), ("en", "1 damaged")):
        done = CliRunner().invoke(
            vault_app, ["scrub", "--home", str(home)], env={"CHENGYI_PASSPHRASE": "right", "CHENGYI_LANG": language}
        )
        assert word in done.output


def test_a_wrong_passphrase_destroys_nothing(home: Path) -> None:
    def held() -> dict[Path, bytes]:
        return {
            path: path.read_bytes() for part in ("vault", "keys") for path in (home / part).rglob("*") if path.is_file()
        }

    before = held()
    for words in (("status",), ("scrub",), ("repair",), ("rekey", "--all"), ("retire", "s1")):
        with pytest.raises(PassphraseError):
            command(home, *words, passphrase="wrong")
    assert held() == before
    assert command(home, "status")["objects"] == 6


def test_a_store_key_that_is_lost_is_not_made_anew_behind_its_fragments(home: Path) -> None:
    (home / "keys" / "stores" / "s1.key").unlink()
    node = Node(home, passphrase="right")
    object = next(iter(node.vault.objects()))
    assert node.vault.read(object)
    with pytest.raises(HomeError):
        node.vault.put_bytes(b"more")
    assert not (home / "keys" / "stores" / "s1.key").exists()
    node.close()


def test_a_home_of_the_older_layout_is_refused_in_words(home: Path) -> None:
    older = home / "vault" / "ab" / ("obj-" + "ab" * 16)
    older.parent.mkdir()
    older.write_bytes(b"chengyi-object/1")
    node = Node(home, passphrase="right")
    with pytest.raises(HomeError, match="older layout"):
        _ = node.vault
    node.close()


def test_a_store_with_credentials_that_are_not_set_is_named(home: Path) -> None:
    text = (home / "node.toml").read_text("utf-8")
    s3 = 'id = "s1"\nkind = "s3"\nendpoint = "http://127.0.0.1:1"\nbucket = "b"\naccess_key = "${NOT_THERE}"\n'
    (home / "node.toml").write_text(text.replace('id = "s1"\n', s3, 1), "utf-8")
    node = Node(home, passphrase="right")
    with pytest.raises(ConfigError) as caught:
        _ = node.vault
    assert caught.value.facts["key"] == "vault.stores.s1.access_key"
    node.close()


def test_an_object_that_a_crash_left_unnamed_is_no_fault(home: Path, node: Node) -> None:
    object = node.vault.put_bytes(b"nobody names it").object
    next(path for path in fragments(home, "s1") if object in path.name).unlink()
    assert node.verify(QUIET).faults == ()
    named = next(path for path in fragments(home, "s1") if object not in path.name)
    named.unlink()
    assert len(node.verify(QUIET).faults) == 1
