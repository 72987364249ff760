"""Just enough DER (X.690) to write a time-stamp token; nothing here reads.

Rules: lengths are definite and shortest; the members of a SET OF are in ascending order of their encodings.
"""

from datetime import UTC, datetime

_LONG_FORM = 0x80


def tlv(tag: int, content: bytes) -> bytes:
    """Return one element: tag, length, content."""
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content


def sequence(*members: bytes) -> bytes:
    """Return a SEQUENCE."""
    return tlv(0x30, b"".join(members))


def set_of(*members: bytes, tag: int = 0x31) -> bytes:
    """Return a SET OF, or one under an implicit tag."""
    return tlv(tag, b"".join(sorted(members)))


def explicit(number: int, member: bytes) -> bytes:
    """Return a member under an explicit context tag."""
    return tlv(0xA0 | number, member)


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv(0x04, value)


def boolean_true() -> bytes:
    """Return BOOLEAN TRUE."""
    return b"\x01\x01\xff"


def bit(number: int) -> bytes:
    """Return a BIT STRING in which one named bit is set."""
    content = bytearray(number // 8 + 1)
    content[-1] = _LONG_FORM >> number % 8
    return tlv(0x03, bytes([7 - number % 8]) + content)


def utf8(text: str) -> bytes:
    """Return a UTF8String."""
    return tlv(0x0C, text.encode())


def moment(at: datetime) -> bytes:
    """Return a GeneralizedTime in whole seconds."""
    return tlv(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def identifier(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return tlv(0x06, b"".join(map(_base128, [first * 40 + second, *rest])))


def _base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(_LONG_FORM | value & 0x7F)
    return bytes(reversed(digits))
