"""The commands of anchors, on a real node; the chain is a process."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import system
from chengyi.cli.anchor import app
from chengyi.model.errors import AnchorError, ConfigError, IntegrityError, UnreachableError
from chengyi.node import Node
from chengyi.trust.anchors.accounts import ENVIRONMENT
from trust.anchors.chains import ANVIL_KEY

Run = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    node = Node.create(tmp_path / "home", "yunting", zh="云汀", en="Yunting", department="档案馆")
    node.close()
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    def run(command: str, code: int = 0) -> Any:
        found = CliRunner().invoke(app, [command, "--home", str(home), "--json"])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        assert found.exit_code == code, found.output
        return json.loads(found.stdout)

    return run


def configure(home: Path, **settings: object) -> None:
    path = home / "node.toml"
    before, _, _ = path.read_text("utf-8").partition("\n[anchor]")
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    path.write_text(f"{before.rstrip()}\n\n[anchor]\n{lines}", "utf-8")


def test_without_a_chain_the_nodes_own_authority_stamps(run: Run, home: Path) -> None:
    assert run("status")["stamped"] == []
    stamp = run("now")["stamp"]
    assert stamp["authority"] == "CN=yunting TSA"
    assert run("status")["stamped"] == [stamp["size"]]
    assert [each["size"] for each in run("check")["stamps"]] == [stamp["size"]]
    size = stamp["size"]
    words = ["ts", "-verify", "-in", f"{size}.tsr", "-data", f"{size}.checkpoint", "-CAfile", "authority.pem"]
    assert subprocess.run([system.openssl(), *words], cwd=home / "stamps", capture_output=True).returncode == 0
    (home / "stamps" / f"{size}.tsr").write_bytes(b"x")
    with pytest.raises(IntegrityError):
        run("check")


def test_what_a_person_reads_is_in_words(home: Path) -> None:
    for command in ("status", "now", "check"):
        said = CliRunner().invoke(app, [command, "--home", str(home)], env={"CHENGYI_LANG": "zh"})
        assert said.exit_code == 0
        assert "时间戳" in said.stdout
        assert "未配置锚定链" in said.stdout


def test_deploying_without_a_chain_is_told(run: Run) -> None:
    with pytest.raises(ConfigError, match=r"anchor\.url"):
        run("deploy")


def test_promise_4_an_unreachable_chain_leaves_the_anchor_waiting(run: Run, home: Path) -> None:
    configure(home, url=f"http://127.0.0.1:{system.free_port()}", contract="0x" + "12" * 20)
    said = run("now", code=75)
    assert (said["anchored"], said["pending"][0]["tries"]) == (None, 1)
    assert run("status")["pending"][0]["tries"] == 1
    with pytest.raises(UnreachableError):
        run("check")


def add(home: Path, section: str) -> None:
    path = home / "node.toml"
    path.write_text(f"{path.read_text('utf-8')}\n{section}\n", "utf-8")


def test_time_stamps_may_be_off(run: Run, home: Path) -> None:
    add(home, '[timestamps]\nkind = "off"')
    assert run("now")["stamp"] is None
    assert not (home / "stamps").exists()


@pytest.mark.slow
def test_an_outside_authority_stamps(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "tsa").mkdir()
    foreign = system.OpensslTsa(tmp_path / "tsa")
    with foreign.serving() as url:
        add(home, f'[timestamps]\nkind = "http"\nurl = "{url}"\nroots = "trusted.pem"\ncertificate = "tsa.pem"')
        with pytest.raises(ConfigError, match=r"timestamps\.roots"):
            run("now")
        (home / "trusted.pem").write_bytes((foreign.folder / "root.pem").read_bytes())
        (home / "tsa.pem").write_bytes((foreign.folder / "tsa.pem").read_bytes())
        assert run("now")["stamp"]["authority"] == "CN=Foreign TSA"
    assert run("check")["stamps"][0]["authority"] == "CN=Foreign TSA"


def test_an_outside_authority_needs_an_address(run: Run, home: Path) -> None:
    add(home, '[timestamps]\nkind = "http"')
    with pytest.raises(ConfigError, match="url and roots"):
        run("status")


@pytest.mark.slow
def test_promise_4_a_ledger_is_anchored_and_its_rollback_found(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with system.anvil() as url:
        configure(home, url=url)
        with pytest.raises(AnchorError, match="not enough coins"):
            run("deploy")
        monkeypatch.setenv(ENVIRONMENT, ANVIL_KEY)
        deployed = run("deploy")
        configure(home, url=url, contract=deployed["contract"], chain=deployed["chain"])
        proof = run("now")["anchored"]
        assert run("check")["anchor"]["block"] is None  # the act of anchoring came after
        assert run("status")["anchored"][0] == proof
        assert run("now") == {"stamp": None, "anchored": None, "pending": []}
        other = Node.create(home.parent / "other", "yunting", zh="云汀", en="Yunting", department="档案馆")
        other.close()
        (other.home.settings_file).write_text((home / "node.toml").read_text("utf-8"), "utf-8")
        said = CliRunner().invoke(app, ["check", "--home", str(other.home.path)])
        assert isinstance(said.exception, IntegrityError)
