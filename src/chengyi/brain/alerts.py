"""The book of alerts: what rules drew attention to, once each.

Rules: an alert is entered once for one rule, version and subject, with the rule as it stood; nothing but its state
ever changes, and only a person's step changes that.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from chengyi.brain import rows as tables
from chengyi.brain.errors import NotNowError
from chengyi.brain.evidence import EvidenceList, lines_of, unpack
from chengyi.brain.rules import STATE_TITLES, text_terms
from chengyi.model.canonical import Json
from chengyi.model.decision import Alert, AlertState, App, Severity
from chengyi.model.errors import NotFoundError
from chengyi.model.text import Text
from chengyi.store.rows import Rows, insert_new

_CHUNK = 500


class AlertBook:
    """Keeps alerts in rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return those of the ids that are in the book."""
        table, found = tables.alerts, set[str]()
        for start in range(0, len(ids), _CHUNK):
            query = select(table.c.id).where(table.c.id.in_(ids[start : start + _CHUNK]))
            found.update(row["id"] for row in self._all(query))
        return found

    def add(self, alerts: Iterable[tuple[Alert, Mapping[str, Json], EvidenceList]]) -> None:
        """Enter alerts, each with its rule's definition and its evidence."""
        entered = list(alerts)
        with self._rows.begin() as connection:
            insert_new(connection, tables.alerts, [_row(*each) for each in entered])
            lines = [{"alert": alert.id, "lines": evidence.packed} for alert, _, evidence in entered]
            insert_new(connection, tables.alert_evidence, lines)

    def alerts(self, state: AlertState | None, app: App | None) -> list[Alert]:
        """List alerts, newest first, without those that do not fit; evidence included."""
        table = tables.alerts
        query = _with_lines().order_by(table.c.raised_at.desc(), table.c.rule, table.c.subject)
        if state is not None:
            query = query.where(table.c.state == state.value)
        if app is not None:
            query = query.where(table.c.app == app.value)
        return [_alert(row) for row in self._all(query)]

    def alert(self, id: str) -> Alert:
        """Return one alert; NotFoundError."""
        return _alert(self._one(id))

    def counts(self) -> dict[str, int]:
        """Count the alerts in each state."""
        table = tables.alerts
        query = select(table.c.state, func.count().label("count")).group_by(table.c.state)
        counted = {row["state"]: int(row["count"]) for row in self._all(query)}
        return {state.value: counted.get(state.value, 0) for state in AlertState}

    def definition(self, id: str) -> Mapping[str, Any]:
        """Return the rule of an alert as it stood when it was raised."""
        definition: Mapping[str, Any] = self._one(id)["definition"]
        return definition

    def root(self, id: str) -> tuple[str, list[str]]:
        """Return the root over an alert's evidence, and the kept lines."""
        row = self._one(id)
        return row["root"], lines_of(row["lines"])

    def _one(self, id: str) -> dict[str, Any]:
        found = self._all(_with_lines().where(tables.alerts.c.id == id))
        if not found:
            raise NotFoundError(kind="预警 alert", id=id)
        return found[0]

    def _all(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._rows.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def move(connection: Connection, alert: Alert, state: AlertState) -> None:
    """Move an alert on from where it was seen to stand; NotNowError where someone was faster."""
    table = tables.alerts
    where = (table.c.id == alert.id) & (table.c.state == alert.state.value)
    if connection.execute(update(table).where(where).values(state=state.value)).rowcount != 1:
        why = "他人已先行办理 (someone was faster)"
        raise NotNowError(alert=alert.id, state=STATE_TITLES[alert.state].zh, why=why)


def _with_lines() -> Select[Any]:
    lines = tables.alert_evidence
    return select(tables.alerts, lines.c.lines).join(lines, lines.c.alert == tables.alerts.c.id)


def _row(alert: Alert, definition: Mapping[str, Json], evidence: EvidenceList) -> dict[str, Any]:
    return {
        "id": alert.id,
        "app": alert.app.value,
        "rule": alert.rule,
        "version": alert.version,
        "subject": alert.subject,
        "title": text_terms(alert.title),
        "reasons": [text_terms(each) for each in alert.reasons],
        "severity": alert.severity.value,
        "state": alert.state.value,
        "raised_at": alert.raised_at,
        "figure": alert.figure,
        "definition": dict(definition),
        "evidence": evidence.count,
        "root": evidence.root,
        "entry": alert.entry,
    }


def _alert(row: Mapping[str, Any]) -> Alert:
    return Alert(
        id=row["id"],
        app=App(row["app"]),
        rule=row["rule"],
        version=row["version"],
        subject=row["subject"],
        title=Text(**row["title"]),
        reasons=tuple(Text(**each) for each in row["reasons"]),
        severity=Severity(row["severity"]),
        state=AlertState(row["state"]),
        raised_at=row["raised_at"],
        figure=row["figure"],
        evidence=tuple(unpack(row["lines"])),
        entry=row["entry"],
    )
