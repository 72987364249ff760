"""One office that has handed out copies to twelve recipients."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from chengyi.trust.marks.records import ExportRecord
from trust.marks.town import Office, leak, spoiled, table, write_csv


@dataclass
class Scene:
    office: Office
    records: list[ExportRecord]
    copies: list[pa.Table]

    def leaked(self, who: int, rows: int = 150, share: float = 0.2) -> dict[str, list[Any]]:
        return spoiled(leak(self.copies[who], rows, seed=who), share)

    def names(self, found: Any) -> list[str]:
        return [each.recipient for each in found.accused]


@pytest.fixture(scope="session")
def scene() -> Scene:
    office = Office(table(6_000))
    handed = [office.hand_out(f"部门{number % 3}/clerk-{number}") for number in range(12)]
    return Scene(office, [record for record, _ in handed], [copy for _, copy in handed])


@pytest.fixture(scope="session")
def bundle(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An evidence bundle against recipient 4, and the leaked file that it is about."""
    folder = tmp_path_factory.mktemp("evidence")
    file = write_csv(folder / "leak.csv", scene.leaked(4))
    found = scene.office.marks.identify(file)
    scene.office.marks.write_bundle(folder / "bundle.zip", found, scene.records[4].recipient)
    return folder / "bundle.zip", file
