"""A reader's private feeds: where they are, and how all their old addresses are revoked.

    /feed/TOKEN.atom              the whole digest        (.rss, .json likewise)
    /feed/TOKEN/INTEREST.atom     one interest of it

The token holds the subscriber and a generation; whoever serves a feed compares the generation with
`Subscriber.feed_generation`. What stands in a feed is drawn elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.model import Interest
from digest.rendering.spans import line
from digest.tokens import Purpose
from digest.web.reader import Reader, Reading

router = APIRouter()

FORMATS: Final = {"atom": "Atom", "rss": "RSS", "json": "JSON Feed"}


@dataclass(frozen=True, slots=True)
class FeedLink:
    """One feed: what is in it, and its whole address in each format."""

    name: str
    addresses: tuple[tuple[str, str], ...]


@router.post("/p/{token}/feeds")
def renew(reader: Reading) -> Response:
    """New addresses; what was passed on opens nothing any more."""
    reader.visit.rooms.changing.renew_feeds(reader.subscriber.id)
    return reader.back("feeds")


def feeds_of(reader: Reader) -> list[FeedLink]:
    """The whole digest's feed, then one for each interest."""
    whole = FeedLink(reader.language.text("Everything"), _addresses(reader, None))
    interests = reader.subscriber.interests
    return [whole, *(FeedLink(line(one.name), _addresses(reader, one)) for one in interests)]


def _addresses(reader: Reader, interest: Interest | None) -> tuple[tuple[str, str], ...]:
    rooms, subscriber = reader.visit.rooms, reader.subscriber
    token = rooms.tokens.sign(Purpose.FEED, subscriber.id, subscriber.feed_generation)
    place = f"/feed/{token}" if interest is None else f"/feed/{token}/{interest.id}"
    return tuple((name, f"{rooms.site.base_url}{place}.{end}") for end, name in FORMATS.items())
