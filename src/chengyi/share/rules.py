"""The rules of sharing, as pure functions and tables.

Keeps promise 1: the brain sees only what was shared. Rules:

1. Deny by default: nothing is shown without a live grant that names the fields, the purpose and the case.
2. The sharing class drives the flow: an unconditional dataset is granted at once, a conditional one needs a person's
   approval, a withheld one is refused with its legal basis.
3. Clocks run in working days: 1 to answer for an unconditional dataset, 10 for a conditional one, 20 to deliver
   once agreed (Regulation on Government Data Sharing, State Council Decree 809, in force 2025-08-01; the deadlines
   were read in secondary sources only: grade S2).
4. Nobody answers their own request. A grant is never passed on, and it ends.
5. What is absent looks like what is forbidden.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json, digest
from chengyi.model.codes import SharingClass
from chengyi.model.dataset import Dataset, Field
from chengyi.model.errors import ChengyiError, NotFoundError, UsageError
from chengyi.model.grant import CatalogueEntry, Grant, Purpose, Request, RequestState
from chengyi.model.text import Text
from chengyi.share.errors import GrantEndedError, OutsideGrantError, SettledRequestError, WithheldError
from chengyi.share.masks import DIRECT_IDENTIFIERS, IDENTIFIERS, NAMING, is_masked
from chengyi.share.workdays import Calendar

LEGAL_BASIS = Text("《政务数据共享条例》（国务院令第809号）", "Regulation on Government Data Sharing (Decree 809)")
LEGAL_GRADE = "S2"

ANSWER_DAYS = {SharingClass.UNCONDITIONAL: 1, SharingClass.CONDITIONAL: 10, SharingClass.WITHHELD: 1}
DELIVERY_DAYS = 20
MAX_GRANT_DAYS = 365
DEFAULT_GRANT_DAYS = 90

CONDITIONS = {
    SharingClass.UNCONDITIONAL: Text(
        "无条件共享：提出申请即获授权；个人信息默认脱敏，仅限所述用途，不得转交第三方。",
        "Unconditional: granted on request; personal data are masked; only for the stated purpose, never passed on.",
    ),
    SharingClass.CONDITIONAL: Text(
        "有条件共享：由数据提供部门审核用途、依据和字段后授权，10个工作日内答复；不得转交第三方。",
        "Conditional: the providing department approves purpose, basis and fields within 10 working days; "
        "never passed on.",
    ),
    SharingClass.WITHHELD: Text(
        "不予共享：依据法律、行政法规或者党中央、国务院规定不得共享；如有异议，可提请本级政务数据主管部门协调。",
        "Withheld: statute or central rule forbids sharing; a dispute goes to the authority for government data.",
    ),
}


@dataclass(frozen=True, slots=True)
class Use:
    """What someone wants to do under a grant, now."""

    case: str
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a grant is given: fields in the clear, the rows it covers, and its length in days."""

    clear: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    days: int = DEFAULT_GRANT_DAYS


def answer_due(sharing: SharingClass, asked: datetime, calendar: Calendar) -> datetime:
    """Return when an answer to a request is owed."""
    return calendar.due(asked, ANSWER_DAYS[sharing])


def delivery_due(granted: datetime, calendar: Calendar) -> datetime:
    """Return when the data are owed once sharing was agreed."""
    return calendar.due(granted, DELIVERY_DAYS)


def check_purpose(purpose: Purpose) -> None:
    """Raise UsageError unless purpose and legal basis are stated."""
    if not purpose.text.strip():
        raise UsageError(why="申请须写明用途 (state the purpose)")
    if not purpose.legal_basis.strip():
        raise UsageError(why="申请须写明依据 (state the legal basis)")


def check_fields(entry: CatalogueEntry, fields: Sequence[str]) -> tuple[str, ...]:
    """Return the fields asked for, in the catalogue's order; NotFoundError for one that is not offered."""
    if not fields:
        raise UsageError(why="申请须列明字段 (name the fields)")
    offered = {field.name for field in entry.fields}
    for name in fields:
        if name not in offered:
            raise NotFoundError(kind="字段 field", id=f"{entry.dataset}.{name}")
    return tuple(field.name for field in entry.fields if field.name in set(fields))


def check_terms(request: Request, clear: Iterable[str], where: Iterable[tuple[str, Sequence[str]]], days: int) -> Terms:
    """Return the terms of an approval in canonical form; UsageError where they reach beyond the request."""
    if not 1 <= days <= MAX_GRANT_DAYS:
        raise UsageError(why=f"授权期限须为 1 至 {MAX_GRANT_DAYS} 天 (a grant lasts 1 to {MAX_GRANT_DAYS} days)")
    shown = set(clear)
    beyond = sorted(shown - set(request.fields))
    if beyond:
        raise UsageError(why=f"未申请的字段不能授权明文：{'、'.join(beyond)} (not asked for)")
    rows = tuple(sorted((field, tuple(sorted(set(values)))) for field, values in where))
    return Terms(tuple(name for name in request.fields if name in shown), rows, days)


def check_answerer(actor: Actor, request: Request) -> None:
    """Raise unless this actor may answer this request: it takes the permission, and another person."""
    actor.require(Permission.GRANT)
    if actor.id == request.requester:
        raise UsageError(why="不得答复本人提出的申请 (nobody answers their own request)")


def check_open(request: Request) -> None:
    """Raise SettledRequestError unless a request still waits for its answer."""
    if request.state is not RequestState.OPEN:
        raise SettledRequestError(request=request.id, state=request.state.value)


def check_reason(reason: str) -> None:
    """Raise UsageError unless a reason is given."""
    if not reason.strip():
        raise UsageError(why="须说明理由 (give a reason)")


def refusal(grant: Grant, actor: Actor, use: Use, now: datetime) -> ChengyiError | None:
    """Return why this use of a grant is refused, or None where it is allowed.

    Whoever the grant is not for gets NotFoundError, exactly as where there is no such grant.
    """
    if not (actor.may(Permission.USE_GRANT) and actor.department == grant.department):
        return NotFoundError(kind="授权 grant", id=grant.id)
    return _ended(grant, now) or _outside(grant, use)


def _ended(grant: Grant, now: datetime) -> ChengyiError | None:
    if grant.revoked_at is not None:
        return GrantEndedError(grant=grant.id, why="已撤销 (revoked)")
    if now < grant.not_before:
        return GrantEndedError(grant=grant.id, why="尚未生效 (not yet in force)")
    if now >= grant.expires:
        return GrantEndedError(grant=grant.id, why=f"已于 {grant.expires:%Y-%m-%d} 到期 (expired)")
    return None


def _outside(grant: Grant, use: Use) -> ChengyiError | None:
    if not use.case.strip():
        return OutsideGrantError(grant=grant.id, why="未写明办理事项 (no case was named)")
    if grant.purpose.case and use.case != grant.purpose.case:
        return OutsideGrantError(grant=grant.id, why=f"授权仅限事项 {grant.purpose.case} (granted for another case)")
    beyond = sorted({name for name, _ in use.filters} - set(grant.fields))
    if beyond:
        return OutsideGrantError(grant=grant.id, why=f"字段 {'、'.join(beyond)} 未获授权 (fields not granted)")
    return None


def blind_filters(grant: Grant, fields: Sequence[Field], use: Use) -> list[str]:
    """Return the filter fields that would let someone guess a masked value.

    A masked field may be filtered on only where it is an identifier, which one has to know to ask for.
    """
    masked = {field.name for field in fields if is_masked(field, grant.clear)}
    return [name for name, _ in use.filters if name in masked and name not in IDENTIFIERS]


def standing_clear(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that a standing grant shows in the clear: all but identifiers, names, phones, addresses."""
    return tuple(name for name in fields if name not in DIRECT_IDENTIFIERS | NAMING)


def standing_key(grantee: str, dataset: str, fields: Sequence[str], purpose: Purpose) -> str:
    """Return what makes two standing grants the same."""
    return digest({"grantee": grantee, "dataset": dataset, "fields": list(fields), "purpose": purpose_terms(purpose)})


def narrowed(entry: CatalogueEntry, grant: Grant) -> CatalogueEntry:
    """Return the entry with the granted fields only."""
    return replace(entry, fields=tuple(each for each in entry.fields if each.name in grant.fields))


def granted(id: str, request: Request, grantor: str, terms: Terms, now: datetime) -> Grant:
    """Return the grant that answers a request; `entry` is not known yet."""
    return Grant(
        id=id,
        dataset=request.dataset,
        fields=request.fields,
        clear=terms.clear,
        where=terms.where,
        grantor=grantor,
        grantee=request.requester,
        department=request.department,
        purpose=request.purpose,
        not_before=now,
        expires=now + timedelta(days=terms.days),
        entry=-1,
    )


def standing(
    id: str, actor: Actor, entry: CatalogueEntry, fields: tuple[str, ...], *, purpose: Purpose, now: datetime
) -> Grant:
    """Return a standing grant to a node's own program; `entry` is not known yet."""
    return Grant(
        id=id,
        dataset=entry.dataset,
        fields=fields,
        clear=standing_clear(fields),
        where=(),
        grantor=owner(entry),
        grantee=actor.id,
        department=actor.department,
        purpose=purpose,
        not_before=now,
        expires=now + timedelta(days=MAX_GRANT_DAYS),
        entry=-1,
    )


def entered(grant: Grant, entry: int) -> Grant:
    """Return the grant with the ledger index of the act that made it."""
    return replace(grant, entry=entry)


def owner(entry: CatalogueEntry) -> str:
    """Return who grants a dataset where no person has to: the department that owns it."""
    return f"department:{entry.department}"


def withheld(entry: CatalogueEntry) -> WithheldError:
    """Return the refusal of a withheld dataset, with its basis."""
    return WithheldError(dataset=entry.dataset, basis=CONDITIONS[entry.sharing].zh)


def sealed_terms(grant: Grant) -> dict[str, Json]:
    """Return everything in a grant that may never change, as one canonical value to sign."""
    return {
        "id": grant.id,
        "dataset": grant.dataset,
        "fields": list(grant.fields),
        "clear": list(grant.clear),
        "where": [[field, list(values)] for field, values in grant.where],
        "grantor": grant.grantor,
        "grantee": grant.grantee,
        "department": grant.department,
        "purpose": purpose_terms(grant.purpose),
        "not_before": grant.not_before.isoformat(),
        "expires": grant.expires.isoformat(),
        "onward": False,
    }


def purpose_terms(purpose: Purpose) -> dict[str, Json]:
    """Return a purpose as a canonical value."""
    return {"text": purpose.text, "legal_basis": purpose.legal_basis, "case": purpose.case}


def new_id(prefix: str, value: Mapping[str, Json]) -> str:
    """Return an identifier made from what it names."""
    return f"{prefix}-{digest(value)[:24]}"


def offered(dataset: Dataset) -> CatalogueEntry:
    """Return the catalogue entry that offers a dataset."""
    return CatalogueEntry(
        dataset=dataset.name,
        title=dataset.title,
        department=dataset.department,
        sharing=dataset.sharing,
        conditions=CONDITIONS[dataset.sharing],
        fields=dataset.fields,
        rows=dataset.rows,
        version=dataset.version,
        updated_at=dataset.updated_at,
    )


def missing_text(code: str) -> Text:
    """Say what one code in an answer's `missing` list means."""
    kind, _, rest = code.partition(":")
    if kind not in _MISSING:
        return Text(code, code)
    zh, en = _MISSING[kind]
    return Text(zh.format(rest), en.format(rest))


_MISSING = {
    "quarantined": ("{} 行因质量问题在隔离区，未计入", "{} rows wait in quarantine and are not counted"),
    "limited": ("按条数上限，另有 {} 行未返回", "{} more rows match but were not returned"),
    "gap": ("来源 {} 有应交未交", "deliveries are missing: {}"),
    "undeclared": ("来源 {} 未申报应交数量，无法判断是否齐全", "source {} declared nothing to expect"),
    "unmatched": ("{} 行无法关联", "{} rows could not be joined"),
    "unknown": ("{} 行缺少所需的值", "{} rows lack a value that is needed"),
    "faulty": ("{} 行的时间先后颠倒，单独计数", "{} rows run backwards in time and are counted apart"),
    "zero": ("{} 行时长为零，单独计数", "{} rows last no time and are counted apart"),
    "open": ("{} 行尚未办结，未计入", "{} rows are still open and are not counted"),
    "coverage": ("覆盖率仅 {}，数据不足", "coverage is only {}: insufficient data"),
    "assumed": ("推定：{}", "assumed: {}"),
}
