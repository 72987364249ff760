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
        ("person_name", "李", "李*", "李"),
        ("citizen_id", "990106199001010018", "990106********18", "990106********18"),
        ("citizen_id", "12", "***", "***"),
        ("phone", "13900000000", "139****00", "139****00"),
        ("phone", "110", "***", "***"),
        ("address", "云汀区柳岸街道清波路8号", "云汀区柳岸街道***", "云汀区柳岸街道清波路8号"),
        ("address", "清波路8号", "***", "清波路8号"),
        ("birth_date", "1990-01-01", "1990***", "1990-01-01"),
        ("aid_kind", "低保", "低保", "低保"),
        ("phone", "", "", ""),
    ],
)
def test_a_fact_is_masked_for_its_reader(field: str, value: str, clerk: str, operator: str) -> None:
    from chengyi.console.masks import mask

    assert mask(field, value, ACTOR) == clerk
    assert mask(field, value, OPERATOR) == operator
