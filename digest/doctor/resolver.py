"""Asking the DNS: the few questions a mail domain is judged by. No answer is a value, not an error.

The system's resolver unless others are named; a test names its own on the loopback.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

from digest.errors import DigestError

Address = IPv4Address | IPv6Address
PATIENCE: Final = 5.0  #: seconds for one question


class DnsFault(DigestError):
    """The DNS could not be asked, or its answer could not be read."""


class Resolver:
    """Asks for records by name. `servers` are addresses; `port` is for trials."""

    def __init__(self, servers: Sequence[str] = (), *, port: int = 53) -> None:
        self._servers = tuple(servers)
        self._port = port

    def texts(self, name: str) -> list[str]:
        """TXT records, each joined from its parts."""
        return [b"".join(one.strings).decode("utf-8", "replace") for one in self._ask(name, "TXT")]

    def addresses(self, name: str) -> list[Address]:
        found: list[Address] = [IPv4Address(one.address) for one in self._ask(name, "A")]
        return [*found, *(IPv6Address(one.address) for one in self._ask(name, "AAAA"))]

    def exchangers(self, name: str) -> list[str]:
        """The hosts that take mail for a domain."""
        records = sorted(self._ask(name, "MX"), key=lambda one: int(one.preference))
        return [one.exchange.to_text(omit_final_dot=True) for one in records]

    def names(self, address: Address) -> list[str]:
        """What an address is called, by its PTR records."""
        reverse = dns.reversename.from_address(str(address)).to_text()
        return [one.target.to_text(omit_final_dot=True) for one in self._ask(reverse, "PTR")]

    def _ask(self, name: str, kind: str) -> list[Any]:
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = list(self._servers)
            resolver.port = self._port
        try:
            return list(resolver.resolve(name, kind, lifetime=PATIENCE, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.EmptyLabel):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise DnsFault(
                f"The DNS does not say what {name} is: {type(error).__name__}.",
                mend="Try again; look at this machine's resolver.",
            ) from error
