"""One process, several threads: the WSGI server of the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chengyi.console.application import Application

THREADS = 16


def serve(application: Application, host: str, port: int) -> None:
    """Serve until interrupted."""
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
