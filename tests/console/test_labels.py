"""Every code that a page may show is said in both languages; figures are written with care."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum

import pytest

from chengyi.console.labels import LABELS, TONES, label_of, tone_of
from chengyi.model.act import ActKind
from chengyi.model.actor import Actor, Permission, Role
from chengyi.model.decision import AlertState, Severity
from chengyi.model.dossier import EntityKind
from chengyi.model.grant import RequestState
from chengyi.model.text import Text

HAN = re.compile(r"[\u3400-\u9fff]")
ACTOR = Actor("a", "a", "d", frozenset({Role.CLERK}))
OPERATOR = Actor("o", "o", "d", frozenset({Role.OPERATOR}))


@pytest.mark.parametrize("table", LABELS)
def test_every_code_of_a_table_is_said(table: type[Enum]) -> None:
    for code in table:
        said = label_of(code)
        assert HAN.search(said.zh), code
        assert said.en
        assert not HAN.search(said.en), code


def test_tables_that_share_a_word_keep_their_own() -> None:
    assert label_of(RequestState.REFUSED).zh != label_of(AlertState.RAISED).zh
    assert label_of(Permission.ORDER) is not label_of(AlertState.ORDERED)
    assert label_of("anything") == Text("anything", "anything")
    assert tone_of(Severity.CRITICAL) == "bad"
    assert tone_of("anything") == tone_of(ActKind.READ) == "quiet"
    assert {tone for tones in TONES.values() for tone in tones.values()} == {"good", "wait", "bad", "info", "quiet"}


def test_figures_are_written_with_care() -> None:
    from chengyi.console.templatetags import figures

    at = datetime(2026, 11, 23, 16, 30, 5, tzinfo=UTC)
    assert figures.number(20114) == "20,114"
    assert figures.number("1204.50") == "1,204.50"
    assert figures.number(None) == figures.moment(None) == figures.size(None) == figures.percent(None) == "—"
    assert figures.number("不适用") == "不适用"
    assert (figures.moment(at), figures.second(at), figures.day(at)) == (
        "2026-11-24 00:30",
        "2026-11-24 00:30:05",
        "2026-11-24",
    )
    assert (figures.size(900), figures.size(5_000_000), figures.size(10**20)) == ("900 B", "4.8 MB", "90,949,470.2 TB")
    assert figures.percent(0.9999) == "100.0%"
    assert figures.hundredth(0.9999) == 99
    assert "<script>" not in figures.short("<script>alert(1)</script>")
    assert figures.short(b"\x01\x02") == '<span class="hash">0102</span>'
    assert figures.hexadecimal(b"\x01") == figures.hexadecimal("01")


@pytest.mark.parametrize(
    ("field", "value", "clerk", "operator"),
    [
        ("person_name", "沈云舟", "沈**", "沈云舟"),
        ("wife_name", "张春艳", "张**", "张**"),
        ("citizen_id", "990106199001010018", "990106********0018", "990106********0018"),
        ("phone", "13900000000", "139****0000", "139****0000"),
        ("address", "云汀区柳岸街道清波路8号", "云汀区柳岸街道***", "云汀区柳岸街道清波路8号"),
        ("birth_date", "1990-01-01", "1990", "1990"),
        ("disease", "糖尿病", "***", "***"),
        ("monthly_amount", "612.00", "***", "***"),
        ("sex", "1", "***", "***"),
        ("area_m2", "116.900000", "116.9 平方米", "116.9 平方米"),
        ("safety_grade", "A", "安全（A级）", "安全（A级）"),
        ("year", "2026", "2026", "2026"),
        ("no_such_element", "值", "值", "值"),
        ("phone", "", "", ""),
    ],
)
def test_a_fact_is_written_for_its_reader(field: str, value: str, clerk: str, operator: str) -> None:
    from chengyi.console.values import written

    assert written(field, value, ACTOR).zh == clerk
    assert written(field, value, OPERATOR).zh == operator


def test_what_a_dossier_masks_is_what_a_view_masks() -> None:
    """One rule for both: the written mask of each private element hides as much as the column's mask."""
    import ibis

    from chengyi.integrate import dictionary
    from chengyi.share import mask_written
    from chengyi.share.masks import is_masked, mask_column

    for name, element in dictionary().items():
        field = element.field()
        if not is_masked(field, ()) or element.type in {"date", "datetime", "integer", "decimal"}:
            continue
        value = "990106199001010018" if "id" in name else "云汀区柳岸街道清波路8号"
        table = ibis.memtable({name: [value]})
        assert table.select(mask_column(field, table[name]).name("m")).execute()["m"][0] == mask_written(field, value)


@pytest.mark.parametrize(
    ("kind", "label", "shown"),
    [
        (EntityKind.PERSON, "沈云舟", "沈**"),
        (EntityKind.HOUSEHOLD, "YT0000001", "*****0001"),
        (EntityKind.ORGANISATION, "云汀区丰丰文旅发展有限公司", "云汀区丰丰文旅发展有限公司"),
    ],
)
def test_a_dossier_is_labelled_for_its_reader(kind: EntityKind, label: str, shown: str) -> None:
    from chengyi.console.values import labelled

    assert labelled(kind, label, ACTOR) == shown


def test_who_agrees_with_whom_is_seen_without_reading_the_values(application: object) -> None:
    from chengyi.console.views.dossiers import rows_of
    from chengyi.model.dossier import Dossier, Fact
    from chengyi.model.evidence import Evidence

    facts = tuple(
        Fact("sex", Text("性别", "Sex"), value, "d", "区", Evidence("p@1", n, ""), None, preferred=n == 1)
        for n, value in enumerate("121", 1)
    )
    [row] = rows_of(Dossier("dos-1", EntityKind.PERSON, "沈", (), facts, ("sex",), 1.0), ACTOR)
    assert [each.value.zh for each in row.facts] == ["***"] * 3
    assert [each.letter.zh for each in row.facts if each.letter] == ["甲", "乙", "甲"]
