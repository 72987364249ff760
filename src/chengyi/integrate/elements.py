"""The data-element dictionary: what each kind of value is, how it is typed, and how carefully it is shown.

Rules: an element has one type everywhere, so that datasets of different departments can be joined; a code list
gives one code for each meaning and the synonyms that senders write for it; every entry says where its definition
comes from. The entries are in ``elements.toml`` beside this file.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from chengyi.model.codes import Sensitivity
from chengyi.model.dataset import Field
from chengyi.model.dossier import EntityKind
from chengyi.model.errors import ConfigError
from chengyi.model.text import Text

ElementType = Literal[
    "text", "citizen_id", "credit_code", "date", "datetime", "month", "integer", "decimal", "code", "phone", "area_code"
]
TYPES: tuple[str, ...] = get_args(ElementType)

_FILE = "elements.toml"


@dataclass(frozen=True, slots=True)
class Code:
    """One value of a code list: the code itself, what it means, and what senders write for it."""

    code: str
    title: Text
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeList:
    """A closed list of codes."""

    id: str
    codes: tuple[Code, ...]
    source: str
    grade: str

    def synonyms(self) -> dict[str, str]:
        """Return every accepted spelling and the code that it stands for."""
        spelled: dict[str, str] = {}
        for each in self.codes:
            for spelling in (each.code, each.title.zh, each.title.en, *each.also):
                spelled.setdefault(spelling, each.code)
        return spelled


@dataclass(frozen=True, slots=True)
class Element:
    """One data element; `describes` names the kinds of dossier whose subject it describes."""

    id: str
    title: Text
    type: ElementType
    sensitivity: Sensitivity
    unit: str
    codes: CodeList | None
    width: Literal["as_is", "half"]
    describes: frozenset[EntityKind]
    source: str
    grade: str

    def field(self) -> Field:
        """Return the dataset column that holds this element."""
        return Field(self.id, self.title, self.type, self.sensitivity, self.unit)


@cache
def dictionary() -> Mapping[str, Element]:
    """Return the product's own dictionary, element id -> element."""
    text = resources.files(__package__).joinpath(_FILE).read_text("utf-8")
    return parse(tomllib.loads(text), _FILE)


def parse(document: Mapping[str, Any], file: str) -> dict[str, Element]:
    """Read a dictionary document; ConfigError names the file and the key that is wrong."""
    lists = {id: _code_list(id, body, file) for id, body in document.get("codes", {}).items()}
    return {id: _element(id, body, lists, file) for id, body in document.get("element", {}).items()}


def _code_list(id: str, body: Mapping[str, Any], file: str) -> CodeList:
    try:
        codes = tuple(Code(v["code"], Text(v["zh"], v["en"]), tuple(v.get("also", ()))) for v in body["values"])
        _refuse_repeats((code.code for code in codes), f"codes.{id}", file)
        return CodeList(id, codes, body["source"], body["grade"])
    except KeyError as missing:
        raise ConfigError(file=file, key=f"codes.{id}.{missing.args[0]}", why="缺少此项 (missing)") from missing


def _element(id: str, body: Mapping[str, Any], lists: Mapping[str, CodeList], file: str) -> Element:
    try:
        if body["type"] not in TYPES:
            raise ConfigError(file=file, key=f"element.{id}.type", why=f"未知类型 {body['type']} (unknown type)")
        return Element(
            id,
            Text(body["zh"], body["en"]),
            body["type"],
            Sensitivity(body["sensitivity"]),
            body.get("unit", ""),
            lists[body["codes"]] if body["type"] == "code" else None,
            body.get("width", "as_is"),
            frozenset(EntityKind(kind) for kind in body.get("describes", ())),
            body["source"],
            body["grade"],
        )
    except KeyError as missing:
        raise ConfigError(file=file, key=f"element.{id}.{missing.args[0]}", why="缺少此项 (missing)") from missing
    except ValueError as fault:
        raise ConfigError(file=file, key=f"element.{id}", why=str(fault)) from fault


def _refuse_repeats(values: Iterable[str], key: str, file: str) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ConfigError(file=file, key=key, why=f"{value} 重复 (repeated)")
        seen.add(value)
