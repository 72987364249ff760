"""Evidence is recomputed by others; each forged bundle is refused at its step."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.canonical import canonical
from chengyi.model.errors import IntegrityError, NotFoundError, UsageError
from chengyi.trust.ledger.receipts import render
from chengyi.trust.marks.accusation import LIMIT
from chengyi.trust.marks.bundle import EVIDENCE, EXPORT, ROSTER, SIGNATURE, SIGNED, write_bundle
from chengyi.trust.marks.check import check_bundle
from simulators.keys import MemoryKeys
from trust.marks.conftest import Scene
from trust.marks.town import write_csv

Forge = Callable[[dict[str, Any], Scene], None]


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, found: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in found.items():
            archive.writestr(name, raw)
    return path


def test_a_third_party_recomputes_the_accusation(scene: Scene, bundle: tuple[Path, Path]) -> None:
    path, leak = bundle
    proven = check_bundle(path, scene.office.keys.verifier, leak)
    assert proven.export == scene.records[4].id
    assert proven.actor == scene.records[4].recipient
    assert proven.entry == scene.records[4].entry
    assert proven.verdict.bound * proven.tested <= LIMIT
    assert proven.tested == 12


def test_a_bundle_holds_the_secrets_of_nobody_else(scene: Scene, bundle: tuple[Path, Path]) -> None:
    text = b"".join(members(bundle[0]).values())
    assert scene.records[4].secrets.key.hex().encode() in text
    for other in (each for at, each in enumerate(scene.records) if at != 4):
        assert other.secrets.key.hex().encode() not in text
        assert other.recipient.encode() not in members(bundle[0])[EVIDENCE]


def _change_rows(said: dict[str, Any], scene: Scene) -> None:
    keys = [key for key, _ in said["rows"]]
    said["rows"] = [[key, cells] for key, (_, cells) in zip(keys[1:] + keys[:1], said["rows"], strict=True)]


def _drop_rows(said: dict[str, Any], scene: Scene) -> None:
    said["rows"] = said["rows"][:-10]


def _flip_bit(said: dict[str, Any], scene: Scene) -> None:
    said["shown"] = ("1" if said["shown"][0] == "0" else "0") + said["shown"][1:]


def _other_bias(said: dict[str, Any], scene: Scene) -> None:
    said["biases"][0] += 1


def _other_secret(said: dict[str, Any], scene: Scene) -> None:
    said["revealed"]["key"] = scene.records[5].secrets.key.hex()


def _short_secret(said: dict[str, Any], scene: Scene) -> None:
    said["revealed"]["key"] = said["revealed"]["key"][:-2]


def _other_commitment(said: dict[str, Any], scene: Scene) -> None:
    said["commitment"] = "0" * 64


def _other_recipient(said: dict[str, Any], scene: Scene) -> None:
    said["recipient"] = scene.records[5].code


def _other_export(said: dict[str, Any], scene: Scene) -> None:
    said["export"] = scene.records[5].id


def _other_policy(said: dict[str, Any], scene: Scene) -> None:
    said["policy"]["columns"][0]["tolerance"] = "3"


def _planted_canary(said: dict[str, Any], scene: Scene) -> None:
    said["canaries"].append("00" * 16)


def _added_recipient(said: dict[str, Any], scene: Scene) -> None:
    said["roster"].append("0" * 64)


def _left_out_recipient(said: dict[str, Any], scene: Scene) -> None:
    said["roster"].pop()


def _fewer_tested(said: dict[str, Any], scene: Scene) -> None:
    said["tested"] = 1


def _looser_limit(said: dict[str, Any], scene: Scene) -> None:
    said["limit"] = "0.01"


def _better_verdict(said: dict[str, Any], scene: Scene) -> None:
    said["verdict"]["logarithm"] = str(float(said["verdict"]["logarithm"]) - 20)


def _other_decoder(said: dict[str, Any], scene: Scene) -> None:
    said["verdict"]["decoder"] = "ten"


def _other_family(said: dict[str, Any], scene: Scene) -> None:
    said["family"] = "fam-other"


def _no_rows(said: dict[str, Any], scene: Scene) -> None:
    said["rows"] = None


def _ragged(said: dict[str, Any], scene: Scene) -> None:
    said["rows"][0][1].append("1")


FORGERIES: list[Forge] = [
    _change_rows,
    _drop_rows,
    _flip_bit,
    _other_bias,
    _other_secret,
    _short_secret,
    _other_commitment,
    _other_recipient,
    _other_export,
    _other_policy,
    _planted_canary,
    _added_recipient,
    _left_out_recipient,
    _fewer_tested,
    _looser_limit,
    _better_verdict,
    _other_decoder,
    _other_family,
    _no_rows,
    _ragged,
]


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("signed", [False, True], ids=["an outsider", "the node itself"])
def test_promise_4_a_forged_bundle_is_refused(
    scene: Scene, bundle: tuple[Path, Path], tmp_path: Path, forge: Forge, signed: bool
) -> None:
    """An outsider cannot sign; the node can, and is still held to what it put in the ledger before."""
    found = members(bundle[0])
    said = json.loads(found[EVIDENCE])
    forge(said, scene)
    found[EVIDENCE] = canonical(said)
    if signed:
        found[SIGNATURE] = scene.office.keys.sign(SIGNED + found[EVIDENCE]).hex().encode()
    with pytest.raises(IntegrityError) as fault:
        check_bundle(pack(tmp_path / "forged.zip", found), scene.office.keys.verifier)
    assert "第 1 步" in str(fault.value.facts["why"]) or signed


def test_rows_chosen_by_the_accuser_are_found_by_who_has_the_leak(scene: Scene, tmp_path: Path) -> None:
    whole = scene.leaked(4, rows=200)
    part = {name: each[:150] for name, each in whole.items()}
    marks = scene.office.marks
    marks.write_bundle(tmp_path / "b.zip", marks.identify(part), scene.records[4].recipient)
    with pytest.raises(IntegrityError, match="step 8"):
        check_bundle(tmp_path / "b.zip", scene.office.keys.verifier, write_csv(tmp_path / "leak.csv", whole))


def test_receipts_of_others_are_refused(scene: Scene, bundle: tuple[Path, Path], tmp_path: Path) -> None:
    audit = scene.office.audit
    for name, entry in ((EXPORT, scene.records[5].entry), (ROSTER, scene.records[0].entry)):
        found = members(bundle[0]) | {name: render(audit.receipt(entry)).encode()}
        with pytest.raises(IntegrityError):
            check_bundle(pack(tmp_path / "forged.zip", found), scene.office.keys.verifier)


def test_the_key_is_the_readers_own(bundle: tuple[Path, Path]) -> None:
    with pytest.raises(IntegrityError, match="step 1"):
        check_bundle(bundle[0], MemoryKeys("test.invalid/node", b"other").verifier)


def test_nobody_gets_evidence_against_the_innocent(scene: Scene, tmp_path: Path) -> None:
    marks = scene.office.marks
    found = marks.identify(scene.leaked(4))
    with pytest.raises(NotFoundError):
        marks.write_bundle(tmp_path / "b.zip", found, scene.records[5].recipient)
    innocent = next(each for each in found.families[0].suspects if not each.accused)
    receipts = (scene.office.audit.receipt(0), scene.office.audit.receipt(0))
    with pytest.raises(UsageError):
        write_bundle(tmp_path / "b.zip", found, innocent, codes=[], receipts=receipts, keys=scene.office.keys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("raw", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"not a zip at all" * 9])
def test_what_is_no_bundle_is_refused(scene: Scene, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(raw)
    with pytest.raises(IntegrityError):
        check_bundle(path, scene.office.keys.verifier)
    with pytest.raises(NotFoundError):
        check_bundle(tmp_path / "none.zip", scene.office.keys.verifier)


@pytest.mark.parametrize("name", [EVIDENCE, SIGNATURE, EXPORT, ROSTER])
def test_a_missing_garbled_or_extra_member_is_refused(
    scene: Scene, bundle: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    whole = members(bundle[0])
    without = {each: raw for each, raw in whole.items() if each != name}
    for forged in (
        without,
        whole | {name: b"\xff\xfe{["},
        whole | {"more.txt": b"x"},
        whole | {name: whole[name][:-3]},
    ):
        with pytest.raises(IntegrityError):
            check_bundle(pack(tmp_path / "forged.zip", forged), scene.office.keys.verifier)


def test_a_member_that_unpacks_beyond_its_bound_is_refused(
    scene: Scene, bundle: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members(bundle[0]).items():
            archive.writestr(name, bytes(1 << 22) if name == EXPORT else raw)
    with pytest.raises(IntegrityError, match="step 1"):
        check_bundle(path, scene.office.keys.verifier)
