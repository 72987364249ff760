"""The system's libcrypto (OpenSSL 3) by ctypes: what `cryptography` does not offer, and no more.

Rules:

1. Every return value is checked; a failure is `InternalError` with libcrypto's own reason, and its error queue is
   left empty.
2. Every object is freed when its Python object goes; what C allocated for us is copied and freed at once.
3. Where the library is absent, too old, or built without what is asked for, `LibraryMissing` says so.
"""

import ctypes
import ctypes.util
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from cryptography.exceptions import InternalError

from chengyi.trust.primitives import LibraryMissing

_SONAMES = ("libcrypto.so.3", "libcrypto.3.dylib", "libcrypto.so.4", "libcrypto.4.dylib")
_P, _I, _L, _N = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_size_t
_IN, _OUT = ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(_P)
_FORMS = ("X509", "X509_REQ", "X509_CRL")
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "OpenSSL_version_num": (ctypes.c_ulong, ()),
    "ERR_get_error": (ctypes.c_ulong, ()),
    "ERR_clear_error": (None, ()),
    "ERR_error_string_n": (None, (ctypes.c_ulong, ctypes.c_char_p, _N)),
    "CRYPTO_free": (None, (_P, ctypes.c_char_p, _I)),
    "EVP_sm3": (_P, ()),
    "EVP_PKEY_CTX_new_from_name": (_P, (_P, ctypes.c_char_p, ctypes.c_char_p)),
    "EVP_PKEY_CTX_free": (None, (_P,)),
    "EVP_PKEY_keygen_init": (_I, (_P,)),
    "EVP_PKEY_generate": (_I, (_P, ctypes.POINTER(_P))),
    "EVP_PKEY_CTX_set1_id": (_I, (_P, ctypes.c_char_p, _I)),
    "EVP_PKEY_free": (None, (_P,)),
    "EVP_PKEY_is_a": (_I, (_P, ctypes.c_char_p)),
    "EVP_PKEY2PKCS8": (_P, (_P,)),
    "PKCS8_PRIV_KEY_INFO_free": (None, (_P,)),
    "i2d_PKCS8_PRIV_KEY_INFO": (_I, (_P, _OUT)),
    "d2i_AutoPrivateKey": (_P, (_P, _IN, _L)),
    "i2d_PUBKEY": (_I, (_P, _OUT)),
    "d2i_PUBKEY": (_P, (_P, _IN, _L)),
    "EVP_MD_CTX_new": (_P, ()),
    "EVP_MD_CTX_free": (None, (_P,)),
    "EVP_DigestSignInit": (_I, (_P, ctypes.POINTER(_P), _P, _P, _P)),
    "EVP_DigestSign": (_I, (_P, ctypes.c_char_p, ctypes.POINTER(_N), ctypes.c_char_p, _N)),
    "EVP_DigestVerifyInit": (_I, (_P, ctypes.POINTER(_P), _P, _P, _P)),
    "EVP_DigestVerify": (_I, (_P, ctypes.c_char_p, _N, ctypes.c_char_p, _N)),
    "X509_set_pubkey": (_I, (_P, _P)),
    "X509_get0_pubkey": (_P, (_P,)),
    "X509_REQ_set_pubkey": (_I, (_P, _P)),
    "X509_REQ_get0_pubkey": (_P, (_P,)),
    **{f"d2i_{form}": (_P, (_P, _IN, _L)) for form in _FORMS},
    **{f"i2d_{form}": (_I, (_P, _OUT)) for form in _FORMS},
    **{f"{form}_free": (None, (_P,)) for form in _FORMS},
    **{f"{form}_sign_ctx": (_I, (_P, _P)) for form in _FORMS},
}


class Libcrypto:
    """The library with its functions typed, and the few idioms that its callers share."""

    __slots__ = ("c",)

    def __init__(self, library: ctypes.CDLL) -> None:
        self.c = library

    def made(self, pointer: int | None, free: str) -> "Owned":
        """Own what a constructor returned; InternalError where it returned nothing."""
        if not pointer:
            raise self.failure()
        return Owned(pointer, getattr(self.c, free))

    def done(self, code: int) -> None:
        """Check a call that returns one, or a positive length, on success."""
        if code <= 0:
            raise self.failure()

    def decoded(self, function: str, der: bytes, free: str) -> "Owned":
        """Decode DER whole: bytes left over are refused like an error, by ValueError."""
        start = ctypes.c_char_p(der)
        at = ctypes.cast(start, _P).value or 0
        found = getattr(self.c, function)(None, ctypes.byref(start), len(der))
        if not found:
            raise ValueError(f"not DER of this kind: {self.reason()}")
        owned = Owned(found, getattr(self.c, free))
        if (ctypes.cast(start, _P).value or 0) - at != len(der):
            raise ValueError("bytes follow the DER")
        return owned

    def encoded(self, function: str, pointer: int) -> bytes:
        """Encode an object as DER."""
        out = _P()
        size = getattr(self.c, function)(pointer, ctypes.byref(out))
        self.done(size)
        try:
            return ctypes.string_at(out.value or 0, size)
        finally:
            self.c.CRYPTO_free(out, None, 0)

    def reason(self) -> str:
        """Return libcrypto's reason for the last failure, and empty its queue."""
        code = self.c.ERR_get_error()
        self.c.ERR_clear_error()
        text = ctypes.create_string_buffer(256)
        self.c.ERR_error_string_n(code, text, len(text))
        return text.value.decode(errors="replace")

    def failure(self) -> InternalError:
        """Return the error to raise for the last failure."""
        return InternalError(f"libcrypto: {self.reason()}", [])


class Owned:
    """A C object that is freed when this one goes."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


@cache
def libcrypto(what: str) -> Libcrypto:
    """Return the system's libcrypto; LibraryMissing, with `what` it was needed for, where it cannot be had."""
    library = _found(what)
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise LibraryMissing(library="libcrypto", what=what) from error
    return Libcrypto(library)


def _found(what: str) -> ctypes.CDLL:
    for soname in (*_SONAMES, ctypes.util.find_library("crypto")):
        with suppress(OSError):
            if soname:
                return ctypes.CDLL(soname)
    raise LibraryMissing(library="libcrypto", what=what)
