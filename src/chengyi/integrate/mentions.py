"""Mentions: every time a row speaks of a person, household or organisation, with what it says of it.

Rules: one mention for each entity that the contract declares, so that a marriage speaks of two people; a person row
with a household number speaks of the household as well; values are the dataset's standard ones, as text. An anchor
names the sender's record through all its deliveries: its key where the contract has one, else its leaf hash; exact
numbers leave this module only as keyed codes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chengyi.integrate.contracts import PERSON_ROLES, Contract, EntityMap
from chengyi.model.dossier import EntityKind
from chengyi.store.ports import Tables

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

HELD = ("dataset", "source", "package", "row", "leaf", "entity", "anchor", "identity", "label")
IDENTITY_ROLE = {
    EntityKind.PERSON: "citizen_id",
    EntityKind.HOUSEHOLD: "household",
    EntityKind.ORGANISATION: "credit_code",
}

CODE = 32
"""Hexadecimal digits of a code that are kept: 128 bits."""

Coder = Callable[[str, str], str]
"""Keys.code: a value and a purpose to a keyed code."""


@dataclass(frozen=True, slots=True)
class Lake:
    """The datasets at the versions on record, so that a write nobody has settled yet is not seen."""

    tables: Tables
    versions: Mapping[str, int]

    def read(self, name: str) -> "ibis.Table | None":
        """Return a dataset's rows, or None where it has none yet."""
        return self.tables.read(name, self.versions[name]) if name in self.versions else None


@dataclass(frozen=True, slots=True)
class Mentions:
    """Mentions of one kind: `held` says where each stands (`HELD`), `said` what is said (a text column a role)."""

    kind: EntityKind
    held: "pa.Table"
    said: "pa.Table"

    def __len__(self) -> int:
        return int(self.held.num_rows)


def entities_of(contract: Contract, kind: EntityKind) -> list[tuple[int, EntityMap]]:
    """Return the entities of one kind with their place; people with a household number stand for households too."""
    found = [(place, each) for place, each in enumerate(contract.entities) if each.kind is kind]
    if kind is EntityKind.HOUSEHOLD and not found:
        found = [
            (
                place,
                EntityMap(kind, {role: each.roles[role] for role in ("household", "address") if role in each.roles}),
            )
            for place, each in enumerate(contract.entities)
            if each.kind is EntityKind.PERSON and "household" in each.roles
        ]
    return found


def gather(contracts: Sequence[Contract], kind: EntityKind, lake: "Lake", code: Coder) -> Mentions:
    """Read the mentions of one kind from the datasets, in a fixed order."""
    import pyarrow as pa

    parts = [part for contract in contracts for part in _of_contract(contract, kind, lake, code)]
    roles = PERSON_ROLES if kind is EntityKind.PERSON else (IDENTITY_ROLE[kind], "name", "address")
    held = pa.concat_tables([held for held, _ in parts]) if parts else _empty(HELD)
    said = pa.concat_tables([_filled(said, roles) for _, said in parts]) if parts else _empty(roles)
    return Mentions(kind, held, said)


def _of_contract(
    contract: Contract, kind: EntityKind, lake: "Lake", code: Coder
) -> "Iterator[tuple[pa.Table, pa.Table]]":
    entities = entities_of(contract, kind)
    dataset = lake.read(contract.dataset) if entities else None
    if dataset is None:
        return
    dataset = dataset.filter(dataset["_source"] == contract.source)
    for place, entity in entities:
        identity = entity.roles.get(IDENTITY_ROLE[kind])
        naming = [dataset[field].notnull() for field in _naming(entity, identity)]
        chosen = dataset.filter(_any(naming))
        fields = sorted({*entity.roles.values(), *contract.key})
        chosen = chosen.select("_package", "_row", "_leaf", **{field: _text(chosen[field]) for field in fields})
        rows = lake.tables.arrow(chosen).sort_by([("_package", "ascending"), ("_row", "ascending")])
        if rows.num_rows:
            yield _held(contract, place, entity, rows, code), _said(entity, rows)


def _naming(entity: EntityMap, identity: str | None) -> list[str]:
    """Return the columns of which one has to be filled for the row to speak of anybody at all."""
    if entity.kind is EntityKind.HOUSEHOLD:
        return [entity.roles["household"]]
    return [field for field in (identity, entity.roles.get("name")) if field is not None]


def _held(contract: Contract, place: int, entity: EntityMap, rows: "pa.Table", code: Coder) -> "pa.Table":
    import pyarrow as pa

    kind = entity.kind
    leaves = [leaf.hex() for leaf in rows.column("_leaf").to_pylist()]
    keys = [rows.column(field).to_pylist() for field in contract.key]
    anchors = [
        code(_key(contract.source, place, values, leaf), f"anchor/{kind.value}")[:CODE]
        for leaf, values in zip(leaves, zip(*keys, strict=True) if keys else ((),) * len(leaves), strict=True)
    ]
    numbers = rows.column(entity.roles[role]).to_pylist() if (role := IDENTITY_ROLE[kind]) in entity.roles else None
    identities = [code(each, role)[:CODE] if each else "" for each in numbers] if numbers else [""] * len(leaves)
    labelled = entity.roles.get("household" if kind is EntityKind.HOUSEHOLD else "name")
    columns: dict[str, Any] = {
        "dataset": pa.array([contract.dataset] * len(leaves)),
        "source": pa.array([contract.source] * len(leaves)),
        "package": rows.column("_package"),
        "row": rows.column("_row"),
        "leaf": pa.array(leaves),
        "entity": pa.array([place] * len(leaves), pa.int64()),
        "anchor": pa.array(anchors),
        "identity": pa.array(identities),
        "label": rows.column(labelled) if labelled else pa.nulls(len(leaves), pa.string()),
    }
    return pa.table(columns)


def _key(source: str, place: int, values: Iterable[str | None], leaf: str) -> str:
    """Name the sender's record: by its whole key, or by its content where part of the key is empty."""
    filled = list(values)
    name = "\x1f".join(each or "" for each in filled) if filled and all(filled) else leaf
    return f"{source}\x1e{place}\x1e{name}"


def _said(entity: EntityMap, rows: "pa.Table") -> "pa.Table":
    import pyarrow as pa

    return pa.table({role: rows.column(field).cast(pa.string()) for role, field in entity.roles.items()})


def _filled(said: "pa.Table", roles: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    empty = pa.nulls(said.num_rows, pa.string())
    return pa.table({role: said.column(role) if role in said.column_names else empty for role in roles})


def _empty(names: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    types = {"row": pa.int64(), "entity": pa.int64()}
    return pa.table({name: pa.array([], types.get(name, pa.string())) for name in names})


def _any(conditions: Sequence[Any]) -> Any:  # noqa: ANN401 - Ibis expressions
    found = conditions[0]
    for condition in conditions[1:]:
        found = found | condition
    return found


def _text(column: Any) -> Any:  # noqa: ANN401 - an Ibis expression
    return column if column.type().is_string() else column.cast("string")
