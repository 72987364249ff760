from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from chengyi.integrate.linkage.columns import FIELDS
from chengyi.integrate.linkage.pairs import APART, FAMILY, FREE, Marks
from chengyi.integrate.linkage.rules import barred, id_evidence, relent
from chengyi.integrate.linkage.run import Run
from chengyi.integrate.linkage.settings import LinkageSettings
from chengyi.model.identifiers import DEMONSTRATION_AREA, make_citizen_id

HOME = {"household": "H1", "address": "人民路1号"}
MAN = make_citizen_id(DEMONSTRATION_AREA, date(1960, 3, 1), 11)
WOMAN = make_citizen_id(DEMONSTRATION_AREA, date(1962, 5, 6), 22)


def run_of(rows: list[dict[str, str]], single: frozenset[str] = frozenset()) -> Run:
    columns = {field: pa.array([row.get(field) for row in rows], pa.string()) for field in FIELDS}
    table = pa.table({"mention": pa.array(range(len(rows)), pa.int64()), **columns})
    run = Run(table, None, LinkageSettings(single_sources=single))  # type: ignore[arg-type]
    run.identify()
    return run


def mark(one: dict[str, str], other: dict[str, str], single: frozenset[str] = frozenset()) -> int:
    run = run_of([one, other], single)
    pairs = run._look(np.array([0]), np.array([1]))
    marks: Marks = barred(run.people, run.profiles, pairs.features, pairs.left, pairs.right)
    return int(marks[0])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"name": "王建国"}, {"name": "王小明"}, FAMILY),
        ({"name": "王伟"}, {"name": "王芳"}, FAMILY),
        ({"name": "王伟", "birth_date": "1960-01-02"}, {"name": "王玮", "birth_date": "1960-01-02"}, FREE),
        ({"name": "王建国", "birth_date": "1960-01-02"}, {"name": "王建国", "birth_date": "1988-11-25"}, FAMILY),
        ({"name": "王建国", "birth_date": "1960-01-02"}, {"name": "王建国", "birth_date": "1960-11-25"}, FREE),
        ({"name": "王建国"}, {"name": "王国建"}, FREE),
        ({"name": "王建国", "birth_date": "1960-01-02"}, {"name": "王建军", "birth_date": "1960-01-02"}, FREE),
        ({"name": "王建国"}, {"name": "王建军"}, FAMILY),
        ({"name": "anna berg"}, {"name": "anne berg"}, FREE),
        ({"name": "anna berg", "birth_date": "1960-01-02"}, {"name": "karl berg", "birth_date": "1988-11-25"}, FAMILY),
    ],
)
def test_family_at_one_address_is_not_one_person(one: dict[str, str], other: dict[str, str], expected: int) -> None:
    assert mark(one | HOME, other | HOME) == expected


def test_elsewhere_another_given_name_is_left_to_the_matcher() -> None:
    assert mark({"name": "王建国"}, {"name": "王小明"}) == FREE


def test_two_different_valid_ids_are_two_people() -> None:
    assert mark({"name": "王伟", "citizen_id": MAN}, {"name": "王伟", "citizen_id": WOMAN}) == APART


def test_two_rows_of_a_single_source_are_two_people() -> None:
    row = {"name": "王伟", "source": "roll"}
    assert mark(row, row | {"phone": "13800000001"}, frozenset({"ROLL "})) == APART


def test_a_slip_in_an_id_is_strong_evidence_and_a_far_id_is_evidence_against() -> None:
    slip = MAN[:9] + str((int(MAN[9]) + 1) % 10) + MAN[10:]
    run = run_of([{"citizen_id": MAN, "name": "王伟"}, {"citizen_id": slip, "name": "王伟"}, {"name": "王伟"}])
    bits, near = id_evidence(run.profiles.ids, np.array([0, 0]), np.array([1, 2]))
    assert bits.tolist() == [8.0, 0.0]
    assert near.tolist() == [True, False]
    far = run_of([{"citizen_id": MAN}, {"citizen_id": "123456789012345670"}])
    assert id_evidence(far.profiles.ids, np.array([0]), np.array([1]))[0][0] < 0


def test_one_misspelling_among_a_known_persons_records_does_not_bar_those_who_write_the_name_right() -> None:
    known = {"citizen_id": MAN, "birth_date": "1960-03-01"}
    run = run_of([known | HOME | {"name": "王建国"}, known | HOME | {"name": "王束国"}, HOME | {"name": "王建国"}])
    pairs = run._look(np.array([0, 1]), np.array([2, 2]))
    assert pairs.barred.tolist() == [FREE, FAMILY]
    likely = relent(pairs.judged(np.array([5.0, -5.0], dtype=np.float32)), run.profiles.persons, 0.0)
    unlikely = relent(pairs.judged(np.array([-5.0, -5.0], dtype=np.float32)), run.profiles.persons, 0.0)
    assert likely.barred.tolist() == [FREE, FREE]
    assert unlikely.barred.tolist() == [FREE, FAMILY]
