"""The sender's side: a request gets a digest, a moment, a nonce and one signature.

Rules: what is covered is what `policy` demands and every field of it that the request has; a nonce is 128 random
bits, never used twice; signing the same request again gives another signature.
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence

from chengyi.model.clock import Clock
from chengyi.trust.messages.algorithms import SigningKey
from chengyi.trust.messages.components import Component, Message, Parameter, signature_base, signature_params
from chengyi.trust.messages.digests import content_digest
from chengyi.trust.messages.policy import (
    CERTIFICATES,
    COVERED_IF_PRESENT,
    DEFAULT_POLICY,
    LABEL,
    REQUIRED,
    TYPE,
    Policy,
)

_NONCE_BYTES = 16


class MessageSigner:
    """Signs requests with one key; with `certificates` (leaf first, DER) every request carries its chain."""

    def __init__(
        self,
        key: SigningKey,
        keyid: str,
        clock: Clock,
        *,
        certificates: Sequence[bytes] = (),
        policy: Policy = DEFAULT_POLICY,
    ) -> None:
        self._key = key
        self._keyid = keyid
        self._clock = clock
        self._policy = policy
        self._chain = ", ".join(f":{b64encode(each).decode()}:" for each in certificates)

    def headers(self, request: Message) -> dict[str, str]:
        """Return the fields to be added to the request; fields of these names that it has are replaced."""
        added = {"content-digest": content_digest(request.body)}
        if self._chain:
            added[CERTIFICATES] = self._chain
        fields = [(name.lower(), value) for name, value in request.fields if name.lower() not in added]
        whole = Message(
            request.method,
            request.scheme,
            request.authority,
            request.path,
            request.query,
            [*fields, *added.items()],
            request.body,
        )
        names = [*REQUIRED, *(name for name in (TYPE, *COVERED_IF_PRESENT) if whole.count(name))]
        components = [Component(name) for name in names]
        params = signature_params(components, self._parameters())
        value = self._key.sign(signature_base(whole, components, params))
        added["signature-input"] = f"{LABEL}={params}"
        added["signature"] = f"{LABEL}=:{b64encode(value).decode()}:"
        return added

    def _parameters(self) -> dict[str, Parameter]:
        created = int(self._clock.now().timestamp())
        return {
            "created": created,
            "expires": created + int(self._policy.life.total_seconds()),
            "nonce": secrets.token_urlsafe(_NONCE_BYTES),
            "keyid": self._keyid,
            "alg": self._key.algorithm,
            "tag": self._policy.suite,
        }

    def __repr__(self) -> str:
        return f"MessageSigner({self._keyid!r}, {self._key.algorithm})"
