"""One department's or region's node, wired from its home folder: the composition root."""

from chengyi.node.creation import FILED
from chengyi.node.node import Node, RunReport
from chengyi.node.status import SourceLine, Status
from chengyi.node.verification import VerifyReport

__all__ = ["FILED", "Node", "RunReport", "SourceLine", "Status", "VerifyReport"]
