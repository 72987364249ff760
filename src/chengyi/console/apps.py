"""The console as the web framework knows it."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The pages; accounts are an app of their own."""

    name = "chengyi.console"
    label = "console"
