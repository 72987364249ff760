"""Whether a checkpoint says anything new.

Rules: what anchoring, stamping and cosigning leave on record is no reason to anchor, stamp or cosign again; else each
would cause the next without end.
"""

from chengyi.model.act import ActKind
from chengyi.trust.ports import Audit

_OWN_ACTS = frozenset({ActKind.ANCHORED, ActKind.STAMPED, ActKind.COSIGNED})
_MOST = 16


def is_news(audit: Audit, last: int, size: int) -> bool:
    """Tell whether the entries from `last` to `size` hold anything but our own acts."""
    growth = size - last
    if growth <= 0 or growth > _MOST:
        return growth > 0
    entries = [each for each in audit.entries(limit=growth, before=size) if each.index >= last]
    return len(entries) < growth or any(each.act.kind not in _OWN_ACTS for each in entries)
