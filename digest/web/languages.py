"""Which of the offered languages a page is in: the one asked for by name, else the browser's. Pure.

    ?lang=de          somebody chose it in the footer; their further links carry it along
    Accept-Language   what their browser asks for (RFC 9110 §12.5.4)

No cookie: looking at a page in another language stores nothing, on neither side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote_plus, urlencode

_ASKED: Final = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=([0-9.]+))?\s*")
_MOST: Final = 20  #: wishes looked at
_LONGEST: Final = 8000  #: characters of a query looked at
KEY: Final = "lang"  #: of a query, where the language is chosen by name


def named(query: str, offered: Sequence[str]) -> str:
    """The language that a query names, as it is offered; "" where it names none of them."""
    wish = next((value for key, value in _pairs(query) if key == KEY), "").lower()
    return next((code for code in offered if code.lower() == wish), "")


def instead(query: str, codes: Iterable[str]) -> list[str]:
    """The query of the same page in each of some languages."""
    kept = urlencode([(key, value) for key, value in _pairs(query) if key != KEY])
    start = f"{kept}&{KEY}=" if kept else f"{KEY}="
    return [start + quote_plus(code) for code in codes]


def choose(accept: str, offered: Sequence[str]) -> str:
    """The best of `offered` for an Accept-Language header; the first where nothing fits."""
    for wish in _wishes(accept):
        for form in (wish, wish.partition("-")[0]):
            for code in offered:
                if form in (code.lower(), code.lower().partition("-")[0]):
                    return code
    return offered[0]


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query[:_LONGEST], keep_blank_values=True)


def _wishes(accept: str) -> list[str]:
    """What was asked for in order of preference, refusals left out."""
    found = [_ASKED.fullmatch(part) for part in accept.split(",")[:_MOST]]
    weighed = [(_weight(match[2]), match[1].lower()) for match in found if match]
    return [code for weight, code in sorted(weighed, key=lambda it: -it[0]) if weight > 0]


def _weight(text: str | None) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
