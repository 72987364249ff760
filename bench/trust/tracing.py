"""Tracing one actor and one object among ten million acts, each act with its proof, against the same rows without."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from bench.figures import Figure, Result, timed
from bench.ground import Ground
from chengyi.model.act import Act, ActKind
from chengyi.model.clock import SystemClock
from chengyi.store.migrations import upgrade
from chengyi.store.rows import Rows
from chengyi.trust.audit.acts import LedgerAudit
from chengyi.trust.audit.rows import acts
from chengyi.trust.body import render_body
from chengyi.trust.keys import FileKeys
from chengyi.trust.ledger.log import CHECKPOINT, FileLedger
from chengyi.trust.ledger.notes import Verifier, checkpoint_text, sign_note
from chengyi.trust.ledger.receipts import render
from chengyi.trust.ledger.tiles import Edge

ORIGIN = "bench"
BUSY, DOSSIER = "traced-clerk", "dossier:traced"
TRACED = 1_000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH = 1 << 16


def measure(ground: Ground) -> Result:
    """Trace an actor and an object of a thousand acts each, warm and from a cold cache; record as quickly as before."""
    count = ground.size(10_000_000, 60_000)
    home = ground.fresh("tracing")
    building = timed(lambda: build(home, count))
    plain, laps = Traced(home), max(5, ground.runs)
    runs: dict[str, list[float]] = {name: [] for name in ("actor", "object", "plain", "text", "cold", "session")}
    for _ in range(laps):
        runs["actor"].append(timed(lambda: plain.audit().trace(actor=BUSY)))
        runs["object"].append(timed(lambda: plain.audit().trace(object=DOSSIER)))
        runs["session"].append(timed(lambda: plain.audit().trace(session="5e55")))
        runs["plain"].append(timed(plain.rows_only))
        runs["text"].append(timed(lambda: [render(each) for each in plain.audit().trace(actor=BUSY).receipts]))
        forget(home)
        runs["cold"].append(timed(lambda: plain.audit().trace(actor=BUSY)))
    found = plain.audit().trace(actor=BUSY)
    if len(found.receipts) != min(TRACED, count // 20):
        raise AssertionError(len(found.receipts))
    span = _narrow(plain, count, laps)
    recording = _recording(plain, ground)
    plain.close()
    about = (
        f"{count:,} acts in SQLite and a tiled log ({_size(home):.1f} GiB), made in {building:.0f} s by a generator "
        f"that skips flushing; {len(found.receipts):,} of them are of one actor, as many on one object and in one "
        "session, scattered evenly. A trace finds them by an index, checks each body and its columns, and gives each a "
        "receipt under one checkpoint, verified before it is returned; the audit is opened anew each time. Cold: the "
        "system was told to drop the files from its cache first. The peer reads the same rows and checks nothing."
    )
    return Result(
        "tracing",
        "Tracing over ten million acts",
        about,
        (
            Figure("trace an actor, with proofs", "s", tuple(runs["actor"]), at_most=1.0),
            Figure("trace an object, with proofs", "s", tuple(runs["object"]), at_most=1.0),
            Figure("trace a session, with proofs", "s", tuple(runs["session"]), at_most=1.0),
            Figure("trace an actor, and write its receipts", "s", tuple(runs["text"])),
            Figure("trace an actor, cold", "s", tuple(runs["cold"])),
            Figure("one hour of the busiest actor, with proofs", "s", tuple(span)),
            Figure("the same rows, without proofs", "s", tuple(runs["plain"])),
            *recording,
        ),
    )


class Traced:
    """The home that is measured: its rows, and an audit that is opened anew each time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.keys = FileKeys.open(home / "keys")
        self.rows = Rows(f"sqlite:///{home / 'node.db'}")

    def audit(self) -> LedgerAudit:
        """Open ledger and audit."""
        clock = SystemClock()
        return LedgerAudit(self.rows, FileLedger(self.home / "ledger", self.keys, ORIGIN, clock), clock)

    def rows_only(self) -> int:
        """Read what a trace reads of the rows, and check nothing."""
        query = select(acts).where(acts.c.actor == BUSY).order_by(acts.c.entry).limit(TRACED)
        with self.rows.read() as connection:
            return len(connection.execute(query).all())

    def close(self) -> None:
        """Let go."""
        self.rows.close()


def build(home: Path, count: int) -> None:
    """Make a home with so many acts: true bodies, a true log, true indexes, in bulk and without flushing."""
    (home / "keys").mkdir(parents=True)
    keys = FileKeys.create(home / "keys", ORIGIN)
    rows = Rows(f"sqlite:///{home / 'node.db'}")
    upgrade(rows)
    rows.close()
    edge = Edge()
    with sqlite3.connect(home / "node.db") as database:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
            database.execute(f"PRAGMA {pragma}")
        indexes = list(database.execute("SELECT name, sql FROM sqlite_master WHERE type='index' AND tbl_name='acts'"))
        for name, sql in indexes:
            database.execute(f"DROP INDEX {name}" if sql else "SELECT 1")
        for batch in _batches(count):
            hashes = [sha256(str(row[5]).encode()).digest() for row in batch]
            for path, raw in edge.extend(hashes):
                _write(home / "ledger" / path, raw)
            database.executemany("INSERT INTO acts VALUES (?,?,?,?,?,?,?,?,NULL)", batch)
        for _, sql in indexes:
            database.execute(sql or "SELECT 1")
        database.execute("ANALYZE")
    database.close()
    text = checkpoint_text(ORIGIN, edge.size, edge.root())
    _write(home / "ledger" / CHECKPOINT, sign_note(text, Verifier.parse(keys.verifier), keys.sign).encode())


def _batches(count: int) -> Iterator[list[tuple[object, ...]]]:
    make = _maker(count)
    for start in range(0, count, _BATCH):
        yield [make(number) for number in range(start, min(count, start + _BATCH))]


def _maker(count: int) -> Callable[[int], tuple[object, ...]]:
    """Return a function that writes the row of one act, body and all; its form is checked against the product's."""
    every = max(20, count // TRACED)

    def row(number: int) -> tuple[object, ...]:
        at = (_START + timedelta(seconds=number * 3)).isoformat(timespec="microseconds")
        slot = number % every
        actor = BUSY if slot == 7 else "node:bench" if number % 10 < 3 else f"u{number * 2654435761 % 2000:04d}"
        object = DOSSIER if slot == 11 else f"dossier:{number * 40503 % 300007:06d}"
        session = "5e55" if slot == 7 else "" if actor == "node:bench" else f"{number // 5000:08x}"
        shown = f',"session":"{session}"' if session else ""
        body = (
            f'{{"actor":"{actor}","at":"{at}","detail":{{"case":"JZ-2026-{number % 9999:04d}","rows":{number % 50}}},'
            f'"fields":["person_name","aid_kind"],"grant":"grt-{number % 997}","kind":"share.read",'
            f'"object":"{object}","purpose":"核对临时救助","result":"allowed","salt":"{number:032x}"{shown}}}'
        )
        return number, at, "share.read", actor, object, body, session or None, None

    _check(row(every + 7))
    _check(row(2))
    return row


def _check(row: tuple[object, ...]) -> None:
    """Fail where the generator does not write what the product would."""
    number, at, _, actor, object, body, session, _ = row
    assert isinstance(number, int)
    act = Act(
        ActKind.READ,
        str(actor),
        str(object),
        {"case": f"JZ-2026-{number % 9999:04d}", "rows": number % 50},
        ("person_name", "aid_kind"),
        purpose="核对临时救助",
        grant=f"grt-{number % 997}",
        result="allowed",
        session=str(session or ""),
    )
    if render_body(act, datetime.fromisoformat(str(at)), f"{number:032x}").decode() != body:
        raise AssertionError(body)


def _narrow(plain: Traced, count: int, laps: int) -> list[float]:
    since = _START + timedelta(seconds=count * 3 // 2)
    until = since + timedelta(hours=1)
    return [
        timed(lambda: plain.audit().trace(actor="node:bench", since=since, until=until, limit=1_000))
        for _ in range(laps)
    ]


def _recording(plain: Traced, ground: Ground) -> list[Figure]:
    audit, batch = plain.audit(), ground.size(2_000, 200)
    act = Act(ActKind.READ, "li", "dataset:low_income", {"case": "JZ-1", "rows": 12}, ("person_name",), "核对", "grt-1")
    runs = [batch / timed(lambda: audit.record_all([act] * batch)) for _ in range(max(5, ground.runs))]
    return [Figure(f"record, {batch:,} at once, after them", "acts/s", tuple(runs))]


def forget(home: Path) -> None:
    """Ask the system to drop a home's files from its cache."""
    for path in home.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def _write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def _size(home: Path) -> float:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) / (1 << 30)
