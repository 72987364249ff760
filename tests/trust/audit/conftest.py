"""An audit over real rows and a log in memory; people who may erase and approve."""

from pathlib import Path

import pytest

from chengyi.model.clock import SetClock
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.rows import acts
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    acts.create(rows.engine)
    return rows


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(MemoryKeys())


@pytest.fixture
def audit(rows: Rows, ledger: MemoryLedger, clock: SetClock) -> LedgerAudit:
    return LedgerAudit(rows, ledger, clock)
