"""What a leaker may do to his copy, and whom it still leads to."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chengyi.trust.marks.accusation import LIMIT
from chengyi.trust.marks.identify import identify
from chengyi.trust.marks.policy import ColumnPolicy, MarkPolicy
from trust.marks.conftest import Scene
from trust.marks.town import KINDS, Office, leak, spoiled, table, write_csv

Leak = dict[str, list[Any]]


def rows_of(found: Leak) -> list[tuple[Any, ...]]:
    return list(zip(*found.values(), strict=True))


def of_rows(found: Leak, rows: list[tuple[Any, ...]]) -> Leak:
    return {name: [row[at] for row in rows] for at, name in enumerate(found)}


def shuffled(found: Leak) -> Leak:
    rows = rows_of(found)
    random.Random(5).shuffle(rows)
    return of_rows(found, rows)


def sorted_by_cost(found: Leak) -> Leak:
    return of_rows(found, sorted(rows_of(found), key=lambda row: float(row[list(found).index("cost")])))


def rounded(found: Leak) -> Leak:
    return {**found, "cost": [f"{round(float(each) * 2) / 2:.1f}" for each in found["cost"]]}


def resampled(found: Leak) -> Leak:
    return of_rows(found, random.Random(6).choices(rows_of(found), k=len(found["cost"])))


def with_noise_rows(found: Leak) -> Leak:
    draw = random.Random(7)
    invented = [
        (
            f"JZ26{draw.randrange(10**6, 10**7)}",
            "W1",
            "2026-01-01",
            f"{draw.uniform(20, 900):.1f}",
            str(draw.randrange(15, 240)),
        )
        for _ in range(len(found["cost"]))
    ]
    return of_rows(found, rows_of(found) + invented)


def without_dates_and_wards(found: Leak) -> Leak:
    return {name: found[name] for name in ("visit_no", "cost", "minutes")}


def renamed_and_reordered(found: Leak) -> Leak:
    names = {"minutes": "甲", "visit_no": "乙", "ward": "丙", "cost": "丁", "visit_date": "戊"}
    return {header: found[name] for name, header in names.items()}


def retyped(found: Leak) -> Leak:
    numbers = [each.lower().replace("jz", "ｊｚ ") for each in found["visit_no"]]
    return {**found, "visit_no": numbers, "cost": [f"{float(each):,.2f}" for each in found["cost"]]}


def under_chinese_titles(found: Leak) -> Leak:
    return {f"列{name}": found[name] for name in found}


@pytest.mark.parametrize(
    "attack",
    [
        shuffled,
        sorted_by_cost,
        rounded,
        resampled,
        with_noise_rows,
        without_dates_and_wards,
        renamed_and_reordered,
        retyped,
        under_chinese_titles,
    ],
)
def test_a_damaged_leak_still_names_its_recipient_and_nobody_else(scene: Scene, attack: Callable[[Leak], Leak]) -> None:
    for who in (0, 7, 11):
        found = scene.office.marks.identify(attack(scene.leaked(who)))
        assert scene.names(found) == [scene.records[who].recipient]
        assert found.accused[0].bound * found.tested <= LIMIT
        assert found.accused[0].exports[0].id == scene.records[who].id


def test_one_percent_of_the_rows_with_a_fifth_of_the_marks_destroyed_is_enough(scene: Scene) -> None:
    named = [scene.names(scene.office.marks.identify(scene.leaked(who, rows=100))) for who in range(12)]
    assert named == [[each.recipient] for each in scene.records]


def test_a_dropped_marked_column_halves_the_marks_only(scene: Scene) -> None:
    found = scene.leaked(3, rows=300)
    del found["minutes"]
    assert scene.names(scene.office.marks.identify(found)) == [scene.records[3].recipient]


def test_two_recipients_who_mix_their_rows_are_both_named(scene: Scene) -> None:
    one, two = scene.leaked(1, rows=300, share=0.1), scene.leaked(2, rows=300, share=0.1)
    mixed = shuffled({name: one[name] + two[name] for name in one})
    assert set(scene.names(scene.office.marks.identify(mixed))) == {scene.records[at].recipient for at in (1, 2)}


def test_three_who_take_each_value_from_one_of_them_do_not_all_escape(scene: Scene) -> None:
    copies = [copy.sort_by("visit_no") for copy in scene.copies[:3]]
    cells = [{name: copy[name].to_pylist()[:1_000] for name in copy.column_names} for copy in copies]
    draw = random.Random(8)
    mixed: Leak = {name: [str(draw.choice(cells)[name][at]) for at in range(1_000)] for name in cells[0]}
    named = scene.names(scene.office.marks.identify(mixed))
    assert named
    assert set(named) <= {each.recipient for each in scene.records[:3]}


def test_the_order_of_rows_alone_names_its_recipient(scene: Scene) -> None:
    copy = scene.copies[5]
    chosen = sorted(random.Random(9).sample(range(copy.num_rows), 200))
    found = scene.office.marks.identify(copy.take(chosen).select(["visit_no", "ward"]))
    assert scene.names(found) == [scene.records[5].recipient]
    assert found.accused[0].verdict.decoder == "row order"
    assert found.families[0].marks == 0


def test_too_few_rows_accuse_nobody_and_say_how_many_more_would_do(scene: Scene) -> None:
    found = scene.office.marks.identify(scene.leaked(6, rows=12, share=0.0))
    assert found.accused == ()
    assert "约再需" in found.answer.zh
    assert "more rows" in found.answer.en


def test_marks_that_fit_nobody_accuse_nobody(scene: Scene) -> None:
    found = scene.office.marks.identify(scene.leaked(6, rows=400, share=1.0))
    assert found.accused == ()
    original = leak(scene.office.data, 400)
    assert scene.office.marks.identify(original).accused == ()


def test_a_recipient_who_is_not_on_record_is_not_replaced_by_another(scene: Scene) -> None:
    known = [each for each in scene.records if each.id != scene.records[4].id]
    found = identify(scene.leaked(4, rows=400), known)
    assert found.accused == ()
    assert found.families[0].marks > 700


def test_columns_that_are_gone_leave_no_evidence(scene: Scene) -> None:
    found = scene.leaked(0)
    without = {name: found[name] for name in ("visit_no", "ward")}
    assert scene.office.marks.identify(without).accused == ()
    assert "未读到标记" in scene.office.marks.identify(without).answer.zh
    assert scene.office.marks.identify({"ward": found["ward"]}).families == ()


def test_a_foreign_table_is_of_no_export(scene: Scene) -> None:
    foreign = leak(table(500, seed=99), 300)
    foreign["visit_no"] = [f"XX{number:09d}" for number in range(300)]
    found = scene.office.marks.identify(foreign)
    assert found.families == ()
    assert "未认出" in found.answer.zh
    assert scene.office.marks.identify({}).families == ()
    assert scene.office.marks.identify({"visit_no": []}).accused == ()


@pytest.mark.parametrize("form", ["csv", "gb18030", "utf-16", "tab", "xlsx", "parquet"])
def test_a_leak_is_read_from_every_form(scene: Scene, form: str, tmp_path: Path) -> None:
    found = scene.leaked(8)
    path = tmp_path / f"leak.{form}"
    if form == "xlsx":
        book = openpyxl.Workbook()
        book.active.append(list(found))
        for row in rows_of(found):
            book.active.append(
                [float(each) if name in {"cost", "minutes"} else each for name, each in zip(found, row, strict=True)]
            )
        book.save(path)
    elif form == "parquet":
        pq.write_table(pa.table(found), path)
    else:
        text = write_csv(path, found).read_text()
        text = text.replace(",", "\t") if form == "tab" else text
        path.write_text(text, encoding=form if form in {"gb18030", "utf-16"} else "utf-8", newline="")
    assert scene.names(scene.office.marks.identify(path)) == [scene.records[8].recipient]


def test_another_dataset_or_policy_is_another_family_and_does_not_disturb(scene: Scene) -> None:
    policy = MarkPolicy(scene.office.policy.columns, ("visit_no",), half=0.6)
    office = Office(scene.office.data)
    first, copy = office.hand_out("a")
    second, _ = office.hand_out("b", policy)
    assert first.family != second.family
    found = office.marks.identify(spoiled(leak(copy, 150), 0.2))
    assert [each.recipient for each in found.accused] == ["a"]
    assert found.tested == 2


def test_a_table_without_a_number_is_found_again_by_its_other_columns() -> None:
    policy = MarkPolicy(
        (ColumnPolicy("cost", scene_step(), tolerance=scene_step() * 20),),
        ("ward", "visit_date", "minutes", "cost@100"),
    )
    office = Office(table(3_000).drop_columns(["visit_no"]), policy)
    handed = [office.hand_out(f"r{number}") for number in range(4)]
    found = office.marks.identify(leak(handed[2][1], 300))
    assert [each.recipient for each in found.accused] == ["r2"]


def scene_step() -> Any:
    from decimal import Decimal

    return Decimal("0.1")


def test_every_cell_stays_within_its_tolerance_and_sums_are_kept(scene: Scene) -> None:
    original = scene.office.data.sort_by("visit_no")
    for copy in scene.copies[:4]:
        copy = copy.sort_by("visit_no")  # noqa: PLW2901
        assert copy.schema == original.schema
        for name, tolerance in (("cost", 2.0), ("minutes", 3.0)):
            before, after = ([float(each) for each in part[name].to_pylist()] for part in (original, copy))
            assert max(abs(a - b) for a, b in zip(after, before, strict=True)) <= tolerance + 1e-9
            assert abs(sum(after) / sum(before) - 1) <= 0.001
            assert min(after) >= 0
        for name in set(KINDS) - {"cost", "minutes"}:
            assert copy[name] == original[name]


def test_a_whole_copy_is_read_by_a_bounded_number_of_marks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from chengyi.trust.marks import evidence

    monkeypatch.setattr(evidence, "MOST_MARKS", 500)
    monkeypatch.setattr(evidence, "MOST_PAIRS", 40)
    found = scene.office.marks.identify(leak(scene.copies[9], 3_000))
    assert scene.names(found) == [scene.records[9].recipient]
    assert (found.families[0].marks, found.families[0].pairs) == (500, 40)


def test_a_second_copy_has_the_same_marks_and_the_first_commitment_counts() -> None:
    office = Office(table(2_000))
    first, _ = office.hand_out("a")
    office.hand_out("b")
    again, copy = office.hand_out("a")
    found = office.marks.identify(leak(copy, 200))
    assert [[export.id for export in each.exports] for each in found.accused] == [[first.id, again.id]]
    assert found.tested == 2
