"""What every page's frame needs: actor, menu, language, type size, node."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from chengyi.console.accounts.models import Account
from chengyi.console.accounts.service import must_change_password
from chengyi.console.application import node_of
from chengyi.console.menu import menu_for
from chengyi.model.actor import Permission
from chengyi.model.text import Text


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame's values."""
    actor = getattr(request, "actor", None)
    seated = actor is not None and not must_change_password(request.user, node_of(request).clock.now())
    settings = node_of(request).settings.node
    return {
        "place": Text(settings.name.zh, settings.name.en),
        "demonstration": settings.demonstration,
        "here": request.get_full_path() if request.method == "GET" else "/",
        "may_see_records": actor is not None and actor.may(Permission.SEE_RECORDS),
        "actor": actor,
        "seated": seated,
        "language": getattr(request, "language", "zh"),
        "large": getattr(request, "large", False),
        "people": SimpleLazyObject(_people),
        "areas": SimpleLazyObject(node_of(request).home.areas),
        "machine": node_of(request).actor.id,
        "menu": menu_for(actor, request.path) if seated else (),
    }


def _people() -> dict[str, str]:
    """Return the names of the accounts by user name."""
    return dict(Account.objects.values_list("username", "name"))
