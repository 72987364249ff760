"""How an authority works, and what it stands on."""

from dataclasses import dataclass

from chengyi.model.clock import Clock
from chengyi.store.rows import Rows
from chengyi.store.settings import AuthoritySettings
from chengyi.trust.authority.suites import Suite
from chengyi.trust.ports import Audit, Keys


@dataclass(frozen=True, slots=True)
class Terms:
    """How an authority works: its suite, and how long things hold (hours and days)."""

    suite: Suite = Suite.P256
    leaf_hours: int = 24
    list_hours: int = 6
    store_days: int = 365

    @classmethod
    def of(cls, settings: AuthoritySettings) -> "Terms":
        """Return what node.toml says."""
        return cls(Suite(settings.suite), settings.leaf_hours, settings.list_hours, settings.store_days)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an authority stands on: rows, audit, clock, the node's keys, and in whose name it acts."""

    rows: Rows
    audit: Audit
    clock: Clock
    keys: Keys
    actor: str
