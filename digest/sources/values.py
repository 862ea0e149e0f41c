"""JSON values of unknown type, read without trust: the wrong type reads as nothing there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

Wire = Mapping[str, object]

_HALF_PAIR: Final = re.compile("[\ud800-\udfff]")


def as_text(value: object) -> str:
    """Text that can be encoded: half a surrogate pair, which JSON can spell, becomes U+FFFD."""
    return _HALF_PAIR.sub("\ufffd", value) if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """A count, given as a number or in digits."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        return int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 <= value < 10**12 else None


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def as_object(value: object) -> Wire:
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[Wire]:
    return [each for each in as_list(value) if isinstance(each, dict)]


def as_instant(value: object) -> datetime | None:
    """An RFC 3339 date or instant; without an offset it is taken as UTC."""
    try:
        instant = datetime.fromisoformat(as_text(value).strip())
        aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
