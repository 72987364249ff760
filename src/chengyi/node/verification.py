"""The verification of a whole home, offline. Keeps promise 2: what was archived is never altered unnoticed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.errors import ChengyiError
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

if TYPE_CHECKING:
    from chengyi.node.node import Node


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification of the whole home looked at, and what it found."""

    acts: int
    objects: int
    packages: int
    faults: tuple[Text, ...]


def verify_home(node: "Node", reporter: Reporter) -> VerifyReport:
    """Check the whole home offline: the ledger, every act's body, every stored byte, every package."""
    from chengyi.trust.ledger.verify import verify_ledger

    earlier, faults = _cosigned(node)
    found = verify_ledger(node.home.ledger, node.keys.verifier, reporter, earlier)
    faults += [
        Text(
            f"存证：{each.path}：{each.why}",
            f"ledger: {each.path}: {each.why}",
        )
        for each in found.faults
    ]
    faults += [
        Text(
            f"行为：{each.path}：{each.why}",
            f"act: {each.path}: {each.why}",
        )
        for each in node.audit.check()
    ]
    objects = _verify_objects(node, faults, reporter)
    packages = _verify_packages(node, faults, reporter)
    return VerifyReport(found.size, objects, packages, tuple(faults))


def _cosigned(node: "Node") -> tuple[str, list[Text]]:
    """Return the checkpoint that witnesses cosigned, which the ledger has to extend; a fault where it is not sound."""
    try:
        point = node.ledger.cosigned()
        if point is None:
            return "", []
        node.publisher.policy.judge(point.note)
    except ChengyiError as fault:
        return "", [Text(f"会签：{fault.message('zh')}", f"cosignatures: {fault.message('en')}")]
    return point.note, []


def _verify_objects(node: "Node", faults: list[Text], reporter: Reporter) -> int:
    from chengyi.trust.vault.vault import FragmentsMissing

    named = _named(node)
    ids = sorted(named.union(node.vault.objects()))
    with reporter.step(Text("核验存储对象", "Verify stored objects"), len(ids)) as step:
        for id in ids:
            try:
                node.vault.verify(id)
            except ChengyiError as fault:
                left_over = isinstance(fault, FragmentsMissing) and id not in named
                if not left_over:  # a writing that was cut off before anything named it
                    faults.append(Text(fault.message("zh"), fault.message("en")))
            step.advance()
    return len(ids)


def _named(node: "Node") -> set[str]:
    """Return the objects that the rows name: they have to be there, whole."""
    from sqlalchemy import select

    from chengyi.archive.rows import packages
    from chengyi.collect.rows import components

    with node.rows.read() as connection:
        taken = connection.execute(select(components.c.object)).scalars()
        kept = connection.execute(select(packages.c.inventory_object)).scalars()
        return {*taken, *kept}


def _verify_packages(node: "Node", faults: list[Text], reporter: Reporter) -> int:
    refs = [package.ref for source in node.collect.sources for package in node.archive.since(source.id, -1)]
    with reporter.step(Text("核验档案包", "Verify packages"), len(refs)) as step:
        for ref in refs:
            bad = [each for each in node.archive.verify(ref).steps if each.ok is False]
            faults += [Text(f"{ref}：{each.finding.zh}", f"{ref}: {each.finding.en}") for each in bad]
            step.advance()
    return len(refs)
