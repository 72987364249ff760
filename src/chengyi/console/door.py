"""Who may open which page.

Rules: deny by default. A view says at its door which permission it needs; a view without a door is answered
like a page that does not exist, and so is a page that the actor may not open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from chengyi.model.actor import Actor, Permission

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Door:
    """The declared door of a view: any one of `permissions` opens it; `public` needs no sign-in."""

    permissions: frozenset[Permission]
    methods: frozenset[str]
    public: bool = False
    unseated: bool = False

    def admits(self, actor: Actor | None) -> bool:
        """Tell whether this actor, or nobody, may pass."""
        if self.public:
            return True
        if actor is None:
            return False
        return self.unseated or any(actor.may(permission) for permission in self.permissions)


def opens(*permissions: Permission, post: bool = False) -> Callable[[View], View]:
    """Declare that any one of these permissions opens the view; `post` makes it answer POST only."""
    return _hang(Door(frozenset(permissions), _methods(post=post)))


def opens_to_all(*, post: bool = False, both: bool = False) -> Callable[[View], View]:
    """Declare that the view needs no sign-in."""
    return _hang(Door(frozenset(), _methods(post=post, both=both), public=True))


def opens_to_signed_in(*, post: bool = False, both: bool = False) -> Callable[[View], View]:
    """Declare that the view needs a sign-in but no permission, even before the one-time password was changed."""
    return _hang(Door(frozenset(), _methods(post=post, both=both), unseated=True))


def _methods(*, post: bool = False, both: bool = False) -> frozenset[str]:
    if both:
        return frozenset({"GET", "HEAD", "POST"})
    return frozenset({"POST"}) if post else frozenset({"GET", "HEAD"})


def _hang(door: Door) -> Callable[[View], View]:
    def hang(view: View) -> View:
        view.door = door  # type: ignore[attr-defined]
        return view

    return hang
