"""The console as a WSGI callable."""

from __future__ import annotations

from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from chengyi.model.act import ActKind
from chengyi.model.errors import StorageFullError
from chengyi.trust.vault.faults import FaultKind, FragmentFault


def answered(application: Any) -> Any:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {"PATH_INFO": "/sign-in/", "SERVER_NAME": "127.0.0.1", "HTTP_HOST": "127.0.0.1"}
    said: list[str] = []
    answer = application(environ, lambda status, _headers, *_: said.append(status))
    assert b"".join(answer)
    assert said == ["200 OK"]
    return answer


def test_promise_4_a_fragment_refused_on_the_way_of_an_answer_is_on_record_when_it_ends(
    application: Any, node: Any
) -> None:
    answer = answered(application)
    node.refusals(FragmentFault("obj-1", 1, "s1", FaultKind.DAMAGED, "flipped"))
    assert node.audit.entries(kind=ActKind.FRAGMENT_REFUSED.value) == []
    answer.close()
    (told,) = node.audit.entries(kind=ActKind.FRAGMENT_REFUSED.value)
    assert told.act.object == "obj-1"


def test_what_cannot_be_recorded_waits_for_the_next_answer(
    application: Any, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.refusals(FragmentFault("obj-2", 1, "s1", FaultKind.DAMAGED, "flipped"))

    def no_room(_: object) -> list[int]:
        raise StorageFullError(path="ledger")

    with monkeypatch.context() as full:
        full.setattr(node.audit, "record_all", no_room)
        answered(application).close()
    answered(application).close()
    assert [each.act.object for each in node.audit.entries(kind=ActKind.FRAGMENT_REFUSED.value)] == ["obj-2"]
