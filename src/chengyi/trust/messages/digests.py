"""The digest of a body (RFC 9530, Content-Digest): always there, always compared with the bytes received.

Rules: a digest that is not SHA-256 or SHA-512 counts for nothing; every one that is has to fit; one of them must be
there, also over an empty body.
"""

import hmac
from base64 import b64encode
from hashlib import sha256, sha512

from chengyi.trust.messages.components import Message
from chengyi.trust.messages.fields import byte_value, dictionary
from chengyi.trust.messages.refusals import Refusal, refused

_HASHES = {"sha-256": sha256, "sha-512": sha512}
_MOST_BYTES = 1024


def content_digest(body: bytes, algorithm: str = "sha-256") -> str:
    """Return the field value for a body: ``sha-256=:...:`` or ``sha-512=:...:``."""
    return f"{algorithm}=:{b64encode(_HASHES[algorithm](body).digest()).decode()}:"


def check_digest(message: Message) -> None:
    """Raise MessageRefusedError unless Content-Digest is that of the body."""
    found = dictionary(message, "content-digest", _MOST_BYTES, Refusal.UNCOVERED)
    known = {name: byte_value(value) for name, value in found.items() if name in _HASHES}
    if not known:
        raise refused(Refusal.MALFORMED)
    for name, value in known.items():
        if not hmac.compare_digest(value, _HASHES[name](message.body).digest()):
            raise refused(Refusal.WRONG_DIGEST)
