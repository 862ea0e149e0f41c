"""Lists a page at a time: an opaque cursor goes on exactly where a page ended.

    GET …?limit=50             {"items": [...], "next": "https://…?limit=50&cursor=…"}
    GET that, until            {"items": [...], "next": null}

`next` is a whole address, also in the `Link` header (RFC 8288). A cursor holds the last one's place
in the order, so what comes meanwhile neither repeats nor hides anything; it proves nothing and
opens nothing. One that is none of the list's is a 422.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, Field

from digest.web.api.door import Caller
from digest.web.api.problems import Trouble, wrong_parameter

MOST: Final = 100  #: of one page
_LARGEST: Final = 2**62

Limit = Annotated[int, Query(ge=1, le=MOST, description=f"How many at most; {MOST} is the most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=400, description="From the `next` of the page before; opaque."),
]
T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(description="Where the next page is; null on the last.")


def page(caller: Caller, items: list[T], after: Sequence[Any] | None) -> Page[T]:
    """The page, with where it goes on `after` the last one's place (None: it does not)."""
    following = None if after is None else _further(caller, encode(after))
    if following is not None:
        caller.response.headers["Link"] = f'<{following}>; rel="next"'
    return Page(items=items, next=following)


def cut(
    found: Sequence[T], limit: int, place: Callable[[T], Sequence[Any]]
) -> tuple[Sequence[T], Sequence[Any] | None]:
    """The page of what was found by asking for one more than `limit`, and where it goes on."""
    kept = found[:limit]
    return kept, place(kept[-1]) if len(found) > limit else None


def encode(place: Sequence[Any]) -> str:
    text = json.dumps([_plain(part) for part in place], ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")


def decode(cursor: str | None, *kinds: Callable[[Any], Any]) -> list[Any] | None:
    """The place a cursor names, each part read by its kind; None without a cursor."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        parts = json.loads(text)
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise _alien()
        return [kind(part) for kind, part in zip(kinds, parts, strict=True)]
    except (ValueError, TypeError, UnicodeError, binascii.Error, RecursionError) as error:
        raise _alien() from error


def number(part: Any) -> int:
    if not isinstance(part, int) or isinstance(part, bool) or not 0 <= part <= _LARGEST:
        raise ValueError("no number")
    return part


def word(part: Any) -> str:
    if not isinstance(part, str) or "\0" in part:
        raise ValueError("no word")
    part.encode()  # half a surrogate pair is nothing a database takes
    return part


def day(part: Any) -> date:
    return date.fromisoformat(word(part))


def instant(part: Any) -> datetime:
    at = datetime.fromisoformat(word(part))
    if at.tzinfo is None:
        raise ValueError("no zone")
    return at


def _plain(part: Any) -> Any:
    return part.isoformat() if isinstance(part, date) else part


def _alien() -> Trouble:
    return wrong_parameter("cursor", "is none of this list's; begin again without it")


def _further(caller: Caller, cursor: str) -> str:
    request = caller.visit.request
    said = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    query = urlencode([*said, ("cursor", cursor)])
    return f"{caller.visit.rooms.site.base_url}{request.scope['path']}?{query}"
