"""Make one: archived tables under one data-element standard, and one dossier for each person, household, organisation.

The public names of the room. `Integrate` reads what the archive keeps, standardises and checks it by the sources'
contracts, sets aside what is at fault with every reason, and links the rest into dossiers with stable ids.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chengyi.integrate.contract_checks import contract_of
    from chengyi.integrate.contracts import Contract
    from chengyi.integrate.elements import dictionary
    from chengyi.integrate.reading import DossierEvent, DossierHead
    from chengyi.integrate.report import DatasetOutcome, IntegrateReport, LinkReport
    from chengyi.integrate.service import Integrate

__all__ = [
    "Contract",
    "DatasetOutcome",
    "DossierEvent",
    "DossierHead",
    "Integrate",
    "IntegrateReport",
    "LinkReport",
    "contract_of",
    "dictionary",
]

_HOMES = {
    "contract_checks": ("contract_of",),
    "contracts": ("Contract",),
    "elements": ("dictionary",),
    "reading": ("DossierEvent", "DossierHead"),
    "report": ("DatasetOutcome", "IntegrateReport", "LinkReport"),
    "service": ("Integrate",),
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(name)
