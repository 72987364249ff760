"""How certificates, requests and lists pass from machine to machine: PEM (RFC 7468), and JSON for what has no PEM.

Rules: what comes from outside is bounded before it is read, and is believed nothing; ValueError where it is malformed.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chengyi.model.canonical import parse

CERTIFICATE, REQUEST, LIST = "CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL"
LONGEST_CHAIN, MOST_LISTS = 4, 2


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A request (DER) with the one-time token that allows it."""

    request: bytes
    token: str

    def render(self) -> str:
        """Return the text that is sent."""
        return _render({"request": _b64(self.request), "token": self.token})

    @classmethod
    def parse(cls, text: bytes) -> "Enrolment":
        """Read one; ValueError."""
        with _malformed():
            told = parse(text)
            return cls(_unb64(told["request"]), "" + told["token"])


@dataclass(frozen=True, slots=True)
class Renewal:
    """A request (DER) with the chain that it renews (DER, leaf first), and the proof by its old key."""

    chain: tuple[bytes, ...]
    request: bytes
    proof: bytes

    def render(self) -> str:
        """Return the text that is sent."""
        return _render(
            {"chain": [_b64(each) for each in self.chain], "request": _b64(self.request), "proof": _b64(self.proof)}
        )

    @classmethod
    def parse(cls, text: bytes) -> "Renewal":
        """Read one; ValueError."""
        with _malformed():
            told = parse(text)
            chain = tuple(map(_unb64, told["chain"][: LONGEST_CHAIN + 1]))
            found = cls(chain, _unb64(told["request"]), _unb64(told["proof"]))
        if not 0 < len(chain) <= LONGEST_CHAIN:
            raise ValueError("chain")
        return found


def pem(what: str, *ders: bytes) -> str:
    """Return PEM blocks of one kind."""
    return "".join(_block(what, _b64(each)) for each in ders)


def unpem(what: str, text: bytes, most: int) -> list[bytes]:
    """Return the DER of the PEM blocks of one kind; ValueError where there are none, or too many."""
    first, last = f"-----BEGIN {what}-----".encode(), f"-----END {what}-----".encode()
    blocks = text.split(first)[1:]
    if not 0 < len(blocks) <= most or not all(last in block for block in blocks):
        raise ValueError(f"not 1 to {most} PEM blocks of {what}")
    return [base64.b64decode(b"".join(block.partition(last)[0].split()), validate=True) for block in blocks]


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _block(what: str, text: str) -> str:
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {what}-----\n{lines}\n-----END {what}-----\n"


def _render(value: dict[str, object]) -> str:
    return json.dumps(value, indent=1) + "\n"


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("malformed") from error


def _unb64(value: str) -> bytes:
    return base64.b64decode(value, validate=True)
