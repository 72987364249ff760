"""Signed requests over real connections: nodes as processes on loopback, behind two different servers (promise 4)."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import system
from chengyi.model.act import ActKind
from chengyi.model.clock import SetClock, SystemClock
from chengyi.store.migrations import upgrade
from chengyi.store.rows import Rows
from chengyi.trust.messages.algorithms import signing_key
from chengyi.trust.messages.client import MessageAuth, message_of
from chengyi.trust.messages.components import Message
from chengyi.trust.messages.signing import MessageSigner
from trust.messages.forge import EC, EC_PRIVATE, ED, ed_key
from trust.messages.server import MOST_BODY, audit

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parents[2]


@dataclass(frozen=True)
class Served:
    port: int
    folder: Path
    kind: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/node/ask/"

    def reasons(self) -> list[str]:
        entries = audit(self.folder).entries(kind=ActKind.MESSAGE_REFUSED.value, limit=10_000)
        return [str(each.act.detail["reason"]) for each in reversed(entries)]


@contextmanager
def serving(kind: str, folder: Path, port: int, *authorities: str) -> Iterator[Served]:
    words = [sys.executable, "-m", "trust.messages.server", kind, str(port), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    running = subprocess.Popen([*words, f"127.0.0.1:{port}", *authorities], env=environment, cwd=TESTS)
    try:
        system.wait_for_port(port)
        yield Served(port, folder, kind)
    finally:
        running.kill()
        running.wait(timeout=30)


def home(folder: Path) -> Path:
    rows = Rows(f"sqlite:///{folder / 'node.db'}")
    upgrade(rows)
    rows.close()
    return folder


@pytest.fixture(scope="module", params=["wsgiref", "granian"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = home(tmp_path_factory.mktemp("node"))
    with serving(request.param, folder, system.free_port()) as found:
        yield found


def signer(keyid: str = ED, clock: SetClock | None = None) -> MessageSigner:
    return MessageSigner(signing_key(ed_key() if keyid == ED else EC_PRIVATE), keyid, clock or SystemClock())


def client(keyid: str = ED) -> httpx.Client:
    return httpx.Client(auth=MessageAuth(signer(keyid)), trust_env=False)


def signed(served: Served, body: bytes = b'{"a":1}', by: MessageSigner | None = None) -> tuple[Message, dict[str, str]]:
    """Return a signed request and its fields, not sent yet."""
    request = httpx.Request("POST", served.url, content=body, headers={"content-type": "application/json"})
    message = message_of(request)
    return message, {"Content-Type": "application/json", **(by or signer()).headers(message)}


def send(served: Served, fields: dict[str, str], body: bytes, target: str = "/node/ask/", method: str = "POST") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request(method, target, body=body, headers=fields)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("keyid", [ED, EC])
def test_a_node_asks_another(served: Served, keyid: str) -> None:
    with client(keyid) as asking:
        for body in (b"", b"{}", b"x" * 300_000):
            answer = asking.post(
                served.url, params={"page": "1", "云": "汀"}, content=body, headers={"content-type": "a/b"}
            )
            said = answer.json()
            del said["type"]
            assert said == {"signer": {ED: "node-a", EC: "node-c"}[keyid], "bytes": len(body)}
        assert asking.get(served.url).json()["bytes"] == 0, served.reasons()
        assert asking.get(f"http://127.0.0.1:{served.port}/node/云/").status_code == 200, served.reasons()


def test_a_body_in_chunks_is_the_body_that_was_signed(served: Served) -> None:
    """Granian marks the end of a chunked body and takes it; wsgiref does not, so nothing is believed of it."""
    message, fields = signed(served, b"one two")
    fields["Transfer-Encoding"] = "chunked"
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("POST", message.path, body=iter([b"one ", b"two"]), headers=fields, encode_chunked=True)
    assert connection.getresponse().status == (200 if served.kind == "granian" else 401)
    connection.close()


def test_proxies_may_change_the_case_of_names_and_add_fields(served: Served) -> None:
    message, fields = signed(served)
    changed = {name.upper(): value for name, value in fields.items()}
    assert send(served, {**changed, "Via": "1.1 proxy", "X-Forwarded-For": "10.0.0.1"}, message.body) == 200


def _changed(fields: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in fields[name]
    return {**fields, name: fields[name].replace(old, new)}


def _without(fields: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key != name}


def _at(seconds: float) -> SetClock:
    from datetime import timedelta

    return SetClock(SystemClock().now() + timedelta(seconds=seconds))


def test_promise_4_forged_requests_get_one_answer_and_are_on_record(served: Served) -> None:
    message, fields = signed(served)
    body = message.body
    unknown = MessageSigner(signing_key(ed_key(b"z")), "nobody", SystemClock())
    wrong = MessageSigner(signing_key(ed_key(b"z")), ED, SystemClock())
    confused = MessageSigner(signing_key(EC_PRIVATE), ED, SystemClock())
    before = len(served.reasons())
    statuses = [
        send(served, {"Content-Type": "application/json"}, body),
        send(served, fields, b'{"a":2}'),
        send(served, fields, body, "/node/%E4%BA%91/"),
        send(served, fields, body, "/node/ask/?page=2"),
        send(served, fields, body, method="GET"),
        send(served, _changed(fields, "signature-input", ' "@path"', ""), body),
        send(served, _without(fields, "content-digest"), body),
        send(served, signed(served, body, signer(clock=_at(-100)))[1], body),
        send(served, signed(served, body, signer(clock=_at(40)))[1], body),
        send(served, signed(served, body, wrong)[1], body),
        send(served, signed(served, body, unknown)[1], body),
        send(served, signed(served, body, confused)[1], body),
        send(served, {**fields, "Host": "other.example"}, body),
        send(served, fields, body),
        send(served, fields, body),
    ]
    assert statuses == [401] * 13 + [200, 401]
    wanted = ["unsigned", "wrong-digest", "wrong-signature", "wrong-signature", "wrong-signature", "uncovered"]
    wanted += ["uncovered", "expired", "future", "wrong-signature", "unknown-key", "wrong-algorithm"]
    assert served.reasons()[before:] == [*wanted, "wrong-authority", "replayed"]


def test_the_answer_to_a_forger_says_no_reason(served: Served) -> None:
    message, fields = signed(served)
    answers = {
        httpx.post(served.url, content=content, headers=headers, trust_env=False).text
        for content, headers in ((message.body, {}), (b"changed", fields), (message.body, {"Signature": "x"}))
    }
    (said,) = answers
    assert "未予受理" in said
    assert "not accepted" in said


def test_a_body_over_the_bound_is_refused(served: Served) -> None:
    with client() as asking:
        assert (
            asking.post(served.url, content=b"x" * (MOST_BODY + 1), headers={"content-type": "a/b"}).status_code == 401
        )
    assert served.reasons()[-1] == "oversize"


def test_promise_4_of_doubled_fields_none_but_the_signed_one_is_used(served: Served) -> None:
    for name in ("signature-input", "signature", "content-digest", "content-type"):
        message, fields = signed(served)
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        connection.putrequest("POST", message.path)
        for key, value in {**fields, "Content-Length": str(len(message.body))}.items():
            connection.putheader(key, value)
        connection.putheader(name, {**fields, "content-type": "text/html"}[name])
        connection.endheaders(message.body)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        if name == "content-type" and answer.status == 200:  # the server kept one of them: it has to be the signed one
            assert said["type"] == "application/json"
        else:
            assert answer.status == 401, name


def test_promise_4_of_concurrent_replays_to_two_processes_one_is_accepted(tmp_path: Path) -> None:
    ports = system.free_port(), system.free_port()
    authorities = [f"127.0.0.1:{port}" for port in ports]
    with ExitStack() as stack:
        folder = home(tmp_path)
        nodes = [stack.enter_context(serving("granian", folder, port, *authorities)) for port in ports]
        for _ in range(5):
            message, fields = signed(nodes[0])
            fields["Host"] = authorities[0]
            with ThreadPoolExecutor(8) as pool:
                sent = list(pool.map(lambda each, f=fields, m=message: send(nodes[each % 2], f, m.body), range(12)))
            assert sorted(sent) == [200] + [401] * 11
        assert nodes[0].reasons().count("replayed") == 55
