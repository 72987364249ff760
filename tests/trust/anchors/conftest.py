"""Chains, real ones: one test suite runs on each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import system
from chengyi.store.rows import Rows
from chengyi.trust.anchors.accounts import Account
from chengyi.trust.anchors.evm import EvmAnchor, EvmSettings, connect, deploy
from chengyi.trust.anchors.rows import anchors, stamp_serials
from trust.anchors.chains import ANVIL_KEY, ANVIL_STRANGER, ORIGINS, Chain, tester


@pytest.fixture(scope="session")
def anvil_url() -> Iterator[str]:
    with system.anvil() as url:
        yield url


@pytest.fixture(params=["eth-tester", pytest.param("anvil", marks=pytest.mark.slow)])
def chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """A chain with a funded account and a contract of this test's own."""
    if request.param == "eth-tester":
        yield tester()
        return
    web3: Any = connect(request.getfixturevalue("anvil_url"))
    account = Account.parse(ANVIL_KEY)
    anchor = EvmAnchor(web3, account, deploy(web3, account, ORIGINS), EvmSettings(chain=31_337))
    yield Chain(web3, account, anchor, Account.parse(ANVIL_STRANGER))
    anchor.close()


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    rows = Rows(f"sqlite:///{tmp_path / 'node.db'}")
    anchors.create(rows.engine)
    stamp_serials.create(rows.engine)
    yield rows
    rows.close()
