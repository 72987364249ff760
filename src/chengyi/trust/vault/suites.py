"""The suites of fragments: which cipher seals the content and which hash the trees are made of.

Rules: a suite is named in every manifest and never changes its meaning; an unknown one is refused.
``aes-sha256`` is the default, ``aes-blake3`` the fast one, ``sm4-sm3`` keeps to the national algorithms for content
and trees. The wrapping of keys (HPKE) and signatures (Ed25519) are the same in all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chengyi.trust.primitives.ciphers import AES_256_GCM, SM4_GCM, Cipher
from chengyi.trust.primitives.hashes import BLAKE3, SHA_256, SM3, Hash


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher and a hash under one name."""

    id: str
    cipher: Cipher
    hash: Hash


SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        each.id: each
        for each in (
            Suite("aes-sha256", AES_256_GCM, SHA_256),
            Suite("aes-blake3", AES_256_GCM, BLAKE3),
            Suite("sm4-sm3", SM4_GCM, SM3),
        )
    }
)
