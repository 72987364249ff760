"""Let use: catalogue, requests, grants, exchange. The only room that the brain may look into.

Keeps promise 1: the brain sees only what was shared.
"""

from chengyi.share.exchange import SharedTable
from chengyi.share.exportorders import POLICY_FILE, ExportOrder, load_policies
from chengyi.share.exports import NOTICE, Exported
from chengyi.share.masks import mask_written
from chengyi.share.rules import missing_text
from chengyi.share.service import Share
from chengyi.share.tracing import RowTrace
from chengyi.trust.ledger.merkle import leaf_hash, root
from chengyi.trust.ports import Audit, Receipt

__all__ = [
    "NOTICE",
    "POLICY_FILE",
    "Audit",
    "ExportOrder",
    "Exported",
    "Receipt",
    "RowTrace",
    "Share",
    "SharedTable",
    "leaf_hash",
    "load_policies",
    "mask_written",
    "missing_text",
    "root",
]
