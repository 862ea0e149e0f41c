"""SPF as a receiver evaluates it, against a DNS server on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from digest.doctor.resolver import DnsFault, Resolver
from digest.doctor.spf import Evaluation, terms
from tests.doctor.dnsd import serving


def spf(text: str) -> dict[str, list[str]]:
    return {"TXT": [f'"v=spf1 {text}"', '"another-site-verification=1"']}


ZONE = {
    "plain.example": spf("ip4:198.51.100.0/24 -all"),
    "six.example": spf("ip6:2001:db8::/32 ~all"),
    "a.example": {**spf("a -all"), "A": ["203.0.113.7"]},
    "awide.example": {**spf("a/24 -all"), "A": ["203.0.113.1"]},
    "aother.example": spf("a:a.example -all"),
    "mx.example": {**spf("mx -all"), "MX": ["10 a.example."]},
    "include.example": spf("include:plain.example ?all"),
    "nested.example": spf("include:include.example -all"),
    "redirect.example": spf("redirect=plain.example"),
    "denied.example": spf("-ip4:203.0.113.7 +all"),
    "silent.example": {"TXT": ['"hello"']},
    "twice.example": {"TXT": ['"v=spf1 -all"', '"v=spf1 +all"']},
    "loop.example": spf("include:loop.example -all"),
    "macro.example": spf("exists:%{i}.list.example"),
    "long.example": {"TXT": ['"v=spf1 ip4:192.0.2.1 " "ip4:203.0.113.7 -all"']},
    "odd.example": spf("ip4:nonsense ip6:203.0.113.7/99 -all"),
    "lookalike.example": {"TXT": ['"v=spf10 +all"']},
}


@pytest.fixture(scope="module")
def resolver() -> Iterator[Resolver]:
    with serving(ZONE) as it:
        yield it


@pytest.mark.parametrize(
    ("domain", "address", "result"),
    [
        ("plain.example", "198.51.100.9", "pass"),
        ("plain.example", "203.0.113.7", "fail"),
        ("six.example", "2001:db8::1", "pass"),
        ("six.example", "203.0.113.7", "softfail"),
        ("a.example", "203.0.113.7", "pass"),
        ("a.example", "203.0.113.8", "fail"),
        ("awide.example", "203.0.113.99", "pass"),
        ("aother.example", "203.0.113.7", "pass"),
        ("mx.example", "203.0.113.7", "pass"),
        ("include.example", "198.51.100.9", "pass"),
        ("include.example", "203.0.113.7", "neutral"),
        ("nested.example", "198.51.100.9", "pass"),
        ("redirect.example", "203.0.113.7", "fail"),
        ("denied.example", "203.0.113.7", "fail"),
        ("denied.example", "203.0.113.8", "pass"),
        ("silent.example", "203.0.113.7", "none"),
        ("nobody.example", "203.0.113.7", "none"),
        ("twice.example", "203.0.113.7", "error"),
        ("loop.example", "203.0.113.7", "error"),
        ("macro.example", "203.0.113.7", "unknown"),
        ("long.example", "203.0.113.7", "pass"),
        ("odd.example", "203.0.113.7", "fail"),
        ("lookalike.example", "203.0.113.7", "none"),
    ],
)
def test_judging(resolver: Resolver, domain: str, address: str, result: str) -> None:
    assert Evaluation(resolver).judge(domain, ip_address(address)) == result


def test_terms() -> None:
    found = list(terms("v=spf1 a:x.example/24 ~mx/28 -ip6:2001:db8::/32 redirect=y ?all"))
    assert found == [
        ("+", "a", "x.example/24"),
        ("~", "mx", "/28"),
        ("-", "ip6", "2001:db8::/32"),
        ("+", "redirect", "y"),
        ("?", "all", ""),
    ]


def test_a_server_that_fails_is_a_fault(resolver: Resolver) -> None:
    with pytest.raises(DnsFault, match=r"does not say what broken\.example is"):
        resolver.texts("broken.example")
