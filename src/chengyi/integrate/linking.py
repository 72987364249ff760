"""A linkage run: mentions to clusters, clusters to dossiers with stable ids, and everything that changed on record.

Keeps promise 4 (linking is witnessed) and promise 7 (every link carries its probability and its reasons; a model
proposes, people decide). Rules: people are linked by `integrate.linkage`, households and organisations by their exact
number; a run whose datasets are as they were does nothing; one transaction takes the row store from one state of all
dossiers to the next; the lake table `dossier_rows` is written first and is only read through that state.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, func, select, update

from chengyi.integrate.contracts import Contract
from chengyi.integrate.identity import Assignment, assign
from chengyi.integrate.mentions import Lake, Mentions, gather
from chengyi.integrate.report import LinkReport
from chengyi.integrate.rows import datasets, dossier_events, dossier_members, dossiers, link_runs
from chengyi.integrate.rules import event_text
from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor
from chengyi.model.canonical import Json, digest
from chengyi.model.clock import Clock
from chengyi.model.dossier import EntityKind
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text
from chengyi.store.ports import Tables
from chengyi.store.rows import Rows, insert_new, upsert
from chengyi.trust.ports import Audit, Keys

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

KINDS = (EntityKind.PERSON, EntityKind.HOUSEHOLD, EntityKind.ORGANISATION)
METHOD = 1
"""Version of the way of linking; a changed method links everything anew."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of one kind: the mentions' cluster, and how surely and why each mention belongs to it."""

    mentions: Mentions
    cluster: "npt.NDArray[np.int64]"
    probability: "npt.NDArray[np.float64]"
    reasons: Sequence[Sequence[str]]


class Linker:
    """Runs linkage over all datasets that speak of people, households or organisations."""

    def __init__(
        self, rows: Rows, tables: Tables, keys: Keys, audit: Audit, clock: Clock, *, contracts: Sequence[Contract]
    ) -> None:
        self._rows = rows
        self._tables = tables
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._contracts = [contract for contract in contracts if contract.entities]

    def link(self, actor: Actor, reporter: Reporter) -> LinkReport:
        """Bring the dossiers up to date with the datasets."""
        input, last = self._input(), self._last()
        if not self._contracts or (last is not None and last.input == input):
            return LinkReport(0 if last is None else int(last.run))
        run = 1 if last is None else int(last.run) + 1
        found = [self._clusters(kind, reporter) for kind in KINDS]
        with reporter.step(Text("建立卷宗", "Keep the dossiers"), len(found) + 1) as step:
            states = []
            for each in found:
                states.append(_State(self._keys, each, self._before(each.mentions.kind), run))
                step.advance()
            self._lay_out(states)
            step.advance()
        return self._settle(run, input, states, actor)

    def _input(self) -> str:
        with self._rows.read() as connection:
            held = connection.execute(select(datasets.c.name, datasets.c.version).order_by(datasets.c.name)).all()
        used = {contract.dataset for contract in self._contracts}
        versions: list[Json] = [[each.name, each.version] for each in held if each.name in used]
        entities: list[Json] = [
            [each.digest, [[entity.kind.value, dict(entity.roles)] for entity in each.entities]]
            for each in self._contracts
        ]
        return digest([METHOD, versions, entities])

    def _last(self) -> Any:  # noqa: ANN401 - a row
        with self._rows.read() as connection:
            return connection.execute(select(link_runs).order_by(link_runs.c.run.desc()).limit(1)).first()

    def _clusters(self, kind: EntityKind, reporter: Reporter) -> Clusters:
        mentions = gather(self._contracts, kind, self._lake(), self._keys.code)
        if kind is EntityKind.PERSON and len(mentions):
            return self._people(mentions, reporter)
        return _by_number(mentions)

    def _lake(self) -> Lake:
        with self._rows.read() as connection:
            held = connection.execute(select(datasets.c.name, datasets.c.version)).all()
        return Lake(self._tables, {name: int(version) for name, version in held})

    def _people(self, mentions: Mentions, reporter: Reporter) -> Clusters:
        import numpy as np
        import pyarrow as pa

        from chengyi.integrate.linkage import LinkageSettings, link_people

        numbers = pa.array(np.arange(len(mentions), dtype=np.int64))
        source = mentions.held.column("source")
        people = pa.table(
            {
                "mention": numbers,
                "source": source,
                **dict(zip(mentions.said.column_names, mentions.said.columns, strict=True)),
            }
        )
        single = frozenset(each.source for each in self._contracts if lists_each_once(each))
        linkage = link_people(people, self._tables, LinkageSettings(single_sources=single), reporter)
        cluster = np.empty(len(mentions), dtype=np.int64)
        cluster[linkage.clusters.column("mention").to_numpy()] = linkage.clusters.column("cluster").to_numpy()
        probability, reasons = _surest(linkage.edges, cluster)
        return Clusters(mentions, cluster, probability, reasons)

    def _before(self, kind: EntityKind) -> "_Before":
        ours = select(dossier_members).where(dossier_members.c.kind == kind.value)
        living = select(dossiers).where(dossiers.c.kind == kind.value, dossiers.c.retired.is_(None))
        with self._rows.read() as connection:
            members = connection.execute(ours).all()
            return _Before(members, {each.id: each for each in connection.execute(living).all()})

    def _lay_out(self, states: "Sequence[_State]") -> None:
        from chengyi.integrate.files import write_rows

        write_rows(self._lake(), self._contracts, [state.placed() for state in states])

    def _settle(self, run: int, input: str, states: "Sequence[_State]", actor: Actor) -> LinkReport:
        now = self._clock.now()
        report = _report(run, states)
        detail: dict[str, Json] = {
            "run": run,
            "input": input,
            "mentions": report.mentions,
            "dossiers": report.dossiers,
            "merged": report.merged,
            "split": report.split,
            "retired": report.retired,
        }
        entry = self._audit.record(Act(ActKind.LINKED, actor.id, "dossiers", detail))
        with self._rows.begin() as connection:
            for state in states:
                state.write(connection)
            self._log(connection, run, states, now)
            done = {"run": run, "input": input, "at": now, "mentions": report.mentions, "dossiers": report.dossiers}
            insert_new(connection, link_runs, [{**done, "entry": entry}])
        return report

    def _log(self, connection: Connection, run: int, states: "Sequence[_State]", at: Any) -> None:  # noqa: ANN401
        changes = [change for state in states for change in state.assignment.changes]
        events = []
        for number, change in enumerate(changes):
            said = event_text(change.event, change.dossier, change.other, change.anchors)
            event = {"run": run, "number": number, "event": change.event, "dossier": change.dossier, "at": at}
            events.append(event | {"other": change.other, "zh": said.zh, "en": said.en})
        insert_new(connection, dossier_events, events)


def _report(run: int, states: "Sequence[_State]") -> LinkReport:
    events = Counter(change.event for state in states for change in state.assignment.changes)
    return LinkReport(
        run,
        mentions=sum(len(state.clusters.mentions) for state in states),
        dossiers=sum(len(state.assignment.ids) for state in states),
        opened=sum(len(state.assignment.opened) for state in states),
        merged=events["merge"],
        split=events["split"],
        retired=events["retire"],
        changed=True,
    )


def lists_each_once(contract: Contract) -> bool:
    """Tell whether a source lists each person at most once: its key is the citizen number, alone or with the name."""
    people = [each for each in contract.entities if each.kind is EntityKind.PERSON]
    if len(people) != 1 or contract.snapshot != "full":
        return False
    naming = {people[0].roles.get("citizen_id"), people[0].roles.get("name")}
    return people[0].roles.get("citizen_id") in contract.key and naming.issuperset(contract.key)


@dataclass(frozen=True, slots=True)
class _Before:
    members: Sequence[Any]
    living: Mapping[str, Any]


class _State:
    """The dossiers of one kind after this run, beside what they were before."""

    def __init__(self, keys: Keys, clusters: Clusters, before: _Before, run: int) -> None:
        self.clusters = clusters
        self.kind = clusters.mentions.kind
        self._before = before
        self._run = run
        self.members = _groups(clusters.cluster)
        self._held = {name: clusters.mentions.held.column(name).to_pylist() for name in _KEPT}
        anchors, known = self._anchors()
        ages = {id: int(each.opened) for id, each in before.living.items()}
        self.assignment: Assignment = assign(anchors, known, ages, lambda a: f"dos-{keys.code(a, 'dossier')[:20]}")
        self._dossier = self._dossier_of_each()

    def _anchors(self) -> tuple[list[list[str]], dict[str, str]]:
        """Return each cluster's anchors; one with none of the old ones may be known by an exact number instead."""
        known = {each.anchor: each.dossier for each in self._before.members if each.dossier in self._before.living}
        numbers = {each.identity: each.dossier for each in self._before.members if each.identity}
        held = self._held
        anchors = [[held["anchor"][place] for place in members] for members in self.members]
        covered = {known[anchor] for cluster in anchors for anchor in cluster if anchor in known}
        for cluster, members in zip(anchors, self.members, strict=True):
            if any(anchor in known for anchor in cluster):
                continue
            for number in sorted({held["identity"][place] for place in members} - {""}):
                id = numbers.get(number)
                if id in self._before.living and id not in covered:
                    known[f"#{number}"] = id
                    cluster.append(f"#{number}")
        return anchors, known

    def _dossier_of_each(self) -> list[str]:
        found = [""] * len(self.clusters.mentions)
        for id, members in zip(self.assignment.ids, self.members, strict=True):
            for place in members:
                found[place] = id
        return found

    def placed(self) -> Any:  # noqa: ANN401 - an Arrow table
        """Return where each mention stands and its dossier, for the lake."""
        import pyarrow as pa

        held = self.clusters.mentions.held.select(["dataset", "package", "row", "entity"])
        count = len(self._dossier)
        return held.append_column("dossier", pa.array(self._dossier, pa.string())).append_column(
            "kind", pa.array([self.kind.value] * count, pa.string())
        )

    def write(self, connection: Connection) -> None:
        """Write what differs from before."""
        old = {(each.package, each.row, each.entity): each for each in self._before.members}
        held = self._held
        changed = []
        keys = set()
        for place, dossier in enumerate(self._dossier):
            key = (held["package"][place], held["row"][place], held["entity"][place])
            keys.add(key)
            row = self._member(place, key, dossier)
            if key not in old or _differs(old[key], row):
                changed.append(row)
        self._forget(connection, [key for key in old if key not in keys], {key[0] for key in keys})
        for start in range(0, len(changed), 20_000):
            upsert(connection, dossier_members, changed[start : start + 20_000])
        self._write_heads(connection)

    def _member(self, place: int, key: tuple[str, int, int], dossier: str) -> dict[str, Any]:
        held = self._held
        return {
            "package": key[0],
            "row": key[1],
            "entity": key[2],
            "kind": self.kind.value,
            "dataset": held["dataset"][place],
            "source": held["source"][place],
            "leaf": held["leaf"][place],
            "dossier": dossier,
            "anchor": held["anchor"][place],
            "identity": held["identity"][place],
            "probability": round(float(self.clusters.probability[place]), 6),
            "reasons": list(self.clusters.reasons[place]),
        }

    def _forget(self, connection: Connection, gone: Sequence[tuple[str, int, int]], kept: set[str]) -> None:
        ours = dossier_members.c.kind == self.kind.value
        for package in sorted({key[0] for key in gone} - kept):
            connection.execute(delete(dossier_members).where(ours, dossier_members.c.package == package))
        for package, row, entity in (key for key in gone if key[0] in kept):
            exact = and_(dossier_members.c.package == package, dossier_members.c.row == row)
            connection.execute(delete(dossier_members).where(ours, exact, dossier_members.c.entity == entity))

    def _write_heads(self, connection: Connection) -> None:
        heads = []
        for id, members in zip(self.assignment.ids, self.members, strict=True):
            old = self._before.living.get(id)
            head = {
                "id": id,
                "kind": self.kind.value,
                "label": _label(self._held["label"][place] for place in members),
                "members": len(members),
                "weakest": round(float(min(self.clusters.probability[place] for place in members)), 6),
                "opened": self._run if old is None else int(old.opened),
                "retired": None,
                "into": None,
            }
            if old is None or _differs(old, head):
                heads.append(head)
        for start in range(0, len(heads), 20_000):
            upsert(connection, dossiers, heads[start : start + 20_000])
        self._retire(connection)

    def _retire(self, connection: Connection) -> None:
        for change in self.assignment.changes:
            if change.event == "split":
                continue
            gone, into = (change.other, change.dossier) if change.event == "merge" else (change.dossier, None)
            marked = update(dossiers).where(dossiers.c.id == gone)
            connection.execute(marked.values(retired=self._run, into=into, members=0))


_KEPT = ("dataset", "source", "package", "row", "leaf", "entity", "anchor", "identity", "label")


def _differs(old: Any, new: Mapping[str, Any]) -> bool:  # noqa: ANN401 - a row
    return any(getattr(old, name) != value for name, value in new.items())


def _label(names: Iterable[str | None]) -> str:
    """Return the name that most rows give, the first in order among equals."""
    counted = Counter(name for name in names if name)
    return min(counted, key=lambda name: (-counted[name], name)) if counted else ""


def _groups(cluster: "npt.NDArray[np.int64]") -> list[list[int]]:
    """Return the mentions of each cluster, clusters in the order of their first mention."""
    found: dict[int, list[int]] = {}
    for place, each in enumerate(cluster.tolist()):
        found.setdefault(each, []).append(place)
    return list(found.values())


def _by_number(mentions: Mentions) -> Clusters:
    """Cluster mentions by their exact number; those without one are left out."""
    import numpy as np
    import pyarrow.compute as pc

    numbered = pc.not_equal(mentions.held.column("identity"), "")
    kept = Mentions(mentions.kind, mentions.held.filter(numbered), mentions.said.filter(numbered))
    _, cluster = np.unique(np.array(kept.held.column("identity").to_pylist(), dtype=str), return_inverse=True)
    count = len(kept)
    return Clusters(kept, cluster.astype(np.int64), np.ones(count), [("same_number",)] * count)


def _surest(edges: Any, cluster: "npt.NDArray[np.int64]") -> "tuple[npt.NDArray[np.float64], list[list[str]]]":  # noqa: ANN401
    """Return, for each mention, the probability and reasons of its surest link inside its cluster; 1 where alone."""
    import numpy as np

    probability = np.ones(len(cluster))
    reasons: list[list[str]] = [[] for _ in range(len(cluster))]
    left, right = edges.column("left").to_numpy(), edges.column("right").to_numpy()
    inside = np.flatnonzero(cluster[left] == cluster[right])
    ends = np.concatenate([left[inside], right[inside]])
    edge = np.concatenate([inside, inside])
    chance = edges.column("probability").to_numpy()[edge]
    order = np.lexsort((edge, -chance, ends))
    first = np.unique(ends[order], return_index=True)[1]
    best = order[first]
    probability[ends[best]] = chance[best]
    said = edges.column("reasons").take(edge[best]).to_pylist() if len(best) else []
    for mention, why in zip(ends[best].tolist(), said, strict=True):
        reasons[mention] = why
    return probability, reasons


def counts(connection: Connection) -> dict[str, int]:
    """Return how many dossiers there are, by kind."""
    living = select(dossiers.c.kind, func.count()).where(dossiers.c.retired.is_(None)).group_by(dossiers.c.kind)
    return {str(kind): int(count) for kind, count in connection.execute(living)}
