"""Addresses of Python buffers for C calls, without a copy (PEP 3118).

Rules: a buffer is held while its address is used and is always let go. One that is not contiguous is refused by
BufferError, one that has to be written and cannot be by TypeError, as `cryptography` does.
"""

import ctypes
from types import TracebackType
from typing import TypeAlias

Bytes: TypeAlias = bytes | bytearray | memoryview

_READ, _WRITE = 0, 1
_get = ctypes.pythonapi.PyObject_GetBuffer
_release = ctypes.pythonapi.PyBuffer_Release


class _View(ctypes.Structure):
    """`Py_buffer` of the stable ABI."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


_get.argtypes = (ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int)
_get.restype = ctypes.c_int
_release.argtypes = (ctypes.POINTER(_View),)
_release.restype = None


class Pinned:
    """A buffer at a fixed address: `address` and `size` (bytes) hold until the block is left."""

    __slots__ = ("_view", "address", "size")

    def __init__(self, data: Bytes, *, writable: bool = False) -> None:
        self._view = _View()
        try:
            _get(data, self._view, _WRITE if writable else _READ)
        except BufferError as error:
            if writable and memoryview(data).readonly:
                raise TypeError("Buffer is not writable.") from error
            raise
        self.address: int = self._view.buf or 0
        self.size: int = self._view.len

    def __enter__(self) -> "Pinned":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _release(self._view)
