"""From a node to a WSGI callable.

Rules: the framework's settings are made once a process, for one home; the node itself is never global: the
application puts its desk (node and run board) into each request's environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chengyi.console.board import Board
from chengyi.console.stocktaking import Stocktaking, stocktaking_of
from chengyi.model.errors import ChengyiError, UsageError
from chengyi.node.upkeep import Upkeep

if TYPE_CHECKING:
    from chengyi.node import Node

DESK = "chengyi.desk"
Environment = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What every request of one application shares.

    The node, the board of its running work, stock of its stores, and what keeps the node in order while it is served.
    """

    node: Node
    board: Board
    stock: Stocktaking
    upkeep: Upkeep


class Application:
    """The WSGI callable of one node's console."""

    def __init__(self, node: Node, handler: Callable[[Environment, Any], Iterable[bytes]]) -> None:
        self.desk = Desk(node, Board(), stocktaking_of(node), Upkeep(node))
        self._handler = handler

    def __call__(self, environ: Environment, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401
        """Answer one request."""
        environ[DESK] = self.desk
        return _Settling(self._handler(environ, start_response), self.desk.node)


class _Settling:
    """An answer after which fragments that were refused on its way are put on record, also where it was streamed."""

    def __init__(self, answer: Iterable[bytes], node: Node) -> None:
        self._answer = answer
        self._node = node

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        """Close the answer; what cannot be put on record now waits for the next one."""
        close = getattr(self._answer, "close", None)
        try:
            if close is not None:
                close()
        finally:
            with suppress(ChengyiError):
                self._node.refusals.settle(self._node.audit)


def build(node: Node, *, hosts: Sequence[str] = (), https: bool = False) -> Application:
    """Configure the framework for the node's home, bring its database up to date, and return the callable."""
    configure(node.home.path, hosts, https=https)
    from django.core.handlers.wsgi import WSGIHandler

    return Application(node, WSGIHandler())


def configure(home: Path, hosts: Sequence[str] = (), *, https: bool = False) -> None:
    """Configure the framework once a process and migrate ``console.db``; UsageError for another home."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    from chengyi.console.settings import settings_for

    if settings.configured:
        _require_same_home(home)
        return
    settings.configure(**settings_for(home, hosts, https=https))
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("clearsessions", verbosity=0)
    (home / "console.db").chmod(0o600)


def _require_same_home(home: Path) -> None:
    from django.conf import settings

    if Path(settings.DATABASES["default"]["NAME"]).resolve() != (home / "console.db").resolve():
        raise UsageError(why="一个进程只服务一个节点 (one process serves one node)")


def desk_of(request: Any) -> Desk:  # noqa: ANN401  the framework's request
    """Return the desk that a request came to."""
    desk: Desk = request.META[DESK]
    return desk


def node_of(request: Any) -> Node:  # noqa: ANN401  the framework's request
    """Return the node that a request came to."""
    return desk_of(request).node
