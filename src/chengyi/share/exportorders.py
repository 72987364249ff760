"""Orders of exports: what is wanted, and by which policy and row key it is answered.

Rules: only declared columns of a markable type that are shown in the clear are marked; rows are found again by the
declared key where it is exported, else by a number of their own, else by all texts and dates together; no control rows
where citizen numbers, telephone numbers or credit codes are shown in the clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chengyi.model.dataset import Field
from chengyi.model.errors import ConfigError, UsageError
from chengyi.share.exportfiles import form_of
from chengyi.share.masks import IDENTIFIERS
from chengyi.share.reading import Opened
from chengyi.trust.marks.canaries import MOST
from chengyi.trust.marks.policy import MarkPolicy, high_order, read_policies
from chengyi.trust.marks.records import EXACT, MARKED, MODES
from chengyi.trust.marks.rowkeys import DATES, NUMBERS

POLICY_FILE = "exports.toml"
_CANARY_SHARE = 2_000
_FEW = 20
_BARE = frozenset({"citizen_id", "credit_code", "phone"})


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What someone wants to take out.

    `path` says the form by its ending. `policy` is how the dataset may be marked; `canaries` the number of control
    rows, by default a few for a marked export and none for an exact one. `accepted` says that the recipient was shown
    the notice and knows it.
    """

    grant: str
    case: str
    path: Path
    mode: str = MARKED
    policy: MarkPolicy | None = None
    canaries: int | None = None
    accepted: bool = False
    bom: bool = True
    filters: tuple[tuple[str, str], ...] = ()


def load_policies(path: Path) -> dict[str, MarkPolicy]:
    """Read a home's ``exports.toml``: by dataset, what may be marked; empty where there is none. ConfigError."""
    import tomllib

    if not path.exists():
        return {}
    try:
        return read_policies(tomllib.loads(path.read_text("utf-8")), str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigError(file=str(path), key="-", why=f"不是有效的 TOML (not valid TOML: {fault})") from fault


def check_order(order: ExportOrder) -> str:
    """Return the form of the file; UsageError where the order does not make sense."""
    if order.mode not in MODES:
        raise UsageError(why=f"方式须为 marked 或 exact (mode {order.mode}: marked or exact)")
    if not order.accepted:
        raise UsageError(why="领取人须先阅知导出须知 (the recipient has to accept the notice first)")
    if order.path.exists():
        raise UsageError(why=f"文件 {order.path.name} 已存在，不予覆盖 (the file exists and is not overwritten)")
    if order.canaries is not None and not 0 <= order.canaries <= MOST:
        raise UsageError(why=f"对照记录须为 0 至 {MOST} 条 (0 to {MOST} control rows)")
    return form_of(order.path)


def policy_in_force(order: ExportOrder, opened: Opened) -> MarkPolicy:
    """Return the policy of this export: its key from the columns that are exported, its marks only where they are."""
    declared = order.policy or MarkPolicy(())
    fields = opened.entry.fields
    key = _key(declared, fields, opened.masked)
    if order.mode == EXACT:
        return MarkPolicy((), key, declared.half)
    kinds = {each.name: each.type for each in fields if each.name not in opened.masked}
    wrong = [each.column for each in declared.columns if kinds.get(each.column, "integer") not in {*NUMBERS, *DATES}]
    if wrong:
        raise UsageError(why=f"列 {wrong[0]} 的类型不可标记 (a column of this type cannot be marked)")
    if not key or not any(each.column in kinds for each in declared.columns):
        why = "所导出的列均未声明可标记，请用 --mode exact 或在 exports.toml 中声明 (no exported column may be marked)"
        raise UsageError(why=why)
    shown = tuple(each for each in declared.columns if each.column not in opened.masked)
    return MarkPolicy(shown, key, declared.half)


def _key(policy: MarkPolicy, fields: Sequence[Field], masked: Sequence[str]) -> tuple[str, ...]:
    """Return the columns by which rows are found again: those declared, else a number of their own, else all texts."""
    names = [each.name for each in fields]
    if policy.key and all(high_order(part)[0] in names for part in policy.key):
        return policy.key
    moving = [each for each in policy.columns if each.column not in masked]
    marked = {each.column for each in moving} | {name for each in moving for name, _ in each.follows}
    own = [name for name in names if name not in masked and (name in IDENTIFIERS or name.endswith("_no"))]
    if own:
        return (own[0],)
    return tuple(each.name for each in fields if each.name not in marked and each.type not in NUMBERS)


def control_rows(order: ExportOrder, opened: Opened) -> int:
    """Return how many control rows a copy gets; UsageError where they were asked for and may not be."""
    bare = [each.name for each in opened.entry.fields if each.type in _BARE and each.name not in opened.masked]
    if bare:
        if order.canaries:
            why = f"明文导出 {bare[0]} 时不得加入对照记录 (no control rows where such numbers are in the clear)"
            raise UsageError(why=why)
        return 0
    if order.canaries is not None:
        return order.canaries
    return min(_FEW, opened.count // _CANARY_SHARE) if order.mode == MARKED else 0
