"""Keep: four-property checks, numbering, packages, row seals, search; what goes in is proven and never altered."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chengyi.archive.service import (
        Archive,
        ArchiveReport,
        Found,
        RowProof,
        SealedTable,
        Verification,
        VerificationStep,
    )

__all__ = ["Archive", "ArchiveReport", "Found", "RowProof", "SealedTable", "Verification", "VerificationStep"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from chengyi.archive import service

        return getattr(service, name)
    raise AttributeError(name)
