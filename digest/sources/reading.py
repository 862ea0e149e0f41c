"""What one document gave, and how several become one answer: values between parse and `Fetched`.

    bytes --parse--> Reading, Reading, … --merge--> Fetched

Pure: nothing here fetches. A bad entry costs itself and leaves a sentence that names it
(guarantee 3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from digest.model import Announcement, Fetched, Links, Listing, PaperIds
from digest.text import arxiv_id, canonical_url, clean, doi, pmid, shorten

Wire = TypeVar("Wire")

_FULL_STOP = re.compile(r"(?<=[a-z)]{4})(?<!subsp)(?<!incl)\.$")
_LONGEST_TITLE = 600
_LONGEST_ABSTRACT = 20_000
_LONGEST_NAME = 200
_MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """One document, parsed.

    `seen` counts its entries, kept or not; `total` is what the remote system says there is in all,
    over all pages; `left_out` counts entries that the source's policy does not want.
    """

    listings: tuple[Listing, ...] = ()
    entry_faults: tuple[str, ...] = ()
    fault: str | None = None
    unreachable: bool = False
    retry_after: float | None = None
    complete: bool = True
    not_modified: bool = False
    seen: int = 0
    left_out: int = 0
    total: int | None = None
    skip_days: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A listing as the wire gave it; `listed` cleans it or says why it cannot be one."""

    ids: PaperIds
    title: str
    abstract: str = ""
    authors: Sequence[str] = ()
    categories: Sequence[str] = ()
    announcement: Announcement = Announcement.NEW
    version: int | None = None
    announced_at: datetime | None = None
    published_at: datetime | None = None
    links: Links = field(default_factory=Links)
    votes: int | None = None
    comments: int | None = None
    submitter: str = ""
    organisation: str = ""
    note: str = ""
    markup: bool = True  #: whether the texts may hold HTML


def listed(draft: Draft, source: str) -> Listing | str:
    """The listing, all text clean; or the fault of the entry."""
    title = _FULL_STOP.sub("", _line(draft.title, _LONGEST_TITLE, markup=draft.markup))
    if not title:
        return "has no title"
    if not draft.ids.keys():
        return "has neither an identifier nor a web address"
    abstract = clean(draft.abstract, markup=draft.markup, paragraphs=True)
    return Listing(
        source=source,
        ids=draft.ids,
        title=title,
        abstract=shorten(abstract, _LONGEST_ABSTRACT),
        authors=_lines(draft.authors),
        categories=_lines(draft.categories)[:30],
        announcement=draft.announcement,
        version=draft.version,
        announced_at=draft.announced_at,
        published_at=draft.published_at,
        links=draft.links,
        votes=draft.votes,
        comments=draft.comments,
        submitter=_line(draft.submitter, _LONGEST_NAME) or None,
        organisation=_line(draft.organisation, _LONGEST_NAME) or None,
        note=_line(draft.note, _LONGEST_TITLE, markup=draft.markup),
    )


def ids_among(places: Sequence[str], link: str) -> PaperIds:
    """The first identifier of each kind among `places`; the address of `link`."""
    arxiv = next((found for place in places if (found := arxiv_id(place))), None)
    return PaperIds(
        arxiv=arxiv[0] if arxiv else None,
        doi=next((name for place in places if (name := doi(place))), None),
        pmid=next((number for place in places if (number := pmid(place))), None),
        url=canonical_url(link),
    )


def _line(text: str, length: int, *, markup: bool = False) -> str:
    return shorten(clean(text, markup=markup), length)


def _lines(texts: Iterable[str]) -> tuple[str, ...]:
    lines = (_line(text, _LONGEST_NAME) for text in texts)
    return tuple(dict.fromkeys(line for line in lines if line))


def gather(
    wires: Sequence[Wire], read: Callable[[Wire], Listing | str | None], name: Callable[[Wire], str]
) -> Reading:
    """Every entry read by `read`: a listing, the entry's fault, or None when policy leaves it out.

    `name` says which entry a fault is about, for people.
    """
    listings: list[Listing] = []
    faults: list[str] = []
    left_out = 0
    for number, wire in enumerate(wires, start=1):
        result = read(wire)
        if isinstance(result, Listing):
            listings.append(result)
        elif result is None:
            left_out += 1
        else:
            label = _line(name(wire), 80)
            faults.append(f"entry {number}{f' ({label})' if label else ''} {result}")
    return Reading(tuple(listings), tuple(faults), seen=len(wires), left_out=left_out)


def merge(
    readings: Sequence[Reading], state: Mapping[str, str] | None = None, *, until: datetime
) -> Fetched:
    """All readings of one fetch as one answer.

    One fault among good documents leaves the answer incomplete. A date after `until` is not when
    something was announced (journals print next month's), so it goes.
    """
    faulty = [reading for reading in readings if reading.fault]
    listings = tuple(_dated(each, until) for reading in readings for each in reading.listings)
    waits = [reading.retry_after for reading in faulty if reading.retry_after is not None]
    return Fetched(
        listings=listings,
        state=dict(state or {}),
        fault=faulty[0].fault if faulty else None,
        unreachable=bool(faulty) and all(reading.unreachable for reading in faulty),
        complete=not faulty and all(reading.complete for reading in readings),
        not_modified=bool(readings) and all(reading.not_modified for reading in readings),
        expected=_expected(readings),
        entry_faults=tuple(f for reading in readings for f in reading.entry_faults)[:_MOST_FAULTS],
        retry_after=max(waits, default=None),
    )


def _dated(listing: Listing, until: datetime) -> Listing:
    late = listing.announced_at is not None and listing.announced_at > until
    return replace(listing, announced_at=None) if late else listing


def _expected(readings: Sequence[Reading]) -> int | None:
    """The remote system's count, where it gives one, without what policy left out."""
    totals = [reading.total for reading in readings if reading.total is not None]
    if not totals:
        return None
    counted = [reading for reading in readings if reading.total is not None]
    return max(max(totals) - sum(reading.left_out for reading in counted), 0)
