"""A consequential act, as the ledger witnesses it (promise 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chengyi.model.canonical import Json


class ActKind(StrEnum):
    """What was done. The part before the dot is the room that did it."""

    FRAGMENT_REFUSED = "vault.refused"
    SCRUBBED = "vault.scrubbed"
    REPAIRED = "vault.repaired"
    REKEYED = "vault.rekeyed"
    RETIRED = "vault.retired"
    COSIGNED = "witness.cosigned"
    COSIGNING_REFUSED = "witness.refused"
    ANCHORED = "ledger.anchored"
    STAMPED = "ledger.stamped"
    FOUNDED = "authority.founded"
    CERTIFIED = "authority.certified"
    DECERTIFIED = "authority.decertified"
    CERTIFICATE_REFUSED = "authority.refused"
    MESSAGE_REFUSED = "message.refused"
    ERASED = "audit.erased"
    FLAGGED = "audit.flagged"
    INVESTIGATED = "audit.investigated"
    RECEIVED = "collect.received"
    REFUSED_INPUT = "collect.refused"
    KEPT = "archive.kept"
    SET_ASIDE = "archive.set_aside"
    RELEASED = "archive.released"
    STANDARDISED = "integrate.standardised"
    LINKED = "integrate.linked"
    CATALOGUED = "share.catalogued"
    REQUESTED = "share.requested"
    GRANTED = "share.granted"
    REFUSED = "share.refused"
    REVOKED = "share.revoked"
    READ = "share.read"
    DENIED = "share.denied"
    EXPORTED = "share.exported"
    COMPUTED = "brain.computed"
    ALERTED = "brain.alerted"
    ORDERED = "brain.ordered"
    ANSWERED = "brain.answered"
    DECIDED = "brain.decided"
    SIGNED_IN = "console.signed_in"
    SIGN_IN_FAILED = "console.sign_in_failed"
    ACCOUNT_CHANGED = "console.account_changed"
    CREATED = "node.created"


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to which object, with details that have a canonical form."""

    kind: ActKind
    actor: str
    object: str
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as it stands in the ledger: its index, time, salt, and the act itself."""

    index: int
    at: datetime
    salt: str
    act: Act
