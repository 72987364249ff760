"""The tables of accounts.

Rules: there is no superuser and no staff flag; roles are the product's own, and `check_roles` holds for every
account that is saved.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models

from chengyi.model.actor import Role, check_roles

USERNAME = RegexValidator(r"^[a-z][a-z0-9._-]{2,31}\Z", code="username")


class Account(AbstractBaseUser):
    """One person's account; `role_list` holds the roles as a comma-separated list, in order."""

    username = models.CharField(max_length=32, unique=True, validators=[USERNAME])
    name = models.CharField(max_length=80)
    department = models.CharField(max_length=80)
    role_list = models.CharField(max_length=200, blank=True, default="")
    is_active = models.BooleanField(default=True)
    must_change = models.BooleanField(default=True)
    password_set_at = models.DateTimeField()
    created_at = models.DateTimeField()
    session_key = models.CharField(max_length=40, blank=True, default="")

    objects = BaseUserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ("name", "department")

    class Meta:
        """In the order of user names."""

        ordering = ("username",)

    def __str__(self) -> str:
        return str(self.username)

    @property
    def roles(self) -> frozenset[Role]:
        """Return the roles that the account holds."""
        return frozenset(Role(each) for each in self.role_list.split(",") if each)

    @roles.setter
    def roles(self, roles: frozenset[Role]) -> None:
        check_roles(roles)
        self.role_list = ",".join(sorted(roles))

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  the framework's own signature
        """Save; UsageError where the roles exclude each other."""
        check_roles(self.roles)
        super().save(*args, **kwargs)


class UsedPassword(models.Model):
    """A password that an account had, as its hash, so that it is not taken again."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="used_passwords")
    password = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        """The latest first."""

        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.account_id}"
