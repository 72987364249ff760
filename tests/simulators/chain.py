"""A chain that lives in memory: it keeps the port `AnchorChain`, and can be out of reach."""

from chengyi.model.errors import ChengyiError
from chengyi.trust.anchors.chain import AnchorProof, Head
from chengyi.trust.anchors.faults import rolled_back
from chengyi.trust.ports import Checkpoint


class MemoryChain:
    """Implements `trust.anchors.chain.AnchorChain`; while `fault` is set, every call raises it."""

    name = "memory #1"

    def __init__(self) -> None:
        self.heads: dict[str, Head] = {}
        self.block = 0
        self.calls = 0
        self.fault: ChengyiError | None = None

    def anchor(self, checkpoint: Checkpoint) -> AnchorProof:
        self._reach()
        head = self.heads.get(checkpoint.origin, Head(0, b"", 0))
        if (head.size, head.root) != (checkpoint.size, checkpoint.root):
            if head.size >= checkpoint.size:
                raise rolled_back(checkpoint.origin)
            self.block += 1
            head = self.heads[checkpoint.origin] = Head(checkpoint.size, checkpoint.root, self.block)
        transaction = f"{head.block:064x}"
        return AnchorProof(
            checkpoint.origin, head.size, head.root.hex(), 1, "0x0", transaction, head.block, transaction, "{}"
        )

    def latest(self, origin: str) -> Head | None:
        self._reach()
        return self.heads.get(origin)

    def _reach(self) -> None:
        self.calls += 1
        if self.fault is not None:
            raise self.fault
