"""One byte form for one value, so that digests can be compared.

The form is JSON with sorted keys, no white space, UTF-8 unescaped, and no NaN: the subset of
RFC 8785 that values without floating-point numbers need.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]


def canonical(value: Json) -> bytes:
    """Return the canonical JSON bytes of `value`; floats are refused by TypeError."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


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
