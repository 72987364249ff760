"""Reading a source's contract, and checking it whole before any row is read.

Rules: every column names one element of the dictionary and no element twice; every check, key and entity names a
column of the same contract; what contradicts itself is refused here and not discovered row by row; ConfigError names
the file and the key.
"""

from collections.abc import Mapping, Set
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING

from chengyi.integrate.contracts import Column, Contract, EntityMap, RowCheck
from chengyi.integrate.elements import Element, dictionary
from chengyi.integrate.settings import ColumnSettings, ContractSettings, read_settings
from chengyi.model.codes import SharingClass
from chengyi.model.errors import ConfigError
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.integrate.ports import ContractedSource


def contract_of(source: "ContractedSource") -> Contract | None:
    """Return a source's checked contract, or None where it declares none (documents need none)."""
    if not source.contract:
        return None
    file = str(getattr(source, "file", "") or f"sources/{source.id}.toml")
    settings = read_settings(source.contract, file)
    columns = tuple(_column(number, each, file) for number, each in enumerate(settings.column))
    contract = Contract(
        source.id,
        file,
        source.department,
        SharingClass(source.sharing),
        settings.dataset,
        Text(settings.title.zh, settings.title.en),
        settings.snapshot,
        settings.key,
        columns,
        _checks(settings),
        tuple(EntityMap(each.kind, MappingProxyType(each.roles())) for each in settings.entity),
    )
    _check_names(contract)
    _check_references(contract)
    _check_sense(contract)
    return contract


def _column(number: int, each: ColumnSettings, file: str) -> Column:
    element = dictionary().get(each.element)
    key = f"contract.column[{number}]"
    if element is None:
        why = f"列“{each.name}”引用了字典中没有的数据元 {each.element} (no such data element)"
        raise ConfigError(file=file, key=f"{key}.element", why=why)
    if each.format and element.type not in {"date", "datetime"}:
        raise ConfigError(file=file, key=f"{key}.format", why=f"{element.type} 类型没有格式 (takes no format)")
    if each.synonyms and element.codes is None:
        raise ConfigError(file=file, key=f"{key}.synonyms", why=f"{element.id} 没有代码表 (has no code list)")
    _check_codes(element, each.synonyms, f"{key}.synonyms", file)
    return Column(
        each.name,
        element,
        each.required,
        each.format,
        each.zone,
        each.aliases,
        each.empty,
        MappingProxyType(dict(each.synonyms)),
        each.nfkc,
        each.on_fault,
    )


def _check_codes(element: Element, synonyms: Mapping[str, str], key: str, file: str) -> None:
    known = {code.code for code in element.codes.codes} if element.codes else set()
    for code in synonyms.values():
        if code not in known:
            raise ConfigError(file=file, key=key, why=f"{element.id} 的代码表中没有 {code} (not in the code list)")


def _checks(settings: ContractSettings) -> tuple[RowCheck, ...]:
    return tuple(
        RowCheck(each.rule, each.fields, each.low, each.high, each.pattern, each.values) for each in settings.check
    )


def _check_names(contract: Contract) -> None:
    named = [(c.element.id, f"contract.column[{n}].element") for n, c in enumerate(contract.columns)]
    _refuse_repeats(named, contract.file)
    spelled = [
        (name, f"contract.column[{n}].name") for n, c in enumerate(contract.columns) for name in (c.name, *c.aliases)
    ]
    _refuse_repeats(spelled, contract.file)


def _refuse_repeats(pairs: list[tuple[str, str]], file: str) -> None:
    seen: dict[str, str] = {}
    for value, key in pairs:
        if value in seen:
            raise ConfigError(file=file, key=key, why=f"{value} 与 {seen[value]} 重复 (repeats {seen[value]})")
        seen[value] = key


def _check_references(contract: Contract) -> None:
    used = [("contract.key", field) for field in contract.key]
    used += [(f"contract.check[{n}].fields", f) for n, check in enumerate(contract.checks) for f in check.fields]
    used += [
        (f"contract.entity[{n}].{r}", f) for n, each in enumerate(contract.entities) for r, f in each.roles.items()
    ]
    for key, field in used:
        if field not in contract.fields:
            why = f"{field} 不是本契约的列 (not a column of this contract)"
            raise ConfigError(file=contract.file, key=key, why=why)


def _check_sense(contract: Contract) -> None:
    later: dict[str, set[str]] = {}
    for number, check in enumerate(contract.checks):
        _check_types(contract, check, f"contract.check[{number}]")
        if check.rule != "not_after":
            continue
        first, second = check.fields
        if first == second or first in _reached(later, second):
            why = f"{first} 与 {second} 的先后要求互相矛盾 (the order is circular)"
            raise ConfigError(file=contract.file, key=f"contract.check[{number}]", why=why)
        later.setdefault(first, set()).add(second)


def _check_types(contract: Contract, check: RowCheck, key: str) -> None:
    types = {contract.column(field).element.type for field in check.fields}
    if check.rule == "not_after" and (
        len(types) > 1 or not types <= {"date", "datetime", "month", "integer", "decimal"}
    ):
        raise ConfigError(file=contract.file, key=f"{key}.fields", why="两列类型须相同且可比较 (not comparable)")
    if check.rule == "in_range" and not types <= {"date", "integer", "decimal"}:
        raise ConfigError(file=contract.file, key=f"{key}.fields", why="该类型没有范围 (has no range)")
    for name, end in (("low", check.low), ("high", check.high)):
        if end is not None and not _fits(end, types):
            why = f"{end} 与该列类型不符 (does not fit the column's type)"
            raise ConfigError(file=contract.file, key=f"{key}.{name}", why=why)


def _fits(end: str, types: Set[str]) -> bool:
    try:
        _ = date.fromisoformat(end) if "date" in types else Decimal(end)
    except (ValueError, InvalidOperation):
        return False
    return True


def _reached(later: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        field = waiting.pop()
        seen.add(field)
        waiting += later.get(field, set()) - seen
    return seen
