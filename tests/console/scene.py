"""A district at work: what pages can show of it is brought about through the rooms, and found by asking the node."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from cryptography.x509 import ReasonFlags

from chengyi.console.certifying import authority_of
from chengyi.model.actor import Actor, Role
from chengyi.model.codes import SharingClass
from chengyi.model.decision import Alert, AlertState
from chengyi.model.dossier import EntityKind
from chengyi.model.grant import Purpose
from chengyi.node import FILED, Node
from chengyi.trust.authority import suites
from chengyi.trust.authority.requests import make_request

DEPARTMENT = "区农业农村局"
DATASET = "low_income"
FIELDS = ("household_no", "person_name", "citizen_id", "aid_kind")
PURPOSE = Purpose("核对临时救助申请人家庭情况", "《社会救助暂行办法》第四十八条", "JZ-2026-0417")
CLERK = Actor("clerk", "部门经办", DEPARTMENT, frozenset({Role.CLERK}))
ARCHIVIST = Actor("archivist", "档案员", "区档案馆", frozenset({Role.ARCHIVIST}))
OPERATOR = Actor("operator", "城运值班员", "区城运中心", frozenset({Role.OPERATOR}))


@dataclass(frozen=True)
class Scene:
    """The ids of one thing of each kind; `fact` is a personal value of the dossier that nobody may read there."""

    source: str
    gap: str
    record: str
    code: str
    document: str
    row: str
    dataset: str
    dossier: str
    name: str
    fact: str
    open: str
    granted: str
    refused: str
    grant: str
    indicator: str
    figure: str
    alert: str
    title: str
    ordered: str
    order: str
    decided: str
    decision: str
    decision_record: str
    entry: str
    store: str
    certificate: str

    def written(self) -> dict[str, str]:
        """Return it as plain values."""
        return asdict(self)


def stage(node: Node) -> Scene:
    """Let clerk, archivist, operator and authority act once each way, and say what came of it."""
    requests = _ask(node)
    handled = _handle(node)
    certified = _certify(node)
    return Scene(
        **_archived(node),
        **_linked(node),
        **requests,
        **handled,
        **certified,
        entry=str(node.ledger.checkpoint().size - 1),
    )


def _archived(node: Node) -> dict[str, str]:
    lines = node.status().sources
    source = next(each.id for each in lines if node.collect.source(each.id).contract.get("dataset") == DATASET)
    found = node.archive.search("", node.actor, source=source).packages[0]
    kept = node.archive.search("", node.actor, limit=500).packages
    document = next(each for each in kept if each.seal is None and each.source != FILED)
    return {
        "source": source,
        "gap": next(each.id for each in lines if each.completeness.missing),
        "record": found.ref,
        "code": found.archival_code,
        "document": document.ref,
        "row": "7",
        "dataset": DATASET,
    }


def _linked(node: Node) -> dict[str, str]:
    for head in node.integrate.dossiers("", CLERK, limit=500):
        if head.kind is EntityKind.PERSON and head.members > 2:
            found = node.integrate.dossier(head.id, CLERK)
            secret = next((each.value for each in found.facts if each.field == "citizen_id"), "")
            if found.conflicts and secret:
                return {"dossier": head.id, "name": head.label, "fact": secret}
    raise LookupError("no person's dossier has a conflict")


def _ask(node: Node) -> dict[str, str]:
    asked = []
    for case in ("JZ-2026-0417", "JZ-2026-0418", "JZ-2026-0419"):
        purpose = Purpose(PURPOSE.text, PURPOSE.legal_basis, case)
        asked.append(node.share.request(CLERK, DATASET, FIELDS, purpose))
    grant = node.share.approve(ARCHIVIST, asked[1].id, clear=("aid_kind",))
    node.share.refuse(ARCHIVIST, asked[2].id, "所述用途不需要证件号码，请减少字段后重新申请。")
    assert node.share.entry(DATASET, CLERK).sharing is SharingClass.CONDITIONAL
    return {"open": asked[0].id, "granted": asked[1].id, "refused": asked[2].id, "grant": grant.id}


def _handle(node: Node) -> dict[str, str]:
    brain = node.brain
    raised = [each for each in brain.alerts(AlertState.RAISED) if each.figure]
    first, second, third = _unlike(raised)[:3]
    order = brain.order(OPERATOR, second.id, DEPARTMENT, "逐户核实家庭人口与收入，七日内反馈。", 7)
    given = brain.order(OPERATOR, third.id, DEPARTMENT, "逐件核实并说明情况。", 5)
    brain.answer(CLERK, given.id, "已逐件核实，情况属实。")
    decision = brain.decide(OPERATOR, third.id, "责成整改", "核实属实，限期整改。")
    kept = node.archive.search("", node.actor, source=FILED).packages[0]
    return {
        "indicator": brain.figure(first.figure or "").indicator,
        "figure": first.figure or "",
        "alert": first.id,
        "title": first.title.zh,
        "ordered": second.id,
        "order": order.id,
        "decided": third.id,
        "decision": decision.id,
        "decision_record": kept.ref,
    }


def _certify(node: Node) -> dict[str, str]:
    authority = authority_of(node, found=True)
    assert authority is not None
    authority.own(node.settings.node.id)
    for name in ("沈云舟", "林知远"):
        authority.issue_person(name, make_request(suites.generate(suites.Suite.P256), name))
    gone, standing = (authority.issued(name=name)[0].serial for name in ("林知远", "沈云舟"))
    authority.revoke(gone, ReasonFlags.superseded)
    return {"store": node.vault.sites[0].id, "certificate": standing}


def _unlike(alerts: list[Alert]) -> list[Alert]:
    """Put alerts of different rules first."""
    seen: dict[str, list[Alert]] = {}
    for each in alerts:
        seen.setdefault(each.rule, []).append(each)
    return [each for turn in zip(*seen.values(), strict=False) for each in turn] + alerts
