import numpy as np
import pytest

from chengyi.trust.marks.cells import layout_key, row_codes
from chengyi.trust.marks.columns import SKETCH, match, overlap, profile, sketch
from trust.marks.conftest import Scene
from trust.marks.town import leak

CODES = row_codes(layout_key(b"x" * 32), map(str, range(5_000)))


def test_a_sketch_knows_its_own_rows_and_no_others() -> None:
    known = sketch(CODES)
    assert len(known) == 8 * SKETCH
    hits, expected = overlap(CODES[:500], known, 5_000)
    assert expected == pytest.approx(500 * SKETCH / 5_000)
    assert hits == pytest.approx(expected, abs=5 * np.sqrt(expected))
    foreign = row_codes(layout_key(b"y" * 32), map(str, range(5_000)))
    assert overlap(foreign, known, 5_000)[0] == 0
    assert overlap(CODES[:0], b"", 0) == (0, 0.0)


def test_a_small_export_is_known_whole() -> None:
    assert overlap(CODES[:40], sketch(CODES[:100]), 100) == (40, 40.0)


def test_a_column_is_told_by_what_it_looks_like() -> None:
    numbers, dates, texts = profile(["1", "2.5", "300"]), profile(["2026-01-02", "2026-02-03"]), profile(["甲", "乙"])
    assert (numbers[0], dates[1], texts[0]) == (1.0, 1.0, 0.0)
    assert profile(["", None, " "]) == ()


def test_headers_name_columns_in_either_language_and_spelling(scene: Scene) -> None:
    found = leak(scene.copies[0], 40)
    spelled = {"Visit_No ": "visit_no", "列cost": "cost", "MINUTES": "minutes", "x": "ward"}
    table = {header: found[name] for header, name in spelled.items()}
    mapping = match(table, scene.records[0])
    assert mapping["visit_no"] == "Visit_No "
    assert mapping["cost"] == "列cost"
    assert mapping["minutes"] == "MINUTES"


def test_without_headers_the_key_is_told_by_its_rows_and_numbers_by_their_values(scene: Scene) -> None:
    found = leak(scene.copies[0], 200)
    decoy = [f"JZ25{number:07d}" for number in range(200)]
    table = {"a": found["minutes"], "b": decoy, "c": found["cost"], "d": found["visit_no"], "e": found["visit_date"]}
    mapping = match(table, scene.records[0])
    assert (mapping["visit_no"], mapping["cost"], mapping["minutes"]) == ("d", "c", "a")
    assert mapping["visit_date"] == "e"


def test_a_header_is_given_to_one_column_only(scene: Scene) -> None:
    found = leak(scene.copies[0], 50)
    mapping = match({"cost": found["cost"], "Cost": found["minutes"], "visit_no": found["visit_no"]}, scene.records[0])
    assert len(set(mapping.values())) == len(mapping)
