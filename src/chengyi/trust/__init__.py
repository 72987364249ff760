"""Trust: keys, the vault of fragments, the ledger and its receipts, the audit; the only door to stored bytes.

`Vault`, `Ledger`, `Keys` and `Audit` are the ports; `FileKeys`, `FragmentVault`, `FileLedger` and `LedgerAudit`
keep them on one machine. `verify_receipt` and `verify_ledger` need nothing but a copy and the verifier key.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chengyi.trust.audit.acts import LedgerAudit
    from chengyi.trust.keys import FileKeys
    from chengyi.trust.ledger.log import FileLedger
    from chengyi.trust.ledger.verify import LedgerCheck, verify_ledger, verify_receipt
    from chengyi.trust.ports import Audit, Checkpoint, Keys, Ledger, Receipt, Stored, Vault
    from chengyi.trust.vault.vault import FragmentVault

__all__ = [
    "Audit",
    "Checkpoint",
    "FileKeys",
    "FileLedger",
    "FragmentVault",
    "Keys",
    "Ledger",
    "LedgerAudit",
    "LedgerCheck",
    "Receipt",
    "Stored",
    "Vault",
    "verify_ledger",
    "verify_receipt",
]

_HOME = {
    "FileKeys": "keys",
    "FileLedger": "ledger.log",
    "LedgerAudit": "audit.acts",
    "LedgerCheck": "ledger.verify",
    "FragmentVault": "vault.vault",
    "verify_ledger": "ledger.verify",
    "verify_receipt": "ledger.verify",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have any type
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"chengyi.trust.{_HOME.get(name, 'ports')}"), name)
