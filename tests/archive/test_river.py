"""The archive on its real neighbours: collection, the sealed vault, the ledger on disk, the audit in rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chengyi.archive import Archive, keeping
from chengyi.collect import Collect, load_sources
from chengyi.model.act import ActKind
from chengyi.model.actor import Actor, node_actor
from chengyi.model.clock import SystemClock
from chengyi.model.errors import IntegrityError
from chengyi.model.reporter import SilentReporter
from chengyi.model.submission import SubmissionState
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.keys import FileKeys
from chengyi.trust.ledger.log import FileLedger
from simulators.vault import folder_vault

ROLL = "姓名,号码\n张三,1\n坏\n李四,\n".encode()


@dataclass
class River:
    home: Path
    collect: Collect
    archive: Archive
    audit: LedgerAudit
    rows: Rows
    me: Actor

    def deliver(self, name: str, data: bytes) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run(self) -> Any:
        self.collect.collect(self.me, SilentReporter())
        return self.archive.keep_pending(self.me, SilentReporter())


def source(id: str, connector: str, reader: str = "") -> str:
    return f"""
[source]
id = "{id}"
title = {{ zh = "来源", en = "Source" }}
department = "区民政局"
fonds = "Y012"
changed = "version"
[connector]
{connector}
{reader}
"""


@pytest.fixture
def river(tmp_path: Path) -> Iterator[River]:
    sources = tmp_path / "sources"
    sources.mkdir()
    table = source("table", 'kind = "folder"\npath = "tables"', '[reader]\nformat = "csv"')
    (sources / "table.toml").write_text(table, "utf-8")
    (sources / "documents.toml").write_text(source("documents", 'kind = "documents"\npath = "documents"'), "utf-8")
    (tmp_path / "tables").mkdir()
    (tmp_path / "documents").mkdir()
    clock = SystemClock()
    rows = Rows(f"sqlite:///{tmp_path}/node.db")
    keys = FileKeys.create(tmp_path / "keys", "test")
    vault = folder_vault(tmp_path / "vault", keys)
    audit = LedgerAudit(rows, FileLedger(tmp_path / "ledger", keys, "test", clock), clock)
    collect = Collect(rows, vault, audit, clock, load_sources(sources, tmp_path), tmp_path)
    rows.create_all()
    archive = Archive(rows, vault, audit, clock, collect, verifier=keys.verifier)
    yield River(tmp_path, collect, archive, audit, rows, node_actor("test"))
    rows.close()


def test_promise_1_what_is_delivered_is_kept_proven_and_accounted_for(river: River) -> None:
    river.deliver("tables/低保.csv", ROLL)
    river.deliver("documents/通知.txt", "关于低保的通知".encode())
    river.deliver("documents/假.pdf", b"hello")
    report = river.run()
    assert (report.kept, report.set_aside, report.rows, report.rejected) == (2, 1, 3, 1)
    for package in river.archive.search("", river.me).packages:
        found = river.archive.verify(package.ref)
        assert [step.finding.zh for step in found.steps if not step.ok] == []
    account = river.collect.account("documents")
    assert account.balanced
    assert river.run().changed is False


def test_promise_2_a_changed_delivery_is_a_new_version(river: River) -> None:
    river.deliver("tables/低保.csv", ROLL)
    river.run()
    river.deliver("tables/低保.csv", ROLL + "王五,3\n".encode())
    assert river.run().versions == 1
    new = river.archive.search("", river.me).packages[0]
    old = river.archive.package(f"{new.id}@1", river.me)
    assert (new.version, new.archival_code) == (2, old.archival_code)
    assert river.audit.entry(new.entry).act.detail["prior"] == old.inventory
    assert river.archive.verify(old.ref).ok
    assert river.archive.verify(new.ref).ok


def test_promise_8_what_an_archivist_releases_is_judged_again(river: River) -> None:
    river.deliver("documents/假.pdf", b"hello")
    river.run()
    waiting = river.collect.submissions(state=SubmissionState.QUARANTINED)
    assert "内容实为 text" in waiting[0].reason
    river.collect.release(waiting[0].id, river.me)
    assert river.run().set_aside == 1
    kinds = [entry.act.kind for entry in river.audit.entries(object=waiting[0].id)]
    assert kinds == [ActKind.SET_ASIDE, ActKind.RELEASED, ActKind.SET_ASIDE, ActKind.RECEIVED]


class Crash(BaseException):
    """What SIGKILL would be."""


@pytest.mark.parametrize("name", ["_write", "_witness", "_settle"])
def test_promise_8_a_killed_run_is_finished_by_the_next(
    river: River, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    river.deliver("tables/低保.csv", ROLL)
    river.deliver("documents/通知.txt", b"x")
    river.deliver("documents/假.pdf", b"hello")
    work = getattr(keeping.Keeper, name)

    def killed(*args: Any) -> None:
        work(*args)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeper, name, killed)
        with pytest.raises(Crash):
            river.run()
    report = river.run()
    assert (report.kept, report.set_aside) == (2, 1)
    kept = river.audit.entries(kind="archive.")
    assert sorted(entry.act.kind for entry in kept) == [ActKind.KEPT, ActKind.KEPT, ActKind.SET_ASIDE]
    assert river.archive.code_report().gaps == ()
    assert all(river.archive.verify(each.ref).ok for each in river.archive.search("", river.me).packages)


def test_promise_2_a_stored_byte_that_is_changed_is_seen(river: River) -> None:
    river.deliver("documents/通知.txt", b"x" * 100)
    river.run()
    package = river.archive.search("", river.me).packages[0]
    for file in (river.home / "vault").rglob("*"):
        if file.is_file() and package.components[0].object in file.name:
            data = bytearray(file.read_bytes())
            data[-20] ^= 1
            file.write_bytes(bytes(data))
    assert [step.number for step in river.archive.verify(package.ref).steps if not step.ok] == [3]
    with pytest.raises(IntegrityError):
        river.archive.open(package, package.components[0].path, river.me).read()


@pytest.mark.slow
def test_real_documents_are_all_kept_or_set_aside_with_a_reason(river: River, shared_data: Path) -> None:
    corpus = shared_data / "archives" / "format-corpus-part.tar.xz"
    river.deliver("documents/corpus.tar.xz", corpus.read_bytes())
    report = river.run()
    assert report.kept + report.set_aside == 205
    assert report.kept > 190
    waiting = river.collect.submissions(state=SubmissionState.QUARANTINED)
    assert len(waiting) == report.set_aside
    assert all(each.reason for each in waiting)
    assert river.collect.account("documents").balanced
    assert river.archive.code_report().gaps == ()
