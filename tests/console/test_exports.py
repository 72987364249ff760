"""Exports in the console: the notice first, the copy on record, and a leaked copy led to its recipient."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chengyi.model.actor import Role
from chengyi.model.grant import Purpose
from chengyi.node import Node
from chengyi.share import NOTICE, POLICY_FILE
from chengyi.trust.marks.check import check_bundle
from console.scene import CLERK, DEPARTMENT

Visit = Callable[..., Any]
FIELDS = ("section_id", "section_name", "observed_at", "speed_kmh", "flow_vph")
PURPOSE = Purpose("路段运行状态研判", "《政务数据共享条例》第十条", "LW-2026-0001")


@pytest.fixture
def grant(node: Node) -> str:
    asked = node.share.request(CLERK, "detectors", FIELDS, PURPOSE)
    assert asked.grant is not None
    return asked.grant


@pytest.fixture
def form() -> dict[str, str]:
    return {"mode": "marked", "form": "csv", "case": PURPOSE.case, "accepted": "yes"}


def unpacked(answer: Any) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.content.decode()
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_demonstration_declares_what_may_be_marked(node: Node) -> None:
    assert (node.home.path / POLICY_FILE).exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_notice_stands_before_the_export(visit: Visit, grant: str, language: str) -> None:
    page = visit(Role.CLERK, language=language).get(f"/grants/{grant}/export/").content.decode()
    assert NOTICE.say("en" if language == "en" else "zh") in page
    assert "±0.5" in page
    assert f'action="/grants/{grant}/export/take/"' in page
    assert f"/grants/{grant}/export/" in visit(Role.CLERK).get(f"/grants/{grant}/").content.decode()


def test_a_clerk_takes_a_copy_and_finds_it_in_the_list(
    node: Node, visit: Visit, grant: str, form: dict[str, str]
) -> None:
    client = visit(Role.CLERK)
    answer = client.post(f"/grants/{grant}/export/take/", form)
    found = unpacked(answer)
    assert set(found) == {"detectors.csv", "detectors.csv.manifest.json", "detectors.csv.tlog-proof"}
    assert answer.headers["Content-Type"] == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    record = node.share.exports(CLERK)[0]
    assert record.recipient == f"{DEPARTMENT}/clerk"
    for reader in (client, visit(Role.AUDITOR)):
        page = reader.get("/exports/").content.decode()
        assert record.recipient in page
        assert f"/ledger/{record.entry}/" in page
    assert (
        record.recipient not in visit(Role.CLERK, username="else", department="别处").get("/exports/").content.decode()
    )


def test_without_the_notice_or_in_another_department_nothing_leaves(
    node: Node, visit: Visit, grant: str, form: dict[str, str]
) -> None:
    unsaid = {name: value for name, value in form.items() if name != "accepted"}
    assert visit(Role.CLERK).post(f"/grants/{grant}/export/take/", unsaid).status_code >= 400
    stranger = visit(Role.CLERK, username="else", department="别处")
    assert stranger.post(f"/grants/{grant}/export/take/", form).status_code == 404
    assert stranger.get(f"/grants/{grant}/export/").status_code == 404
    assert visit(Role.AUDITOR).get(f"/grants/{grant}/export/").status_code == 404
    assert visit(Role.CLERK).get(f"/grants/{grant}/export/take/").status_code == 405
    assert node.share.exports(node.actor) == []


def test_a_dataset_without_a_policy_can_be_taken_exact_only(visit: Visit, scene: Any, form: dict[str, str]) -> None:
    client = visit(Role.CLERK)
    page = client.get(f"/grants/{scene.grant}/export/").content.decode()
    assert 'value="marked"' not in page
    case = {"case": "JZ-2026-0418"}
    assert client.post(f"/grants/{scene.grant}/export/take/", form | case).status_code >= 400
    assert unpacked(client.post(f"/grants/{scene.grant}/export/take/", form | case | {"mode": "exact"}))


@pytest.mark.slow
def test_a_leaked_and_damaged_copy_of_real_rows_leads_home(
    node: Node, visit: Visit, grant: str, form: dict[str, str], tmp_path: Path
) -> None:
    """The whole way in the demonstration district: grant, copies, a leak, its recipient, evidence for a third party."""
    copies = {
        name: unpacked(visit(Role.CLERK, username=name).post(f"/grants/{grant}/export/take/", form))["detectors.csv"]
        for name in ("lin", "shen", "zhou")
    }
    head, *rows = csv.reader(io.StringIO(copies["shen"].decode("utf-8-sig")))
    draw = random.Random(4)
    leak = draw.sample(rows, len(rows) // 100)
    for row in leak:
        for at in (3, 4):
            if row[at] and draw.random() < 0.2:
                row[at] = str(max(0, round(float(row[at]) + draw.uniform(-30, 30))))
    with (tmp_path / "leak.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *sorted(leak)])
    found = node.share.marks.identify(tmp_path / "leak.csv")
    assert [each.recipient for each in found.accused] == [f"{DEPARTMENT}/shen"]
    node.share.marks.write_bundle(tmp_path / "evidence.zip", found, found.accused[0].recipient)
    proven = check_bundle(tmp_path / "evidence.zip", node.keys.verifier, tmp_path / "leak.csv")
    assert (proven.actor, proven.grant) == ("shen", grant)
