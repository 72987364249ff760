"""Where a request comes from, as the audit keeps it: a keyed digest of the session, never its key, and the address."""

from __future__ import annotations

from django.http import HttpRequest

from chengyi.console.accounts.backend import address_of
from chengyi.console.application import node_of
from chengyi.model.act import Seat

PURPOSE = "console.session"


def seat_of(request: HttpRequest) -> Seat:
    """Return the seat of a request; somebody who is not signed in has an address only."""
    key = request.session.session_key if request.user.is_authenticated else None
    session = node_of(request).keys.code(key, PURPOSE) if key else ""
    return Seat(session=session, address=address_of(request))
