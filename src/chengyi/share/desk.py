"""The desk: requests come in, grants and refusals go out.

Keeps promise 7: people decide about people. Only an unconditional dataset is granted without a person, and only masked;
every request, grant, refusal and revocation is on record before it takes effect.
"""

from chengyi.model.act import Act, ActKind
from chengyi.model.actor import Actor, Permission
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.codes import SharingClass
from chengyi.model.grant import CatalogueEntry, Grant, Purpose, Request, RequestState
from chengyi.share import rows as tables
from chengyi.share import rules
from chengyi.share.grants import Grants
from chengyi.share.rules import Terms
from chengyi.share.workdays import Calendar
from chengyi.trust.ports import Audit


class Desk:
    """Takes requests and answers them by the rules."""

    def __init__(self, grants: Grants, audit: Audit, clock: Clock, calendar: Calendar) -> None:
        self._grants = grants
        self._audit = audit
        self._clock = clock
        self._calendar = calendar

    def request(self, actor: Actor, entry: CatalogueEntry, fields: tuple[str, ...], purpose: Purpose) -> Request:
        """Take a request; the same open request made again is the same request."""
        where = (tables.requests.c.requester == actor.id, tables.requests.c.state == RequestState.OPEN.value)
        for known in self._grants.requests(*where):
            if (known.dataset, known.fields, known.purpose) == (entry.dataset, fields, purpose):
                return known
        return self._answer_by_class(entry, self._ask(actor, entry, fields, purpose))

    def open_request(self, actor: Actor, request_id: str) -> Request:
        """Return a request that this actor may answer now."""
        actor.require(Permission.GRANT)
        request = self._grants.request(request_id)
        rules.check_answerer(actor, request)
        rules.check_open(request)
        return request

    def grant(self, request: Request, grantor: str, terms: Terms) -> Grant:
        """Grant an open request on terms."""
        now = self._clock.now()
        grant_id = rules.new_id("grt", {"request": request.id, "grantor": grantor, "at": now.isoformat()})
        grant = rules.granted(grant_id, request, grantor, terms, now)
        return self._grants.add(self._witnessed(grant), settles=request)

    def refuse(self, request: Request, by: str, reason: str) -> Request:
        """Refuse an open request."""
        detail: dict[str, Json] = {"dataset": request.dataset, "reason": reason}
        self._audit.record(Act(ActKind.REFUSED, by, f"request:{request.id}", detail))
        return self._grants.refuse(request, reason)

    def revoke(self, actor: Actor, grant_id: str, reason: str) -> Grant:
        """End a grant at once."""
        grant = self._grants.grant(grant_id)
        if grant.revoked_at is None:
            self._audit.record(Act(ActKind.REVOKED, actor.id, f"grant:{grant.id}", {"reason": reason}))
            self._grants.revoke(grant.id, self._clock.now())
        return self._grants.grant(grant_id)

    def standing(self, actor: Actor, entry: CatalogueEntry, fields: tuple[str, ...], purpose: Purpose) -> Grant:
        """Return the one grant for a declared need, live or revoked; an expired one is given anew."""
        key = rules.standing_key(actor.id, entry.dataset, fields, purpose)
        known = self._grants.standing(key)
        now = self._clock.now()
        if known is not None and (known.revoked_at is not None or now < known.expires):
            return known
        grant_id = rules.new_id("grt", {"standing": key, "from": now.isoformat()})
        grant = rules.standing(grant_id, actor, entry, fields, purpose=purpose, now=now)
        return self._grants.add(self._witnessed(grant), standing=key)

    def _ask(self, actor: Actor, entry: CatalogueEntry, fields: tuple[str, ...], purpose: Purpose) -> Request:
        now = self._clock.now()
        detail: dict[str, Json] = {"purpose": rules.purpose_terms(purpose)}
        act = Act(ActKind.REQUESTED, actor.id, f"dataset:{entry.dataset}", detail, fields, purpose=purpose.text)
        index = self._audit.record(act)
        request = Request(
            id=rules.new_id("req", {"dataset": entry.dataset, "requester": actor.id, "entry": index}),
            dataset=entry.dataset,
            fields=fields,
            requester=actor.id,
            department=actor.department,
            purpose=purpose,
            requested_at=now,
            due=rules.answer_due(entry.sharing, now, self._calendar),
        )
        self._grants.add_request(request)
        return request

    def _answer_by_class(self, entry: CatalogueEntry, request: Request) -> Request:
        if entry.sharing is SharingClass.CONDITIONAL:
            return request
        if entry.sharing is SharingClass.WITHHELD:
            return self.refuse(request, rules.owner(entry), rules.CONDITIONS[entry.sharing].zh)
        self.grant(request, rules.owner(entry), Terms())
        return self._grants.request(request.id)

    def _witnessed(self, grant: Grant) -> Grant:
        index = self._audit.record(Act(ActKind.GRANTED, grant.grantor, f"grant:{grant.id}", rules.sealed_terms(grant)))
        return rules.entered(grant, index)
