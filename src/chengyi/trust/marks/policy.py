"""The marking policy: which columns may be moved, by how much, and how rows are found again.

Rules:

1. Deny by default: a column that no policy declares is never marked; a dataset without a policy can be exported
   `exact` only.
2. Only whole numbers, decimals, dates and moments can be marked. An identifier, a check digit, a code or a text never.
3. A mark moves a value by whole `step`s and by at most `tolerance`; with `percent` instead, by at most so many percent
   of the largest power of two (in steps) that does not exceed it, so that the limit is known without the original.
4. `least` and `most` bound the column's domain. Values within two tolerances of a bound are left as they are.
5. Row-wise equalities: a column in `follows` moves by the same amount (times its factor), so that a declared sum stays
   true; a column that follows is not marked itself. `below` names a column that a marked value may not exceed.
6. A row is found again by the columns of `key`: its own number where it is exported. Columns that are marked are never
   in it, other than by their high-order part: ``amount@1000`` is the thousand that an amount lies in, which then no
   mark leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from chengyi.model.canonical import Json, digest
from chengyi.model.errors import ConfigError

HALF = 0.4
_COLUMN_KEYS = {"tolerance", "percent", "step", "least", "most", "follows", "below"}
_POLICY_KEYS = {"key", "half", "mark"}
_MAX_STEPS = 1 << 20


@dataclass(frozen=True, slots=True)
class ColumnPolicy:
    """How one column may be marked; amounts in its own unit, for dates in days, for moments in seconds."""

    column: str
    step: Decimal
    tolerance: Decimal | None = None
    percent: Decimal | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    follows: tuple[tuple[str, int], ...] = ()
    below: str = ""

    @property
    def steps(self) -> int:
        """Return the tolerance in steps; 0 where it is relative."""
        return 0 if self.tolerance is None else int(self.tolerance // self.step)

    def terms(self) -> dict[str, Json]:
        """Return the policy as a canonical value."""
        amounts = {name: getattr(self, name) for name in ("step", "tolerance", "percent", "least", "most")}
        found: dict[str, Json] = {name: None if each is None else str(each) for name, each in amounts.items()}
        return found | {"column": self.column, "follows": [list(each) for each in self.follows], "below": self.below}


@dataclass(frozen=True, slots=True)
class MarkPolicy:
    """How the exports of one dataset are marked; `half` is the share of marks with p = 1/2."""

    columns: tuple[ColumnPolicy, ...]
    key: tuple[str, ...] = ()
    half: float = HALF

    def terms(self) -> dict[str, Json]:
        """Return the policy as a canonical value."""
        return {"columns": [each.terms() for each in self.columns], "key": list(self.key), "half": f"{self.half:.4f}"}

    @property
    def digest(self) -> str:
        """Return what makes two policies the same."""
        return digest(self.terms())

    def column(self, name: str) -> ColumnPolicy | None:
        """Return the policy of a column, or None where it may not be marked."""
        return next((each for each in self.columns if each.column == name), None)


def read_policies(document: Mapping[str, Any], file: str) -> dict[str, MarkPolicy]:
    """Read the ``[export.<dataset>]`` tables of a parsed TOML file; ConfigError names the file and the key."""
    unknown = sorted(set(document) - {"export"})
    if unknown:
        raise ConfigError(file=file, key=unknown[0], why="未知的项 (unknown)")
    tables = _table(document.get("export", {}), "export", file)
    return {
        name: read_policy(_table(body, f"export.{name}", file), f"export.{name}", file) for name, body in tables.items()
    }


def read_policy(body: Mapping[str, Any], key: str, file: str) -> MarkPolicy:
    """Read the policy of one dataset."""
    _refuse_unknown(body, _POLICY_KEYS, key, file)
    marks = _table(body.get("mark", {}), f"{key}.mark", file)
    columns = tuple(
        _column(name, _table(each, f"{key}.mark.{name}", file), f"{key}.mark.{name}", file)
        for name, each in marks.items()
    )
    half = body.get("half", HALF)
    if not isinstance(half, (int, float)) or not 0 <= half <= 1:
        raise ConfigError(file=file, key=f"{key}.half", why="须在 0 与 1 之间 (between 0 and 1)")
    policy = MarkPolicy(columns, _names(body.get("key", []), f"{key}.key", file), float(half))
    check_policy(policy, key, file)
    return policy


def check_policy(policy: MarkPolicy, key: str = "export", file: str = "-") -> None:
    """Raise ConfigError where a policy contradicts itself."""
    marked = {each.column for each in policy.columns}
    for name in policy.key:
        if name in marked:
            why = f"标记列不能整体作为行键，可写 {name}@1000 (a marked column is a key by its high-order part only)"
            raise ConfigError(file=file, key=f"{key}.key", why=why)
    for each in policy.columns:
        for name, _ in each.follows:
            if name in marked:
                raise ConfigError(
                    file=file, key=f"{key}.mark.{each.column}.follows", why=f"{name} 自身已标记 (is marked itself)"
                )


def policy_of_terms(terms: Mapping[str, Any]) -> MarkPolicy:
    """Read a policy back from its canonical value; ConfigError where it is malformed."""
    try:
        columns = tuple(_column_of_terms(each) for each in terms["columns"])
        policy = MarkPolicy(columns, tuple(str(each) for each in terms["key"]), float(terms["half"]))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise ConfigError(file="-", key="policy", why=f"格式有误 (malformed: {type(error).__name__})") from error
    check_policy(policy)
    return policy


def high_order(part: str) -> tuple[str, Decimal | None]:
    """Split a part of a key into its column and, where it takes only the high-order part, the unit of that."""
    name, mark, unit = part.partition("@")
    if not mark:
        return name, None
    try:
        amount = Decimal(unit)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount > 0:
        raise ConfigError(file="-", key="key", why=f"{part}：@ 后须为正数 (a positive number has to follow @)")
    return name, amount


def _column_of_terms(terms: Mapping[str, Any]) -> ColumnPolicy:
    amounts = {
        name: None if terms[name] is None else Decimal(terms[name])
        for name in ("tolerance", "percent", "least", "most")
    }
    follows = tuple((str(name), int(factor)) for name, factor in terms["follows"])
    return ColumnPolicy(
        str(terms["column"]), Decimal(terms["step"]), **amounts, follows=follows, below=str(terms["below"])
    )


def _column(name: str, body: Mapping[str, Any], key: str, file: str) -> ColumnPolicy:
    _refuse_unknown(body, _COLUMN_KEYS, key, file)
    amounts = {
        each: _amount(body[each], f"{key}.{each}", file) for each in _COLUMN_KEYS - {"follows", "below"} if each in body
    }
    if ("tolerance" in amounts) == ("percent" in amounts):
        raise ConfigError(
            file=file, key=key, why="tolerance 与 percent 须写且只写一个 (give either tolerance or percent)"
        )
    step = amounts.pop("step", Decimal(1))
    found = ColumnPolicy(
        name, step, **amounts, follows=_follows(body.get("follows", {}), key, file), below=str(body.get("below", ""))
    )
    if step <= 0 or (found.tolerance is not None and not 1 <= found.steps <= _MAX_STEPS):
        raise ConfigError(file=file, key=key, why="容差须至少为一个 step (the tolerance has to be one step at least)")
    if found.percent is not None and not 0 < found.percent <= 10:
        raise ConfigError(file=file, key=f"{key}.percent", why="须大于 0，至多 10 (above 0, at most 10)")
    return found


def _follows(body: Any, key: str, file: str) -> tuple[tuple[str, int], ...]:  # noqa: ANN401 - anything TOML may hold
    found = _table(body, f"{key}.follows", file)
    if not all(factor in {1, -1} for factor in found.values()):
        raise ConfigError(file=file, key=f"{key}.follows", why="系数只能为 1 或 -1 (a factor is 1 or -1)")
    return tuple((name, int(factor)) for name, factor in found.items())


def _amount(value: Any, key: str, file: str) -> Decimal:  # noqa: ANN401 - anything TOML may hold
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ConfigError(file=file, key=key, why="须为数值 (it has to be a number)")
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) > Decimal(10) ** 15:
        raise ConfigError(file=file, key=key, why="须为数值 (it has to be a number)")
    return found


def _table(value: Any, key: str, file: str) -> Mapping[str, Any]:  # noqa: ANN401 - anything TOML may hold
    if not isinstance(value, Mapping):
        raise ConfigError(file=file, key=key, why="须为表 (it has to be a table)")
    return value


def _names(value: Any, key: str, file: str) -> tuple[str, ...]:  # noqa: ANN401 - anything TOML may hold
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigError(file=file, key=key, why="须为列名的列表 (it has to be a list of column names)")
    for each in value:
        high_order(each)
    return tuple(value)


def _refuse_unknown(body: Mapping[str, Any], known: set[str], key: str, file: str) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise ConfigError(file=file, key=f"{key}.{unknown[0]}", why="未知的项 (unknown)")
