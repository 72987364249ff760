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

    found = verify_ledger(node.home.ledger, node.keys.verifier, reporter)
    faults = [
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


def _verify_objects(node: "Node", faults: list[Text], reporter: Reporter) -> int:
    ids = list(node.vault.objects())
    with reporter.step(Text("核验存储对象", "Verify stored objects"), len(ids)) as step:
        for id in ids:
            try:
                node.vault.verify(id)
            except ChengyiError as fault:
                faults.append(Text(fault.message("zh"), fault.message("en")))
            step.advance()
    return len(ids)


def _verify_packages(node: "Node", faults: list[Text], reporter: Reporter) -> int:
    refs = [package.ref for source in node.collect.sources for package in node.archive.since(source.id, -1)]
    with reporter.step(Text("核验档案包", "Verify packages"), len(refs)) as step:
        for ref in refs:
            bad = [each for each in node.archive.verify(ref).steps if each.ok is False]
            faults += [Text(f"{ref}：{each.finding.zh}", f"{ref}: {each.finding.en}") for each in bad]
            step.advance()
    return len(refs)
