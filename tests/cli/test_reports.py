"""What the commands show to people."""

import pytest

from chengyi.cli.reports import sample
from chengyi.cli.terminal import Terminal


def test_a_table_wider_than_the_terminal_is_shown_a_field_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("CHENGYI_LANG", "zh")
    columns = [f"字段{number}" for number in range(41)]
    rows: list[list[object]] = [
        [*(f"{row}-{number}" for number in range(40)), None if row else "长" * 90] for row in range(5)
    ]
    sample(Terminal(as_json=False), columns, rows)
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["字段", "第", "1", "行", "第", "2", "行", "第", "3", "行"]
    assert len(lines) == 41
    assert lines[7].split() == ["字段7", "0-7", "1-7", "2-7"]
    assert lines[40].split() == ["字段40", "长" * 23 + "…", "—", "—"]


def test_a_table_without_rows_shows_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    sample(Terminal(as_json=False), ["a", "b"], [])
    assert [line.strip() for line in capsys.readouterr().out.splitlines()[1:]] == ["a", "b"]
