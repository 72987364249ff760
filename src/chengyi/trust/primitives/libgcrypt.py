"""SM4-GCM and SM3 through the system's libgcrypt (GB/T 32907, GB/T 32905, NIST SP 800-38D).

Six times as fast as the same algorithms without SM4 instructions in `cryptography`. Rules:

1. `Sm4Gcm` takes and refuses exactly what `cryptography.hazmat.primitives.ciphers.aead.AESGCM` does: the tag
   (16 bytes) follows the text, nonces have 8 to 128 bytes, a wrong tag is InvalidTag; what was decrypted before
   the tag was found wrong is wiped.
2. Any number of threads may use one object; each takes a handle of its own from a pool, and the C calls run
   without the interpreter's lock.
3. A handle is closed, and by that wiped by libgcrypt, when its object goes; the key kept for further handles
   is wiped then too.
4. Every return value is checked. Where the library is absent or too old, `LibraryMissing` says so.
"""

import ctypes
import ctypes.util
import hmac
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import Lock
from typing import Any, NoReturn

from cryptography.exceptions import InternalError, InvalidTag

from chengyi.trust.primitives import LibraryMissing
from chengyi.trust.primitives._buffers import Bytes, Pinned

TAG_SIZE = 16
_SONAMES = ("libgcrypt.so.20", "libgcrypt.20.dylib")
_OLDEST = b"1.9.0"  # the first with SM4
_SM4, _GCM, _SM3 = 318, 9, 326  # GCRY_CIPHER_SM4, GCRY_CIPHER_MODE_GCM, GCRY_MD_SM3 of gcrypt.h
_DISABLE_SECMEM, _FINISHED, _FINISHED_P = 37, 38, 39  # GCRYCTL_* of gcrypt.h
_KEY_SIZE = 16
_LARGEST = (1 << 31) - 1
_POINTER, _SIZE, _INT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "gcry_cipher_open": (ctypes.c_uint, (ctypes.POINTER(_POINTER), _INT, _INT, ctypes.c_uint)),
    "gcry_cipher_close": (None, (_POINTER,)),
    "gcry_cipher_setkey": (ctypes.c_uint, (_POINTER, _POINTER, _SIZE)),
    "gcry_cipher_setiv": (ctypes.c_uint, (_POINTER, _POINTER, _SIZE)),
    "gcry_cipher_authenticate": (ctypes.c_uint, (_POINTER, _POINTER, _SIZE)),
    "gcry_cipher_encrypt": (ctypes.c_uint, (_POINTER, _POINTER, _SIZE, _POINTER, _SIZE)),
    "gcry_cipher_decrypt": (ctypes.c_uint, (_POINTER, _POINTER, _SIZE, _POINTER, _SIZE)),
    "gcry_cipher_gettag": (ctypes.c_uint, (_POINTER, _POINTER, _SIZE)),
    "gcry_md_open": (ctypes.c_uint, (ctypes.POINTER(_POINTER), _INT, ctypes.c_uint)),
    "gcry_md_close": (None, (_POINTER,)),
    "gcry_md_copy": (ctypes.c_uint, (ctypes.POINTER(_POINTER), _POINTER)),
    "gcry_md_write": (None, (_POINTER, _POINTER, _SIZE)),
    "gcry_md_read": (_POINTER, (_POINTER, _INT)),
    "gcry_check_version": (ctypes.c_char_p, (ctypes.c_char_p,)),
    "gcry_strerror": (ctypes.c_char_p, (ctypes.c_uint,)),
}


def sm4_gcm(key: Bytes) -> "Sm4Gcm":
    """Return SM4-GCM under a key of 16 bytes; LibraryMissing where the system lacks it."""
    return Sm4Gcm(key)


def sm3(data: Bytes = b"") -> "Sm3":
    """Return a new SM3 hash, like those of `hashlib`; LibraryMissing where the system lacks it."""
    return Sm3(data)


def available() -> bool:
    """Tell whether the system has a libgcrypt with SM4 and SM3."""
    try:
        _library()
    except LibraryMissing:
        return False
    return True


class Sm4Gcm:
    """SM4 in Galois/counter mode with the behaviour of `AESGCM`."""

    __slots__ = ("_free", "_key", "_library")

    def __init__(self, key: Bytes) -> None:
        """Take a key of 16 bytes; ValueError for another size."""
        self._key = bytearray(key)
        if len(self._key) != _KEY_SIZE:
            raise ValueError("SM4 key must be 128 bits.")
        self._library = _library()
        self._free = [_Handle.cipher(self._library, self._key)]

    def encrypt_into(self, nonce: Bytes, plain: Bytes, aad: Bytes | None, out: bytearray | memoryview) -> int:
        """Encrypt into `out`, which has to be 16 bytes longer than `plain`, and return its length."""
        with Pinned(plain) as source, Pinned(out, writable=True) as target:
            _fits(nonce, source.size + TAG_SIZE, target.size)
            handle = self._take()
            self._start(handle, nonce, aad)
            if source.size:
                call = self._library.gcry_cipher_encrypt
                self._check(call(handle.pointer, target.address, source.size, source.address, source.size))
            self._check(self._library.gcry_cipher_gettag(handle.pointer, target.address + source.size, TAG_SIZE))
            self._free.append(handle)
            return target.size

    def decrypt_into(self, nonce: Bytes, sealed: Bytes, aad: Bytes | None, out: bytearray | memoryview) -> int:
        """Decrypt into `out`, 16 bytes shorter than `sealed`, and return its length; InvalidTag where it is not so."""
        with Pinned(sealed) as source, Pinned(out, writable=True) as target:
            size = source.size - TAG_SIZE
            if size < 0:
                raise InvalidTag
            _fits(nonce, size, target.size)
            handle = self._take()
            self._start(handle, nonce, aad)
            if size:
                call = self._library.gcry_cipher_decrypt
                self._check(call(handle.pointer, target.address, size, source.address, size))
            tag = ctypes.create_string_buffer(TAG_SIZE)
            self._check(self._library.gcry_cipher_gettag(handle.pointer, ctypes.addressof(tag), TAG_SIZE))
            self._free.append(handle)
            if not hmac.compare_digest(tag.raw, ctypes.string_at(source.address + size, TAG_SIZE)):
                ctypes.memset(target.address, 0, size)
                raise InvalidTag
            return size

    def close(self) -> None:
        """Wipe the key and let every handle go; the object is of no use afterwards."""
        self._key[:] = bytes(len(self._key))
        self._key.clear()
        self._free.clear()

    def __del__(self) -> None:
        with suppress(AttributeError):
            self.close()

    def __repr__(self) -> str:
        return "Sm4Gcm()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled")

    def _take(self) -> "_Handle":
        try:
            return self._free.pop()
        except IndexError:
            if not self._key:
                raise ValueError("the cipher was closed") from None
            return _Handle.cipher(self._library, self._key)

    def _start(self, handle: "_Handle", nonce: Bytes, aad: Bytes | None) -> None:
        held = bytes(nonce)
        self._check(self._library.gcry_cipher_setiv(handle.pointer, held, len(held)))
        if aad:
            with Pinned(aad) as extra:
                self._check(self._library.gcry_cipher_authenticate(handle.pointer, extra.address, extra.size))

    def _check(self, code: int) -> None:
        if code:
            _fail(self._library, code)


class Sm3:
    """An SM3 hash with the face of `hashlib`: `update`, `digest`, `hexdigest`, `copy`."""

    __slots__ = ("_handle", "_library", "_lock")

    name = "sm3"
    digest_size = 32
    block_size = 64

    def __init__(self, data: Bytes = b"", handle: "_Handle | None" = None) -> None:
        """Start with `data`; `handle` is where a copy goes on from."""
        self._library = _library()
        self._handle = handle or _Handle.digest(self._library)
        self._lock = Lock()
        if data:
            self.update(data)

    def update(self, data: Bytes) -> None:
        """Take further bytes."""
        with Pinned(data) as source, self._lock:
            self._library.gcry_md_write(self._handle.pointer, source.address, source.size)

    def digest(self) -> bytes:
        """Return the hash of the bytes so far, 32 bytes; more may follow."""
        ended = self._twin()  # reading ends a handle
        return ctypes.string_at(self._library.gcry_md_read(ended.pointer, _SM3), self.digest_size)

    def hexdigest(self) -> str:
        """Return the hash of the bytes so far, 64 hexadecimal digits."""
        return self.digest().hex()

    def copy(self) -> "Sm3":
        """Return another hash that stands at the same place."""
        return Sm3(handle=self._twin())

    def _twin(self) -> "_Handle":
        with self._lock:
            return _Handle.twin(self._library, self._handle)


class _Handle:
    """One handle of libgcrypt; it is closed, and wiped by that, when the object goes."""

    __slots__ = ("_close", "pointer")

    def __init__(self, close: Callable[[ctypes.c_void_p], None], pointer: ctypes.c_void_p) -> None:
        self._close = close
        self.pointer = pointer

    @classmethod
    def cipher(cls, library: ctypes.CDLL, key: bytearray) -> "_Handle":
        pointer = ctypes.c_void_p()
        _expect(library, library.gcry_cipher_open(ctypes.byref(pointer), _SM4, _GCM, 0))
        handle = cls(library.gcry_cipher_close, pointer)
        with Pinned(key) as held:
            _expect(library, library.gcry_cipher_setkey(pointer, held.address, held.size))
        return handle

    @classmethod
    def digest(cls, library: ctypes.CDLL) -> "_Handle":
        pointer = ctypes.c_void_p()
        _expect(library, library.gcry_md_open(ctypes.byref(pointer), _SM3, 0))
        return cls(library.gcry_md_close, pointer)

    @classmethod
    def twin(cls, library: ctypes.CDLL, other: "_Handle") -> "_Handle":
        pointer = ctypes.c_void_p()
        _expect(library, library.gcry_md_copy(ctypes.byref(pointer), other.pointer))
        return cls(library.gcry_md_close, pointer)

    def __del__(self) -> None:
        self._close(self.pointer)


def _fits(nonce: Bytes, needed: int, given: int) -> None:
    if not 8 <= len(nonce) <= 128:
        raise ValueError("Nonce must be between 8 and 128 bytes")
    if needed > _LARGEST:
        raise OverflowError("Data or associated data too long. Max 2**31 - 1 bytes")
    if needed != given:
        raise ValueError(f"buffer must be {needed} bytes")


@cache
def _library() -> ctypes.CDLL:
    library = _found()
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise LibraryMissing(library="libgcrypt", what="SM4-GCM, SM3") from error
    if library.gcry_check_version(_OLDEST) is None:
        raise LibraryMissing(library="libgcrypt", what="SM4 (>= 1.9)")
    if not library.gcry_control(_FINISHED_P):
        library.gcry_control(_DISABLE_SECMEM, 0)
        library.gcry_control(_FINISHED, 0)
    return library


def _found() -> ctypes.CDLL:
    for soname in _SONAMES:
        with suppress(OSError):
            return ctypes.CDLL(soname)
    found = ctypes.util.find_library("gcrypt")
    if found is None:
        raise LibraryMissing(library="libgcrypt", what="SM4-GCM, SM3")
    try:
        return ctypes.CDLL(found)
    except OSError as error:
        raise LibraryMissing(library="libgcrypt", what="SM4-GCM, SM3") from error


def _expect(library: ctypes.CDLL, code: int) -> None:
    if code:
        _fail(library, code)


def _fail(library: ctypes.CDLL, code: int) -> NoReturn:
    raise InternalError(f"libgcrypt: {library.gcry_strerror(code).decode(errors='replace')}", [])
