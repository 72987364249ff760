"""The fields that carry a signature, read strictly (RFC 9421 §4, RFC 9651; parsed by http-sf).

Rules:

1. `Signature-Input` and `Signature` are there once each, name the same labels, and hold no key twice.
2. A covered component is a string without duplicates; ``@signature-params`` itself is never covered.
3. Only text and whole numbers are parameters; dates, tokens, booleans and bytes are refused.
4. What the sender wrote is serialised again before it is checked, so that two spellings have one meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import http_sf

from chengyi.trust.messages.components import Component, Message, Parameter, signature_params
from chengyi.trust.messages.refusals import Refusal, refused

_MOST_MEMBERS = 8
_MOST_COMPONENTS = 32


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature as it was received: what it covers, its parameters, and its bytes."""

    label: str
    components: tuple[Component, ...]
    parameters: Mapping[str, Parameter]
    value: bytes

    @property
    def params(self) -> str:
        """Return the inner list in its one spelling."""
        return signature_params(self.components, self.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the covered components."""
        return tuple(component.name for component in self.components)


def read_signatures(message: Message, most: int) -> tuple[Signature, ...]:
    """Return every signature of a message; MessageRefusedError where a field is absent, doubled, large or malformed."""
    inputs = dictionary(message, "signature-input", most)
    values = dictionary(message, "signature", most)
    if inputs.keys() != values.keys():
        raise refused(Refusal.MALFORMED)
    return tuple(_signature(label, inputs[label], values[label]) for label in inputs)


def dictionary(message: Message, name: str, most: int, absent: Refusal = Refusal.UNSIGNED) -> dict[str, Any]:
    """Return a dictionary field of at most `most` bytes that stands on one line and holds no key twice."""
    text = one_line(message, name, most, absent)
    try:
        found = http_sf.parse(text.encode("ascii"), tltype="dictionary", on_duplicate_key=_doubled)
    except (ValueError, UnicodeError, RecursionError) as fault:
        raise refused(Refusal.MALFORMED) from fault
    if not isinstance(found, dict) or not 0 < len(found) <= _MOST_MEMBERS:
        raise refused(Refusal.MALFORMED)
    return found


def one_line(message: Message, name: str, most: int, absent: Refusal) -> str:
    """Return the value of a field that stands on one line."""
    values = message.values(name)
    if not values:
        raise refused(absent)
    if len(values) > 1:
        raise refused(Refusal.AMBIGUOUS)
    if len(values[0]) > most:
        raise refused(Refusal.OVERSIZE)
    return values[0]


def byte_value(member: object) -> bytes:
    """Return a byte sequence that has no parameters."""
    if isinstance(member, tuple) and not member[1]:
        member = member[0]
    if not isinstance(member, bytes):
        raise refused(Refusal.MALFORMED)
    return member


def _doubled(_key: str, _where: str) -> NoReturn:
    raise refused(Refusal.AMBIGUOUS)


def _signature(label: str, listed: object, value: object) -> Signature:
    if not isinstance(listed, tuple) or not isinstance(listed[0], list) or len(listed[0]) > _MOST_COMPONENTS:
        raise refused(Refusal.MALFORMED)
    components = tuple(map(_component, listed[0]))
    if len({str(component) for component in components}) != len(components):
        raise refused(Refusal.AMBIGUOUS)
    parameters = {key: _parameter(found) for key, found in listed[1].items()}
    return Signature(label, components, parameters, byte_value(value))


def _component(item: object) -> Component:
    name, parameters = item if isinstance(item, tuple) else (item, {})
    if type(name) is not str or not name or name != name.lower() or name == "@signature-params":
        raise refused(Refusal.MALFORMED)
    if any(type(value) is not str for value in parameters.values()):
        raise refused(Refusal.MALFORMED)
    return Component(name, parameters)


def _parameter(value: object) -> Parameter:
    if type(value) is int or type(value) is str:
        return value
    raise refused(Refusal.MALFORMED)
