"""Who acts, in which role, and what each role may do.

Rules: deny by default; a role gives only the permissions in `PERMISSIONS`; the three administrator
roles exclude each other and every working role; no role has them all.
"""

from dataclasses import dataclass
from enum import StrEnum

from chengyi.model.errors import DeniedError, UsageError
from chengyi.model.text import Text


class Role(StrEnum):
    """A role that an account may hold."""

    ARCHIVIST = "archivist"
    ENGINEER = "engineer"
    CLERK = "clerk"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


ROLE_TITLES = {
    Role.ARCHIVIST: Text("档案员", "Archivist"),
    Role.ENGINEER: Text("数据工程师", "Data engineer"),
    Role.CLERK: Text("部门经办", "Department clerk"),
    Role.OPERATOR: Text("城运值班员", "City operator"),
    Role.AUDITOR: Text("审计员", "Auditor"),
    Role.SYSTEM_ADMIN: Text("系统管理员", "System administrator"),
    Role.SECURITY_ADMIN: Text("安全管理员", "Security administrator"),
    Role.AUDIT_ADMIN: Text("审计管理员", "Audit administrator"),
}

ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})


class Permission(StrEnum):
    """One thing that someone may be allowed to do."""

    SEE_STATUS = "see_status"
    MANAGE_SOURCES = "manage_sources"
    COLLECT = "collect"
    SEE_RECORDS = "see_records"
    KEEP_RECORDS = "keep_records"
    SEE_QUARANTINE = "see_quarantine"
    SEE_DATASETS = "see_datasets"
    INTEGRATE = "integrate"
    SEE_DOSSIERS = "see_dossiers"
    SEE_CATALOGUE = "see_catalogue"
    REQUEST = "request"
    GRANT = "grant"
    USE_GRANT = "use_grant"
    SEE_INDICATORS = "see_indicators"
    COMPUTE = "compute"
    ORDER = "order"
    ANSWER = "answer"
    DECIDE = "decide"
    SEE_LEDGER = "see_ledger"
    SEE_AUDIT = "see_audit"
    ERASE_AUDIT = "erase_audit"
    SEE_STORES = "see_stores"
    TEND_STORES = "tend_stores"
    SEE_CERTIFICATES = "see_certificates"
    MANAGE_CERTIFICATES = "manage_certificates"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_ROLES = "manage_roles"


_P = Permission
_EVERYDAY = frozenset({_P.SEE_STATUS, _P.SEE_CATALOGUE, _P.SEE_LEDGER})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ARCHIVIST: _EVERYDAY
    | {_P.COLLECT, _P.SEE_RECORDS, _P.KEEP_RECORDS, _P.SEE_QUARANTINE, _P.SEE_DATASETS, _P.GRANT, _P.SEE_STORES},
    Role.ENGINEER: _EVERYDAY
    | {_P.MANAGE_SOURCES, _P.COLLECT, _P.SEE_RECORDS, _P.SEE_QUARANTINE, _P.SEE_DATASETS, _P.INTEGRATE, _P.COMPUTE},
    Role.CLERK: _EVERYDAY | {_P.REQUEST, _P.USE_GRANT, _P.ANSWER, _P.SEE_DOSSIERS},
    Role.OPERATOR: _EVERYDAY | {_P.SEE_INDICATORS, _P.COMPUTE, _P.ORDER, _P.DECIDE, _P.SEE_DOSSIERS},
    Role.AUDITOR: _EVERYDAY
    | {_P.SEE_RECORDS, _P.SEE_INDICATORS, _P.SEE_AUDIT, _P.SEE_DATASETS, _P.SEE_STORES, _P.SEE_CERTIFICATES},
    Role.SYSTEM_ADMIN: frozenset(
        {_P.SEE_STATUS, _P.MANAGE_ACCOUNTS, _P.SEE_STORES, _P.TEND_STORES, _P.SEE_CERTIFICATES}
    ),
    Role.SECURITY_ADMIN: frozenset({_P.SEE_STATUS, _P.MANAGE_ROLES, _P.SEE_CERTIFICATES, _P.MANAGE_CERTIFICATES}),
    Role.AUDIT_ADMIN: frozenset({_P.SEE_STATUS, _P.SEE_LEDGER, _P.SEE_AUDIT, _P.ERASE_AUDIT, _P.SEE_CERTIFICATES}),
}


def check_roles(roles: frozenset[Role]) -> None:
    """Raise UsageError unless these roles may be held by one account."""
    if roles & ADMINISTRATORS and len(roles) > 1:
        raise UsageError(why="三员分立：管理员角色不得与其他角色兼任 (an administrator role excludes all others)")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a process that does something."""

    id: str
    name: str
    department: str
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Tell whether any role of this actor gives the permission."""
        return any(permission in PERMISSIONS[role] for role in self.roles)

    def require(self, permission: Permission) -> None:
        """Raise DeniedError unless this actor holds the permission."""
        if not self.may(permission):
            raise DeniedError(actor=self.name, action=permission.value)


def node_actor(node_id: str) -> Actor:
    """Return the actor as which a node does its own scheduled work."""
    roles = frozenset({Role.ARCHIVIST, Role.ENGINEER, Role.CLERK, Role.OPERATOR, Role.AUDITOR})
    return Actor(id=f"node:{node_id}", name=node_id, department=node_id, roles=roles)
