"""Standardisation against oracles in plain Python, many values in one scan."""

import calendar
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chengyi.integrate.contract_checks import contract_of
from chengyi.integrate.standard import read_header
from chengyi.model.identifiers import (
    check_citizen_id,
    check_credit_code,
    citizen_check_digit,
    credit_check_digit,
    make_citizen_id,
    make_credit_code,
    standard_citizen_id,
)
from chengyi.store.tables import DuckTables

from .conftest import SimSource, Standardised, contract_document, scan


def utc(*parts: int) -> datetime:
    """Return the naive datetime by which the lake keeps a moment in UTC."""
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001


MANY = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Run = Callable[..., Standardised]


def outcome(run: Run, element: str, values: list[str | None], **column: Any) -> list[tuple[Any, list[str]]]:
    """Return, for each value, its standard value and the codes of its faults; the fault sets aside the value only."""
    columns = [{"name": "列", "element": element, "on_fault": "value", **column}, {"name": "n", "element": "house_no"}]
    good, faulty = run(columns, {"列": values, "n": [str(n) for n in range(len(values))]})
    codes = {row.row: [kind.code for kind in row.kinds] for row in faulty}
    assert len(good) == len(values)
    return [(row[element], codes.get(row["_row"], [])) for row in good]


DIGITS = st.text("0123456789", min_size=1, max_size=18)


@st.composite
def citizen_numbers(draw: st.DrawFn) -> str:
    """Numbers that are right, nearly right, old, written oddly, or nonsense."""
    born = draw(st.dates(date(1850, 1, 1), date(2030, 1, 1)))
    right = make_citizen_id(draw(st.sampled_from(["990106", "110101", "440305"])), born, draw(st.integers(1, 999)))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return right[:6] + right[8:17]
    if kind == 1:
        place = draw(st.integers(0, 17))
        return right[:place] + draw(st.sampled_from("0123456789XOIl ")) + right[place + 1 :]
    if kind == 2:
        return "".join(chr(ord(c) + 0xFEE0) for c in right)
    if kind == 3:
        return f"  {right[:6]} {right[6:14]}-{right[14:].lower()}\u3000"
    if kind == 4:
        first = (
            draw(st.sampled_from(["010106", "990106", "990199"]))
            + draw(st.sampled_from(["20230230", "17991231", "19000229", "20001301"]))
            + "001"
        )
        return first + citizen_check_digit(first)
    if kind == 5:
        return draw(st.text("0123456789Xx-abc身份", max_size=20))
    if kind == 6:
        return right.replace("0", "O").replace("1", "l")
    return right


@MANY
@given(st.lists(citizen_numbers(), min_size=150, max_size=150))
def test_citizen_numbers_are_standardised_as_the_oracle_does(standardise: Run, numbers: list[str]) -> None:
    for text, (value, codes) in zip(numbers, outcome(standardise, "citizen_id", list(numbers)), strict=True):
        wanted = standard_citizen_id(text)
        faults = check_citizen_id(wanted) if wanted else []
        assert codes == [f"citizen_id.{fault}" for fault in faults], text
        assert value == (None if faults or not wanted else wanted), text


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    body = draw(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8))
    right = make_credit_code("9", "1", draw(st.sampled_from(["990106", "330100"])), body)
    kind = draw(st.integers(0, 5))
    if kind == 0:
        place = draw(st.integers(0, 17))
        return right[:place] + draw(st.sampled_from("0123456789AIOSVZ")) + right[place + 1 :]
    if kind == 1:
        return right.lower() + " "
    if kind == 2:
        first = "91" + draw(st.sampled_from(["000000", "100000", "780000"])) + right[8:17]
        return first + credit_check_digit(first)
    return right


@MANY
@given(st.lists(credit_codes(), min_size=100, max_size=100))
def test_credit_codes_are_checked_as_the_oracle_does(standardise: Run, codes: list[str]) -> None:
    for text, (value, found) in zip(codes, outcome(standardise, "credit_code", list(codes)), strict=True):
        wanted = text.strip().upper()
        faults = check_credit_code(wanted)
        assert found == [f"credit_code.{fault}" for fault in faults], text
        assert value == (None if faults else wanted), text


DATE_FORMS: list[Callable[[int, int, int], str]] = [
    lambda y, m, d: f"{y:04d}-{m:02d}-{d:02d}",
    lambda y, m, d: f"{y:04d}/{m}/{d}",
    lambda y, m, d: f"{y:04d}{m:02d}{d:02d}",
    lambda y, m, d: f"{y:04d}年{m}月{d}日",
    lambda y, m, d: f" {y:04d}.{m}.{d:02d} ",
    lambda y, m, d: f"{y:04d}-{m:02d}-{d:02d} 00:00:00",
    lambda y, m, d: f"{y:04d}－{m:02d}－{d:02d}",
]


@MANY
@given(
    st.lists(
        st.tuples(st.integers(1800, 2100), st.integers(0, 13), st.integers(0, 32), st.sampled_from(DATE_FORMS)),
        min_size=200,
        max_size=200,
    )
)
def test_dates_in_any_usual_form_are_the_same_date_or_a_fault(standardise: Run, days: list[Any]) -> None:
    texts = [form(y, m, d) for y, m, d, form in days]
    for (y, m, d, _), (value, codes) in zip(days, outcome(standardise, "visit_date", texts), strict=True):
        real = 1 <= m <= 12 and 1 <= d <= calendar.monthrange(y, m)[1]
        assert (value, codes) == ((date(y, m, d), []) if real else (None, ["date"]))


@pytest.mark.parametrize(
    "text", ["2023-02-30", "2023-13-01", "03/02/2023", "yesterday", "2023-2", "202302031", "2023-02-03x"]
)
def test_what_is_no_date_is_a_fault(standardise: Run, text: str) -> None:
    assert outcome(standardise, "visit_date", [text]) == [(None, ["date"])]


def test_empty_values_are_null_and_no_fault(standardise: Run) -> None:
    for element in ("visit_date", "citizen_id", "credit_code", "sex", "amount", "year", "phone", "due_at", "area_code"):
        column = {"name": "列", "element": element, "empty": ["无", "N/A"]}
        good, faulty = standardise([column], {"列": [None, "", "  ", "\u3000", "无", " N/A "]})
        assert [row[element] for row in good] == [None] * 6, element
        assert faulty == []


@pytest.mark.parametrize(
    ("format", "text", "wanted"),
    [
        ("%m/%d/%Y", "02/03/2023", date(2023, 2, 3)),
        ("%m/%d/%Y", "2/3/2023", date(2023, 2, 3)),
        ("%d.%m.%Y", "30.02.2023", None),
        ("%Y%m%d", "20230203", date(2023, 2, 3)),
        ("%Y年%m月%d日", "2023年2月3日", date(2023, 2, 3)),
        ("%d/%m/%Y", "2023-02-03", date(2023, 2, 3)),
    ],
)
def test_a_declared_date_format_is_read(standardise: Run, format: str, text: str, wanted: date | None) -> None:
    assert outcome(standardise, "visit_date", [text], format=format)[0][0] == wanted


NEW_YORK = ZoneInfo("America/New_York")


@MANY
@given(st.lists(st.datetimes(utc(1975, 1, 1), utc(2035, 1, 1)), min_size=150, max_size=150), st.booleans())
def test_local_times_become_utc_through_every_change_of_the_clock(
    standardise: Run, times: list[datetime], twelve: bool
) -> None:
    format = "%m/%d/%Y %I:%M:%S %p" if twelve else ""
    written = [(each.strftime(format) if twelve else each.isoformat(" ", "seconds")) for each in times]
    found = outcome(
        standardise, "due_at", list(written), zone="America/New_York", **({"format": format} if twelve else {})
    )
    for local, (value, codes) in zip(times, found, strict=True):
        moment = local.replace(microsecond=0, tzinfo=NEW_YORK)
        assert value == moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
        assert codes == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2023-02-03T12:01:02Z", utc(2023, 2, 3, 12, 1, 2)),
        ("2011-12-06 13:41:31.788000+01:00", utc(2011, 12, 6, 12, 41, 31, 788000)),
        ("2011-12-06T13:41:31.7-0330", utc(2011, 12, 6, 17, 11, 31, 700000)),
        ("2023-02-03", utc(2023, 2, 2, 16)),
        ("2023/2/3 8:05", utc(2023, 2, 3, 0, 5)),
        ("2023年2月3日 8时5分", utc(2023, 2, 3, 0, 5)),
        ("20230203080509", utc(2023, 2, 3, 0, 5, 9)),
        ("2023-02-30 08:00:00", None),
        ("2023-02-03 25:00:00", None),
        ("2023-02-03 08:61", None),
        ("08:00", None),
    ],
)
def test_times_are_kept_in_utc(standardise: Run, text: str, wanted: datetime | None) -> None:
    value, codes = outcome(standardise, "due_at", [text])[0]
    assert value == wanted
    assert codes == ([] if wanted else ["datetime"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("03/02/2023 12:01:02 PM", utc(2023, 3, 2, 12, 1, 2)),
        ("3/2/2023 1:01:02 am", utc(2023, 3, 2, 1, 1, 2)),
        ("03/02/2023 12:00:00 AM", utc(2023, 3, 2)),
        ("03/02/2023 13:00:00 PM", None),
        ("03/02/2023 00:00:00 AM", None),
        ("13/02/2023 01:00:00 AM", None),
    ],
)
def test_a_twelve_hour_clock_is_read_by_its_declared_format(standardise: Run, text: str, wanted: Any) -> None:
    found = outcome(standardise, "due_at", [text], zone="UTC", format="%m/%d/%Y %I:%M:%S %p")
    assert found[0][0] == wanted


def test_fractions_and_bare_dates_have_formats_too(standardise: Run) -> None:
    found = outcome(standardise, "due_at", ["2023|02|03 04-05-06.25"], zone="UTC", format="%Y|%m|%d %H-%M-%S.%f")
    assert found[0][0] == utc(2023, 2, 3, 4, 5, 6, 250000)
    assert outcome(standardise, "due_at", ["03.02.2023"], zone="UTC", format="%d.%m.%Y")[0][0] == utc(2023, 2, 3)
    found = outcome(standardise, "due_at", ["03.02.2023 7"], zone="UTC", format="%d.%m.%Y %I")
    assert found[0][0] == utc(2023, 2, 3, 7)


@MANY
@given(st.lists(st.decimals(-(10**9), 10**9, places=8), min_size=150, max_size=150))
def test_decimals_are_rounded_to_six_places(standardise: Run, numbers: list[Decimal]) -> None:
    texts = [f"{number:f}" for number in numbers]
    for number, (value, codes) in zip(numbers, outcome(standardise, "amount", list(texts)), strict=True):
        assert value == number.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert codes == []


@pytest.mark.parametrize(
    ("element", "text", "wanted"),
    [
        ("amount", "1,234.50", Decimal("1234.5")),
        ("amount", "￥1,234元", Decimal(1234)),
        ("amount", "１２．５", Decimal("12.5")),
        ("amount", "+7", Decimal(7)),
        ("amount", "1e5", None),
        ("amount", "1,23", None),
        ("amount", "12.", None),
        ("amount", "9" * 13, None),
        ("year", "2023.0", 2023),
        ("year", " 2,023 ", 2023),
        ("year", "-5", -5),
        ("year", "12.7", None),
        ("year", "9" * 19, None),
        ("insured_month", "2023-05", "2023-05"),
        ("insured_month", "202305", "2023-05"),
        ("insured_month", "2023年5月", "2023-05"),
        ("insured_month", "2023/5/1", "2023-05"),
        ("insured_month", "2023-13", None),
        ("sex", "男", "1"),
        ("sex", " Ｆ ", "2"),
        ("sex", "X", None),
        ("disability_grade", "二级", "2"),
        ("phone", "138 0000-1234", "13800001234"),
        ("phone", "+86 13800001234", "13800001234"),
        ("phone", "(0571)88881234", "057188881234"),
        ("phone", "8888", None),
        ("area_code", "990106001", "990106001"),
        ("area_code", "330106", "330106"),
        ("area_code", "0106", None),
        ("area_code", "180106", None),
        ("address", " 人民路１２号Ａ座 ", "人民路12号A座"),
        ("person_name", "\u3000张 伟\ufeff", "张 伟"),
    ],
)
def test_each_type_has_one_standard_form(standardise: Run, element: str, text: str, wanted: Any) -> None:
    value, codes = outcome(standardise, element, [text])[0]
    assert value == wanted
    assert bool(codes) == (wanted is None)


def test_a_sender_may_have_its_own_words_for_codes(standardise: Run) -> None:
    found = outcome(standardise, "sex", ["先生", "女士", "男"], synonyms={"先生": "1", "女士": "2"})
    assert [value for value, _ in found] == ["1", "2", "1"]


def test_text_is_brought_to_normal_form_where_declared(standardise: Run) -> None:
    assert outcome(standardise, "person_name", ["ﾊﾝ㈠", None], nfkc=True) == [("ハン(一)", []), (None, [])]


CHECKS: list[tuple[dict[str, Any], dict[str, str], bool]] = [
    (
        {"rule": "not_after", "fields": ["start_date", "end_date"]},
        {"start_date": "2023-01-02", "end_date": "2023-01-01"},
        True,
    ),
    (
        {"rule": "not_after", "fields": ["start_date", "end_date"]},
        {"start_date": "2023-01-01", "end_date": "2023-01-01"},
        False,
    ),
    ({"rule": "not_after", "fields": ["start_date", "end_date"]}, {"start_date": "2023-01-01", "end_date": ""}, False),
    ({"rule": "in_range", "fields": ["amount"], "low": 0}, {"amount": "-0.01"}, True),
    ({"rule": "in_range", "fields": ["amount"], "low": 0, "high": "10.5"}, {"amount": "10.5"}, False),
    ({"rule": "in_range", "fields": ["amount"], "high": "10.5"}, {"amount": "10.51"}, True),
    ({"rule": "in_range", "fields": ["end_date"], "low": "2000-01-01"}, {"end_date": "1999-12-31"}, True),
    ({"rule": "in_range", "fields": ["year"], "low": 1900, "high": 2100}, {"year": "2023"}, False),
    ({"rule": "matches", "fields": ["house_no"], "pattern": "H[0-9]+"}, {"house_no": "xH12"}, True),
    ({"rule": "matches", "fields": ["house_no"], "pattern": "H[0-9]+"}, {"house_no": "H12"}, False),
    ({"rule": "one_of", "fields": ["crop"], "values": ["水稻", "小麦"]}, {"crop": "玉米"}, True),
    ({"rule": "one_of", "fields": ["crop"], "values": ["水稻", "小麦"]}, {"crop": "小麦"}, False),
]


@pytest.mark.parametrize(("check", "row", "faulty"), CHECKS)
def test_declared_checks(standardise: Run, check: dict[str, Any], row: dict[str, str], faulty: bool) -> None:
    good, bad = standardise(list(row), {name: [value] for name, value in row.items()}, check=[check])
    assert [each.kinds[0].code for each in bad] == ([check["rule"]] if faulty else [])
    assert len(good) == (not faulty)


def test_a_key_is_unique_where_it_is_whole_and_the_first_row_goes_on(standardise: Run) -> None:
    cells = {"house_no": ["a", "ａ", None, None, "b", "a "], "crop": ["x"] * 6}
    good, bad = standardise(["house_no", "crop"], cells, key=["house_no"])
    assert [row["_row"] for row in good] == [1, 3, 4, 5]
    assert [(row.row, row.kinds[0].code) for row in bad] == [(2, "unique"), (6, "unique")]


def test_promise_8_every_reason_of_a_row_is_listed_in_the_senders_own_words(standardise: Run) -> None:
    columns = [
        {"name": "身份证", "element": "citizen_id"},
        {"name": "姓名", "element": "person_name", "required": True},
        {"name": "起", "element": "start_date"},
    ]
    cells = {"身份证": ["010106202302300018", None], "姓名": ["", "张伟"], "起": ["2023-02-30", None]}
    good, bad = standardise(columns, cells)
    assert [row["person_name"] for row in good] == ["张伟"]
    assert [(kind.column, kind.code) for kind in bad[0].kinds] == [
        ("身份证", "citizen_id.area"),
        ("身份证", "citizen_id.birth_date"),
        ("身份证", "citizen_id.check_digit"),
        ("姓名", "required"),
        ("起", "date"),
    ]
    assert bad[0].kinds[3].said.zh == "“姓名”必填，但为空"
    assert bad[0].waits
    assert bad[0].cells == {"身份证": "010106202302300018", "姓名": "", "起": "2023-02-30"}


def test_more_faults_than_one_word_holds(engine: DuckTables) -> None:
    columns: list[Any] = [{"name": "年", "element": "year", "required": True}]
    checks = [{"rule": "in_range", "fields": ["year"], "high": str(n)} for n in range(1, 71)]
    contract = contract_of(SimSource("s", contract_document(columns, check=checks)))
    assert contract is not None
    good, bad = scan(engine, contract, {"年": ["0", "65", "71", None]})
    assert [row["year"] for row in good] == [0]
    assert [len(row.kinds) for row in bad] == [64, 70, 1]


def test_a_header_is_compared_with_the_contract() -> None:
    columns: list[Any] = [
        {"name": "姓名", "element": "person_name", "required": True},
        {"name": "性别", "element": "sex", "aliases": ["男女"]},
        {"name": "电话", "element": "phone"},
    ]
    contract = contract_of(SimSource("s", contract_document(columns)))
    assert contract is not None
    header = read_header(contract, ["男女", "备注", "姓名"])
    assert dict(header.places) == {"person_name": 2, "sex": 0, "phone": None}
    assert [each.zh for each in header.drift] == [
        "列“性别”改称“男女”",
        "缺少列“电话”，按空值处理",
        "契约之外的列“备注”未采用",
    ]
    assert header.stops == ()
    assert [code for code, _ in read_header(contract, ["性别"]).stops] == ["missing_column"]
    assert [code for code, _ in read_header(contract, ["姓名", "姓名"]).stops] == ["duplicate_header"]


def test_the_regular_expression_of_a_day_knows_every_day() -> None:
    from chengyi.integrate.identities import _DAY

    for year in (1800, 1900, 1904, 1999, 2000, 2100, 2400):
        for month in range(14):
            for day in range(33):
                real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
                assert bool(re.fullmatch(_DAY, f"{year}{month:02d}{day:02d}")) == real
