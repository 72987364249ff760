"""Witnesses on a loopback port: honest ones, and ones that misbehave in every way that a log may meet."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chengyi.model.clock import SetClock
from chengyi.trust.ledger.asking import WitnessAddress
from chengyi.trust.ledger.cosignatures import Cosigner, Ed25519Key, cosign
from chengyi.trust.ledger.notes import Verifier
from chengyi.trust.ledger.request import Answer, Request
from chengyi.trust.ledger.witness import Witness
from simulators.audit import MemoryAudit
from simulators.keys import MemoryKeys
from simulators.ledger import MemoryLedger

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
Answering = Callable[[bytes], Answer]


def witness_keys(name: str) -> MemoryKeys:
    return MemoryKeys(name, name.encode())


def key_of(name: str) -> Cosigner:
    return Ed25519Key.of(witness_keys(name)).public


def make_witness(
    folder: Path, name: str, logs: dict[str, Verifier], audit: MemoryAudit | None = None, *, post_quantum: bool = False
) -> Witness:
    keys, clock = witness_keys(name), SetClock(NOW)
    audit = audit or MemoryAudit(clock, MemoryLedger(keys, name))
    return Witness(folder, keys, logs, clock=clock, audit=audit, actor=f"node:{name}", post_quantum=post_quantum)


def corrupt(name: str) -> Answering:
    """Signs whatever it is shown, and remembers nothing."""

    def answer(body: bytes) -> Answer:
        return Answer(200, cosign(Request.parse(body).checkpoint, Ed25519Key.of(witness_keys(name)), NOW))

    return answer


class Switchboard:
    """One HTTP server in this process for any number of witnesses, each under its own path."""

    def __init__(self) -> None:
        self.witnesses: dict[str, Answering] = {}
        self.delays: dict[str, float] = {}
        self.drips: set[str] = set()
        self.asked: list[str] = []
        board = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_POST(self) -> None:
                board._serve(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def address(self, name: str, key: Cosigner | None = None) -> WitnessAddress:
        return WitnessAddress(name, f"http://127.0.0.1:{self._server.server_address[1]}/{name}", key or key_of(name))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.removesuffix("/add-checkpoint").strip("/")
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.asked.append(name)
        time.sleep(self.delays.get(name, 0))
        answer = self.witnesses[name](body)
        raw = answer.body.encode()
        with contextlib.suppress(ConnectionError):
            request.send_response(answer.status)
            request.send_header("Content-Type", answer.content_type)
            request.send_header("Content-Length", str(len(raw)))
            request.end_headers()
            for byte in _drops(raw) if name in self.drips else [raw]:
                request.wfile.write(byte)
                request.wfile.flush()


def _drops(raw: bytes) -> Iterator[bytes]:
    for each in raw:
        time.sleep(0.05)
        yield bytes([each])
