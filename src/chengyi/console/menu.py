"""The left menu: groups of pages, each shown to those who may open it."""

from __future__ import annotations

from dataclasses import dataclass

from chengyi.model.actor import Actor, Permission
from chengyi.model.text import Text

P = Permission


@dataclass(frozen=True, slots=True)
class Item:
    """One page of the menu; any one of `permissions` shows it."""

    path: str
    title: Text
    permissions: frozenset[Permission]
    current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """One heading of the menu."""

    title: Text
    items: tuple[Item, ...]


def _item(path: str, zh: str, en: str, *permissions: Permission) -> Item:
    return Item(path, Text(zh, en), frozenset(permissions))


MENU = (
    Group(Text("总览", "Overview"), (_item("/", "运行总览", "The river", P.SEE_STATUS),)),
    Group(
        Text("归集与归档", "Collect and archive"),
        (
            _item("/sources/", "数据来源", "Sources", P.SEE_RECORDS),
            _item("/records/", "档案检索", "Records", P.SEE_RECORDS),
        ),
    ),
    Group(
        Text("数据与卷宗", "Data and dossiers"),
        (
            _item("/datasets/", "数据集", "Datasets", P.SEE_DATASETS),
            _item("/dossiers/", "卷宗", "Dossiers", P.SEE_DOSSIERS),
        ),
    ),
    Group(
        Text("共享", "Sharing"),
        (
            _item("/catalogue/", "共享目录", "Catalogue", P.SEE_CATALOGUE),
            _item("/requests/", "共享申请", "Requests", P.REQUEST, P.GRANT),
            _item("/grants/", "授权使用", "Grants", P.USE_GRANT, P.GRANT),
            _item("/exports/", "数据导出", "Exports", P.USE_GRANT, P.GRANT, P.SEE_AUDIT),
        ),
    ),
    Group(
        Text("研判与处置", "See and act"),
        (
            _item("/indicators/", "指标", "Indicators", P.SEE_INDICATORS),
            _item("/alerts/", "预警", "Alerts", P.SEE_INDICATORS),
            _item("/orders/", "交办任务", "Orders", P.ANSWER, P.ORDER),
        ),
    ),
    Group(
        Text("存证与审计", "Proof and audit"),
        (
            _item("/ledger/", "存证账本", "Ledger", P.SEE_LEDGER),
            _item("/witnesses/", "见证与锚定", "Witnesses", P.SEE_LEDGER),
            _item("/receipts/", "回执核验", "Check a receipt", P.SEE_LEDGER),
            _item("/audit/", "审计日志", "Audit log", P.SEE_AUDIT),
            _item("/investigate/", "追溯调查", "Investigate", P.SEE_AUDIT),
            _item("/behaviour/", "行为预警", "Behaviour", P.SEE_AUDIT),
        ),
    ),
    Group(
        Text("系统管理", "Administration"),
        (
            _item("/accounts/", "账号管理", "Accounts", P.MANAGE_ACCOUNTS),
            _item("/roles/", "角色授权", "Roles", P.MANAGE_ROLES),
            _item("/stores/", "存储点", "Stores", P.SEE_STORES),
            _item("/certificates/", "证书", "Certificates", P.SEE_CERTIFICATES),
        ),
    ),
)


def menu_for(actor: Actor | None, path: str) -> tuple[Group, ...]:
    """Return the groups and items that this actor may open, with the current one marked."""
    if actor is None:
        return ()
    groups = (Group(group.title, _visible(group, actor, path)) for group in MENU)
    return tuple(group for group in groups if group.items)


def _visible(group: Group, actor: Actor, path: str) -> tuple[Item, ...]:
    return tuple(
        Item(item.path, item.title, item.permissions, _is_current(item.path, path))
        for item in group.items
        if any(actor.may(permission) for permission in item.permissions)
    )


def _is_current(item: str, path: str) -> bool:
    return path == item if item == "/" else path.startswith(item)
