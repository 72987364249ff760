"""Search: right for Chinese queries of any length, literal, filtered, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select

import system
from chengyi.archive.search import MAX_QUERY, _pattern, fold
from chengyi.model.actor import Actor
from chengyi.model.clock import SetClock
from chengyi.model.errors import UsageError
from chengyi.store.rows import Rows, metadata
from simulators.house import House, house_of

DOCUMENTS = {
    "一号.txt": "关于做好低保对象动态管理的通知",
    "二号.txt": "防汛工作方案 100%完成 a_b",
    "三号.html": "<html><title>医疗救助办法</title><script>hidden</script><p>大病<b>保险</b></p>",
    "四号.txt": "Ｆｕｌｌ　ｗｉｄｔｈ Straße",
}


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with system.postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock) -> Iterator[House]:
    url = f"sqlite:///{tmp_path}/search.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    rows = Rows(url)
    metadata.drop_all(rows.engine)
    rows.create_all()
    made = house_of(rows, clock)
    for name, content in DOCUMENTS.items():
        made.collect.hand_in("documents", {name: content.encode()})
    made.collect.hand_in("other", {"五号.txt": "另一来源的通知".encode()})
    made.keep()
    yield made
    rows.close()


def titles(house: House, query: str, **filters: str) -> set[str]:
    found = house.archive.search(query, house.me, **filters)  # type: ignore[arg-type]
    assert found.total == len(found.packages)
    return {each.title for each in found.packages}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("汛", {"二号"}),
        ("低保", {"一号"}),
        ("动态管理", {"一号"}),
        ("保", {"一号", "医疗救助办法"}),
        ("保象", set()),
        ("通知 低保", {"一号"}),
        ("通知", {"一号", "五号"}),
        ("大病 保险", {"医疗救助办法"}),
        ("hidden", set()),
        ("医疗救助", {"医疗救助办法"}),
        ("full width", {"四号"}),
        ("STRASSE", {"四号"}),
        ("100%", {"二号"}),
        ("a_b", {"二号"}),
        ("0%成", set()),
        ("aXb", set()),
        ("y013", {"五号"}),
        ("SJ·2026·D30-0002", {"二号"}),
        ("三号.html", {"医疗救助办法"}),
        ("区民政局", {"一号", "二号", "医疗救助办法", "四号", "五号"}),
        ("", {"一号", "二号", "医疗救助办法", "四号", "五号"}),
        ("\x00", {"一号", "二号", "医疗救助办法", "四号", "五号"}),
        ("\\", set()),
        ("' OR 1=1 --", set()),
    ],
)
def test_substrings_are_found_whatever_their_length(shelf: House, query: str, expected: set[str]) -> None:
    assert titles(shelf, query) == expected


def test_filters_pages_and_order(shelf: House) -> None:
    assert titles(shelf, "", source="other") == {"五号"}
    assert titles(shelf, "", department="区公安分局") == set()
    assert titles(shelf, "", record_class="WS") == set()
    page = shelf.archive.search("", shelf.me, limit=2, offset=1)
    assert (page.total, [each.title for each in page.packages]) == (5, ["四号", "医疗救助办法"])


def test_who_may_not_see_learns_nothing_not_even_a_count(shelf: House, clerk: Actor) -> None:
    found = shelf.archive.search("", clerk)
    assert (found.total, found.packages) == (0, ())


def test_the_text_of_an_old_version_is_not_found(shelf: House) -> None:
    first = next(each for each in shelf.collect.all.values() if each.sequence == "一号.txt")
    shelf.collect.hand_in("documents", {"一号.txt": "全新内容".encode()}, prior=first.id)
    shelf.keep()
    assert titles(shelf, "动态管理") == set()
    found = shelf.archive.search("全新", shelf.me).packages
    assert [each.version for each in found] == [2]


def test_an_endless_query_is_refused(house: House) -> None:
    with pytest.raises(UsageError):
        house.archive.search("长" * (MAX_QUERY + 1), house.me)


@settings(deadline=None)
@given(st.text(max_size=12), st.text(min_size=1, max_size=3))
def test_a_word_is_found_exactly_where_it_is_a_substring(text: str, word: str) -> None:
    rows = Rows("sqlite://")
    condition = literal(fold(text)).like(_pattern(fold(word)), escape="\\")
    with rows.read() as connection:
        found = bool(connection.execute(select(condition)).scalar())
    rows.close()
    assert found == (fold(word) in fold(text))
