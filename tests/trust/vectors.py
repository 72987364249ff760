"""Reads the archives of public test vectors."""

import json
import tarfile
from pathlib import Path
from typing import Any


def json_vectors(archive: Path, containing: str = "") -> dict[str, Any]:
    with tarfile.open(archive) as tar:
        names = [each.name for each in tar if each.isfile() and each.name.endswith(".json") and containing in each.name]
        return {name: json.load(_file(tar, name)) for name in names}


def unpack(archive: Path, target: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target


def _file(tar: tarfile.TarFile, name: str) -> Any:
    return tar.extractfile(name)
