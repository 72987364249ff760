"""A node that lives in memory, with one of everything, for pages to be shown without a river behind them.

The facades answer with fixed, realistic values; acts, ledger and receipts are real and in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chengyi.archive.search import Found
from chengyi.archive.tables import RowProof
from chengyi.archive.verification import Verification, VerificationStep
from chengyi.brain.values import Trace, TraceStep
from chengyi.collect.report import Account, Tally
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Permission, node_actor
from chengyi.model.clock import Clock, SetClock
from chengyi.model.codes import RecordClass, Retention, Sensitivity, SharingClass
from chengyi.model.dataset import Dataset, Field, RowFault
from chengyi.model.decision import (
    Alert,
    AlertState,
    Answer,
    App,
    Decision,
    Figure,
    Indicator,
    Need,
    Order,
    Severity,
)
from chengyi.model.dossier import Dossier, EntityKind, Fact, Member
from chengyi.model.errors import ChengyiError, NotFoundError, UsageError
from chengyi.model.evidence import Completeness, Evidence
from chengyi.model.grant import CatalogueEntry, Grant, Purpose, Request, RequestState, View
from chengyi.model.package import Check, Package, Property, RowSeal, Verdict
from chengyi.model.reporter import Reporter
from chengyi.model.submission import Component, Submission, SubmissionState
from chengyi.model.text import Text
from chengyi.share.tracing import RowTrace
from chengyi.trust.ports import Receipt
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LEAF = "9f2c" * 16
SHA = "3b7e" * 16
PACKAGE = "pkg-4c0ffee0b7d1a2e39a51"
EVIDENCE = Evidence(f"{PACKAGE}@1", 7, LEAF)


def both(zh: str, en: str) -> Text:
    return Text(zh, en)


FIELDS = (
    Field("citizen_id", both("公民身份号码", "Citizen number"), "text", Sensitivity.SENSITIVE),
    Field("person_name", both("姓名", "Name"), "text", Sensitivity.PERSONAL),
    Field("aid_kind", both("救助类别", "Kind of aid"), "text", Sensitivity.INTERNAL),
    Field("monthly_amount", both("月发放金额", "Monthly amount"), "decimal", Sensitivity.INTERNAL, "元"),
)


@dataclass
class Failing:
    """Raises the error that a test planted under a facade's method name."""

    planted: dict[str, Exception] = field(default_factory=dict)

    def check(self, name: str) -> None:
        if name in self.planted:
            raise self.planted[name]


@dataclass
class SimCollect:
    """Stands for `chengyi.collect.Collect`."""

    node: SimNode
    released: list[str] = field(default_factory=list)

    @property
    def sources(self) -> tuple[Any, ...]:
        contract = {
            "dataset": "low_income",
            "column": [
                {"name": "身份证号", "element": "citizen_id", "required": True},
                {"name": "姓名", "element": "person_name", "required": True},
                {"name": "起始日期", "element": "start_date", "format": "%Y%m%d"},
            ],
        }
        return (
            _source("civil-low-income", "低保名册", "Low-income roll", "区民政局", contract),
            _source("police-population", "常住人口", "Population register", "区公安分局", {}),
            _source("archive-documents", "历史文书", "Documents", "区档案馆", {}),
        )

    def source(self, id: str) -> Any:
        for source in self.sources:
            if source.id == id:
                return source
        raise NotFoundError(kind="来源 source", id=id)

    def submissions(
        self, source: str = "", state: SubmissionState | None = None, limit: int = 100, offset: int = 0
    ) -> list[Submission]:
        self.node.fail.check("submissions")
        states = (SubmissionState.ARCHIVED, SubmissionState.QUARANTINED, SubmissionState.RECEIVED)
        return [
            Submission(
                id=f"sub-{number}",
                source=source,
                sequence=f"2026-{number + 1:02d}.csv",
                digest=SHA,
                components=(_component(f"2026-{number + 1:02d}.csv"),),
                event_time=NOW - timedelta(days=30 * (9 - number)),
                captured_at=NOW - timedelta(days=1),
                prior="sub-0" if number == 2 else None,
                state=states[1] if number == 4 else states[2] if number == 8 else states[0],
                reason="同一批次号的内容与上次不同" if number == 4 else "",
            )
            for number in range(9)
        ][offset : offset + limit]

    def account(self, source: str) -> Any:
        return Account(
            source=source,
            received=Tally(9, 4_821_332, SHA),
            archived=Tally(7, 3_749_921, SHA),
            quarantined=Tally(1, 535_703, SHA),
            pending=Tally(1, 535_708, SHA),
            refused=2,
            balanced=False,
        )

    def completeness(self, source: str) -> Completeness:
        return Completeness(12, 9, ("2026-10.csv", "2026-11.csv", "2026-12.csv"))

    def release(self, id: str, actor: Actor) -> None:
        actor.require(Permission.KEEP_RECORDS)
        self.released.append(id)


def _source(id: str, zh: str, en: str, department: str, contract: Mapping[str, Any]) -> Any:
    return SimpleNamespace(
        id=id,
        title=both(zh, en),
        department=department,
        fonds="Y012",
        record_class=RecordClass.DATA,
        retention=Retention.YEARS_30,
        sharing=SharingClass.CONDITIONAL,
        kind="folder",
        contract=contract,
    )


def _component(path: str) -> Component:
    return Component(path, 535_703, SHA, "text/csv", "obj-1")


def package(version: int = 1) -> Package:
    checks = (
        Check(
            "D-1-1",
            Property.AUTHENTICITY,
            both("来源一致", "Same source"),
            Verdict.PASS,
            both("与报送方一致。", "As delivered."),
        ),
        Check(
            "D-2-1",
            Property.INTEGRITY,
            both("摘要核对", "Digests"),
            Verdict.PASS,
            both("1 个文件相符。", "1 file matches."),
        ),
        Check(
            "D-2-4",
            Property.INTEGRITY,
            both("著录项齐全", "Description"),
            Verdict.MANUAL,
            both("责任者待人工核对。", "The author needs a look."),
        ),
        Check(
            "D-3-1",
            Property.USABILITY,
            both("可读性", "Readable"),
            Verdict.PASS,
            both("按 GB18030 读出 2,310 行。", "2,310 rows read as GB18030."),
        ),
        Check(
            "D-4-1",
            Property.SECURITY,
            both("恶意代码", "Malware"),
            Verdict.NOT_APPLICABLE,
            both("未配置扫描器。", "No scanner is set."),
        ),
    )
    return Package(
        id=PACKAGE,
        version=version,
        archival_code="Y012-SJ·2026-D30-000123",
        title="低保名册 2026年9月",
        source="civil-low-income",
        department="区民政局",
        fonds="Y012",
        record_class=RecordClass.DATA,
        retention=Retention.YEARS_30,
        sharing=SharingClass.CONDITIONAL,
        submission="sub-0",
        components=(_component("2026-09.csv"),),
        metadata={"责任者": "区民政局"},
        checks=checks,
        seal=RowSeal("2026-09.csv", {"format": "csv", "encoding": "gb18030"}, ("身份证号", "姓名"), 2310, 4, SHA),
        event_time=NOW - timedelta(days=60),
        archived_at=NOW - timedelta(days=1),
        inventory=SHA,
        entry=2,
    )


@dataclass
class SimArchive:
    """Stands for `chengyi.archive.Archive`."""

    node: SimNode

    def search(self, query: str, actor: Actor, *, limit: int = 50, offset: int = 0, **chosen: str) -> Any:
        actor.require(Permission.SEE_RECORDS)
        self.node.fail.check("search")
        if query == "无":
            return Found(0, ())
        found = [replace(package(), id=f"{PACKAGE}{number}") for number in range(43)]
        found[0] = package(2)
        return Found(43, tuple(found[offset : offset + limit]))

    def package(self, ref: str, actor: Actor) -> Package:
        if not ref.startswith(PACKAGE):
            raise NotFoundError(kind="档案 record", id=ref)
        return package(2 if ref.endswith("@2") else 1)

    def versions(self, id: str, actor: Actor) -> list[Package]:
        return [package(1), package(2)]

    def receipt(self, ref: str, actor: Actor) -> Receipt:
        return self.node.audit.receipt(2)

    def verify(self, ref: str) -> Any:
        names = (
            ("取回原始字节", "Fetch the bytes"),
            ("核对清单摘要", "Check the inventory"),
            ("核对行根", "Check the row root"),
        )
        steps = (
            VerificationStep(number, both(*name), ok=True, finding=both("相符。", "It matches."))
            for number, name in enumerate(names, 1)
        )
        return Verification(ref, tuple(steps))

    def row_proof(self, ref: str, row: int) -> Any:
        if row > 2314:
            raise NotFoundError(kind="行 row", id=row)
        leaf, other = bytes.fromhex(LEAF), bytes.fromhex(SHA)
        return RowProof(ref, row, b'["1"]', leaf, (other, leaf), other, 2314)


@dataclass
class SimIntegrate:
    """Stands for `chengyi.integrate.Integrate`."""

    node: SimNode

    def datasets(self, actor: Actor | None = None) -> list[Dataset]:
        return [
            Dataset(
                name=name,
                title=both(zh, en),
                department=department,
                sharing=sharing,
                fields=FIELDS,
                version=3,
                rows=rows,
                quarantined=4,
                updated_at=NOW,
                packages=(f"{PACKAGE}@1",),
                sources=("civil-low-income",),
            )
            for name, zh, en, department, sharing, rows in (
                ("low_income", "低保对象", "Low-income recipients", "区民政局", SharingClass.CONDITIONAL, 2306),
                ("population", "常住人口", "Residents", "区公安分局", SharingClass.CONDITIONAL, 20_114),
                ("enterprises", "市场主体", "Enterprises", "区市场监管局", SharingClass.UNCONDITIONAL, 811),
                ("marriages", "婚姻登记", "Marriages", "区民政局", SharingClass.WITHHELD, 930),
            )
        ]

    def dataset(self, name: str) -> Dataset:
        for each in self.datasets():
            if each.name == name:
                return each
        raise NotFoundError(kind="数据集 dataset", id=name)

    def faults(self, dataset: str = "", package: str = "", limit: int = 100, offset: int = 0) -> list[RowFault]:
        reason = both("公民身份号码校验位不符", "The check digit of the citizen number is wrong")
        date = both("不存在的日期", "There is no such date")
        return [
            RowFault(dataset, f"{PACKAGE}@1", 12, "身份证号", "99010619900101001X", "citizen_id.checksum", reason),
            RowFault(dataset, f"{PACKAGE}@1", 44, "起始日期", "20230230", "date.absent", date),
        ][offset : offset + limit]

    def dossiers(self, query: str, actor: Actor, limit: int = 50, offset: int = 0) -> list[Any]:
        if query in {"", "无"}:
            return []
        head = SimpleNamespace
        return [head(id="dos-7f3a21", kind=EntityKind.PERSON, label="沈云舟", members=3, weakest=0.94)]

    def dossier(self, id: str, actor: Actor) -> Dossier:
        if id != "dos-7f3a21":
            raise NotFoundError(kind="卷宗 dossier", id=id)
        person, civil = "区公安分局", "区民政局"
        facts = (
            _fact("person_name", both("姓名", "Name"), "沈云舟", "population", person, preferred=True),
            _fact("person_name", both("姓名", "Name"), "沈云舟", "low_income", civil),
            _fact(
                "citizen_id",
                both("公民身份号码", "Citizen number"),
                "990106199001010018",
                "population",
                person,
                preferred=True,
            ),
            _fact(
                "address", both("住址", "Address"), "云汀区柳岸街道清波路8号2-301", "population", person, preferred=True
            ),
            _fact("address", both("住址", "Address"), "云汀区柳岸街道望江里17号", "low_income", civil),
            _fact("phone", both("联系电话", "Telephone"), "13900000000", "low_income", civil, preferred=True),
        )
        same = both("公民身份号码相同", "Same citizen number")
        name = both("姓名相同", "Same name")
        members = (
            Member("population", EVIDENCE, 1.0, (same, name)),
            Member("low_income", Evidence(f"{PACKAGE}@1", 9, LEAF), 0.94, (name,)),
        )
        return Dossier(id, EntityKind.PERSON, "沈云舟", members, facts, ("address",), 0.94)


def _fact(field: str, title: Text, value: str, dataset: str, department: str, *, preferred: bool = False) -> Fact:
    return Fact(field, title, value, dataset, department, EVIDENCE, NOW, preferred)


PURPOSE = Purpose("核对临时救助申请人家庭情况", "《社会救助暂行办法》第四十八条", "JZ-2026-0417")


@dataclass
class SimShare:
    """Stands for `chengyi.share.Share`."""

    node: SimNode
    asked: dict[str, Request] = field(default_factory=dict)
    given: dict[str, Grant] = field(default_factory=dict)

    def catalogue(self, actor: Actor, query: str = "") -> list[CatalogueEntry]:
        return [self._entry(each) for each in self.node.integrate.datasets() if query in each.title.zh + each.title.en]

    def entry(self, dataset: str, actor: Actor) -> CatalogueEntry:
        return self._entry(self.node.integrate.dataset(dataset))

    def _entry(self, each: Dataset) -> CatalogueEntry:
        conditions = both("限于办理本部门法定职责事项，按需授权。", "For duties laid down by law, granted as needed.")
        return CatalogueEntry(
            each.name, each.title, each.department, each.sharing, conditions, each.fields, each.rows, 3, NOW
        )

    def request(self, actor: Actor, dataset: str, fields: Sequence[str], purpose: Purpose) -> Request:
        if not fields:
            raise UsageError(why="未选择字段 (no field was chosen)")
        id = f"req-{len(self.asked) + 1}"
        asked = Request(id, dataset, tuple(fields), actor.id, actor.department, purpose, NOW, NOW + timedelta(days=14))
        self.asked[id] = asked
        return asked

    def requests(self, actor: Actor, state: RequestState | None = None) -> list[Request]:
        return [each for each in self.asked.values() if state is None or each.state is state]

    def approve(
        self,
        actor: Actor,
        request_id: str,
        *,
        clear: Sequence[str] = (),
        where: Any = (),
        days: int = 90,
    ) -> Grant:
        asked = self.asked[request_id]
        grant = Grant(
            id=f"grant-{len(self.given) + 1}",
            dataset=asked.dataset,
            fields=asked.fields,
            clear=tuple(clear),
            where=(),
            grantor=actor.id,
            grantee=asked.requester,
            department=asked.department,
            purpose=asked.purpose,
            not_before=NOW - timedelta(hours=1),
            expires=NOW + timedelta(days=days),
            entry=3,
        )
        self.given[grant.id] = grant
        self.asked[request_id] = replace(asked, state=RequestState.GRANTED, grant=grant.id)
        return grant

    def refuse(self, actor: Actor, request_id: str, reason: str) -> Request:
        self.asked[request_id] = replace(self.asked[request_id], state=RequestState.REFUSED, reason=reason)
        return self.asked[request_id]

    def revoke(self, actor: Actor, grant_id: str, reason: str) -> Grant:
        self.given[grant_id] = replace(self.given[grant_id], revoked_at=NOW)
        return self.given[grant_id]

    def grants(self, actor: Actor) -> list[Grant]:
        return list(self.given.values())

    def view(
        self,
        actor: Actor,
        grant_id: str,
        *,
        case: str,
        limit: int | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> View:
        import pyarrow as pa

        self.node.fail.check("view")
        grant = self.given[grant_id]
        cells = {name: ["沈**", "林**"] if name == "person_name" else ["***", "***"] for name in grant.fields}
        rows = pa.table(
            {**cells, "_package": [f"{PACKAGE}@1"] * 2, "_row": [7, 9], "_leaf": [b"1", b"2"], "_source": ["s"] * 2}
        )
        entry = self.node.audit.record(Act(ActKind.READ, actor.id, f"grant:{grant_id}", {"case": case}))
        masked = tuple(name for name in grant.fields if name not in grant.clear)
        return View(grant_id, grant.dataset, 3, rows, masked, Completeness(None, 2), entry)


@dataclass
class SimBrain:
    """Stands for `chengyi.brain.Brain`."""

    node: SimNode
    given: list[Order] = field(default_factory=list)
    answered: list[Answer] = field(default_factory=list)
    decided: list[Decision] = field(default_factory=list)

    def indicators(self) -> list[Indicator]:
        return [
            Indicator(
                id="livelihood.unreached",
                version=2,
                app=App.LIVELIHOOD,
                title=both("疑似应保未保人数", "People who may lack aid"),
                rule=both(
                    "家庭人均月收入低于保障标准、且不在低保名册中的常住人口数。",
                    "Residents whose household income per head is below the standard and who are not on the roll.",
                ),
                unit=both("人", "persons"),
                needs=(Need("low_income", ("citizen_id", "aid_kind")), Need("population", ("citizen_id",))),
                purpose=both("主动发现困难群众", "Finding people in need"),
                legal_basis="《社会救助暂行办法》",
            )
        ]

    def figures(self, indicator: str = "", limit: int = 100) -> list[Figure]:
        done = Completeness(2310, 2306, ("quarantined:4", "gap:civil-low-income/2026-10.csv"))
        return [
            Figure(f"fig-{place}", "livelihood.unreached", 2, group, value, NOW, 37, SHA, done, 3)
            for place, (group, value) in enumerate((("柳岸街道", "37"), ("清波街道", "1204")))
        ][:limit]

    def figure(self, id: str) -> Figure:
        for each in self.figures():
            if each.id == id:
                return each
        raise NotFoundError(kind="指标值 figure", id=id)

    def alerts(self, state: AlertState | None = None, app: App | None = None) -> list[Alert]:
        return [each for each in (self.alert("alert-1"),) if state in {None, each.state} and app in {None, each.app}]

    def alert(self, id: str) -> Alert:
        if id != "alert-1":
            raise NotFoundError(kind="预警 alert", id=id)
        state = AlertState.RAISED
        for reached, now in (
            (self.given, AlertState.ORDERED),
            (self.answered, AlertState.ANSWERED),
            (self.decided, AlertState.DECIDED),
        ):
            state = now if reached else state
        return Alert(
            id=id,
            app=App.LIVELIHOOD,
            rule="livelihood.unreached",
            version=2,
            subject="dos-7f3a21",
            title=both("一户低收入家庭可能未获救助", "A low-income household may lack aid"),
            reasons=(
                both("家庭人均月收入 612 元，低于标准 980 元。", "Income per head is 612, below the standard of 980."),
            ),
            severity=Severity.WARNING,
            state=state,
            raised_at=NOW - timedelta(hours=5),
            figure="fig-0",
            evidence=(EVIDENCE,),
            entry=3,
        )

    def orders(self, alert: str = "") -> list[Order]:
        return [each for each in self.given if alert in {"", each.alert}]

    def answers(self, order: str = "") -> list[Answer]:
        return [each for each in self.answered if order in {"", each.order}]

    def decisions(self, alert: str = "") -> list[Decision]:
        return [each for each in self.decided if alert in {"", each.alert}]

    def decision(self, id: str) -> Decision:
        for each in self.decided:
            if each.id == id:
                return each
        raise NotFoundError(kind="决定 decision", id=id)

    def order(self, actor: Actor, alert_id: str, department: str, task: str, days: int) -> Order:
        order = Order(
            f"order-{len(self.given) + 1}", alert_id, department, task, actor.id, NOW, NOW + timedelta(days=days), 3
        )
        self.given.append(order)
        return order

    def answer(self, actor: Actor, order_id: str, text: str) -> Answer:
        answer = Answer(f"answer-{len(self.answered) + 1}", order_id, text, actor.id, NOW, 3)
        self.answered.append(answer)
        return answer

    def decide(self, actor: Actor, alert_id: str, outcome: str, ground: str) -> Decision:
        decision = Decision(f"dec-{len(self.decided) + 1}", alert_id, outcome, ground, actor.id, NOW, 3, "sub-decision")
        self.decided.append(decision)
        return decision

    def trace(self, id: str) -> Trace:
        rule = self.indicators()[0]
        row = RowTrace(
            EVIDENCE, ok=True, finding=both("相符", "It matches"), archival_code="Y012-SJ·2026-D30-000123", entry=2
        )
        steps = (
            TraceStep(both("规则", "Rule"), both("与登记的口径一致。", "As it was declared.")),
            TraceStep(both("输入", "Inputs"), both("两次调阅均在账。", "Both readings are in the ledger."), ok=True),
        )
        return Trace(
            id=id,
            kind="figure",
            rule=rule.rule,
            rule_id=rule.id,
            version=2,
            legal_basis=rule.legal_basis,
            inputs=("low_income@3", "population@3"),
            total=37,
            root=SHA,
            rows=(row,),
            steps=steps,
        )


class SimNode:
    """Stands for `chengyi.node.Node`."""

    def __init__(self, home: Path, clock: Clock | None = None) -> None:
        self.home = SimpleNamespace(path=home, keys=home / "keys")
        name = SimpleNamespace(zh="云汀区", en="Yunting District")
        settings = SimpleNamespace(id="yunting", name=name, department="区数据局", fonds="Y001", demonstration=True)
        self.settings = SimpleNamespace(node=settings)
        self.clock: Clock = clock or SetClock(NOW)
        self.fail = Failing()
        self.keys = MemoryKeys("chengyi.test/yunting")
        self.ledger = MemoryLedger(self.keys, "chengyi.test/yunting")
        self.audit = MemoryAudit(self.clock, self.ledger)
        self.actor = node_actor("yunting")
        for kind in (ActKind.CREATED, ActKind.RECEIVED, ActKind.KEPT, ActKind.STANDARDISED):
            self.audit.record(Act(kind, self.actor.id, f"{PACKAGE}@1", {"rows": 2310, "root": SHA}))
        self.collect = SimCollect(self)
        self.archive = SimArchive(self)
        self.integrate = SimIntegrate(self)
        self.share = SimShare(self)
        self.brain = SimBrain(self)
        self.work: Callable[[Reporter], object] = self._work

    def status(self) -> Any:
        self.fail.check("status")
        lines = tuple(
            SimpleNamespace(
                id=source.id,
                title=source.title,
                department=source.department,
                received=9,
                archived=8,
                quarantined=number % 2,
                completeness=Completeness(12, 9, ("2026-10.csv",)) if number == 0 else Completeness(None, 9),
                last=NOW - timedelta(hours=number + 1),
            )
            for number, source in enumerate(self.collect.sources)
        )
        return SimpleNamespace(counts=COUNTS, sources=lines, gaps=GAPS, last_run=NOW - timedelta(minutes=12))

    def run(self, reporter: Reporter) -> object:
        return self.work(reporter)

    def _work(self, reporter: Reporter) -> None:
        with reporter.step(both("归集", "Collect"), 3) as step:
            step.advance(3)
            step.note(both("三个来源均已检查。", "Three sources were looked at."))


COUNTS = {
    "collect": {"sources": 16, "departments": 15, "submissions": 217, "pending": 2, "quarantined": 5, "missing": 3},
    "archive": {"packages": 412, "rows": 386_204, "manual": 0},
    "integrate": {"datasets": 15, "faults": 1893, "dossiers": 20_114},
    "share": {"catalogue": 15, "grants": 9, "open": 2},
    "brain": {"figures": 64, "alerts": 23, "raised": 19, "ordered": 0, "answered": 0, "decided": 4},
}
GAPS = (
    both(
        "低保名册：2026年10月、11月两批未报，责任部门区民政局。",
        "Low-income roll: two deliveries are owed by the civil affairs bureau.",
    ),
    both("水务监测：S-07 站 6 小时无数据。", "Water sensors: no data from station S-07 for 6 hours."),
)


def error(**facts: object) -> ChengyiError:
    return UsageError(**facts)
