"""A region with its authority, and the means to forge whatever an attacker may show it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import system
from chengyi.model.clock import SetClock
from chengyi.store.rows import Rows
from chengyi.trust.authority.authority import Authority
from chengyi.trust.authority.suites import Suite
from chengyi.trust.authority.terms import Parts, Terms
from chengyi.trust.primitives import sm2
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from trust.authority.town import Town


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    rows.create_all()
    yield rows
    rows.close()


@pytest.fixture
def audit(clock: SetClock) -> MemoryAudit:
    return MemoryAudit(clock)


@pytest.fixture
def parts(rows: Rows, audit: MemoryAudit, clock: SetClock) -> Parts:
    return Parts(rows, audit, clock, MemoryKeys(), "node:yunting")


@pytest.fixture
def town(tmp_path: Path, parts: Parts, audit: MemoryAudit, clock: SetClock) -> Town:
    return Town(tmp_path / "authority", parts, audit, clock)


@pytest.fixture(params=list(Suite))
def suite(request: pytest.FixtureRequest) -> Suite:
    if request.param is Suite.SM:
        system.need("found" if sm2.available() else None, "libcrypto with SM2", "apt-get install libssl3")
    return Suite(request.param)


@pytest.fixture
def of_suite(suite: Suite, tmp_path: Path, parts: Parts) -> Authority:
    return Authority.local(tmp_path / "of-suite", parts, Terms(suite), node="yunting")
