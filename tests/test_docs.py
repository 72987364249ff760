"""The documents say what is so: links lead somewhere, commands exist with their options, both READMEs tell the same."""

import re
import shlex
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel

from chengyi.cli.app import app
from chengyi.store.settings import HomeSettings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"^\s*(?:uv run )?(chengyi [^#\n|]+?)\s*(?:#.*|\|.*)?$", re.MULTILINE)
FENCE = re.compile(r"```(?:sh|console|shell)\n(.*?)```", re.DOTALL)
TWINS = sorted(ROOT.glob("docs/*.zh-CN.md"))
BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
HAN, LATIN = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for block in FENCE.findall(text) for line in COMMAND.findall(block)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link and "mailto:" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_one_that_the_program_takes(page: Path) -> None:
    for words in commands(page.read_text("utf-8")):
        command: Any = typer.main.get_command(app)
        rest = words[1:]
        while rest and hasattr(command, "commands"):
            assert rest[0] in command.commands, " ".join(words)
            command, rest = command.commands[rest[0]], rest[1:]
        options = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)} | {"--help"}
        flags = [word.partition("=")[0] for word in rest if word.startswith("-")]
        assert [flag for flag in flags if flag not in options] == [], " ".join(words)


def test_both_readmes_show_the_same_commands() -> None:
    chinese, english = ((ROOT / file).read_text("utf-8") for file in ("README.zh-CN.md", "README.md"))

    def shape(text: str) -> list[tuple[str, ...]]:
        return [tuple(word for word in words if word.isascii()) for words in commands(text)]

    assert len(shape(chinese)) >= 8
    assert [words[:2] for words in shape(chinese)] == [words[:2] for words in shape(english)]


@pytest.mark.parametrize("page", TWINS, ids=name)
def test_a_chinese_page_and_its_english_twin_hold_the_same_and_each_is_in_its_own_language(page: Path) -> None:
    chinese, english = (each.read_text("utf-8") for each in (page, page.with_name(page.name.replace(".zh-CN", ""))))
    assert _shape(chinese) == _shape(english)
    prose = re.sub(r"\]\([^)]*\)", "]", SPAN.sub("", BLOCK.sub("", chinese)))
    assert len(HAN.findall(prose)) > len(LATIN.findall(prose))


def _shape(text: str) -> dict[str, Any]:
    """Return what a page and its translation share: headings, numbered items, rows, ASCII code spans and links."""
    prose = BLOCK.sub("", text)
    spans = {" ".join(span.split()) for span in SPAN.findall(prose)}
    return {
        "headings": Counter(re.findall(r"^(#+) ", prose, re.MULTILINE)),
        "items": len(re.findall(r"^ *\d+\. ", prose, re.MULTILINE)),
        "rows": len(re.findall(r"^ *\|", prose, re.MULTILINE)),
        "code": {span for span in spans if span.isascii()},
        "links": sorted(link.replace(".zh-CN", "") for link in LINK.findall(prose)),
    }


def test_every_command_and_make_target_is_in_the_readme_or_its_help() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) - {"help"}
    phony = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()) - {"help"}
    assert targets == phony
    for target in targets:
        assert re.search(rf"^{target}: .*## ", makefile, re.MULTILINE), target


def test_every_setting_of_a_node_is_on_its_page() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_]+)`", page)) | {"zh", "en"}
    models = [each for each in _models(HomeSettings) if each is not HomeSettings]
    assert len(models) >= 14
    assert [f"{each.__name__}.{key}" for each in models for key in each.model_fields if key not in named] == []
    assert [section for section in HomeSettings.model_fields if f"[{section}]" not in page] == []
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert tomllib.loads(example).keys() <= HomeSettings.model_fields.keys()


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return a model and those of its fields, however deep."""
    inner = [each for field in model.model_fields.values() for each in (field.annotation, *get_args(field.annotation))]
    found = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
    return [model, *(deeper for each in found for deeper in _models(each))]
