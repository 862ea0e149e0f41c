"""Which of the offered languages a reader's browser asks for (RFC 9110 §12.5.4). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_ASKED: Final = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=([0-9.]+))?\s*")
_MOST: Final = 20  #: wishes looked at


def choose(accept: str, offered: Sequence[str]) -> str:
    """The best of `offered` for an Accept-Language header; the first where nothing fits."""
    for wish in _wishes(accept):
        for form in (wish, wish.partition("-")[0]):
            for code in offered:
                if form in (code.lower(), code.lower().partition("-")[0]):
                    return code
    return offered[0]


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
