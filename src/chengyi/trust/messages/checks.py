"""What is asked of a signed request before anyone looks for its key: pure functions over the policy.

Rules: each function checks one thing and names one refusal; nothing here believes what the request says.
"""

from datetime import UTC, datetime, timedelta

import http_sf

from chengyi.trust.messages.components import Message
from chengyi.trust.messages.fields import Signature, byte_value, one_line, read_signatures
from chengyi.trust.messages.policy import CERTIFICATES, COVERED_IF_PRESENT, PARAMETERS, REQUIRED, TYPE, Policy
from chengyi.trust.messages.refusals import Refusal, refused

_MOST_CERTIFICATES = 4


def check_sizes(request: Message, policy: Policy) -> None:
    """Raise MessageRefusedError where a part of the request is larger than the policy lets it be."""
    if len(request.fields) > policy.most_fields or len(request.body) > policy.most_body:
        raise refused(Refusal.OVERSIZE)
    if len(request.path) + len(request.query) + len(request.authority) > policy.most_target:
        raise refused(Refusal.OVERSIZE)
    if any(len(value) > policy.most_field for _, value in request.fields):
        raise refused(Refusal.OVERSIZE)


def only_signature(request: Message, policy: Policy) -> Signature:
    """Return the one signature of our suite, with exactly the parameters of the policy."""
    found = read_signatures(request, policy.most_field)
    if len(found) != 1:
        raise refused(Refusal.AMBIGUOUS)
    signature = found[0]
    if signature.parameters.keys() != set(PARAMETERS):
        raise refused(Refusal.MALFORMED)
    if signature.parameters["tag"] != policy.suite:
        raise refused(Refusal.WRONG_SUITE)
    if not policy.least_nonce <= len(text_of(signature, "nonce")) <= policy.most_nonce:
        raise refused(Refusal.MALFORMED)
    return signature


def check_coverage(request: Message, signature: Signature) -> None:
    """Raise MessageRefusedError unless all that has to be covered is, and no covered field is there twice."""
    if any(component.parameters for component in signature.components):
        raise refused(Refusal.MALFORMED)
    needed = [*REQUIRED, *(name for name in COVERED_IF_PRESENT if request.count(name))]
    if request.body:
        needed.append(TYPE)
    if not set(needed) <= set(signature.names):
        raise refused(Refusal.UNCOVERED)
    if any(request.count(name) > 1 for name in signature.names if not name.startswith("@")):
        raise refused(Refusal.AMBIGUOUS)
    if any("," in value for value in request.values("content-type")):
        raise refused(Refusal.AMBIGUOUS)


def check_moments(signature: Signature, now: datetime, policy: Policy) -> None:
    """Raise MessageRefusedError unless the request lives now, give or take the skew, and not for too long."""
    created, expires = moment_of(signature, "created"), moment_of(signature, "expires")
    if created > now + policy.skew:
        raise refused(Refusal.FUTURE)
    if not timedelta(0) < expires - created <= policy.life:
        raise refused(Refusal.TOO_LONG)
    if expires + policy.skew <= now:
        raise refused(Refusal.EXPIRED)


def certificates_of(request: Message, policy: Policy) -> list[bytes]:
    """Return the certificates that the request carries, leaf first, DER, unchecked."""
    if not request.count(CERTIFICATES):
        return []
    text = one_line(request, CERTIFICATES, policy.most_field, Refusal.UNCOVERED)
    try:
        found = http_sf.parse(text.encode("ascii"), tltype="list")
    except (ValueError, UnicodeError) as fault:
        raise refused(Refusal.MALFORMED) from fault
    if not isinstance(found, list) or not 0 < len(found) <= _MOST_CERTIFICATES:
        raise refused(Refusal.MALFORMED)
    return [byte_value(each) for each in found]


def text_of(signature: Signature, name: str) -> str:
    """Return a parameter that is text."""
    value = signature.parameters[name]
    if not isinstance(value, str) or not value:
        raise refused(Refusal.MALFORMED)
    return value


def moment_of(signature: Signature, name: str) -> datetime:
    """Return a parameter that is a moment in seconds of POSIX time."""
    value = signature.parameters[name]
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError) as fault:
        raise refused(Refusal.MALFORMED) from fault
