"""A few thousand random attacks; the measurements make a hundred thousand."""

from pathlib import Path

import pytest

from chengyi.trust.vault.vault import Shape
from simulators.mutations import ATTACKS, Attacks


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "count"), [(Shape(2, 3), 2_000), (Shape(3, 5, 4), 500), (Shape(6, 9), 300)], ids=str)
def test_promise_2_no_attack_on_stored_bytes_goes_unnoticed(shape: Shape, count: int, tmp_path: Path) -> None:
    attacks = Attacks(tmp_path, shape, seed=count)
    attacks.run(count)
    assert attacks.silent == []
    assert attacks.kinds.keys() == ATTACKS.keys()
    assert sum(attacks.kinds.values()) > 0.9 * count


def test_the_judge_sees_a_silent_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attacks = Attacks(tmp_path, Shape(2, 3), seed=1)
    monkeypatch.setattr(attacks.scene.vault, "read", lambda _: b"something else")
    monkeypatch.setattr(attacks.scene.vault, "verify", lambda _: None)
    attacks.run(5)
    assert len(attacks.silent) == 10
