"""The receiver's side: who sent this request, or one refusal.

Keeps promise 4 (a refusal is on record) for what nodes ask of each other. A request is accepted when, in this order:

1. its sizes are within the policy;
2. it has one signature, and no field that the signature covers is there twice;
3. the suite id is ours, the parameters are those of the policy and no other, and all that has to be covered is;
4. it was meant for this node (``@authority``), a body has a type, and the moment lies within life and skew;
5. the key id leads to a peer whose key is of the algorithm named (RFC 9421 §7.3.6: the key decides, not the message);
6. the signature is right over the base that we build ourselves;
7. the digest that was signed is that of the body received, and the peer is the one whom the caller expects, if any;
8. the nonce was not used before by this key. Only now is it used up, so that a forger cannot use up nonces.

Refusals are acts. So that a flood of them cannot fill the ledger, a minute has at most `most_acts`; the next act
says how many were not written.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chengyi.model.act import Act, ActKind
from chengyi.model.canonical import Json
from chengyi.model.clock import Clock
from chengyi.model.errors import MessageRefusedError
from chengyi.trust.messages.checks import (
    certificates_of,
    check_coverage,
    check_moments,
    check_sizes,
    moment_of,
    only_signature,
    text_of,
)
from chengyi.trust.messages.components import Message, authority_of, signature_base
from chengyi.trust.messages.digests import check_digest
from chengyi.trust.messages.fields import Signature
from chengyi.trust.messages.identities import Identities, Peer
from chengyi.trust.messages.nonces import Nonces
from chengyi.trust.messages.policy import DEFAULT_POLICY, Policy
from chengyi.trust.messages.refusals import Refusal, refused
from chengyi.trust.ports import Audit
from chengyi.trust.ration import Ration


@dataclass(frozen=True, slots=True)
class Signer:
    """Who sent a request, as proven: the peer, the key id, when it was signed, and the certificate's serial, if any."""

    id: str
    keyid: str
    created: datetime
    certificate: str = ""


class MessageVerifier:
    """Checks signed requests that were meant for one of `authorities` (``host`` or ``host:port``)."""

    def __init__(
        self,
        identities: Identities,
        nonces: Nonces,
        audit: Audit,
        clock: Clock,
        *,
        authorities: Iterable[str],
        policy: Policy = DEFAULT_POLICY,
        most_acts: int = 60,
    ) -> None:
        self.policy = policy
        self._identities = identities
        self._nonces = nonces
        self._clock = clock
        self._authorities = frozenset(authorities)
        self._record = _Recorder(audit, most_acts)

    def verify(self, request: Message, sender: str = "") -> Signer:
        """Return the signer, who has to be `sender` where that is said.

        MessageRefusedError, after it was put on record, where anything is wrong.
        """
        now = self._clock.now()
        try:
            return self._check(request, now, sender)
        except MessageRefusedError as refusal:
            self._record.refusal(request, refusal, now)
            raise

    def refuse(self, request: Message, reason: Refusal) -> MessageRefusedError:
        """Put on record a refusal that the edge found, and return its error."""
        refusal = refused(reason)
        self._record.refusal(request, refusal, self._clock.now())
        return refusal

    def _check(self, request: Message, now: datetime, sender: str) -> Signer:
        check_sizes(request, self.policy)
        signature = only_signature(request, self.policy)
        keyid = text_of(signature, "keyid")
        try:
            peer = self._believe(request, signature, now, sender)
        except MessageRefusedError as refusal:
            raise refused(Refusal(str(refusal.reason)), keyid) from refusal
        return Signer(peer.id, keyid, moment_of(signature, "created"), peer.certificate)

    def _believe(self, request: Message, signature: Signature, now: datetime, sender: str) -> Peer:
        keyid = text_of(signature, "keyid")
        check_coverage(request, signature)
        ours = {authority_of(request.scheme, each) for each in self._authorities}
        if authority_of(request.scheme, request.authority) not in ours:
            raise refused(Refusal.WRONG_AUTHORITY)
        check_moments(signature, now, self.policy)
        peer = self._identities.find(keyid, certificates_of(request, self.policy), now)
        if peer is None:
            raise refused(Refusal.UNKNOWN_KEY)
        if signature.parameters["alg"] != peer.key.algorithm:
            raise refused(Refusal.WRONG_ALGORITHM)
        if not peer.key.verifies(signature.value, signature_base(request, signature.components, signature.params)):
            raise refused(Refusal.WRONG_SIGNATURE)
        check_digest(request)
        if sender and peer.id != sender:
            raise refused(Refusal.WRONG_SENDER)
        until = moment_of(signature, "expires") + self.policy.skew
        if not self._nonces.use(keyid, text_of(signature, "nonce"), until, now):
            raise refused(Refusal.REPLAYED)
        return peer


class _Recorder:
    """Puts refusals on record, so many a minute."""

    def __init__(self, audit: Audit, most: int) -> None:
        self._audit = audit
        self._ration = Ration(most)

    def refusal(self, request: Message, refusal: MessageRefusedError, now: datetime) -> None:
        unwritten = self._ration.take(now)
        if unwritten is None:
            return
        detail: dict[str, Json] = {
            "reason": str(refusal.reason),
            "keyid": _shown(str(refusal.sender)),
            "authority": _shown(request.authority),
            "unwritten": unwritten,
        }
        target = f"{_shown(request.method, 16)} {_shown(request.path)}"
        self._audit.record(Act(ActKind.MESSAGE_REFUSED, "peer:unproven", target, detail))


def _shown(text: str, most: int = 200) -> str:
    """Return outside text as it may stand on record: short, and printable."""
    return "".join(each if each.isprintable() else "?" for each in text[:most])
