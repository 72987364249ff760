"""The contract as it is written in a source's TOML file: the border where pydantic checks its shape.

Rules: unknown keys are refused, so that a misspelled setting is never silently ignored; every setting has a
description, and docs/contracts.md documents every one.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from chengyi.integrate.contracts import ROLES, OnFault, Rule, Snapshot
from chengyi.model.dossier import EntityKind
from chengyi.model.errors import ConfigError

_DIRECTIVES = frozenset("YmdHIMSpfzyjbB")
_READ = frozenset("YmdHIMSpf")
_ARITY = {"not_after": (2, 2), "in_range": (1, 1), "matches": (1, 1), "one_of": (1, 1), "unique": (1, 16)}


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class TitleSettings(_Settings):
    """A title in both languages."""

    zh: Annotated[str, Field(min_length=1, description="Title in Chinese.")]
    en: Annotated[str, Field(min_length=1, description="Title in English.")]


class ColumnSettings(_Settings):
    """One column of the sender's table."""

    name: Annotated[str, Field(min_length=1, description="The sender's own column name, exactly as in the header.")]
    element: Annotated[str, Field(description="Data-element id; it becomes the dataset's column name.")]
    required: Annotated[bool, Field(description="The column must be there, and no row may leave it empty.")] = False
    format: Annotated[str, Field(description="How a date or time is written (strptime directives).")] = ""
    zone: Annotated[str, Field(description="IANA time zone of times that carry no offset.")] = "Asia/Shanghai"
    aliases: Annotated[tuple[str, ...], Field(description="Other names that the sender has used.")] = ()
    empty: Annotated[tuple[str, ...], Field(description="Spellings that mean: no value.")] = ()
    synonyms: Annotated[dict[str, str], Field(description="This sender's own spellings -> code.")] = {}
    nfkc: Annotated[bool, Field(description="Bring text to Unicode normal form KC first.")] = False
    on_fault: Annotated[OnFault, Field(description="A faulty value sets aside its whole row, or only itself.")] = "row"

    @field_validator("format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        for directive in re.findall(r"%(.)", value):
            if directive not in _READ:
                known = directive in _DIRECTIVES
                raise ValueError(f"%{directive} is {'not supported' if known else 'not a directive'}")
        if value and not {"Y", "m", "d"} <= set(re.findall(r"%(.)", value)):
            raise ValueError("a format needs %Y, %m and %d")
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
            raise ValueError(f"no such time zone: {value}") from fault
        return value


class CheckSettings(_Settings):
    """One condition that every row must meet."""

    rule: Annotated[Rule, Field(description="not_after, in_range, matches, one_of or unique.")]
    fields: Annotated[tuple[str, ...], Field(description="The dataset columns that the rule speaks of.")]
    low: Annotated[str | None, Field(description="Lowest allowed value (in_range).")] = None
    high: Annotated[str | None, Field(description="Highest allowed value (in_range).")] = None
    pattern: Annotated[str, Field(description="Regular expression that the whole value meets (matches).")] = ""
    values: Annotated[tuple[str, ...], Field(description="The allowed values (one_of).")] = ()

    @field_validator("low", "high", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float | date) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _complete(self) -> "CheckSettings":
        least, most = _ARITY[self.rule]
        if not least <= len(self.fields) <= most:
            raise ValueError(f"{self.rule} speaks of {least}{'' if least == most else f' to {most}'} column(s)")
        if self.rule == "matches":
            _compiles(self.pattern)
        if self.rule == "one_of" and not self.values:
            raise ValueError("one_of needs values")
        if self.rule == "in_range":
            _ordered(self.low, self.high)
        return self


class EntitySettings(_Settings):
    """Whom or what each row speaks of: roles -> dataset columns."""

    kind: Annotated[EntityKind, Field(description="person, household or organisation.")]
    citizen_id: Annotated[str | None, Field(description="Column of the citizen number.")] = None
    name: Annotated[str | None, Field(description="Column of the name.")] = None
    sex: Annotated[str | None, Field(description="Column of the sex.")] = None
    birth_date: Annotated[str | None, Field(description="Column of the date of birth.")] = None
    address: Annotated[str | None, Field(description="Column of the address.")] = None
    phone: Annotated[str | None, Field(description="Column of the telephone number.")] = None
    household: Annotated[str | None, Field(description="Column of the household number.")] = None
    extra: Annotated[str | None, Field(description="Column of anything else that tells people apart.")] = None
    credit_code: Annotated[str | None, Field(description="Column of the unified social credit code.")] = None

    def roles(self) -> dict[str, str]:
        """Return the roles that are filled, role -> column."""
        return {role: field for role, field in self.model_dump(exclude={"kind"}).items() if field is not None}

    @model_validator(mode="after")
    def _fitting(self) -> "EntitySettings":
        if self.kind not in ROLES:
            raise ValueError(f"{self.kind.value} cannot be linked yet")
        strange = set(self.roles()) - set(ROLES[self.kind])
        if strange:
            raise ValueError(f"a {self.kind.value} has no {', '.join(sorted(strange))}")
        _check_identity(self)
        return self


class ContractSettings(_Settings):
    """The ``[contract]`` table of a source's file."""

    dataset: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Name of the dataset that the rows go to.")
    ]
    title: Annotated[TitleSettings, Field(description="Title of the dataset in both languages.")]
    snapshot: Annotated[Snapshot, Field(description="full: each delivery replaces the last; delta: it adds.")] = "full"
    key: Annotated[tuple[str, ...], Field(description="Columns that together name a row; unique where filled.")] = ()
    column: Annotated[tuple[ColumnSettings, ...], Field(min_length=1, description="The columns.")]
    check: Annotated[tuple[CheckSettings, ...], Field(description="The conditions on rows.")] = ()
    entity: Annotated[tuple[EntitySettings, ...], Field(description="Whom each row speaks of.")] = ()


def read_settings(document: Mapping[str, Any], file: str) -> ContractSettings:
    """Read a contract document; ConfigError names the file and the first key that is wrong."""
    try:
        return ContractSettings.model_validate(dict(document))
    except ValidationError as fault:
        first = fault.errors()[0]
        where = "contract" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise ConfigError(file=file, key=where, why=first["msg"]) from fault


def _compiles(pattern: str) -> None:
    if not pattern:
        raise ValueError("matches needs a pattern")
    try:
        re.compile(pattern)
    except re.error as fault:
        raise ValueError(f"pattern does not compile: {fault}") from fault
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as fault:
        raise ValueError("the pattern uses what not every engine knows (RE2 syntax is allowed)") from fault


def _ordered(low: str | None, high: str | None) -> None:
    if low is None and high is None:
        raise ValueError("in_range needs low or high")
    ends = [_comparable(end) for end in (low, high) if end is not None]
    if len(ends) == 2 and (type(ends[0]) is not type(ends[1]) or ends[0] > ends[1]):  # type: ignore[operator]
        raise ValueError(f"low {low} is above high {high}")


def _comparable(end: str) -> Decimal | date:
    try:
        return Decimal(end)
    except InvalidOperation:
        return date.fromisoformat(end)


def _check_identity(entity: EntitySettings) -> None:
    needed = {
        EntityKind.PERSON: ("citizen_id", "name"),
        EntityKind.HOUSEHOLD: ("household",),
        EntityKind.ORGANISATION: ("credit_code", "name"),
    }[entity.kind]
    if not any(getattr(entity, role) for role in needed):
        raise ValueError(f"a {entity.kind.value} needs {' or '.join(needed)}")
