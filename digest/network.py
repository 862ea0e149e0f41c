"""The wire under every HTTP request of ours: public addresses only, nothing outlives its deadline.

Names are resolved here, each address is checked, and the connection is made to the very address
that was checked, so a name that changes its answer (DNS rebinding) cannot win; TLS and the Host
header still use the name. This holds on every hop, because every hop connects through here
(guarantee 7). What to ask for, how often and what to make of it is for the rooms above: sources
that read, channels that post.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
Allowed = Callable[[str], bool]

#: When the request of this thread must be over, on `time.monotonic`'s scale; None: no limit.
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(at: float) -> Iterator[None]:
    """Everything this thread does on the wire inside ends at `at`, however slowly bytes drip."""
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


class NotPublic(httpcore.ConnectError):
    """The name leads to an address that is not on the public Internet."""


# --- which addresses are public -----------------------------------------------------------------

_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "240.0.0.0/4",
        "64:ff9b:1::/48",  # local-use NAT64, RFC 8215
        "100::/64",
        "fec0::/10",  # site-local, deprecated but routed in places
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet, embedded IPv4 addresses included."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if "%" in address or any(ip.version == net.version and ip in net for net in _NOT_PUBLIC):
        return False
    if ip.is_multicast or (ip.is_reserved and ip not in _NAT64) or not ip.is_global:
        return False
    return all(is_public(str(inner)) for inner in _embedded(ip))


def _embedded(ip: IPAddress) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address may really lead to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64 or ip in _COMPATIBLE:
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


# --- httpcore's backend -------------------------------------------------------------------------


def any_address(address: str) -> bool:
    """For intranets, and for the way to the operator's own proxy."""
    return True


class Wire(httpcore.NetworkBackend):
    """Connects to allowed addresses within the deadline."""

    def __init__(self, *, allowed: Allowed = is_public, resolve: Resolve = resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        fault: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port, timeout):
            try:
                stream = self._plain.connect_tcp(
                    address, port, _left(timeout), local_address, socket_options
                )
                return _Stream(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        found = _lookup(self._resolve, host, port, _left(timeout))
        allowed = [address for address in found if self._allowed(address)]
        if found and not allowed:
            raise NotPublic(f"{host} leads to {found[0]}, which is not a public address")
        return allowed

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise NotPublic("a socket file is not a public address")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection whose every read and write knows the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    """The step's own time-out, or what the deadline leaves of it."""
    end = _deadline.get()
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole answer is over")
    return left if timeout is None else min(timeout, left)


def _lookup(resolve: Resolve, host: str, port: int, timeout: float | None) -> list[str]:
    """`resolve`, but no longer than `timeout`: the system's resolver knows no time-out of ours."""
    answer: list[list[str] | OSError] = []

    def ask() -> None:
        try:
            answer.append(resolve(host, port))
        except (OSError, UnicodeError) as error:
            answer.append(OSError(str(error)))

    asking = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    asking.start()
    asking.join(timeout)
    if not answer:
        raise httpcore.ConnectTimeout(f"{host} could not be looked up in time")
    if isinstance(answer[0], OSError):
        raise httpcore.ConnectError(f"{host} could not be looked up")
    return answer[0]


# --- httpx's transport --------------------------------------------------------------------------

_FAULTS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.ProxyError, httpx.ProxyError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
)


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except tuple(fault for fault, _ in _FAULTS) as error:
        kind = next(theirs for ours, theirs in _FAULTS if isinstance(error, ours))
        raise kind(str(error)) from error


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()


class WireTransport(httpx.BaseTransport):
    """httpx over `Wire`: httpx's own transport offers no place for a network backend.

    To read the machine's certificates takes some hundredths of a second: whoever asks nobody
    anything need not.
    """

    def __init__(
        self, *, allowed: Allowed = is_public, proxy: str | None = None, resolve: Resolve = resolve
    ) -> None:
        self._allowed, self._proxy, self._resolve = allowed, proxy, resolve
        self._opening = threading.Lock()
        self._opened: httpcore.ConnectionPool | None = None

    @property
    def _pool(self) -> httpcore.ConnectionPool:
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> httpcore.ConnectionPool:
        context = ssl.create_default_context()
        limits: dict[str, Any] = {"max_connections": 16, "keepalive_expiry": 10.0}
        if self._proxy is None:
            wire = Wire(allowed=self._allowed, resolve=self._resolve)
            return httpcore.ConnectionPool(context, network_backend=wire, **limits)
        # The proxy is the operator's, may be anywhere, and does the looking up.
        wire = Wire(allowed=any_address, resolve=self._resolve)
        return httpcore.HTTPProxy(self._proxy, ssl_context=context, network_backend=wire, **limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with _as_httpx():
            response = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        with self._opening:
            if self._opened is not None:
                self._opened.close()
