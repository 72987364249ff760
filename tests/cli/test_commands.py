"""Every command, taken from the program itself, on every kind of home: words, exit codes, JSON, never a traceback."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from chengyi.cli.app import app
from chengyi.store.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("commands")]
CLI = Path(sys.executable).with_name("chengyi")
NEVER_ENDS = {"serve", "demo", "bench"}
"""Commands that are not started on a sound home here: they serve, or take long. Their own tests run them."""

WRITES = {"run", "release", "source add", "serve"}
NEEDS_NO_HOME = {"init", "demo", "bench", "ca ceremony"}
GIVEN = {
    "vault rekey": ("--all",),
    "investigate": ("--actor", "nobody", "--reason", "例行核查"),
    "ca ceremony": ("--present", "甲", "--to", "/dev/null/no-such-folder"),
    "ca region": ("no-such-region", "--root", "no-such-thing"),
    "ca join": ("--token", "none", "--trust", "00"),
    "ca revoke": ("--name", "nobody"),
    "audit trace": ("--actor", "nobody"),
    "audit settle": ("999", "--state", "explained", "--reason", "已核实", "--by", "甲"),
    "audit erase": ("999", "--reason", "本人申请", "--basis", "依法", "--by", "甲", "--approved-by", "乙"),
}
"""What stands in the place of a command's arguments, where a name of nothing would not do."""
ELSEWHERE = {"ca ceremony": {74}, "ca join": {75}}
"""What commands end with that cannot do their work here: there is no such disk, and nobody at the region's door."""
WORDLESS = {"ledger policy", "ca crl", "ca renew"}
"""Commands that answer with a text for machines, which has no language."""


def _leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, each in command.commands.items():
            yield from _leaves(each, (*words, name))
    else:
        yield " ".join(words), command


COMMANDS: dict[str, Any] = dict(_leaves(typer.main.get_command(app)))
ENDING = [name for name in COMMANDS if name not in NEVER_ENDS]
every_command = pytest.mark.parametrize("name", COMMANDS)


@dataclass(frozen=True)
class Done:
    """How one command ended."""

    code: int
    out: str
    err: str


def flags(name: str) -> set[str]:
    """Return the option names of a command."""
    return {flag for param in COMMANDS[name].params for flag in param.opts}


def line(name: str, home: Path, *more: str) -> list[str]:
    """Return a command line with something in the place of every required argument."""
    required = [param for param in COMMANDS[name].params if param.required and not param.opts[0].startswith("-")]
    words = [*name.split(), *GIVEN.get(name, ["no-such-thing" for _ in required]), *more]
    return [*words, "--home", str(home)] if "--home" in flags(name) else words


def run_all(lines: list[list[str]], language: str = "en") -> list[Done]:
    """Run command lines one after the other; none may show a traceback."""
    driver = [sys.executable, str(Path(__file__).with_name("driver.py"))]
    spoken = {**os.environ, "CHENGYI_LANG": language, "CHENGYI_ROOT_PASSPHRASE": "城忆城忆城忆城忆城忆城忆"}
    done = subprocess.run(driver, input=json.dumps(lines), env=spoken, capture_output=True, text=True, check=True)
    results = [Done(*each) for each in json.loads(done.stdout)]
    for words, each in zip(lines, results, strict=True):
        assert "Traceback" not in each.err + each.out, (words, each.err)
        assert "Internal error" not in each.err, (words, each.err)
        assert "内部错误" not in each.err, (words, each.err)
        assert each.code >= 0, (words, each.err)
    return results


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound home with one archived record."""
    home = tmp_path_factory.mktemp("sound") / "home"
    (init,) = run_all([["init", "--home", str(home)]])
    assert init.code == 0, init.err
    (home / "in").mkdir()
    (home / "in" / "通知.txt").write_text("关于核定的通知", "utf-8")
    (home / "sources" / "letters.toml").write_text(
        '[source]\nid = "letters"\ntitle = { zh = "来文", en = "Letters" }\ndepartment = "区档案馆"\nfonds = "X001"\n'
        '[connector]\nkind = "documents"\npath = "in"\n',
        "utf-8",
    )
    (run,) = run_all([["run", "--home", str(home)]])
    assert run.code == 0, run.err
    with (home / "node.toml").open("a") as file:
        file.write('[authority]\nregion = "http://127.0.0.1:9"\n')
    return home


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Path:
    """A copy of the sound home, to be spoiled."""
    return Path(shutil.copytree(sound, tmp_path / "home"))


@pytest.fixture(scope="module")
def helped() -> dict[str, list[Done]]:
    """How each command explains itself, and what it says of an option that is not there."""
    lines = [[*name.split(), flag] for name in COMMANDS for flag in ("--help", "--no-such-option")]
    done = run_all(lines)
    return {name: done[2 * at : 2 * at + 2] for at, name in enumerate(COMMANDS)}


@every_command
def test_every_command_takes_home_and_json_and_explains_itself_in_both_languages(
    helped: dict[str, list[Done]], name: str
) -> None:
    assert "--json" in flags(name)
    assert "--home" in flags(name) or name in NEEDS_NO_HOME
    explained, _ = helped[name]
    assert explained.code == 0
    assert "--json" in explained.out
    assert re.search("[\u4e00-\u9fff]", COMMANDS[name].help)
    assert re.search("[A-Z][a-z]", COMMANDS[name].help)


@every_command
def test_an_option_that_is_not_there_is_a_usage_error(helped: dict[str, list[Done]], name: str) -> None:
    _, wrong = helped[name]
    assert wrong.code == 2
    assert "--no-such-option" in wrong.err


def _absent(home: Path) -> None:
    shutil.rmtree(home)


def _a_file(home: Path) -> None:
    shutil.rmtree(home)
    home.write_text("not a folder", "utf-8")


def _empty(home: Path) -> None:
    shutil.rmtree(home)
    home.mkdir()


def _database(home: Path) -> None:
    for file in home.glob("node.db*"):
        file.unlink()
    (home / "node.db").write_bytes(b"no database at all, but some text" * 200)


def _write(name: str, data: bytes) -> Any:
    return lambda home: (home / name).write_bytes(data)


def _remove(name: str) -> Any:
    def spoil(home: Path) -> None:
        shutil.rmtree(home / name) if (home / name).is_dir() else (home / name).unlink()

    return spoil


SETTINGS = frozenset({64, 66, 78})
DAMAGED = frozenset({66, 69, 76, 77, 78})
SOURCELESS = {"search", "show", "trace", "source add", "password", "investigate"}
SOURCELESS |= {name for name in COMMANDS if name.split()[0] in {"vault", "ledger", "ca", "anchor", "audit"}}
KEYLESS = {"source add", "faults", "source list"}
SPOILED: dict[str, tuple[Any, frozenset[int], set[str]]] = {
    "absent": (_absent, SETTINGS, set()),
    "a file": (_a_file, SETTINGS, set()),
    "an empty folder": (_empty, SETTINGS, set()),
    "node.toml that is no TOML": (_write("node.toml", b"[node\nid ="), SETTINGS, set()),
    "node.toml in another encoding": (_write("node.toml", '[node]\nid = "节点"'.encode("gb18030")), SETTINGS, set()),
    "node.toml with an unknown key": (_write("node.toml", b'[node]\nid = "node"\ncolour = "red"'), SETTINGS, set()),
    "node.toml that is empty": (_write("node.toml", b""), SETTINGS, set()),
    "a source that is no TOML": (
        _write("sources/a.toml", b"[source"),
        SETTINGS,
        SOURCELESS,
    ),
    "a source with an unknown key": (
        _write("sources/a.toml", b'[source]\nid = "a"\ncolour = "red"'),
        SETTINGS,
        SOURCELESS,
    ),
    "a database that is none": (_database, DAMAGED, {"source add"}),
    "no keys": (_remove("keys"), DAMAGED, KEYLESS),
    "a damaged key": (_write("keys/node.key", b"{}"), DAMAGED, KEYLESS),
    "no checkpoint": (_remove("ledger/checkpoint"), DAMAGED, KEYLESS),
    "a damaged checkpoint": (_write("ledger/checkpoint", b"nothing"), DAMAGED, KEYLESS),
}
"""What is wrong with a home -> how to spoil it, the exit codes that tell of it, and commands that need not notice."""


@pytest.mark.parametrize("wrong", SPOILED)
def test_a_home_that_is_none_or_damaged_is_told_in_words(home: Path, wrong: str) -> None:
    spoil, codes, unaware = SPOILED[wrong]
    spoil(home)
    names = [name for name in COMMANDS if name not in NEEDS_NO_HOME]
    plain = run_all([line(name, home) for name in names])
    spoken = run_all([line(name, home, "--json") for name in names], "zh")
    for name, english, chinese in zip(names, plain, spoken, strict=True):
        told = (wrong, name, english.code, english.err)
        assert english.code == chinese.code, told
        if name not in unaware:
            assert english.code in codes, told
        if english.code:
            assert english.err.strip(), told
            assert english.err != chinese.err, told
            error = json.loads(chinese.out)["error"]
            assert error["message"]["en"] in english.err, told
            assert error["message"]["zh"] in chinese.err, told


def test_init_refuses_what_is_there_and_what_makes_no_sense(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", "utf-8")
    (again, on_file, bad_id, no_name, below) = run_all(
        [
            ["init", "--home", str(home)],
            ["init", "--home", str(file)],
            ["init", "--home", str(tmp_path / "a"), "--id", "No Such Id"],
            ["init", "--home", str(tmp_path / "b"), "--name", ""],
            ["init", "--home", str(file / "below")],
        ]
    )
    assert [each.code for each in (again, on_file, bad_id, no_name)] == [66, 66, 78, 78]
    assert below.code in {66, 74}
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_any_name_may_be_given_to_a_node(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made, status = run_all(
        [
            ["init", "--home", str(home), "--name", '城"忆\\\n', "--department", "馆{id}"],
            ["status", "--home", str(home), "--json"],
        ]
    )
    assert (made.code, status.code) == (0, 0), made.err + status.err
    assert Home(home).settings().node.name.zh == '城"忆\\\n'
    assert json.loads(status.out)["sources"][0]["department"] == "馆{id}"


def test_unknown_ids_and_files_are_not_found(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_bytes(b"\xff\xfe no receipt")
    expected = {
        ("show", "no-such-record"): {69},
        ("trace", "no-such-figure"): {69},
        ("verify", "no-such-record"): {69},
        ("release", "no-such-submission"): {69},
        ("faults", "no-such-source"): {69},
        ("source", "check", "no-such-source"): {69},
        ("source", "add", "no-such-file.toml"): {78},
        ("source", "add", str(tmp_path)): {78},
        ("source", "add", str(other)): {78},
        ("verify", str(other)): {65, 76, 78},
        ("verify", str(tmp_path)): {66, 69},
        ("show", os.fsdecode(b"\xff")): {2},
        ("demo", "--people", "3"): {2},
        ("bench", "--rows", "3"): {2},
        ("faults", "--limit", "-1"): {2},
        ("no-such-command",): {2},
    }
    lines = [[*words, *(() if words[0] in {"demo", "bench", "no-such-command"} else ("--home", str(home)))]
             for words in expected]  # fmt: skip
    for (words, codes), done in zip(expected.items(), run_all(lines), strict=True):
        assert done.code in codes, (words, done.code, done.err)
        assert done.err.strip(), words


@pytest.fixture(scope="module")
def answered(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Done]]:
    """What each command that ends by itself answers on a sound home: in English, as JSON, in Chinese."""
    home = Path(shutil.copytree(sound, tmp_path_factory.mktemp("answered") / "home"))
    english = run_all([line(name, home) for name in ENDING])
    as_json = run_all([line(name, home, "--json") for name in ENDING])
    chinese = run_all([line(name, home) for name in ENDING], "zh")
    return {name: list(each) for name, *each in zip(ENDING, english, as_json, chinese, strict=True)}


@pytest.mark.parametrize("name", ENDING)
def test_a_sound_home_answers_in_words_and_in_json(answered: dict[str, list[Done]], name: str) -> None:
    english, as_json, chinese = answered[name]
    assert english.code == as_json.code == chinese.code
    assert english.code in ELSEWHERE.get(name, {0, 66, 69, 78})
    assert english.out + english.err != chinese.out + chinese.err or name in WORDLESS
    assert isinstance(json.loads(as_json.out), dict)


def test_a_second_run_at_the_same_time_is_told_who_works_there(home: Path) -> None:
    with Home(home).lock():
        names = [name for name in COMMANDS if name not in NEVER_ENDS | {"init", "ca join"}]
        results = dict(zip(names, run_all([line(name, home) for name in names]), strict=True))
    busy = {name: done for name, done in results.items() if done.code == 75}
    assert set(busy) == {"run", "release", "vault repair", "vault rekey", "vault retire", "anchor now"}
    for done in busy.values():
        assert f"Another process ({os.getpid()})" in done.err
        assert "Wait until it has finished, then try again." in done.err


@contextmanager
def read_only(home: Path) -> Iterator[None]:
    """Take away the right to write: for root by a read-only mount, for others by the mode of files and folders."""
    if os.geteuid() == 0:
        for words in (["--bind", str(home), str(home)], ["-o", "remount,ro,bind", str(home)]):
            mount = subprocess.run(["mount", *words], capture_output=True, text=True)
            if mount.returncode:
                pytest.skip(f"root writes everywhere, and mounting is not allowed here: {mount.stderr.strip()}")
        try:
            yield
        finally:
            subprocess.run(["umount", str(home)], check=True)
        return
    modes = {path: path.stat().st_mode for path in (home, *home.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_home_that_cannot_be_written_is_told_in_words(home: Path) -> None:
    names = [name for name in COMMANDS if name not in {*NEEDS_NO_HOME, "source add"}]
    with read_only(home):
        results = dict(zip(names, run_all([line(name, home) for name in names]), strict=True))
    for name, done in results.items():
        assert done.code in {0, 69, 77}, (name, done.code, done.err)
        assert done.code != 0 or name not in WRITES, name
        if done.code == 77:
            assert "The operating system refuses to read or write" in done.err
            assert "whether it is mounted read-only" in done.err
    assert results["run"].code == 77


def test_a_reader_that_goes_away_is_told_nothing(home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([CLI, "status", "--home", home], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_words_come_through_a_narrow_encoding(home: Path) -> None:
    narrow = {**os.environ, "PYTHONIOENCODING": "ascii", "CHENGYI_LANG": "zh"}
    done = subprocess.run([CLI, "status", "--home", home], env=narrow, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "letters" in done.stdout
