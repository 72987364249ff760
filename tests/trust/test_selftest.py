import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from chengyi.model.errors import SelfTestError
from chengyi.trust import selftest
from chengyi.trust.selftest import COUNT, COUNT_SM2, self_test, self_test_once
from chengyi.trust.tested import Primitives, real

FIELDS = [each.name for each in dataclasses.fields(Primitives)]


def test_every_primitive_gives_its_known_answer() -> None:
    tested = real()
    assert self_test(tested) == COUNT + (COUNT_SM2 if tested.verify_sm2 else 0)


def test_without_sm2_in_the_system_its_tests_are_not_expected() -> None:
    assert self_test(dataclasses.replace(real(), verify_sm2=None)) == COUNT


def lies(_: object) -> Callable[..., Any]:
    return lambda *_: b"\0" * 32


def agrees(_: object) -> Callable[..., Any]:
    return lambda *_: True


def denies(_: object) -> Callable[..., Any]:
    return lambda *_: False


def breaks(_: object) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    return fail


def bends(plain: Callable[..., Any]) -> Callable[..., Any]:
    def bent(*given: Any) -> Any:
        found = plain(*given)
        if isinstance(found, bool):
            return not found
        return found[:-1] + (bytes([found[-1] ^ 1]) if isinstance(found, bytes) else [b"forged"])

    return bent


@pytest.mark.parametrize("forge", [lies, breaks, bends, agrees, denies])
@pytest.mark.parametrize("name", FIELDS)
def test_promise_3_a_forged_primitive_fails(name: str, forge: Callable[[Any], Callable[..., Any]]) -> None:
    tested = real()
    if getattr(tested, name) is None:
        pytest.skip("the system has no SM2")
    with pytest.raises(SelfTestError) as error:
        self_test(dataclasses.replace(tested, **{name: forge(getattr(tested, name))}))
    assert error.value.facts["failed"] != "—"
    assert len(error.value.message("zh")) > 20
    assert len(error.value.advice("en")) > 20


def test_promise_3_a_test_that_is_lost_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "_derivations", lambda _: iter(()))
    with pytest.raises(SelfTestError) as error:
        self_test()
    assert error.value.facts["failed"] == "—"


def test_it_runs_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    first = self_test_once()
    monkeypatch.setattr(selftest, "real", lambda: pytest.fail("it ran again"))
    assert self_test_once() == first


def test_a_failure_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    self_test_once.cache_clear()
    broken = dataclasses.replace(real(), sha256=lambda _: b"")
    monkeypatch.setattr(selftest, "real", lambda: broken)
    for _ in range(2):
        with pytest.raises(SelfTestError):
            self_test_once()
    self_test_once.cache_clear()
