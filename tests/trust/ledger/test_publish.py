"""A log before its witnesses: what they do wrong is named and blocks nothing; a split view never gets a quorum."""

import itertools
import json
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError, SplitViewError, WitnessError
from chengyi.store.objects import FolderObjects
from chengyi.trust.ledger.evidence import parse_split_view
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.ledger.notes import Verifier, parse_checkpoint
from chengyi.trust.ledger.policy import Policy
from chengyi.trust.ledger.publish import Patience, Publisher
from chengyi.trust.ledger.request import SIZE_TYPE, TEXT_TYPE, Answer, Request
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.witness import NOW, Answering, Switchboard, corrupt, key_of, make_witness

ORIGIN = "log.invalid/a"
LOG = MemoryKeys(ORIGIN)
LOGS = {ORIGIN: Verifier.parse(LOG.verifier)}
CLOCK = SetClock(NOW)
PATIENT = Patience(step=30, round=60, tries=3, pause=0.01)
SHORT = Patience(step=2, round=5, tries=3, pause=0.01)


class Scene:
    """A log in a folder, its witnesses on the board, and a publisher."""

    def __init__(self, folder: Path, board: Switchboard, names: str = "abc", quorum: int = 2) -> None:
        self.folder = folder
        self.board = board
        self.names = names
        self.quorum = quorum
        self.audit = MemoryAudit(CLOCK)
        for name in names:
            board.witnesses[name] = make_witness(folder / name, name, LOGS).add_checkpoint
        self.ledger = FileLedger(folder / "ledger", LOG, ORIGIN, CLOCK)

    def publisher(self, **more: object) -> Publisher:
        return Publisher(
            self.ledger,
            LOGS[ORIGIN],
            [self.board.address(name) for name in self.names],
            policy=Policy.of({name: key_of(name) for name in self.names}, self.quorum),
            objects=FolderObjects(self.folder / "own"),
            clock=CLOCK,
            audit=self.audit,
            actor="node:a",
            **{"patience": PATIENT, **more},  # type: ignore[arg-type]
        )

    @property
    def refusals(self) -> list[str]:
        return [str(each.detail["why"]) for each in self.audit.acts if each.kind is ActKind.COSIGNING_REFUSED]


@pytest.fixture
def scene(tmp_path: Path, board: Switchboard) -> Scene:
    return Scene(tmp_path, board)


def test_promise_4_a_published_checkpoint_carries_its_quorum(scene: Scene) -> None:
    scene.ledger.append([b"x"] * 5)
    report = scene.publisher().publish()
    assert (report.size, report.asked, report.quorum.met, report.failures, report.conflicts) == (5, True, True, (), ())
    assert sorted(each.cosigner.name for each in report.quorum.cosignatures) == ["a", "b", "c"]
    kept = scene.ledger.cosigned()
    assert kept is not None
    assert kept.size == 5
    assert scene.publisher().policy.judge(kept.note).met
    scene.ledger.append([b"y"] * 300)
    assert scene.publisher().publish().quorum.met
    reopened = FileLedger(scene.folder / "ledger", LOG, ORIGIN, CLOCK).cosigned()
    assert reopened is not None
    assert reopened.size == 305


def test_a_round_with_nothing_new_asks_nobody(scene: Scene) -> None:
    scene.ledger.append([b"x"])
    scene.publisher().publish()
    scene.board.asked.clear()
    report = scene.publisher().publish()
    assert (report.asked, report.quorum.met, scene.board.asked) == (False, True, [])
    scene.ledger.append([b"y"])
    report = scene.publisher(worth=lambda size: size != 1).publish()
    assert (report.asked, scene.board.asked) == (False, [])


def test_only_who_is_missing_is_asked_again(scene: Scene) -> None:
    scene.ledger.append([b"x"])
    honest, scene.board.witnesses["b"] = scene.board.witnesses["b"], lambda _: Answer(503, "later\n")
    report = scene.publisher().publish()
    assert report.quorum.met
    assert [each.facts["witness"] for each in report.failures] == ["b"]
    scene.board.witnesses["b"] = honest
    scene.board.asked.clear()
    report = scene.publisher().publish()
    assert scene.board.asked == ["b"]
    assert len(report.quorum.cosignatures) == 3
    kept = scene.ledger.cosigned()
    assert kept is not None
    assert len(scene.publisher().policy.judge(kept.note).cosignatures) == 3


def test_the_size_that_a_witness_names_is_where_the_proof_starts(scene: Scene) -> None:
    scene.ledger.append([b"x"] * 3)
    scene.publisher().publish()
    shutil.rmtree(scene.folder / "own")
    scene.ledger.append([b"y"] * 9)
    assert scene.publisher().publish().failures == ()
    assert sorted(scene.board.asked) == sorted("abc" * 3)


def wrong_key(body: bytes) -> Answer:
    return corrupt("z")(body)


def another_checkpoint(_: bytes) -> Answer:
    log = MemoryLedger(LOG, ORIGIN)
    log.append([b"other"])
    return corrupt("b")(Request(0, (), log.checkpoint()).render())


MISDEEDS = {
    "garbage": lambda _: Answer(200, "\x00\x01 nonsense — \n"),
    "nothing": lambda _: Answer(200, ""),
    "another key": wrong_key,
    "another checkpoint": another_checkpoint,
    "a page": lambda _: Answer(200, "<html>sign in</html>\n", "text/html"),
    "too much": lambda _: Answer(200, "x" * 1_000_000),
    "an error": lambda _: Answer(500, "boom\n"),
    "not found": lambda _: Answer(404, "who are you\n"),
    "a redirection": lambda _: Answer(307, ""),
    "a size that is none": lambda _: Answer(409, "many\n", SIZE_TYPE),
    "a huge size that is none": lambda _: Answer(409, "9" * 5_000 + "\n", SIZE_TYPE),
    "a negative size": lambda _: Answer(409, "-1\n", SIZE_TYPE),
    "a size as text": lambda _: Answer(409, "2\n", TEXT_TYPE),
    "the same size again": lambda _: Answer(409, "0\n", SIZE_TYPE),
    "sizes in turn": lambda body: Answer(409, "2\n" if body.startswith(b"old 1\n") else "1\n", SIZE_TYPE),
}


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_promise_4_a_witness_that_answers_nonsense_is_named_and_the_others_count(misdeed: str, scene: Scene) -> None:
    scene.board.witnesses["b"] = MISDEEDS[misdeed]
    scene.ledger.append([b"x"] * 5)
    report = scene.publisher().publish()
    assert report.quorum.met
    assert sorted(each.cosigner.name for each in report.quorum.cosignatures) == ["a", "c"]
    (failure,) = report.failures
    assert isinstance(failure, WitnessError)
    assert failure.facts["witness"] == "b"
    assert failure.advice("zh")
    assert len(scene.board.asked) <= 2 + PATIENT.tries


@pytest.mark.slow
@pytest.mark.parametrize("how", ["silent", "slow", "dripping", "absent"])
def test_a_witness_that_takes_its_time_is_left_behind(how: str, scene: Scene) -> None:
    if how == "absent":
        gone = Switchboard()
        gone.close()
        address = gone.address("b")
        scene.board.address = lambda name, key=None, real=scene.board.address: (  # type: ignore[method-assign, misc]
            address if name == "b" else real(name, key)
        )
    elif how == "dripping":
        scene.board.drips.add("b")
    else:
        scene.board.delays["b"] = 60 if how == "silent" else 8
    scene.ledger.append([b"x"] * 5)
    start = time.monotonic()
    report = scene.publisher(patience=SHORT).publish()
    assert time.monotonic() - start < 50
    assert [each.facts["witness"] for each in report.failures] == ["b"]
    assert report.quorum.met
    assert scene.ledger.append([b"y"]) == 5


def test_without_a_quorum_the_older_one_stays(scene: Scene) -> None:
    scene.ledger.append([b"x"] * 5)
    scene.publisher().publish()
    for name in "bc":
        scene.board.witnesses[name] = lambda _: Answer(503, "")
    scene.ledger.append([b"y"])
    report = scene.publisher().publish()
    assert (report.quorum.met, len(report.failures)) == (False, 2)
    kept, latest = scene.ledger.cosigned(), scene.publisher().published()
    assert kept is not None
    assert latest is not None
    assert (kept.size, latest.size) == (5, 6)


def test_requests_carry_the_signature_of_the_node_where_there_is_one(scene: Scene) -> None:
    signed: list[str] = []

    class Signing(httpx.Auth):
        requires_request_body = True

        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
            signed.append(request.url.path)
            yield request

    scene.ledger.append([b"x"])
    scene.publisher(auth=Signing).publish()
    assert sorted(signed) == [f"/{name}/add-checkpoint" for name in "abc"]


# our own log forked


def forked(scene: Scene, before: int, after: int) -> None:
    """Replace the log by one that shares `before` entries and goes on otherwise to `after`."""
    shutil.rmtree(scene.folder / "ledger")
    scene.ledger = FileLedger(scene.folder / "ledger", LOG, ORIGIN, CLOCK)
    scene.ledger.append([b"x"] * before + [b"forged"] * (after - before))


@pytest.mark.parametrize(("before", "after"), [(3, 6), (6, 6), (0, 9), (2, 30), (7, 9)])
def test_promise_2_a_log_that_forked_or_was_shortened_is_told_so_by_its_witnesses(
    before: int, after: int, scene: Scene
) -> None:
    scene.ledger.append([b"x"] * 9)
    scene.publisher().publish()
    shutil.rmtree(scene.folder / "own")
    forked(scene, before, after)
    for _ in range(2):
        report = scene.publisher().publish()
        assert not report.quorum.met
        assert sorted(str(each.facts["why"])[0] for each in report.conflicts) == ["a", "b", "c"]
        assert all(isinstance(each, SplitViewError) for each in report.conflicts)
    assert scene.ledger.cosigned() is None
    assert len(scene.refusals) == 3
    kept = sorted((scene.folder / "own" / "conflicts").iterdir())
    assert len(kept) == 3
    value = json.loads(kept[0].read_text())
    assert parse_checkpoint(value["latest"]).size == after
    assert value["witness"] in "abc"


def test_promise_2_a_log_that_forked_from_its_own_cosigned_checkpoint_sends_nothing(scene: Scene) -> None:
    scene.ledger.append([b"x"] * 9)
    scene.publisher().publish()
    kept = (scene.folder / "ledger/cosigned").read_text()
    forked(scene, 3, 12)
    (scene.folder / "ledger/cosigned").write_text(kept)
    scene.board.asked.clear()
    with pytest.raises(SplitViewError) as caught:
        scene.publisher().publish()
    assert scene.board.asked == []
    evidence = json.loads((scene.folder / "own" / str(caught.value.facts["evidence"])).read_text())
    assert parse_split_view(evidence["split"], LOG.verifier).first.size == 9
    assert len(scene.refusals) == 1
    with pytest.raises(IntegrityError):
        scene.ledger.cosigned()


def test_one_lying_witness_is_a_conflict_and_blocks_nothing(scene: Scene) -> None:
    scene.board.witnesses["c"] = lambda _: Answer(409, "1000000\n", SIZE_TYPE)
    scene.ledger.append([b"x"])
    report = scene.publisher().publish()
    assert report.quorum.met
    assert len(report.conflicts) == 1
    kept = scene.ledger.cosigned()
    assert kept is not None
    assert kept.size == 1


# split views


def views(count: int) -> list[MemoryLedger]:
    made = [MemoryLedger(LOG, ORIGIN) for _ in range(count)]
    for number, log in enumerate(made):
        log.append([b"shared", f"view {number}".encode(), b"more"])
    return made


Ask = Callable[[str, bytes], Answer]


def show(ask: Ask, name: str, log: MemoryLedger) -> str:
    """Show a view as its log would, following what the witness says; return the signature lines, or nothing."""
    old = 0
    for _ in range(3):
        proof = log.consistency(old, 3) if 0 < old < 3 else ()
        answer = ask(name, Request(old, proof, log.checkpoint()).render())
        if answer.status == 200:
            return answer.body
        if answer.status != 409 or int(answer.body) > 3 or int(answer.body) == old:
            return ""
        old = int(answer.body)
    return ""


@dataclass(frozen=True)
class Attack:
    """Which witnesses are corrupt, and which of two views each honest one is shown first."""

    names: str
    quorum: int
    bad: tuple[str, ...]
    first: tuple[int, ...]

    def both_accepted(self, folder: Path, witnesses: dict[str, Answering], ask: Ask) -> bool:
        policy = Policy.of({name: key_of(name) for name in self.names}, self.quorum)
        honest = [name for name in self.names if name not in self.bad]
        for name in honest:
            witnesses[name] = make_witness(folder / name, name, LOGS).add_checkpoint
        for name in self.bad:
            witnesses[name] = corrupt(name)
        logs = views(2)
        notes = [log.checkpoint().note for log in logs]
        for turn in (0, 1):
            seen = [view ^ turn for view in self.first]
            for name, view in [*zip(honest, seen, strict=True), *((name, turn) for name in self.bad)]:
                notes[view] += show(ask, name, logs[view])
        return all(policy.judge(note).met for note in notes)


def attacks(n: int, m: int) -> Iterator[Attack]:
    """Every set of corrupt witnesses below the bound, every order of showing; the views may be named either way."""
    names = "abcdefg"[:n]
    for count in range(2 * m - n):
        for bad in itertools.combinations(names, count):
            for rest in itertools.product((0, 1), repeat=n - count - 1):
                yield Attack(names, m, bad, (0, *rest))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(3, 2), (4, 3)])
def test_promise_4_a_split_view_never_gets_two_quorums_whoever_is_corrupt(
    n: int, m: int, tmp_path: Path, board: Switchboard
) -> None:
    with httpx.Client(trust_env=False) as client:

        def ask(name: str, body: bytes) -> Answer:
            answer = client.post(f"{board.address(name).url}/add-checkpoint", content=body)
            return Answer(answer.status_code, answer.text)

        played = [
            each.both_accepted(tmp_path / str(turn), board.witnesses, ask) for turn, each in enumerate(attacks(n, m))
        ]
    assert not any(played)
    assert len(played) >= 2 ** (n - 1)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m", "count"), [(5, 3, 16), (5, 4, 96)])
def test_promise_4_nor_among_more_witnesses(n: int, m: int, count: int, tmp_path: Path) -> None:
    witnesses: dict[str, Answering] = {}
    played = [
        each.both_accepted(tmp_path / str(turn), witnesses, lambda name, body: witnesses[name](body))
        for turn, each in enumerate(attacks(n, m))
    ]
    assert not any(played)
    assert len(played) == count


@pytest.mark.parametrize(("n", "m"), [(3, 2), (4, 3), (5, 3), (5, 4)])
def test_the_bound_is_exact_one_more_corrupt_witness_lets_both_views_through(n: int, m: int, tmp_path: Path) -> None:
    names, bad = "abcdefg"[:n], tuple("abcdefg"[: 2 * m - n])
    half = (n - len(bad)) // 2
    attack = Attack(names, m, bad, (0,) * half + (1,) * (n - len(bad) - half))
    witnesses: dict[str, Answering] = {}
    assert attack.both_accepted(tmp_path, witnesses, lambda name, body: witnesses[name](body))


def test_nodes_that_witness_each_other_come_to_rest(tmp_path: Path, board: Switchboard) -> None:
    """Cosigning is an act of the witness's own log; a round sets off no other."""
    sides = {}
    for name, other in (("a", "b"), ("b", "a")):
        keys = MemoryKeys(name, name.encode())
        ledger = FileLedger(tmp_path / name / "ledger", keys, name, CLOCK)
        audit = MemoryAudit(CLOCK, ledger)
        logs = {other: Verifier.parse(MemoryKeys(other, other.encode()).verifier)}
        board.witnesses[name] = make_witness(tmp_path / name / "witness", name, logs, audit).add_checkpoint
        publisher = Publisher(
            ledger,
            Verifier.parse(keys.verifier),
            [board.address(other)],
            policy=Policy.of({other: key_of(other)}, 1),
            objects=FolderObjects(tmp_path / name / "own"),
            clock=CLOCK,
            audit=audit,
            actor=name,
            patience=PATIENT,
            worth=lambda size, audit=audit: any(  # type: ignore[misc]
                each.act.kind is not ActKind.COSIGNED for each in audit.entries(limit=100) if each.index >= size
            ),
        )
        ledger.append([b"act"])
        audit._bodies.clear()
        sides[name] = (ledger, publisher)
    sizes = []
    for _ in range(4):
        assert all(publisher.publish().quorum.met for _, publisher in sides.values())
        sizes.append([ledger.checkpoint().size for ledger, _ in sides.values()])
    assert sizes[1] == sizes[2] == sizes[3]
