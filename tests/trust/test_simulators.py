"""The simulators keep the contracts that other rooms' tests lean on."""

import io

import pytest

from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SetClock
from chengyi.model.errors import IntegrityError, NotFoundError, StorageFullError
from chengyi.trust.ports import Audit, Keys, Ledger, Vault
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger
from simulators.vault import MemoryVault


def test_the_simulators_implement_the_ports(clock: SetClock) -> None:
    ports: tuple[Vault, Ledger, Keys, Audit] = (MemoryVault(), MemoryLedger(), MemoryKeys(), MemoryAudit(clock))
    assert len(ports) == 4


def test_the_vault_keeps_refuses_and_detects() -> None:
    vault = MemoryVault(capacity=10)
    stored = vault.put(io.BytesIO(b"12345678"))
    assert vault.open(stored.object).read() == b"12345678"
    assert list(vault.objects()) == [stored.object]
    with pytest.raises(StorageFullError):
        vault.put_bytes(b"123")
    with pytest.raises(NotFoundError):
        vault.read("obj-no")
    vault.flip(stored.object)
    with pytest.raises(IntegrityError):
        vault.verify(stored.object)


def test_the_audit_filters_and_proves(clock: SetClock) -> None:
    audit = MemoryAudit(clock)
    acts = [Act(ActKind.KEPT, "a", "pkg-1"), Act(ActKind.READ, "b", "pkg-1"), Act(ActKind.KEPT, "a", "pkg-2")]
    assert audit.record_all(acts) == [0, 1, 2]
    assert audit.record_all([]) == []
    assert audit.acts == acts
    assert [each.index for each in audit.entries(kind="archive")] == [2, 0]
    assert [each.index for each in audit.entries(object="pkg-1", before=1)] == [0]
    assert audit.receipt(audit.record(acts[0])).checkpoint.size == 4
    with pytest.raises(NotFoundError):
        audit.entry(9)
