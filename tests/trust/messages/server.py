"""A node's door for other nodes, as a process: ``server.py wsgiref|granian PORT FOLDER AUTHORITY...``."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from chengyi.console.messages import opens_to_nodes
from chengyi.model.clock import SystemClock
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.ledger.log import FileLedger
from chengyi.trust.messages.nonces import RowNonces
from chengyi.trust.messages.policy import Policy
from chengyi.trust.messages.verification import MessageVerifier
from simulators.keys import MemoryKeys
from trust.messages.forge import peers

MOST_BODY = 1 << 20


def audit(folder: Path) -> LedgerAudit:
    clock = SystemClock()
    rows = Rows(f"sqlite:///{folder / 'node.db'}")
    return LedgerAudit(rows, FileLedger(folder / "ledger", MemoryKeys("b"), "b", clock), clock)


def application(folder: Path, authorities: list[str]) -> Any:
    rows = Rows(f"sqlite:///{folder / 'node.db'}")
    verifier = MessageVerifier(
        peers(),
        RowNonces(rows),
        audit(folder),
        SystemClock(),
        authorities=authorities,
        policy=Policy(most_body=MOST_BODY),
    )

    @opens_to_nodes("POST", "GET", verifier_of=lambda _: verifier)
    def ask(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"signer": request.signer.id, "bytes": len(request.body), "type": request.content_type})

    global urlpatterns  # noqa: PLW0603 - where the framework looks for them
    urlpatterns = [path("node/ask/", ask), path("node/云/", ask)]
    return WSGIHandler()


urlpatterns: list[Any] = []


def serve(kind: str, port: int, made: Any) -> None:
    if kind == "wsgiref":
        from wsgiref.simple_server import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        make_server("127.0.0.1", port, made, handler_class=Quiet).serve_forever()
        return
    from chengyi.console.server import serve as serve_granian

    serve_granian(made, "127.0.0.1", port)


if __name__ == "__main__":
    settings.configure(ROOT_URLCONF=sys.modules[__name__], ALLOWED_HOSTS=["*"], MIDDLEWARE=[], SECRET_KEY="test")
    serve(sys.argv[1], int(sys.argv[2]), application(Path(sys.argv[3]), sys.argv[4:]))
