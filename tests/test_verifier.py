"""The stand-alone verifier, where only Python and `cryptography` can be imported: good proofs, and every forgery."""

import json
import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chengyi_verify
from chengyi.model.clock import SetClock
from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import SilentReporter
from chengyi.node import Node
from chengyi.node.proof import export_proof
from chengyi.trust.ledger.cosignatures import Cosigner, Ed25519Key, MlDsaKey, cosign
from chengyi.trust.ledger.evidence import split_view
from chengyi.trust.ledger.merkle import consistency, leaf_hash
from chengyi.trust.ledger.notes import Verifier
from chengyi.trust.ledger.policy import Policy
from chengyi.trust.ledger.receipts import parse, render
from chengyi.trust.ledger.verify import verify_receipt
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.objects import MemoryObjects
from simulators.witness import NOW, Switchboard, key_of, make_witness, witness_keys

VERIFIER = Path(chengyi_verify.__file__)
SITE = Path(pytest.__file__).parents[1]
NEEDS = ("cryptography", "cffi", "_cffi_backend*", "pycparser")
ROLL = "姓名,批准日期\n张三,2023-02-28\n李四,2023-03-01\n王五,2023-03-02,多余\n赵六,2023-03-04\n"
SOURCE = """
[source]
id = "roll"
title = { zh = "名册", en = "Roll" }
department = "区民政局"
fonds = "Y012"
[connector]
kind = "folder"
path = "in"
[reader]
format = "csv"
"""
RUNNER = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
sys.argv = sys.argv[1:]
for name in ("chengyi", "httpx", "sqlalchemy"):
    try:
        __import__(name)
    except ImportError:
        continue
    raise SystemExit(f"{name} can be imported here")
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Scene:
    """What an auditor holds: the key, the policy, a receipt, a record as folder and as zip."""

    folder: Path
    key: str
    policy: Path
    receipt: Path
    record: Path
    zipped: Path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but `cryptography` and what it needs."""
    folder = tmp_path_factory.mktemp("bare")
    for pattern in NEEDS:
        for each in SITE.glob(pattern):
            (folder / each.name).symlink_to(each)
    return folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, board = tmp_path_factory.mktemp("auditor"), Switchboard()
    home = folder / "home"
    Node.create(home, "county", zh="县", en="county", department="县档案馆", clock=SetClock(NOW)).close()
    addresses = [board.address(name) for name in "abc"]
    named = ", ".join(f'{{ name = "{each.name}", url = "{each.url}", key = "{each.key}" }}' for each in addresses)
    with (home / "node.toml").open("a") as file:
        file.write(f"\n[ledger]\nwitnesses = [{named}]\nquorum = 2\n")
    (home / "sources/roll.toml").write_text(SOURCE)
    (home / "in").mkdir()
    (home / "in/roll-1.csv").write_text(ROLL)
    node = Node(home, SetClock(NOW))
    for name in "abc":
        log = {"county": Verifier.parse(node.keys.verifier)}
        board.witnesses[name] = make_witness(folder / name, name, log, post_quantum=True).add_checkpoint
    report = node.run(SilentReporter())
    assert not report.errors
    package = node.archive.search("", node.actor, source="roll").packages[0]
    for name in ("record", "record.zip"):
        told = export_proof(node, package.ref, folder / name, node.actor, [1, 3])
        assert (told.quorum, told.witnesses, told.rows) == (True, ("a", "b", "c"), 2)
    (folder / "policy").write_text(node.publisher.policy.text)
    shutil.copy(folder / "record/receipt.tlog-proof", folder / "receipt")
    yield Scene(
        folder, node.keys.verifier, folder / "policy", folder / "receipt", folder / "record", folder / "record.zip"
    )
    node.close()
    board.close()


def verify(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    before, sys.argv = sys.argv, ["chengyi-verify", *map(str, words)]
    try:
        code = chengyi_verify.main()
    finally:
        sys.argv = before
    return code, capsys.readouterr().out


def accepts(check: str, *given: object) -> bool:
    try:
        getattr(chengyi_verify, check)(*given)
    except Exception:  # noqa: BLE001 - what `main` does
        return False
    return True


def policy_of(scene: Scene, text: str = "quorum none\n") -> chengyi_verify.Policy:
    return chengyi_verify.Policy(chengyi_verify.parse_key(scene.key, chengyi_verify.LOG), text)


# what holds


def test_it_is_one_file_that_can_be_read_in_one_sitting() -> None:
    text = VERIFIER.read_text()
    assert len(text.splitlines()) <= 250
    assert "import chengyi" not in text
    assert "from chengyi" not in text


@pytest.mark.parametrize("what", ["receipt", "record", "zipped", "split"])
def test_promise_4_it_needs_nothing_but_python_and_cryptography(what: str, scene: Scene, bare: Path) -> None:
    given, key, policy = getattr(scene, what, None), scene.key, ["--policy", scene.policy]
    if what == "split":
        given, key, policy = scene.folder / "split", LOG.verifier, []
        given.write_text(evidence(5, 9))
    words = [sys.executable, "-I", "-S", "-c", RUNNER, bare, VERIFIER, what.replace("zipped", "record"), given, *policy]
    done = subprocess.run([*map(str, words), "--key", key], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "通过 PROVEN" in done.stdout


def test_it_says_who_cosigned_and_shows_the_rows(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = verify(capsys, "record", scene.record, "--key", scene.key, "--policy", scene.policy)
    assert code == 0
    for name in ("county", "a 2026-11-23T08:00:00+00:00", "张三", "王五", "archive.kept", "通过"):
        assert name in said
    assert "未给策略" not in said
    assert "未给策略" in verify(capsys, "receipt", scene.receipt, "--key", scene.key)[1]


def test_the_key_may_stand_in_a_file(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    (scene.folder / "key").write_text(scene.key + "\n")
    assert verify(capsys, "receipt", scene.receipt, "--key", scene.folder / "key")[0] == 0


def test_wrong_use_is_told_from_a_proof_that_fails(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(capsys, "receipt", scene.folder / "absent", "--key", scene.key)[0] == 2
    assert verify(capsys, "receipt", scene.receipt, "--key", "absent-file")[0] == 2
    for words in (["receipt"], ["sing", scene.receipt, "--key", scene.key], ["receipt", scene.receipt]):
        with pytest.raises(SystemExit) as left:
            verify(capsys, *words)
        assert left.value.code == 2
    code, said = verify(capsys, "receipt", scene.policy, "--key", scene.key)
    assert (code, "未通过 NOT PROVEN" in said) == (1, True)


# keys and policies


def test_another_key_or_log_is_refused(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    other = MemoryKeys("county", b"other").verifier
    borrowed = str(Verifier("town", Verifier.parse(scene.key).public))
    for key in (other, borrowed, scene.key[:-2], "a+b+c", str(key_of("a"))):
        assert verify(capsys, "receipt", scene.receipt, "--key", key)[0] == 1


def test_a_quorum_that_is_not_met_is_refused(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    stranger, rules = key_of("z"), scene.folder / "rules"
    every = {name: key_of(name) for name in "abc"}
    for policy, code in [
        (Policy.of(every, 3), 0),
        (Policy.of({**every, "z": stranger}, 3), 0),
        (Policy.of({**every, "z": stranger}, 4), 1),
        (Policy.of({"z": stranger}, 1), 1),
        (Policy.of({}, 0, [Verifier.parse(scene.key)]), 0),
        (Policy.of({}, 0, [Verifier.parse(MemoryKeys("x").verifier)]), 1),
    ]:
        rules.write_text(policy.text)
        assert verify(capsys, "receipt", scene.receipt, "--key", scene.key, "--policy", rules)[0] == code


def test_an_ml_dsa_cosignature_counts_as_in_the_node(scene: Scene) -> None:
    receipt = parse(scene.receipt.read_text())
    key = MlDsaKey.open(MemoryObjects(), witness_keys("q"))
    point = receipt.checkpoint
    text = render(receipt) + cosign(point, key, NOW)
    policy = Policy.of({"q": key.public}, 1).text
    assert accepts("check_receipt", text, policy_of(scene, policy))
    assert not accepts("check_receipt", render(receipt), policy_of(scene, policy))
    at = len(text) - 100
    forged = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
    assert not accepts("check_receipt", forged, policy_of(scene, policy))


A, B = key_of("a"), key_of("b")


@given(
    st.lists(
        st.sampled_from(
            [
                f"witness a {A}",
                f"witness b {B}",
                f"witness c {A}",
                f"witness none {A}",
                "group g any a b",
                "group g all a",
                "group h 2 a b",
                "group h 3 a b",
                "group h 0 a",
                "group i any g h",
                "group i any none",
                "group i any a a",
                "quorum a",
                "quorum g",
                "quorum i",
                "quorum none",
                "# words",
                "",
                f"log {B}",
                "\t quorum \t h ",
                "witness",
            ]
        ),
        max_size=7,
    )
)
@settings(deadline=None)
def test_both_readers_of_policies_agree(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    log = chengyi_verify.parse_key(MemoryKeys("l").verifier, chengyi_verify.LOG)
    try:
        ours: Policy | None = Policy.parse(text)
    except ChengyiError:
        ours = None
    assert accepts("Policy", log, text) is (ours is not None)
    if ours is not None:
        theirs = chengyi_verify.Policy(log, text)
        for signed in ([], [A], [B], [A, B]):
            keys = {chengyi_verify.Key(each.name, each.kind, each.public): 1 for each in signed}
            names = {name for name, key in ours.witnesses.items() if key in signed}
            assert theirs.met(theirs.quorum, keys) is (ours.quorum == "none" or ours._witnessed(ours.quorum, names))


# forged receipts


def receipt_without_strangers(scene: Scene) -> str:
    """The receipt with the log's own lines only: what the key alone vouches for."""
    lines = scene.receipt.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("— a ", "— b ", "— c ")))


def test_promise_4_no_byte_of_a_receipt_can_be_changed(scene: Scene) -> None:
    text = receipt_without_strangers(scene).encode()
    policy = policy_of(scene)
    assert accepts("check_receipt", text.decode(), policy)
    for position in range(len(text)):
        for change in (1, 2, 0x20, 0x80):
            forged = bytearray(text)
            forged[position] ^= change
            assert not accepts("check_receipt", forged.decode("utf-8", "replace"), policy), (position, change)


def test_promise_4_no_byte_can_be_changed_under_a_policy_that_asks_for_all(scene: Scene) -> None:
    text = "".join(
        line
        for line in scene.receipt.read_text().splitlines(keepends=True)
        if not (line.startswith("— ") and len(line) > 400)  # the witnesses' ML-DSA keys are not in this policy
    ).encode()
    policy = policy_of(scene, Policy.of({name: key_of(name) for name in "abc"}, 3).text)
    assert accepts("check_receipt", text.decode(), policy)
    for position in range(len(text)):
        forged = bytearray(text)
        forged[position] ^= 1
        assert not accepts("check_receipt", forged.decode("utf-8", "replace"), policy), position


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_doubled_or_mixed_receipt_is_refused(scene: Scene, data: st.DataObject) -> None:
    text = receipt_without_strangers(scene)
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    middle = data.draw(st.sampled_from(["", text[start:end] * 2, "\n", "0", " ", "=", text[start:end][::-1]]))
    forged = text[:start] + middle + text[end:]
    assert accepts("check_receipt", forged, policy_of(scene)) is (forged == text)


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_is_refused(scene: Scene, text: str) -> None:
    for check in ("check_receipt", "check_split"):
        assert not accepts(check, text, policy_of(scene))
        assert not accepts(check, "c2sp.org/tlog-proof@v1\n" + text, policy_of(scene))


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, '{"a":' * 5_000, "\ud800", '"' + "x" * 10_000])
def test_deep_long_and_broken_texts_are_refused_without_a_traceback(
    text: str, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scene.folder / "odd"
    file.write_text(text, errors="surrogatepass")
    for what in ("receipt", "split"):
        code, said = verify(capsys, what, file, "--key", scene.key)
        assert (code, "Traceback" in said, "NOT PROVEN" in said) == (1, False, True)


def test_both_verifiers_agree_about_forgeries(scene: Scene) -> None:
    text = receipt_without_strangers(scene)
    signed = text.rindex("— ")  # the log's own date: the node reads receipts of other logs too, which have none
    for position in range(0, signed, 7):
        forged = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(ChengyiError):
            verify_receipt(forged, scene.key)
        assert not accepts("check_receipt", forged, policy_of(scene))


def test_what_is_shown_cannot_play_tricks_with_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    chengyi_verify.say({"name": "\x1b[2J\u202e\x9b"})
    assert not any(each in capsys.readouterr().out for each in ("\x1b", "\u202e", "\x9b"))


# forged records


def copy_of(scene: Scene, name: str = "forged") -> Path:
    shutil.rmtree(scene.folder / name, ignore_errors=True)
    return shutil.copytree(scene.record, scene.folder / name)


def holds(scene: Scene, record: Path) -> bool:
    try:
        files = chengyi_verify.files_of(record)
    except Exception:  # noqa: BLE001 - what `main` does
        return False
    return accepts("check_record", files, policy_of(scene))


@pytest.mark.slow
def test_promise_2_no_byte_of_a_record_can_be_changed(scene: Scene) -> None:
    assert holds(scene, scene.record)
    for original in sorted(each for each in scene.record.rglob("*") if each.is_file()):
        if original.name == "receipt.tlog-proof":
            continue
        record = copy_of(scene)
        file = record / original.relative_to(scene.record)
        raw = original.read_bytes()
        for position in range(len(raw)):
            forged = bytearray(raw)
            forged[position] ^= 1 + position % 127
            file.write_bytes(forged)
            assert not holds(scene, record), (file, position)


def test_promise_2_a_record_is_refused_where_anything_is_missing_added_or_swapped(scene: Scene) -> None:
    rows = sorted((scene.record / "rows").iterdir())
    assert [each.name for each in rows] == ["1.json", "3.json"]
    for each in sorted(each for each in scene.record.rglob("*") if each.is_file()):
        record = copy_of(scene)
        (record / each.relative_to(scene.record)).unlink()
        assert holds(scene, record) is (each in rows)
    for name in ("more", "content/more", "rows/2.json", "rows/x", ".hidden"):
        record = copy_of(scene)
        shutil.copy(rows[0], record / name)
        assert not holds(scene, record)
    record = copy_of(scene)
    (record / "content/link").symlink_to("/etc/hostname")
    assert not holds(scene, record)
    record = copy_of(scene)
    rows[0].read_text()
    (record / "rows/1.json").write_text(rows[0].read_text().replace("张三", "张四"))
    assert not holds(scene, record)


@pytest.mark.slow
def test_promise_2_a_zip_proves_what_the_folder_does_and_nothing_else(scene: Scene) -> None:
    raw, file = scene.zipped.read_bytes(), scene.folder / "forged.zip"
    proven = chengyi_verify.check_record(chengyi_verify.files_of(scene.zipped), policy_of(scene))
    assert proven == chengyi_verify.check_record(chengyi_verify.files_of(scene.record), policy_of(scene))
    for position in range(0, len(raw), 3):
        forged = bytearray(raw)
        forged[position] ^= 1 + position % 255
        file.write_bytes(forged)
        if holds(scene, file):  # a date or flag of the zip's own: what it holds is the same
            assert chengyi_verify.check_record(chengyi_verify.files_of(file), policy_of(scene)) == proven


def test_a_zip_with_a_name_twice_is_refused(scene: Scene) -> None:
    file = scene.folder / "twice.zip"
    shutil.copy(scene.zipped, file)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr("inventory.json", "{}")
    assert not holds(scene, file)


def test_a_receipt_of_another_act_does_not_carry_a_record(scene: Scene) -> None:
    node = Node(scene.folder / "home", SetClock(NOW))
    record = copy_of(scene)
    (record / "receipt.tlog-proof").write_text(render(node.audit.receipt(0)))
    node.close()
    assert not holds(scene, record)


# evidence of split views

LOG = MemoryKeys("log.invalid/a")


def evidence(first: int, second: int) -> str:
    one, other = (MemoryLedger(LOG, "log.invalid/a") for _ in range(2))
    one.append([b"x"] * first)
    other.append([b"y"] * second)
    key = Ed25519Key.of(witness_keys("a"))
    leaves = [leaf_hash(b"y")] * second
    proof = consistency(leaves, first) if first < second else ()
    points = [log.checkpoint() for log in (one, other)]
    found = split_view(points[0], points[1], Verifier.parse(LOG.verifier), other.root(first), proof)
    assert found is not None
    lines = [cosign(point, key, NOW) for point in points]
    assert found.culprits([key.public]) == ()
    value = json.loads(found.render())
    value["first"] += lines[0]
    value["second"] += lines[1]
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(("first", "second"), [(3, 3), (1, 2), (4, 9), (5, 9), (7, 8), (8, 300)])
def test_promise_4_evidence_convicts_the_log_and_the_witness_that_signed_both_views(
    first: int, second: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "split.json"
    file.write_text(evidence(first, second))
    (tmp_path / "policy").write_text(Policy.of({"a": Cosigner.parse(str(A))}, 1).text)
    code, said = verify(capsys, "split", file, "--key", LOG.verifier, "--policy", tmp_path / "policy")
    assert code == 0
    assert said.count("cosigned by a 2026") == 2


@pytest.mark.parametrize(("first", "second"), [(3, 3), (4, 9), (5, 9)])
def test_no_byte_of_evidence_can_be_changed(first: int, second: int) -> None:
    text = "".join(evidence(first, second))
    value = json.loads(text)
    for name in ("first", "second"):
        value[name] = value[name].rpartition("— a ")[0]
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    log = chengyi_verify.parse_key(LOG.verifier, chengyi_verify.LOG)
    policy = chengyi_verify.Policy(log, "quorum none\n")
    assert accepts("check_split", text, policy)
    for position in range(len(text)):
        for other in "A0{":
            forged = text[:position] + other + text[position + 1 :]
            assert accepts("check_split", forged, policy) is (forged == text), position


def test_an_honest_log_cannot_be_convicted() -> None:
    log = MemoryLedger(LOG, "log.invalid/a")
    log.append([b"x"] * 5)
    points = [log.checkpoint()]
    log.append([b"x"] * 4)
    points.append(log.checkpoint())
    policy = chengyi_verify.Policy(chengyi_verify.parse_key(LOG.verifier, chengyi_verify.LOG), "quorum none\n")
    empty = MemoryLedger(LOG, "log.invalid/a").checkpoint()
    proof = [b64encode(each).decode() for each in log.consistency(5, 9)]
    root = b64encode(points[0].root).decode()
    for first, second, prefix, path in [
        (points[0], points[1], root, proof),
        (points[0], points[1], root, []),
        (points[1], points[0], root, proof),
        (points[0], points[0], "", []),
        (empty, points[0], root, []),
        (empty, points[0], "", []),
    ]:
        value = {
            "first": first.note,
            "format": "chengyi-split-view/1",
            "prefix": prefix,
            "proof": path,
            "second": second.note,
        }
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert not accepts("check_split", text, policy)
