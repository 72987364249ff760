"""Connectors: one way in which a source hands over, one file each, independent of each other.

A connector's file holds its settings (a frozen dataclass with `kind` and `fault()`) and a class that implements
`collect.delivery.Connector`. A new connector is one file and one line in the registry below.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from chengyi.collect.delivery import Connector

_REGISTRY = {
    "file": ("files", "FileSettings", "FileConnector"),
    "folder": ("files", "FolderSettings", "FolderConnector"),
    "documents": ("documents", "DocumentsSettings", "DocumentsConnector"),
    "sql": ("sql", "SqlSettings", "SqlConnector"),
    "filed": ("filed", "FiledSettings", "FiledConnector"),
}
CONNECTOR_KINDS = tuple(_REGISTRY)


def settings_class(kind: str) -> type[Any]:
    """Return the settings dataclass of a kind of connector."""
    module, settings, _ = _REGISTRY[kind]
    found: type[Any] = getattr(import_module(f"{__name__}.{module}"), settings)
    return found


def connect(kind: str, settings: object, source: str, home: Path) -> Connector:
    """Return the connector of one source."""
    module, _, name = _REGISTRY[kind]
    connector: Connector = getattr(import_module(f"{__name__}.{module}"), name)(settings, source, home)
    return connector
