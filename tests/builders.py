"""The only factories: small values with sensible defaults, every field overridable by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from digest.model import (
    Announcement,
    Digest,
    DigestId,
    Interest,
    InterestId,
    Item,
    Links,
    Listing,
    Paper,
    PaperId,
    PaperIds,
    Reasons,
    Schedule,
    Section,
    Sighting,
    Subscriber,
    SubscriberId,
)
from tests.fakes import START

ABSTRACT = "We measure how far a lantern shines in fog, and find that it is not far enough."
_numbers = count(1)


def arxiv_id(number: int) -> str:
    """A well-formed new-style arXiv id."""
    return f"2511.{number:05}"


def listing(number: int | None = None, **fields: Any) -> Listing:
    """A listing of arXiv paper `number`; without a number, of a paper never listed before."""
    number = next(_numbers) + 50_000 if number is None else number
    identifier = arxiv_id(number)
    defaults: dict[str, Any] = {
        "source": "arxiv",
        "ids": PaperIds(arxiv=identifier),
        "title": f"Lanterns in fog, part {number}",
        "abstract": ABSTRACT,
        "authors": ("Ada Mirza", "Bo Lind"),
        "categories": ("cs.CL", "cs.LG"),
        "version": 1,
        "announced_at": START,
        "links": Links(abstract=f"https://arxiv.org/abs/{identifier}"),
    }
    return Listing(**defaults | fields)


def sighting(**fields: Any) -> Sighting:
    defaults: dict[str, Any] = {
        "source": "arxiv",
        "announcement": Announcement.NEW,
        "announced_at": START,
        "version": 1,
    }
    return Sighting(**defaults | fields)


def paper(number: int = 1, **fields: Any) -> Paper:
    """A stored paper, as the store would give it."""
    identifier = arxiv_id(number)
    defaults: dict[str, Any] = {
        "id": PaperId(number),
        "key": f"arxiv:{identifier}",
        "title": f"Lanterns in fog, part {number}",
        "abstract": ABSTRACT,
        "authors": ("Ada Mirza", "Bo Lind"),
        "categories": ("cs.CL", "cs.LG"),
        "ids": PaperIds(arxiv=identifier),
        "links": Links(
            abstract=f"https://arxiv.org/abs/{identifier}",
            pdf=f"https://arxiv.org/pdf/{identifier}",
        ),
        "announced_on": START.date(),
        "version": 1,
        "sightings": (sighting(),),
    }
    return Paper(**defaults | fields)


def interest(number: int = 1, **fields: Any) -> Interest:
    defaults: dict[str, Any] = {
        "id": InterestId(number),
        "name": f"Interest {number}",
        "query": "lantern*",
    }
    return Interest(**defaults | fields)


def subscriber(number: int = 1, **fields: Any) -> Subscriber:
    defaults: dict[str, Any] = {
        "id": SubscriberId(number),
        "email": f"reader{number}@example.org",
        "schedule": Schedule(),
        "created_at": datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
        "interests": (interest(number),),
    }
    return Subscriber(**defaults | fields)


def item(number: int = 1, **fields: Any) -> Item:
    defaults: dict[str, Any] = {"paper_id": PaperId(number), "score": 1.0, "reasons": Reasons()}
    return Item(**defaults | fields)


def section(*items: Item, **fields: Any) -> Section:
    defaults: dict[str, Any] = {
        "interest_id": InterestId(1),
        "name": "Interest 1",
        "items": items or (item(),),
    }
    return Section(**defaults | fields)


def digest(number: int = 1, **fields: Any) -> Digest:
    defaults: dict[str, Any] = {
        "id": DigestId(number),
        "subscriber_id": SubscriberId(1),
        "local_date": date(2026, 11, 20),
        "composed_at": START,
        "since": datetime(2026, 11, 19, 6, 0, tzinfo=UTC),
        "until": START,
        "sections": (section(),),
        "considered": 1,
    }
    return Digest(**defaults | fields)
