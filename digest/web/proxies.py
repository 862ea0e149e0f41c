"""Who is asking: the client's address, through proxies that are ours and no others.

X-Forwarded-For is read from its end, since only what our own proxies added is true; the first
address that is none of ours is the client's. Host and scheme are never taken from a header: links
are built from the configured base URL.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


class TrustedProxies:
    """Puts the client's own address where the proxy's was."""

    def __init__(self, app: ASGIApp, *, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(ip_network(one, strict=False) for one in networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._networks and scope["type"] == "http" and scope.get("client"):
            host, port = scope["client"]
            forwarded = Headers(scope=scope).getlist("x-forwarded-for")
            scope["client"] = (behind(host, ",".join(forwarded), self._networks), port)
        await self._app(scope, receive, send)


def behind(peer: str, forwarded: str, networks: Iterable[_Network]) -> str:
    """The client's address, given the connection's peer and what proxies forwarded."""
    trusted = tuple(networks)
    client = peer
    for hop in reversed([peer_hop.strip() for peer_hop in forwarded.split(",")]):
        if not _is_among(client, trusted) or _address(hop) is None:
            break
        client = str(_address(hop))
    return client


def client_key(host: str) -> str:
    """One name for one client: an IPv6 household has 2^64 addresses, so its /64 counts."""
    address = _address(host)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return host


def _is_among(host: str, networks: tuple[_Network, ...]) -> bool:
    address = _address(host)
    return address is not None and any(address in network for network in networks)


def _address(host: str) -> _Address | None:
    try:
        found = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
