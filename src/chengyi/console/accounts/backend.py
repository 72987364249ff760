"""Password sign-in against the accounts, and nothing else."""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from chengyi.console.accounts.models import Account


class AccountBackend(BaseBackend):
    """Knows an account by user name and password; an unknown name costs as much time as a wrong password."""

    def authenticate(
        self, request: HttpRequest, username: str | None = None, password: str | None = None
    ) -> Account | None:
        """Return the active account whose password this is."""
        account = Account.objects.filter(username=username or "").first()
        if account is None:
            make_password(password or "")
            return None
        return account if account.check_password(password or "") and account.is_active else None

    def get_user(self, user_id: int) -> Account | None:
        """Return an active account by its key."""
        found: Account | None = Account.objects.filter(pk=user_id, is_active=True).first()
        return found


def address_of(request: HttpRequest) -> str:
    """Return the peer's address; forwarded headers are not believed."""
    return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104  a label, not a binding
