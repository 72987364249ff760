"""The web edge: accounts and pages over one node. Only this room imports the web framework.

Rules: one process serves one node; the domain is reached only through the node that is handed in; the
console authenticates, the domain authorises and puts acts on record. Accounts and sessions lie in
``console.db`` of the home, apart from every record.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chengyi.console.application import Application
    from chengyi.node import Node

__all__ = ["build_application", "create_first_accounts", "reset_password", "serve"]


def serve(
    node: "Node", host: str = "127.0.0.1", port: int = 8000, *, hosts: "Sequence[str]" = (), https: bool = False
) -> None:
    """Serve the console of `node`, and keep the node in order, until interrupted; blocks.

    `hosts` are further names it answers to.
    """
    from chengyi.console.server import serve as run_server

    application = build_application(node, hosts=hosts, https=https)
    with application.desk.upkeep:
        run_server(application, host, port)


def build_application(node: "Node", *, hosts: "Sequence[str]" = (), https: bool = False) -> "Application":
    """Return the WSGI callable of the node's console, with its database brought up to date.

    The framework is configured once per process, for the first home; UsageError for a second home.
    """
    from chengyi.console.application import build

    return build(node, hosts=hosts, https=https)


def create_first_accounts(node: "Node") -> dict[str, str]:
    """Create one account a role and return the one-time passwords by user name; empty where accounts exist."""
    from chengyi.console.application import configure

    configure(node.home.path)
    from chengyi.console.accounts.service import create_first

    return create_first(node)


def reset_password(node: "Node", username: str) -> str:
    """Give an account a new one-time password and return it: the way back for an administrator, at the machine."""
    from chengyi.console.application import configure

    configure(node.home.path)
    from chengyi.console.accounts.service import reset_at_machine

    return reset_at_machine(node, username)
