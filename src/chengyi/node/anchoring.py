"""The node's time-stamps and anchors: asked for after a run, and never in the way of one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chengyi.model.errors import ChengyiError
from chengyi.trust.anchors.wiring import Parts, make_chain, make_queue, make_stamps

if TYPE_CHECKING:
    from chengyi.node.node import Node
    from chengyi.trust.anchors.queue import AnchorQueue, DrainReport
    from chengyi.trust.anchors.timestamps import Stamp, Stamps
    from chengyi.trust.anchors.wiring import LazyChain


@dataclass(frozen=True, slots=True)
class AnchorReport:
    """What came of a checkpoint after a run; `faults` is what did not work and will be tried again."""

    stamp: "Stamp | None" = None
    drained: "DrainReport | None" = None
    faults: tuple[ChengyiError, ...] = ()


class Anchoring:
    """The parts that `node.toml` asks for; each is None where it asks for none."""

    def __init__(self, node: "Node") -> None:
        settings = node.settings
        parts = Parts(node.home, node.keys, node.rows, node.ledger, node.audit, node.clock, node.actor.id)
        self._ledger = node.ledger
        self.chain: LazyChain | None = make_chain(settings.anchor, parts)
        self.queue: AnchorQueue | None = make_queue(settings.anchor, parts, self.chain)
        self.stamps: Stamps | None = make_stamps(settings.timestamps, parts)

    def after_run(self) -> AnchorReport:
        """Stamp and anchor the latest checkpoint where it says anything new; what fails is reported, never raised."""
        faults: list[ChengyiError] = []
        stamp, drained = None, None
        try:
            stamp = self.stamps.stamp_news(self._ledger.checkpoint()) if self.stamps else None
        except ChengyiError as fault:
            faults.append(fault)
        try:
            if self.queue is not None:
                self.queue.add(self._ledger.checkpoint())
                drained = self.queue.drain()
        except ChengyiError as fault:
            faults.append(fault)
        if drained is not None and drained.error is not None:
            faults.append(drained.error)
        return AnchorReport(stamp, drained, tuple(faults))

    def close(self) -> None:
        """Let go of the chain."""
        if self.chain is not None:
            self.chain.close()
