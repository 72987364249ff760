"""Vaults for the tests of fragments."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from chengyi.trust.vault.vault import Shape
from simulators.vault import VaultScene

MakeScene = Callable[..., VaultScene]


def noise(size: int) -> bytes:
    """Return bytes that look random and are the same for the same size."""
    return Random(size).randbytes(size)


@pytest.fixture
def scene(tmp_path: Path) -> VaultScene:
    """A vault of 6 of 9 over stores in memory."""
    return VaultScene(tmp_path, Shape(6, 9))


@pytest.fixture
def small(tmp_path: Path) -> VaultScene:
    """A vault of 2 of 3 over stores in memory."""
    return VaultScene(tmp_path, Shape(2, 3))
