"""The commands on real homes: a ceremony, a region, a member that enrols and renews, a revocation."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from chengyi.cli.authority import authority_app
from chengyi.model.errors import BadInputError, CertificateError, NotFoundError, PassphraseError, UsageError
from chengyi.node import Node
from chengyi.trust.authority import ceremony

pytestmark = pytest.mark.slow
PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony, "_SCRYPT", {"n": 1 << 4, "r": 8, "p": 1})
    monkeypatch.setenv("CHENGYI_ROOT_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("CHENGYI_LANG", "en")


@pytest.fixture
def region(tmp_path: Path) -> Path:
    home = tmp_path / "region"
    Node.create(home, "yunting", zh="云汀", en="Yunting", department="数据局").rows.close()
    say("ceremony", "--to", str(tmp_path / "usb"), "--present", "王正", "--present", "李月")
    say("region", "yunting", "--root", str(tmp_path / "usb"), "--home", str(home))
    return home


def say(*words: str) -> str:
    result = CliRunner().invoke(authority_app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def ask(*words: str) -> Any:
    return json.loads(say(*words, "--json"))


def renewal(member: Path, folder: Path) -> Path:
    """Ask for a renewal; the region says that it is too early."""
    say("renew", "--to", str(folder / "renewal.json"), "--home", str(member))
    return folder / "renewal.json"


def refused(kind: type[Exception], *words: str) -> Exception:
    with pytest.raises(kind) as error:
        CliRunner().invoke(authority_app, words, catch_exceptions=False)
    return error.value


def test_a_member_enrols_is_checked_and_is_revoked(region: Path, tmp_path: Path) -> None:
    home = ("--home", str(region))
    member = tmp_path / "member"
    Node.create(member, "health", zh="卫健", en="Health", department="卫健委").rows.close()
    request, issued = tmp_path / "health.csr", tmp_path / "health.pem"
    say("request", "health", "--to", str(request), "--home", str(member))
    token = ask("enrol", "health", *home)["token"]
    say("enrol", "health", "--request", str(request), "--token", token, "--to", str(issued), *home)
    assert issued.read_text().count("BEGIN CERTIFICATE") == 3
    lists, root = tmp_path / "lists.crl", json.loads((tmp_path / "usb" / "ceremony.json").read_text())["fingerprint"]
    say("crl", "--to", str(lists), *home)
    join = ("accept", str(issued), "--list", str(lists), "--home", str(member), "--trust")
    refused(CertificateError, *join, "00" * 32)
    refused(CertificateError, "accept", str(issued), "--home", str(member))
    assert ask(*join, root)["domain"] == "yunting.chengyi.internal"
    refused(CertificateError, "renew", "--home", str(region), str(renewal(member, tmp_path)))
    found = ask("check", str(issued), "--name", "health", *home)
    assert (found["name"], found["kind"], found["domain"]) == ("health", "node", "yunting.chengyi.internal")
    listed = ask("list", *home)["certificates"]
    assert [each["serial"] for each in listed if each["kind"] != "store"] == [found["serial"]]
    assert found["serial"][:20] in say("list", *home)
    refused(CertificateError, "enrol", "health", "--request", str(request), "--token", token, *home)
    refused(CertificateError, "check", str(issued), "--name", "police", *home)
    refused(CertificateError, "check", str(issued), "--purpose", "seal", *home)
    assert ask("revoke", found["serial"], "--reason", "keyCompromise", *home) == {"revoked": 1}
    refused(CertificateError, "check", str(issued), *home)
    assert ask("revoke", "--name", "health", *home) == {"revoked": 0}


def test_a_node_of_its_own_renews_itself_and_hands_out_lists(tmp_path: Path) -> None:
    home = tmp_path / "alone"
    Node.create(home, "alone", zh="独", en="Alone", department="档案馆").rows.close()
    first, second = tmp_path / "first.crl", tmp_path / "own.pem"
    say("crl", "--to", str(first), "--home", str(home))
    say("crl", "--from", str(first), "--home", str(home))
    say("renew", "--to", str(second), "--home", str(home))
    assert ask("check", str(second), "--purpose", "server", "--home", str(home))["name"] == "alone"
    assert "BEGIN CERTIFICATE" in say("renew", "--home", str(home))


def test_promise_3_a_wrong_passphrase_makes_no_region(
    region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(each.name for each in (region / "keys").iterdir())
    monkeypatch.setenv("CHENGYI_ROOT_PASSPHRASE", "another horse battery")
    refused(PassphraseError, "region", "other", "--root", str(tmp_path / "usb"), "--home", str(region))
    assert sorted(each.name for each in (region / "keys").iterdir()) == before


def test_what_makes_no_sense_is_refused_in_words(region: Path, tmp_path: Path) -> None:
    home = ("--home", str(region))
    bad = tmp_path / "bad"
    refused(NotFoundError, "check", str(bad), *home)
    for content in (b"", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", b"-----BEGIN CERTIFICATE-----"):
        bad.write_bytes(content)
        refused(BadInputError, "check", str(bad), *home)
        refused(BadInputError, "renew", str(bad), *home)
        refused(BadInputError, "crl", "--from", str(bad), *home)
    refused(UsageError, "revoke", *home)
    refused(NotFoundError, "revoke", "abc", *home)
    refused(UsageError, "ceremony", "--to", str(bad), "--present", "王正", "--suite", "rsa")


def test_promise_4_nothing_is_sealed_to_a_revoked_store_until_it_is_certified_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    node = Node.create(home, "small", zh="小", en="Small", department="档案馆")
    store = node.vault.sites[0].id
    held = next(each for each in node.authority.issued() if each.name == store)
    node.rows.close()
    say("revoke", held.serial, "--reason", "superseded", "--home", str(home))
    with pytest.raises(CertificateError) as caught:
        Node(home).vault.put_bytes(b"sealed to nobody")
    assert caught.value.facts["reason"] == "revoked"
    assert say("renew", "--store", store, "--home", str(home)).startswith("-----BEGIN CERTIFICATE-----")
    node = Node(home)
    assert node.vault.read(node.vault.put_bytes(b"sealed again").object) == b"sealed again"
    node.rows.close()
    refused(NotFoundError, "renew", "--store", "nowhere", "--home", str(home))
