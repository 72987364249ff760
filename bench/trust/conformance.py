"""What has to be judged rightly, case by case: recovery sets, split views, and the public suites of vectors.

The judges are those of the tests; here their verdicts are counted.
"""

import itertools
import json
import lzma
import os
import secrets
import warnings
from collections import Counter
from pathlib import Path

from bench.figures import Figure, Result
from bench.ground import TESTS, Ground, use_tests
from chengyi.model.errors import IntegrityError, NotFoundError
from chengyi.trust.vault.vault import Shape

K, N = 6, 9


def measure(ground: Ground) -> Result:
    """Count verdicts; the public suites are left out where they are not had."""
    use_tests()
    vectors = Path(os.environ.get("CHENGYI_DATA", TESTS.parents[1] / "shared" / "data")) / "trust"
    figures = [*_recovery(ground), *_split_views(ground)]
    had = vectors.is_dir()
    if had:
        figures += [*_merkle(vectors, ground), *_wycheproof(vectors), *_limbo(vectors)]
    about = (
        f"Recovery: one object in {N} stores, of which every set of {K} is left, then every smaller set. Split views: "
        "two views of a log are shown to its witnesses in every order, with every set of corrupt witnesses that leaves "
        "an honest one where two quorums meet. " + (_SUITES if had else "The public suites were not had in this run.")
    )
    return Result("conformance", "Judged rightly", about, tuple(figures))


_SUITES = (
    "Suites: transparency-dev's Merkle proofs; a log of another implementation at each of its sizes; C2SP Wycheproof; "
    "C2SP x509-limbo, beside what `cryptography`'s own verifier judges rightly. Which cases differ, and why, is listed "
    "with the tests."
)


def _recovery(ground: Ground) -> list[Figure]:
    from simulators.vault import VaultScene

    folder = ground.fresh("recovery")
    folder.mkdir()
    scene, plain = VaultScene(folder, Shape(K, N)), secrets.token_bytes(100_000)
    object = scene.vault.put_bytes(plain).object
    kept = [scene.raw(index, object) for index in range(N)]

    def reads(chosen: tuple[int, ...]) -> bool:
        for index in range(N):
            scene.forge(index, object, kept[index] if index in chosen else None)
        try:
            return scene.vault.read(object) == plain
        except (IntegrityError, NotFoundError):
            return False

    enough = list(itertools.combinations(range(N), K))
    fewer = [each for count in range(K) for each in itertools.combinations(range(N), count)]
    return [
        _all(f"sets of {K} of {N} that restore", sum(map(reads, enough)), len(enough)),
        _all(f"sets of fewer than {K} that are refused", len(fewer) - sum(map(reads, fewer)), len(fewer)),
    ]


def _split_views(ground: Ground) -> list[Figure]:
    from simulators.witness import Answering
    from trust.ledger.test_publish import attacks

    shapes = ((3, 2), (4, 3)) if ground.quick else ((3, 2), (4, 3), (5, 3), (5, 4))
    played = []
    for n, m in shapes:
        for turn, attack in enumerate(attacks(n, m)):
            folder = ground.fresh("split-view") / str(turn)
            witnesses: dict[str, Answering] = {}
            played.append(attack.both_accepted(folder, witnesses, lambda name, body, of=witnesses: of[name](body)))  # type: ignore[misc]
    return [_all("split views that never get two quorums", played.count(False), len(played))]


def _merkle(vectors: Path, ground: Ground) -> list[Figure]:
    from chengyi.trust.ledger.verify import verify_ledger
    from trust.ledger.test_merkle import accepts
    from trust.ledger.test_verify import GOLDEN_KEY
    from trust.vectors import json_vectors, unpack

    cases = json_vectors(vectors / "merkle-proof-vectors.tar.xz")
    right = sum(accepts(name, case) is not case["wantErr"] for name, case in cases.items())
    log = unpack(vectors / "tlog-golden-log.tar.xz", ground.fresh("golden")) / "log"
    notes = [(log / f"checkpoint.{size}").read_text() for size in range(16)]
    sound = sum(verify_ledger(log, GOLDEN_KEY, earlier=note).sound for note in notes)
    return [_all("Merkle proofs judged rightly", right, len(cases)), _all("golden checkpoints sound", sound, 16)]


def _wycheproof(vectors: Path) -> list[Figure]:
    from trust.primitives.test_wycheproof import REFUSED, SCOPE, outcome
    from trust.vault.test_cobblestone import opens
    from trust.vectors import json_vectors

    archive, counts = vectors / "wycheproof-vectors.tar.xz", Counter[str]()
    for name, (_, judge) in SCOPE.items():
        (suite,) = json_vectors(archive, f"{name}_test").values()
        counts.update(outcome(name, judge, group, test) for group in suite["testGroups"] for test in group["tests"])
    (suite,) = json_vectors(archive, "chunked_encryption_aes_256").values()
    cases = [case for group in suite["testGroups"] for case in group["tests"]]
    counts.update("right" if opens(case) is (case["result"] == "valid") else "wrong" for case in cases)
    listed = sum(count for count, _ in REFUSED.values())
    return [
        _all("Wycheproof vectors judged rightly", counts["right"], counts.total() - listed),
        Figure("of valid ones refused by the library, as listed", "", (float(counts["refused"]),), at_most=listed),
    ]


def _limbo(vectors: Path) -> list[Figure]:
    from trust.authority.test_limbo import ours, theirs

    with lzma.open(vectors / "x509-limbo.json.xz") as file:
        cases = json.load(file)["testcases"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = {case["id"] for case in cases if ours(case) == case["expected_result"]}
        library = {case["id"] for case in cases if theirs(case) == case["expected_result"]}
    lists = {case["id"] for case in cases if case["id"].startswith("crl::")}
    return [
        Figure(f"x509-limbo: right of {len(cases)}", "", (float(len(right)),), at_least=len(library)),
        Figure("x509-limbo: right by the library alone", "", (float(len(library)),)),
        Figure("x509-limbo: right by the library, wrong here", "", (float(len(library - right)),), at_most=0),
        _all("x509-limbo: lists of revoked certificates", len(lists & right), len(lists)),
    ]


def _all(what: str, right: int, total: int) -> Figure:
    return Figure(f"{what}, of {total:,}", "", (float(right),), at_least=total)
