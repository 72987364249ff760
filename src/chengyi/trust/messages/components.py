"""The components of a message, and the signature base over them (RFC 9421 §2).

Rules:

1. A message is a value: what the signer sent, or what the verifier received, with field names in lower case.
2. A field that is there more than once has its lines joined by ``, `` (RFC 9421 §2.1); whoever must not have that
   checks `Message.count` first.
3. Of component parameters only ``name`` of ``@query-param`` is known; any other is refused, never ignored.
4. A value that would break the base's lines (RFC 9421 §2.5) is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

from chengyi.trust.messages.refusals import Refusal, refused

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_FIRST, _LAST = 0x20, 0x7E


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or a response where `status` is set: what signatures can cover.

    `path` and `query` are as on the wire (percent-encoded); `query` is without its ``?``.
    """

    method: str
    scheme: str
    authority: str
    path: str
    query: str = ""
    fields: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    status: int | None = None

    def values(self, name: str) -> list[str]:
        """Return the values of a field, one for each line of it."""
        return [value.strip(" \t") for key, value in self.fields if key.lower() == name]

    def count(self, name: str) -> int:
        """Return how many lines a field has."""
        return len(self.values(name))


@dataclass(frozen=True, slots=True)
class Component:
    """One covered component: a field's name or a derived component's, with its parameters."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return quoted(self.name) + "".join(f";{key}={quoted(value)}" for key, value in self.parameters.items())


Parameter = int | str


def signature_params(components: Sequence[Component], parameters: Mapping[str, Parameter]) -> str:
    """Return the inner list that names what is covered (RFC 9421 §2.3), in the order given."""
    inside = " ".join(map(str, components))
    return f"({inside})" + "".join(f";{key}={_item(value)}" for key, value in parameters.items())


def signature_base(message: Message, components: Sequence[Component], params: str) -> bytes:
    """Return the bytes that are signed (RFC 9421 §2.5); MessageRefusedError where a component is missing or odd."""
    lines = [f"{component}: {_printable(value_of(message, component))}" for component in components]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode("ascii")


def value_of(message: Message, component: Component) -> str:
    """Return the value of one component."""
    if component.name == "@query-param":
        return _query_param(message, component)
    if component.parameters:
        raise refused(Refusal.MALFORMED)
    if component.name.startswith("@"):
        return _derived(message, component.name)
    values = message.values(component.name)
    if not values:
        raise refused(Refusal.UNCOVERED)
    return ", ".join(values)


def authority_of(scheme: str, host: str) -> str:
    """Return a host as ``@authority`` has it (RFC 9421 §2.2.3): lower case, without the scheme's own port."""
    name, colon, port = host.lower().rpartition(":")
    if colon and port == _DEFAULT_PORTS.get(scheme.lower()):
        return name
    return host.lower()


def quoted(text: str) -> str:
    """Return a structured-field string (RFC 9651 §3.3.3)."""
    return '"' + _printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _item(value: Parameter) -> str:
    return str(value) if isinstance(value, int) else quoted(value)


def _printable(text: str) -> str:
    if not text.isascii() or any(not _FIRST <= ord(each) <= _LAST for each in text):
        raise refused(Refusal.MALFORMED)
    return text


def _derived(message: Message, name: str) -> str:
    if message.status is not None:
        if name == "@status":
            return str(message.status)
        raise refused(Refusal.MALFORMED)
    path = message.path or "/"
    known = {
        "@method": message.method,
        "@authority": authority_of(message.scheme, message.authority),
        "@scheme": message.scheme.lower(),
        "@path": path,
        "@query": f"?{message.query}",
        "@request-target": f"{path}?{message.query}" if message.query else path,
    }
    if name == "@target-uri":
        return f"{known['@scheme']}://{message.authority}{known['@request-target']}"
    if name not in known:
        raise refused(Refusal.MALFORMED)
    return known[name]


def _query_param(message: Message, component: Component) -> str:
    """Return the value of one query parameter (RFC 9421 §2.2.8), which must be there once."""
    if component.parameters.keys() != {"name"}:
        raise refused(Refusal.MALFORMED)
    pairs = parse_qsl(message.query, keep_blank_values=True, max_num_fields=100)
    found = [value for key, value in pairs if quote(key, safe="") == component.parameters["name"]]
    if len(found) != 1:
        raise refused(Refusal.AMBIGUOUS)
    return quote(found[0], safe="")
