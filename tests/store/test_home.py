"""A node's home folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from chengyi.model.errors import BusyError, ConfigError, HomeError
from chengyi.store.home import Home

GOOD = '[node]\nid = "yunting"\nname = { zh = "云汀区", en = "Yunting" }\ndepartment = "云汀区档案馆"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    home.settings_file.write_text(GOOD, "utf-8")
    return home


def test_settings_have_defaults(home: Home) -> None:
    settings = home.settings()
    assert settings.node.id == "yunting"
    assert settings.rows.url == ""
    assert (settings.vault.k, settings.vault.n) == (2, 3)
    assert [each.id for each in settings.vault.listed] == ["s1", "s2", "s3"]


def test_a_home_is_created_once(home: Home) -> None:
    with pytest.raises(HomeError):
        home.create()


def test_a_file_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeError):
        Home(tmp_path / "file").create()
    with pytest.raises(HomeError):
        Home(tmp_path / "file").settings()


def test_keys_are_for_their_owner_alone(home: Home) -> None:
    assert home.keys.stat().st_mode & 0o077 == 0


def test_an_absent_home_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(HomeError) as caught:
        Home(tmp_path / "none").settings()
    assert "chengyi init" in caught.value.advice("en")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[node", "-"),
        (GOOD.replace('id = "yunting"', 'id = "Yun Ting"'), "node.id"),
        (GOOD + "colour = 1\n", "node.colour"),
        (GOOD + '[tables]\nmemory = "much"\n', "tables.memory"),
        (GOOD + "[vault]\nk = 1\n", "vault.k"),
        (GOOD + '[[vault.stores]]\nid = "S 1"\n', "vault.stores.0.id"),
        (GOOD + '[objects]\nkind = "folder"\n', "objects"),
        ('[rows]\nurl = ""\n', "node"),
    ],
)
def test_a_wrong_setting_is_named(home: Home, text: str, key: str) -> None:
    home.settings_file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        home.settings()
    assert caught.value.facts["key"] == key


def test_areas_are_named_where_the_home_names_them(home: Home) -> None:
    assert home.areas() == {}
    home.areas_file.write_text('[areas]\n990106004 = { zh = "荷塘街道", en = "Hetang Subdistrict" }\n', "utf-8")
    assert home.areas()["990106004"].en == "Hetang Subdistrict"


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b"[areas", "-"),
        ("[areas]\n1 = '荷塘'".encode("gb18030"), "-"),
        ('[areas]\n990106004 = "荷塘街道"'.encode(), "areas.990106004"),
        ('[areas]\nhetang = { zh = "荷塘街道", en = "Hetang" }'.encode(), "areas.hetang.[key]"),
    ],
)
def test_wrong_names_of_areas_are_told_with_file_and_key(home: Home, body: bytes, key: str) -> None:
    home.areas_file.write_bytes(body)
    with pytest.raises(ConfigError) as told:
        home.areas()
    assert (told.value.facts["file"], told.value.facts["key"]) == (str(home.areas_file), key)


def test_one_process_at_a_time_and_the_holder_is_named(home: Home) -> None:
    program = (
        "import sys, pathlib; from chengyi.store.home import Home\n"
        "with Home(pathlib.Path(sys.argv[1])).lock():\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home.path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(BusyError) as caught, home.lock():
            pass
        assert caught.value.facts["holder"] == str(holder.pid)
        holder.kill()
    with home.lock():
        pass
