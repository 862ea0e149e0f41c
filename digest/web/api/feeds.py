"""A subscriber's private feeds: where they are, and how all their old addresses are revoked."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from digest.web.api.door import Caller, Owner, OwnerActing
from digest.web.api.paging import Page, page
from digest.web.private_feeds import FORMATS, feeds_of
from digest.web.reader import reader_of

router = APIRouter(prefix="/me/feeds", tags=["Feeds"])


class Feed(BaseModel):
    """One feed in each format; whoever has an address can read it."""

    name: str
    interest_id: int | None = Field(description="Null: the whole digest.")
    atom: str
    rss: str
    json_feed: str


@router.get("", summary="Your private feeds")
def list_feeds(caller: Owner) -> Page[Feed]:
    """The whole digest's, then one for each interest."""
    return _feeds(caller)


@router.post("/renewal", summary="Give your feeds new addresses")
def renew_feeds(caller: OwnerActing) -> Page[Feed]:
    """What was passed on opens nothing any more."""
    caller.visit.rooms.changing.renew_feeds(caller.subscriber.id)
    return _feeds(caller)


def _feeds(caller: Caller) -> Page[Feed]:
    caller.keep_nowhere()
    subscriber = caller.subscriber
    numbers = (None, *(one.id for one in subscriber.interests))
    links = feeds_of(reader_of(caller.visit, subscriber))
    found = [
        Feed(name=one.name, interest_id=number, **_addresses(dict(one.addresses)))
        for number, one in zip(numbers, links, strict=True)
    ]
    return page(caller, found, None)


def _addresses(by_name: dict[str, str]) -> dict[str, str]:
    keys = {"atom": "atom", "rss": "rss", "json": "json_feed"}
    return {keys[ending]: by_name[name] for ending, name in FORMATS.items()}
