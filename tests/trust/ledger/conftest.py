"""A log before its witnesses, over real HTTP on a loopback port."""

from collections.abc import Iterator

import pytest

from simulators.witness import Switchboard


@pytest.fixture
def board() -> Iterator[Switchboard]:
    made = Switchboard()
    yield made
    made.close()
