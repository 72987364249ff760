"""The lake table `dossier_rows`: every member row of every dossier, in the order of dossiers, for fast pages.

Rules: it is derived from the datasets and the state of the dossiers, and can be written anew at any time; values lie
as the text of the dataset's standard values, beside the names of their fields.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chengyi.integrate.contracts import Contract
from chengyi.integrate.mentions import Lake
from chengyi.store.ports import Tables

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

TABLE = "dossier_rows"


def write_rows(lake: Lake, contracts: Sequence[Contract], placed: "Iterable[pa.Table]") -> int | None:
    """Write the table anew from where each mention stands (dataset, package, row, entity, dossier, kind)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pa.concat_tables(list(placed))
    parts = []
    for contract in {each.dataset: each for each in contracts}.values():
        of_dataset = whole.filter(pc.equal(whole.column("dataset"), contract.dataset))
        if of_dataset.num_rows:
            parts.append(_part(lake, contract.dataset, of_dataset))
    if not parts:
        lake.tables.drop(TABLE)
        return None
    union = parts[0].union(*parts[1:]) if len(parts) > 1 else parts[0]
    ordered = union.order_by(["dossier", "dataset", "package", "row"])
    return lake.tables.write(TABLE, lake.tables.batches(ordered), "overwrite")


def read_rows(tables: Tables, dossier: str) -> list[dict[str, Any]]:
    """Return the member rows of a dossier: dataset, package, row, leaf, entity, source, and fields -> values."""
    held = tables.read(TABLE)
    found = tables.arrow(held.filter(held["dossier"] == dossier)).to_pylist()
    for each in found:
        each["said"] = dict(zip(each.pop("names").split(","), each.pop("said"), strict=True))
    return sorted(found, key=lambda each: (each["dataset"], each["package"], each["row"], each["entity"]))


def _part(lake: Lake, dataset: str, placed: "pa.Table") -> "ibis.Table":
    import ibis

    rows = lake.tables.read(dataset, lake.versions[dataset])
    fields = [name for name in rows.columns if not name.startswith("_")]
    said = rows.select(
        "_package",
        "_row",
        "_leaf",
        "_source",
        said=ibis.array([rows[name].cast("string") for name in fields]),
    )
    places = lake.tables.view(placed)
    met = places.join(said, [places["package"] == said["_package"], places["row"] == said["_row"]])
    return met.select(
        "dossier",
        "kind",
        "dataset",
        "package",
        "row",
        "entity",
        leaf=met["_leaf"],
        source=met["_source"],
        names=ibis.literal(",".join(fields)),
        said=met["said"],
    )
