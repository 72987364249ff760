"""The accounts as the web framework knows them."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts, their sessions and used passwords."""

    name = "chengyi.console.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
