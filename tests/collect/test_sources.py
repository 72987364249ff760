"""Source files: what they may say, and how a fault in one is told."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from chengyi.collect import load_source, load_sources, parse_source
from chengyi.collect.connectors import CONNECTOR_KINDS, settings_class
from chengyi.collect.readers.batch import REASONS
from chengyi.collect.sources import Expected, ReaderSettings, SourceSettings
from chengyi.model.codes import RecordClass, Retention, SharingClass
from chengyi.model.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "sources.md"
FULL = """
[source]
id = "civil-low-income"
title = { zh = "低保名册", en = "Low-income roll" }
department = "区民政局"
fonds = "Y012"
record_class = "ZY"
retention = "Y"
sharing = "withheld"
changed = "version"
[connector]
kind = "folder"
path = "in"
pattern = "*.csv"
[expected]
deliveries = 12
[reader]
format = "csv"
encoding = "gbk"
delimiter = "\\t"
header = 2
[contract]
dataset = "low_income"
[[contract.column]]
name = "身份证号"
element = "citizen_id"
"""
BARE = FULL.split("record_class", maxsplit=1)[0] + '[connector]\nkind = "file"\npath = "x"\n'


def test_a_full_source_file_is_read() -> None:
    source = parse_source(FULL, Path("civil.toml"))
    assert (source.id, source.title.zh, source.kind) == ("civil-low-income", "低保名册", "folder")
    assert (source.record_class, source.retention) == (RecordClass.SPECIALISED, Retention.PERMANENT)
    assert (source.sharing, source.changed) == (SharingClass.WITHHELD, "version")
    assert source.reader == ReaderSettings("csv", "gb18030", "\t", header=2)
    assert source.expected == Expected(deliveries=12)
    assert source.contract["column"][0]["element"] == "citizen_id"
    assert source.connector.pattern == "*.csv"


def test_what_is_not_said_has_a_default() -> None:
    source = parse_source(BARE, Path("civil.toml"))
    assert (source.record_class, source.retention) == (RecordClass.DATA, Retention.YEARS_30)
    assert (source.sharing, source.changed) == (SharingClass.CONDITIONAL, "quarantine")
    assert (source.reader, source.expected, dict(source.contract)) == (None, None, {})


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "civil-low-income"', "", "source.id"),
        ('"civil-low-income"', '"Civil"', "source.id"),
        ('"Y012"', '"12"', "source.fonds"),
        ('"区民政局"', '" "', "source.department"),
        ('en = "Low-income roll"', 'fr = "x"', "source.title"),
        ('"ZY"', '"QQ"', "source.record_class"),
        ('retention = "Y"', 'retentoin = "Y"', "source.retentoin"),
        ('kind = "folder"', 'kind = "ftp"', "connector.kind"),
        ('kind = "folder"', "", "connector.kind"),
        ('path = "in"', 'path = ""', "connector.path"),
        ('path = "in"', "", "connector.path"),
        ('"*.csv"', '"a/*.csv"', "connector.pattern"),
        ('pattern = "*.csv"', 'patern = "*"', "connector.patern"),
        ("deliveries = 12", "deliveries = 0", "expected.deliveries"),
        ('format = "csv"', 'format = "dbf"', "reader.format"),
        ('"gbk"', '"klingon"', "reader.encoding"),
        ('"\\t"', '"ab"', "reader.delimiter"),
        ('"\\t"', "'\"'", "reader.delimiter"),
        ("header = 2", "header = 0", "reader.header"),
        ("[expected]", "[expectation]", "expectation"),
    ],
)
def test_a_fault_names_file_and_key(old: str, new: str, key: str) -> None:
    assert old in FULL
    with pytest.raises(ConfigError) as caught:
        parse_source(FULL.replace(old, new), Path("civil.toml"))
    assert caught.value.facts["file"] == "civil.toml"
    assert str(caught.value.facts["key"]).startswith(key)
    assert "civil.toml" in caught.value.message("zh")


@pytest.mark.parametrize("text", ["[source\n", "source = 1"])
def test_what_is_no_source_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_source(text, Path("civil.toml"))


def test_a_contract_needs_a_reader() -> None:
    with pytest.raises(ConfigError, match="reader"):
        parse_source(BARE + '[contract]\ndataset = "x"\n', Path("civil.toml"))


@pytest.mark.parametrize(
    "settings",
    [
        'table = "t"\norder_by = "id"',
        'url = "sqlite:///x"\nurl_env = "X"\ntable = "t"\norder_by = "id"',
        'url = "sqlite:///x"',
        'url = "sqlite:///x"\ntable = "t"\nquery = "select 1"',
        'url = "sqlite:///x"\ntable = "t"',
    ],
)
def test_a_database_source_may_not_contradict_itself(settings: str) -> None:
    text = BARE.replace('kind = "file"\npath = "x"', f'kind = "sql"\n{settings}')
    with pytest.raises(ConfigError):
        parse_source(text, Path("sql.toml"))


def test_a_database_source_reads_its_own_rows_and_keeps_versions() -> None:
    connector = 'kind = "sql"\nurl = "sqlite:///x.db"\ntable = "t"\norder_by = "id"'
    source = parse_source(BARE.replace('kind = "file"\npath = "x"', connector), Path("sql.toml"))
    assert source.changed == "version"
    assert source.reader == ReaderSettings("rows")
    with pytest.raises(ConfigError, match=r"reader"):
        parse_source(
            BARE.replace('kind = "file"\npath = "x"', connector) + '[reader]\nformat = "csv"', Path("sql.toml")
        )


def test_sources_of_a_folder_are_loaded_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(BARE, "utf-8")
    (tmp_path / "a.toml").write_text(BARE.replace("civil-low-income", "another"), "utf-8")
    assert [source.id for source in load_sources(tmp_path, tmp_path)] == ["another", "civil-low-income"]
    (tmp_path / "c.toml").write_text(BARE, "utf-8")
    with pytest.raises(ConfigError, match=r"source\.id"):
        load_sources(tmp_path, tmp_path)


def test_the_nodes_own_folders_are_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(BARE.replace('path = "x"', 'path = "vault/a"'), "utf-8")
    with pytest.raises(ConfigError, match=r"connector\.path"):
        load_sources(tmp_path, tmp_path)


def test_a_source_file_has_to_be_there_and_in_utf8(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_source(tmp_path / "absent.toml")
    (tmp_path / "a.toml").write_bytes(BARE.encode("gb18030"))
    with pytest.raises(ConfigError, match="UTF-8"):
        load_source(tmp_path / "a.toml")


def test_reader_settings_survive_being_written_down() -> None:
    settings = ReaderSettings("csv", "gb18030", ";", header=3)
    assert ReaderSettings.parse(settings.mapping()) == settings


def test_every_setting_and_code_is_documented() -> None:
    text = DOCS.read_text("utf-8")
    for kind in (SourceSettings, Expected, ReaderSettings, *map(settings_class, CONNECTOR_KINDS)):
        for each in fields(kind):
            assert f"`{each.name}`" in text, each.name
            assert each.metadata["help"]
    for word in (*CONNECTOR_KINDS, *REASONS):
        assert f"`{word}`" in text, word


def test_the_example_of_the_documentation_is_valid() -> None:
    example = DOCS.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    assert len(example.strip().splitlines()) == 10
    assert parse_source(example, Path("example.toml")).id == tomllib.loads(example)["source"]["id"]
