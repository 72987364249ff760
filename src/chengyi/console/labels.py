"""How codes are said to people.

Rule: a code is looked up under its own code table, for two tables may use the same word.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from chengyi.model.act import ActKind, FlagState
from chengyi.model.actor import ROLE_TITLES, Permission, Role
from chengyi.model.codes import (
    RECORD_CLASS_TITLES,
    RETENTION_TITLES,
    SHARING_TITLES,
    RecordClass,
    Retention,
    Sensitivity,
    SharingClass,
)
from chengyi.model.decision import AlertState, App, Severity
from chengyi.model.dossier import EntityKind
from chengyi.model.grant import RequestState
from chengyi.model.package import Property, Verdict
from chengyi.model.submission import SubmissionState
from chengyi.model.text import Text
from chengyi.trust.authority.names import Kind

LABELS: Mapping[type[Enum], Mapping[Any, Text]] = {
    Role: ROLE_TITLES,
    RecordClass: RECORD_CLASS_TITLES,
    Retention: RETENTION_TITLES,
    SharingClass: SHARING_TITLES,
    Sensitivity: {
        Sensitivity.PUBLIC: Text("公开", "Public"),
        Sensitivity.INTERNAL: Text("内部", "Internal"),
        Sensitivity.PERSONAL: Text("个人信息", "Personal"),
        Sensitivity.SENSITIVE: Text("敏感个人信息", "Sensitive"),
    },
    SubmissionState: {
        SubmissionState.RECEIVED: Text("待归档", "Waiting"),
        SubmissionState.ARCHIVED: Text("已归档", "Archived"),
        SubmissionState.QUARANTINED: Text("已隔离", "Quarantined"),
    },
    Property: {
        Property.AUTHENTICITY: Text("真实性", "Authenticity"),
        Property.INTEGRITY: Text("完整性", "Integrity"),
        Property.USABILITY: Text("可用性", "Usability"),
        Property.SECURITY: Text("安全性", "Security"),
    },
    Verdict: {
        Verdict.PASS: Text("通过", "Pass"),
        Verdict.FAIL: Text("不通过", "Fail"),
        Verdict.MANUAL: Text("待人工判定", "For a person"),
        Verdict.NOT_APPLICABLE: Text("不适用", "Not applicable"),
    },
    EntityKind: {
        EntityKind.PERSON: Text("个人", "Person"),
        EntityKind.HOUSEHOLD: Text("家庭户", "Household"),
        EntityKind.ORGANISATION: Text("组织", "Organisation"),
        EntityKind.PLACE: Text("地点", "Place"),
    },
    RequestState: {
        RequestState.OPEN: Text("待审批", "Open"),
        RequestState.GRANTED: Text("已授权", "Granted"),
        RequestState.REFUSED: Text("已退回", "Refused"),
    },
    App: {
        App.LIVELIHOOD: Text("民生", "Livelihood"),
        App.TRAFFIC: Text("交通", "Traffic"),
        App.GOVERNANCE: Text("治理", "Governance"),
    },
    Severity: {
        Severity.NOTICE: Text("提示", "Notice"),
        Severity.WARNING: Text("预警", "Warning"),
        Severity.CRITICAL: Text("紧急", "Critical"),
    },
    AlertState: {
        AlertState.RAISED: Text("待处置", "Raised"),
        AlertState.ORDERED: Text("已交办", "Ordered"),
        AlertState.ANSWERED: Text("已反馈", "Answered"),
        AlertState.DECIDED: Text("已办结", "Decided"),
    },
    ActKind: {
        ActKind.FRAGMENT_REFUSED: Text("拒用分片", "Fragment refused"),
        ActKind.SCRUBBED: Text("巡检分片", "Fragments scrubbed"),
        ActKind.REPAIRED: Text("修复分片", "Fragments repaired"),
        ActKind.REKEYED: Text("更换密钥", "Re-keyed"),
        ActKind.RETIRED: Text("停用存储点", "Store retired"),
        ActKind.COSIGNED: Text("会签检查点", "Checkpoint cosigned"),
        ActKind.COSIGNING_REFUSED: Text("拒绝会签", "Cosigning refused"),
        ActKind.ANCHORED: Text("上链锚定", "Checkpoint anchored"),
        ActKind.STAMPED: Text("加盖时间戳", "Checkpoint time-stamped"),
        ActKind.FOUNDED: Text("设立证书机构", "Authority founded"),
        ActKind.INVITED: Text("发放登记凭据", "Enrolment token issued"),
        ActKind.CERTIFIED: Text("签发证书", "Certificate issued"),
        ActKind.DECERTIFIED: Text("吊销证书", "Certificate revoked"),
        ActKind.CERTIFICATE_REFUSED: Text("拒用证书", "Certificate refused"),
        ActKind.MESSAGE_REFUSED: Text("拒收报文", "Message refused"),
        ActKind.LOST: Text("登记缺失内容", "Bodies found missing"),
        ActKind.ERASED: Text("清除行为内容", "Act's body erased"),
        ActKind.FLAGGED: Text("标记异常行为", "Behaviour flagged"),
        ActKind.SETTLED: Text("认定异常行为", "Flag settled"),
        ActKind.INVESTIGATED: Text("追溯调查", "Investigated"),
        ActKind.RECEIVED: Text("接收", "Received"),
        ActKind.REFUSED_INPUT: Text("拒收", "Refused at the door"),
        ActKind.KEPT: Text("归档", "Archived"),
        ActKind.SET_ASIDE: Text("隔离", "Set aside"),
        ActKind.RELEASED: Text("解除隔离", "Released"),
        ActKind.STANDARDISED: Text("标准化", "Standardised"),
        ActKind.LINKED: Text("关联", "Linked"),
        ActKind.CATALOGUED: Text("编目", "Catalogued"),
        ActKind.REQUESTED: Text("申请", "Requested"),
        ActKind.GRANTED: Text("授权", "Granted"),
        ActKind.REFUSED: Text("退回", "Refused"),
        ActKind.REVOKED: Text("撤销授权", "Revoked"),
        ActKind.READ: Text("调阅", "Read"),
        ActKind.DENIED: Text("拒绝调阅", "Denied"),
        ActKind.EXPORTED: Text("导出", "Exported"),
        ActKind.COMPUTED: Text("计算指标", "Computed"),
        ActKind.ALERTED: Text("发出预警", "Alert raised"),
        ActKind.ORDERED: Text("交办", "Order given"),
        ActKind.ANSWERED: Text("反馈", "Order answered"),
        ActKind.DECIDED: Text("决定", "Decided"),
        ActKind.SIGNED_IN: Text("登录", "Signed in"),
        ActKind.SIGN_IN_FAILED: Text("登录失败", "Sign-in failed"),
        ActKind.TURNED_AWAY: Text("拒绝进入页面", "Page denied"),
        ActKind.ACCOUNT_CHANGED: Text("账号变更", "Account changed"),
        ActKind.CREATED: Text("建立节点", "Node created"),
    },
    Kind: {
        Kind.NODE: Text("节点", "Node"),
        Kind.PERSON: Text("人员", "Person"),
        Kind.STORE: Text("存储点", "Store"),
    },
    FlagState: {
        FlagState.OPEN: Text("待核查", "Open"),
        FlagState.EXPLAINED: Text("已说明", "Explained"),
        FlagState.CONFIRMED: Text("已认定", "Confirmed"),
    },
    Permission: {
        Permission.SEE_STATUS: Text("查看总览", "See the overview"),
        Permission.MANAGE_SOURCES: Text("管理来源", "Manage sources"),
        Permission.COLLECT: Text("发起运行", "Run the river"),
        Permission.SEE_RECORDS: Text("检索档案", "See records"),
        Permission.KEEP_RECORDS: Text("管理档案", "Keep records"),
        Permission.SEE_QUARANTINE: Text("查看隔离", "See quarantine"),
        Permission.SEE_DATASETS: Text("查看数据集", "See datasets"),
        Permission.INTEGRATE: Text("标准化与关联", "Integrate"),
        Permission.SEE_DOSSIERS: Text("查看卷宗", "See dossiers"),
        Permission.SEE_CATALOGUE: Text("查看目录", "See the catalogue"),
        Permission.REQUEST: Text("申请共享", "Request"),
        Permission.GRANT: Text("审批授权", "Grant"),
        Permission.USE_GRANT: Text("使用授权", "Use grants"),
        Permission.SEE_INDICATORS: Text("查看指标与预警", "See indicators and alerts"),
        Permission.COMPUTE: Text("计算指标", "Compute"),
        Permission.ORDER: Text("交办", "Give orders"),
        Permission.ANSWER: Text("反馈", "Answer orders"),
        Permission.DECIDE: Text("作出决定", "Decide"),
        Permission.SEE_LEDGER: Text("查看账本", "See the ledger"),
        Permission.SEE_AUDIT: Text("查看审计日志", "See the audit log"),
        Permission.ERASE_AUDIT: Text("依法清除行为内容", "Erase bodies of acts"),
        Permission.SEE_STORES: Text("查看存储点", "See the stores"),
        Permission.TEND_STORES: Text("维护存储点", "Tend the stores"),
        Permission.SEE_CERTIFICATES: Text("查看证书", "See certificates"),
        Permission.MANAGE_CERTIFICATES: Text("管理证书", "Manage certificates"),
        Permission.MANAGE_ACCOUNTS: Text("管理账号", "Manage accounts"),
        Permission.MANAGE_ROLES: Text("核定角色", "Manage roles"),
    },
}

FIELD_TYPES: Mapping[str, Text] = {
    "text": Text("文本", "Text"),
    "citizen_id": Text("公民身份号码", "Citizen number"),
    "credit_code": Text("统一社会信用代码", "Credit code"),
    "date": Text("日期", "Date"),
    "datetime": Text("日期时间", "Date and time"),
    "month": Text("年月", "Month"),
    "integer": Text("整数", "Integer"),
    "decimal": Text("小数", "Decimal"),
    "code": Text("代码", "Code"),
    "phone": Text("电话号码", "Telephone number"),
    "area_code": Text("行政区划代码", "Area code"),
}
"""How the types of data elements are said."""

UNITS: Mapping[str, str] = {
    "亩": "mu",
    "人": "persons",
    "人/间": "persons a room",
    "元": "CNY",
    "元/月": "CNY a month",
    "岁": "years",
    "年": "years",
    "平方米": "m²",
    "辆/h": "vehicles/h",
    "部": "",
    "间": "rooms",
}
"""How units of data elements are said in English; other units are the same in both."""

METADATA: Mapping[str, Text] = {
    "sequence": Text("报送批次", "Delivery"),
    "captured_at": Text("接收时间", "Captured"),
    "path": Text("原路径", "Original path"),
}
"""How metadata of a record are said; the source's title has its own place on the page."""

TONES: Mapping[type[Enum], Mapping[Any, str]] = {
    SubmissionState: {
        SubmissionState.RECEIVED: "wait",
        SubmissionState.ARCHIVED: "good",
        SubmissionState.QUARANTINED: "bad",
    },
    Verdict: {
        Verdict.PASS: "good",
        Verdict.FAIL: "bad",
        Verdict.MANUAL: "wait",
        Verdict.NOT_APPLICABLE: "quiet",
    },
    RequestState: {
        RequestState.OPEN: "wait",
        RequestState.GRANTED: "good",
        RequestState.REFUSED: "bad",
    },
    Severity: {
        Severity.NOTICE: "info",
        Severity.WARNING: "wait",
        Severity.CRITICAL: "bad",
    },
    AlertState: {
        AlertState.RAISED: "bad",
        AlertState.ORDERED: "wait",
        AlertState.ANSWERED: "info",
        AlertState.DECIDED: "good",
    },
    FlagState: {
        FlagState.OPEN: "wait",
        FlagState.EXPLAINED: "good",
        FlagState.CONFIRMED: "bad",
    },
    SharingClass: {
        SharingClass.UNCONDITIONAL: "good",
        SharingClass.CONDITIONAL: "wait",
        SharingClass.WITHHELD: "bad",
    },
    Sensitivity: {
        Sensitivity.PUBLIC: "quiet",
        Sensitivity.INTERNAL: "quiet",
        Sensitivity.PERSONAL: "wait",
        Sensitivity.SENSITIVE: "bad",
    },
    ActKind: {
        ActKind.REFUSED_INPUT: "bad",
        ActKind.SET_ASIDE: "bad",
        ActKind.DENIED: "bad",
        ActKind.REFUSED: "bad",
        ActKind.REVOKED: "bad",
        ActKind.SIGN_IN_FAILED: "bad",
        ActKind.TURNED_AWAY: "bad",
    },
}


def label_of(code: object) -> Text:
    """Return how a code is said; a code without a label is said as it is."""
    if isinstance(code, Enum):
        return LABELS.get(type(code), {}).get(code) or Text(str(code.value), str(code.value))
    return Text(str(code), str(code))


def unit_text(unit: str) -> Text:
    """Return how a unit is said."""
    return Text(unit, UNITS.get(unit, unit))


def tone_of(code: object) -> str:
    """Return the tone of a code's tag: good, wait, bad, info or quiet."""
    return TONES.get(type(code), {}).get(code, "quiet") if isinstance(code, Enum) else "quiet"
