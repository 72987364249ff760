"""Keys that live in memory: the same seed always gives the same keys."""

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chengyi.model.errors import IntegrityError
from chengyi.trust.ledger.notes import Verifier


class MemoryKeys:
    """Implements `trust.ports.Keys`."""

    def __init__(self, name: str = "test.invalid/node", seed: bytes = b"seed") -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(sha256(b"sign" + seed).digest())
        self._secret = sha256(b"code" + seed).digest()
        self._aead = AESGCM(sha256(b"wrap" + seed).digest())
        self._counter = 0
        self.verifier = str(Verifier(name, self._private.public_key().public_bytes_raw()))

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        self._counter += 1
        nonce = self._counter.to_bytes(12, "big")
        return nonce + self._aead.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._aead.decrypt(wrapped[:12], wrapped[12:], context)
        except (InvalidTag, ValueError) as error:
            raise IntegrityError(object="wrapped key", why="密钥封装不符 (the wrapped key does not fit)") from error

    def code(self, value: str, purpose: str) -> str:
        return hmac.new(self._secret, f"{purpose}\0{value}".encode(), sha256).hexdigest()
