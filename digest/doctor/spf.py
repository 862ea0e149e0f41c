"""SPF as receivers evaluate it (RFC 7208), for the mechanisms that domains use.

`exists`, `ptr` and macros are not evaluated: they give "unknown" where nothing else decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from digest.doctor.resolver import Address, Resolver

LOOKUPS: Final = 10  #: RFC 7208, 4.6.4
_RESULTS: Final = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_ASKING: Final = ("include", "a", "mx", "ptr", "exists", "redirect")


@dataclass(slots=True)
class Evaluation:
    """One evaluation: how many questions it took, and what could not be told."""

    resolver: Resolver
    lookups: int = 0
    unknown: list[str] = field(default_factory=list)

    def judge(self, domain: str, address: Address) -> str:
        """pass, fail, softfail, neutral, none, unknown, or error."""
        records = policies(self.resolver.texts(domain))
        if len(records) != 1:
            return "none" if not records else "error"
        redirect = ""
        for qualifier, name, value in terms(records[0]):
            if name in _ASKING:
                self.lookups += 1
                if self.lookups > LOOKUPS:
                    return "error"
            if name == "redirect":
                redirect = value
            elif self._matches(name, _placed(value, domain), domain, address):
                return _RESULTS[qualifier]
            if self.lookups > LOOKUPS:  # within an include
                return "error"
        if redirect:
            return self.judge(redirect, address)
        return "unknown" if self.unknown else "neutral"

    def _matches(self, name: str, value: str, domain: str, address: Address) -> bool:
        host, _, width = (value or domain).partition("/")
        match name:
            case "all":
                return True
            case "ip4" | "ip6":
                return _within(address, value)
            case "include":
                return self.judge(value, address) == "pass"
            case "a":
                return self._is_at([host], width, address)
            case "mx":
                return self._is_at(self.resolver.exchangers(host), width, address)
            case _:
                self.unknown.append(f"{name}:{value}")
                return False

    def _is_at(self, hosts: list[str], width: str, address: Address) -> bool:
        found = [one for host in hosts for one in self.resolver.addresses(host)]
        return any(_within(address, f"{one}/{width}" if width else str(one)) for one in found)


def policies(texts: list[str]) -> list[str]:
    """The SPF records among a name's TXT records."""
    return [one for one in texts if one.lower() == "v=spf1" or one.lower().startswith("v=spf1 ")]


def terms(record: str) -> Iterator[tuple[str, str, str]]:
    """Each term's qualifier, name and value."""
    for term in record.split()[1:]:
        qualifier, rest = (term[0], term[1:]) if term[0] in _RESULTS else ("+", term)
        at = min((rest.find(sign) for sign in ":=/" if sign in rest), default=len(rest))
        value = rest[at:] if rest[at : at + 1] == "/" else rest[at + 1 :]
        yield qualifier, rest[:at].lower(), value


def _placed(value: str, domain: str) -> str:
    """`/24` alone is about the domain itself."""
    return domain + value if value.startswith("/") else value


def _within(address: Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except (ValueError, TypeError):
        return False
