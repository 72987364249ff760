"""One archived package on its way into a dataset: what its header met, what was counted, what it told."""

from dataclasses import dataclass, field
from typing import Any

from chengyi.integrate.contracts import Contract
from chengyi.integrate.ports import Sealed
from chengyi.integrate.report import DatasetOutcome
from chengyi.integrate.rules import FAULT_CAP
from chengyi.integrate.standard import Header
from chengyi.model.package import Package
from chengyi.model.text import Text


@dataclass
class Delivery:
    """One package on its way: its header as met by the contract, and what was counted."""

    package: Package
    header: Header | None = None
    sealed: Sealed | None = None
    state: str = "in"
    rows: int = 0
    quarantined: int = 0
    noted: int = 0
    faults: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)

    def told(self, row: int, column: str, value: str, code: str, said: Text) -> None:
        """Count one fault, and list it while the list is short."""
        if len(self.listed) < FAULT_CAP:
            fault = {"package": self.package.ref, "row": row, "place": self.faults, "column": column, "value": value}
            self.listed.append(fault | {"code": code, "zh": said.zh, "en": said.en})
        self.faults += 1

    @property
    def names(self) -> list[str]:
        """Return the column names as delivered."""
        return list(self.sealed.table.column_names) if self.sealed is not None else []


def package_row(contract: Contract, delivery: Delivery) -> dict[str, Any]:
    """Return what the row store keeps of a delivery."""
    drift = delivery.header.drift if delivery.header is not None else ()
    return {
        "package": delivery.package.ref,
        "dataset": contract.dataset,
        "source": contract.source,
        "department": contract.department,
        "state": delivery.state,
        "rows": delivery.rows,
        "quarantined": delivery.quarantined,
        "noted": delivery.noted,
        "faults": delivery.faults,
        "entry": delivery.package.entry,
        "event_time": delivery.package.event_time,
        "drift": [[each.zh, each.en] for each in drift],
    }


def outcome_of(contract: Contract, deliveries: list[Delivery], version: int | None) -> DatasetOutcome:
    """Return what a run did with the deliveries of one source."""
    drift = [each for delivery in deliveries if delivery.header is not None for each in delivery.header.drift]
    return DatasetOutcome(
        contract.dataset,
        contract.source,
        version,
        len(deliveries),
        sum(each.state == "refused" for each in deliveries),
        sum(each.state == "superseded" for each in deliveries),
        sum(each.rows for each in deliveries),
        sum(each.quarantined for each in deliveries),
        sum(each.noted for each in deliveries),
        tuple(dict.fromkeys(drift)),
    )
