"""A sharing room over a data centre in memory, and the brain's filing port in memory."""

from dataclasses import dataclass, field
from datetime import datetime

from chengyi.model.act import Act
from chengyi.model.actor import node_actor
from chengyi.model.clock import SetClock
from chengyi.share import Share
from chengyi.store.rows import Rows
from simulators.audit import MemoryAudit
from simulators.integrate import SimIntegrate
from simulators.keys import MemoryKeys

NODE = node_actor("yunting")


@dataclass
class SimFiling:
    """Implements `model.decision.Filing`; `fail` makes it refuse, as a full disk would."""

    filed: dict[str, bytes] = field(default_factory=dict)
    fail: Exception | None = None
    calls: int = 0

    def file(self, sequence: str, record: bytes, event_time: datetime) -> str:
        self.calls += 1
        if self.fail is not None:
            raise self.fail
        assert self.filed.setdefault(sequence, record) == record
        return f"sub-{sequence}"


class SharedWorld:
    """Everything before the brain, in memory."""

    def __init__(self, clock: SetClock) -> None:
        import chengyi.brain.rows  # noqa: F401 - declares its tables

        self.clock = clock
        self.audit = MemoryAudit(clock)
        self.keys = MemoryKeys()
        self.rows = Rows("sqlite://")
        self.rows.create_all()
        self.integrate = SimIntegrate(self.audit)
        self.share = Share(self.rows, self.keys, self.audit, clock, self.integrate, self.integrate.archive)
        self.filing = SimFiling()

    def publish(self) -> None:
        self.share.publish(NODE)

    def acts(self, kind: str) -> list[Act]:
        return [act for act in self.audit.acts if act.kind.value == kind]
