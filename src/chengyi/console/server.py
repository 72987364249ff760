"""One process, several threads: the WSGI server of the console."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from chengyi.model.errors import UsageError

if TYPE_CHECKING:
    from chengyi.console.application import Application

THREADS = 16


def require_free(host: str, port: int) -> None:
    """Raise UsageError where someone listens already: the server would share the port without a word."""
    family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
        except OSError as fault:
            why = f"{host}:{port} 不可用，请换一个端口 (is not available: {fault.strerror}; choose another port)"
            raise UsageError(why=why) from fault


def serve(application: Application, host: str, port: int) -> None:
    """Serve until interrupted; UsageError where the address cannot be had."""
    require_free(host, port)
    from granian.constants import Interfaces
    from granian.server.common import AbstractServer
    from granian.server.mt import MTServer

    class OneProcessServer(MTServer):
        """Workers are threads, so that the node in this process is the one that answers."""

        def _check_gil(self) -> None:
            """Python code runs one thread at a time here; waiting and I/O do not hold others up."""

        serve = AbstractServer.serve

    OneProcessServer(
        "chengyi.console",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        log_enabled=False,
    ).serve(target_loader=lambda _target: application)
