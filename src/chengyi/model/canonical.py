"""One byte form for one value, so that digests can be compared.

The form is JSON with sorted keys, no white space, UTF-8 unescaped, and no NaN: the subset of
RFC 8785 that values without floating-point numbers need.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

_DEEPEST = 64
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> bytes:
    """Return the canonical JSON bytes of `value`; floats are refused by TypeError."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def parse(text: bytes | str) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Read JSON from outside; ValueError where it is malformed or nested more than 64 deep.

    The depth is looked at before the parser is, which recurses in C: how deep is safe there depends on the process.
    """
    raw = text.decode() if isinstance(text, bytes) else text
    if raw.count("[") + raw.count("{") > _DEEPEST:
        steps = (1 if each in "[{" else -1 for each in _BRACKETS.findall(_STRINGS.sub("", raw)))
        if max(accumulate(steps), default=0) > _DEEPEST:
            raise ValueError("nested too deeply")
    return json.loads(raw)


def digest(value: Json) -> str:
    """Return the SHA-256 of the canonical form, in lower-case hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no canonical form here; use a string or an integer")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        for item in value:
            _refuse_floats(item)
