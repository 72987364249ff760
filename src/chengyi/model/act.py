"""A consequential act, as the ledger witnesses it (promise 4).

An act says who did what to which object; where they apply, it also says on which fields, for which purpose, under
which grant, with what result, and in which session, under which certificate and from which address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    INVITED = "authority.invited"
    CERTIFIED = "authority.certified"
    DECERTIFIED = "authority.decertified"
    CERTIFICATE_REFUSED = "authority.refused"
    MESSAGE_REFUSED = "message.refused"
    LOST = "audit.lost"
    ERASED = "audit.erased"
    FLAGGED = "audit.flagged"
    SETTLED = "audit.settled"
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
    TURNED_AWAY = "console.denied"
    ACCOUNT_CHANGED = "console.account_changed"
    CREATED = "node.created"


class ActResult(StrEnum):
    """How an act of use ended."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FAILED = "failed"


class FlagState(StrEnum):
    """What people made of a day that was flagged as odd."""

    OPEN = "open"
    EXPLAINED = "explained"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Seat:
    """Where somebody acts from; what is empty is not known.

    `session` is a salted digest of the session's key, never the key; `certificate` is the serial number of the
    certificate that was shown, in lower-case hexadecimal; `address` is the network address.
    """

    session: str = ""
    certificate: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to which object, with details that have a canonical form.

    What follows `detail` is said where it applies, and empty where it does not.
    """

    kind: ActKind
    actor: str
    object: str
    detail: Mapping[str, Json] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    purpose: str = ""
    grant: str = ""
    result: str = ""
    session: str = ""
    certificate: str = ""
    address: str = ""

    def seated(self, seat: Seat) -> "Act":
        """Return this act as done from a seat; what the act says itself stands."""
        return replace(
            self,
            session=self.session or seat.session,
            certificate=self.certificate or seat.certificate,
            address=self.address or seat.address,
        )


@dataclass(frozen=True, slots=True)
class Erasure:
    """What stands in the place of a body that was erased: the erasing act, when, by whom, with whose consent, why."""

    entry: int
    at: datetime
    by: str
    approved_by: str
    reason: str
    basis: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An act as it stands in the ledger: its index, time, salt, and the act itself.

    Of an erased one only the index, the time and the kind are left, and `erased` says what became of the rest.
    """

    index: int
    at: datetime
    salt: str
    act: Act
    erased: Erasure | None = None
