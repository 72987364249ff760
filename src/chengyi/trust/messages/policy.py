"""What a signed request has to be like; everything else is refused.

Rules:

1. Deny by default: one signature, the parameters of `PARAMETERS` and no other, the components of `REQUIRED`, the
   type of a body that is not empty, and every field of `COVERED_IF_PRESENT` that the request has.
2. The suite id (parameter `tag`, RFC 9421 §7.2.8 on cross-purpose use) names all of this; another meaning gets
   another suite id.
3. A request lives `life` at most and the two clocks may differ by `skew`; both are small, for every nonce is kept
   that long.
"""

from dataclasses import dataclass
from datetime import timedelta

from chengyi.store.settings import MessageSettings

SUITE = "chengyi-node/1"
LABEL = "chengyi"
REQUIRED = ("@method", "@authority", "@path", "@query", "content-digest")
TYPE = "content-type"
COVERED_IF_PRESENT = ("content-encoding", "chengyi-certificates")
PARAMETERS = ("created", "expires", "nonce", "keyid", "alg", "tag")
CERTIFICATES = "chengyi-certificates"


@dataclass(frozen=True, slots=True)
class Policy:
    """The bounds of a signed request; times are differences, sizes are bytes."""

    life: timedelta = timedelta(seconds=60)
    skew: timedelta = timedelta(seconds=30)
    most_body: int = 16 << 20
    most_target: int = 8 << 10
    most_field: int = 16 << 10
    most_fields: int = 100
    most_nonce: int = 64
    least_nonce: int = 16
    suite: str = SUITE

    @classmethod
    def of(cls, settings: MessageSettings) -> "Policy":
        """Return the policy that node.toml asks for."""
        return cls(timedelta(seconds=settings.life_seconds), timedelta(seconds=settings.skew_seconds))


DEFAULT_POLICY = Policy()
