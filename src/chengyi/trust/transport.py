"""How this node asks chains, time-stamp authorities and its region: one bounded HTTP exchange.

Rules: an exchange has a greatest duration, whatever drips how slowly (headers too), and an answer a greatest size;
redirects are not followed and no encoding is undone; whatever goes wrong is one UnreachableError that names the host,
never the path or credentials of the address. Names are resolved by the system, whose own bound applies.
"""

import ssl
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpcore

from chengyi.model.errors import UnreachableError

Monotonic = Callable[[], float]
_OK = 200
_FAULTS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange: seconds in all, bytes of the answer."""

    seconds: float = 10.0
    most_bytes: int = 1 << 20


class Exchange:
    """Sends bytes to one address and returns the bytes of the answer; one exchange at a time."""

    def __init__(
        self,
        url: str,
        content_type: str,
        limits: Limits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._url = url
        self._headers: dict[str | bytes, str | bytes] = {"Content-Type": content_type, "Accept-Encoding": "identity"}
        self._limits = limits or Limits()
        self._clock = _Deadline(monotonic)
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=_Backend(self._clock))
        self._lock = Lock()

    @property
    def host(self) -> str:
        """Return the host and port, for messages."""
        return host_of(self._url)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def post(self, body: bytes) -> bytes:
        """Return the answer's body; UnreachableError where there is none within the limits."""
        return self.ask("POST", body)[1]

    def ask(self, method: str, body: bytes = b"", also: Collection[int] = ()) -> tuple[int, bytes]:
        """Return status and body; UnreachableError also where the status is neither 200 nor one of `also`."""
        with self._lock:
            self._clock.start(self._limits.seconds)
            try:
                return self._exchange(method, body, also)
            except httpcore.TimeoutException:
                raise self.unreachable("超时未答 (no answer in time)") from None
            except _FAULTS as fault:
                raise self.unreachable(f"连接失败 (the connection failed: {type(fault).__name__})") from None

    def unreachable(self, why: str) -> UnreachableError:
        """Return the error for a fault of this exchange."""
        return UnreachableError(source=self.host, why=why)

    def _exchange(self, method: str, body: bytes, also: Collection[int]) -> tuple[int, bytes]:
        with self._pool.stream(method, self._url, headers=self._headers, content=body) as response:
            if response.status != _OK and response.status not in also:
                raise self.unreachable(f"回应状态 {response.status} (it answers with this status)")
            whole = bytearray()
            for piece in response.iter_stream():
                whole += piece
                if len(whole) > self._limits.most_bytes:
                    raise self.unreachable("回应过大 (its answer is too large)")
            return response.status, bytes(whole)


def host_of(url: str) -> str:
    """Return the host and port of an address, without path, user or password."""
    try:
        found = urlsplit(url)
        host, port = found.hostname or "?", found.port
    except ValueError:
        return "?"
    return f"{host}:{port}" if port else host


class _Deadline:
    """The moment at which an exchange is given up."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._end = 0.0

    def start(self, seconds: float) -> None:
        self._end = self._monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left; ReadTimeout where none are."""
        left = self._end - self._monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left


class _Backend(httpcore.NetworkBackend):
    """The system's network, where each step has what is left of the time."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        left = self._deadline.left()
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class _Stream(httpcore.NetworkStream):
    """A connection, where each step has what is left of the time."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all."""
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Close."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on under TLS."""
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's own signature
        """Return what the connection knows of itself."""
        return self._inner.get_extra_info(info)
