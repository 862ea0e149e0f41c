"""Papers: lists by day, week, month or span, one paper, what is like it, counts, sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from digest import model
from digest.model import PaperId
from digest.store.archive import Order, Span, Wanted
from digest.web.api import paging
from digest.web.api.door import Anybody, Caller
from digest.web.api.paging import Cursor, Limit, Page, page
from digest.web.api.problems import Kind, Trouble, wrong_parameter
from digest.web.api.shapes import Count, Paper, Source, papers
from digest.web.archive import read, today
from digest.web.periods import read_period

router = APIRouter(tags=["Papers"])

LONGEST: Final = timedelta(days=366)  #: of a span
_LATELY: Final = timedelta(days=29)
_LARGEST: Final = 2**62

Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The paper's `id`.")]
Sourced = Annotated[
    str | None,
    Query(min_length=1, max_length=120, description="Only from this source.", examples=["arXiv"]),
]
Categorised = Annotated[
    str | None,
    Query(min_length=1, max_length=120, description="Only of this category.", examples=["cs.CL"]),
]


def _span(
    caller: Anybody,
    when: Annotated[
        str | None,
        Query(
            description="A day, an ISO week or a month: `2026-11-20`, `2026-W47`, `2026-11`.",
            pattern=r"^\d{4}-(W\d{2}|\d{2}(-\d{2})?)$",
            examples=["2026-11-20"],
        ),
    ] = None,
    since: Annotated[date | None, Query(description="Or the first day …")] = None,
    until: Annotated[date | None, Query(description="… and the last; at most 366 days.")] = None,
) -> Span:
    """The days asked for; without any, the last thirty."""
    if when is not None:
        return _period(when, alone=since is None and until is None)
    last = until or max(today(caller.visit), since or date.min)
    first = since or (last - _LATELY if last > date.min + _LATELY else date.min)
    if first > last:
        raise wrong_parameter("since", "is after `until`")
    if last - first >= LONGEST:
        raise wrong_parameter("since", "begins a span of more than 366 days; give `until` as well")
    return Span(first, last)


def _period(when: str, *, alone: bool) -> Span:
    period = read_period(when)
    if period is None:
        raise wrong_parameter("when", "is no day, ISO week or month that exists")
    if not alone:
        raise wrong_parameter("when", "stands alone, without `since` and `until`")
    return period.span


Days = Annotated[Span, Depends(_span)]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list is narrowed to."""

    source: str | None = None
    category: str | None = None


def _narrowed(source: Sourced = None, category: Categorised = None) -> Narrowed:
    return Narrowed(source, category)


Only = Annotated[Narrowed, Depends(_narrowed)]


class ListOrder(StrEnum):
    """Latest first, or most votes first."""

    NEW = Order.NEW.value
    TRENDING = Order.TRENDING.value


class Counts(BaseModel):
    """How many papers a span has; a paper of two sources counts in both."""

    since: date
    until: date
    papers: int
    voted: int = Field(description="Papers with votes.")
    sources: list[Count]
    categories: list[Count]
    days: list[Count] = Field(description="Days with papers, latest first.")


@router.get("/papers", summary="Papers of a day, week, month or span")
def list_papers(
    caller: Anybody,
    span: Days,
    only: Only,
    order: Annotated[
        ListOrder, Query(description="Latest first, or most votes first.")
    ] = ListOrder.NEW,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Paper]:
    """The archive. Without a day, the last thirty; dated in UTC, as sources announce."""
    after = paging.decode(cursor, paging.word)
    wanted = Wanted(span, Order(order), only.source, only.category, after[0] if after else None)
    listed = caller.visit.rooms.archive.listed(wanted, limit=limit)
    found = papers(read(caller.visit, listed), caller.visit)
    return page(caller, found, [listed.next] if listed.next else None)


@router.get("/papers/find", summary="The paper of an identifier")
def find_paper(
    caller: Anybody,
    key: Annotated[
        str,
        Query(
            min_length=1,
            max_length=500,
            description="An arXiv id, a DOI, a PubMed id or an address, in any spelling.",
            examples=["arXiv:2508.13426v2"],
        ),
    ],
) -> Paper:
    """Where it is known under several, all of them find it."""
    return Paper.of(caller.visit.rooms.papers.find(key), caller.visit)


@router.get("/papers/{number}", summary="One paper")
def show_paper(caller: Anybody, number: Number) -> Paper:
    """With every sighting. A paper that became part of another is found under both numbers."""
    return Paper.of(stored(caller, number), caller.visit)


@router.get("/papers/{number}/similar", summary="Papers like a paper")
def similar_papers(
    caller: Anybody,
    number: Number,
    limit: Annotated[int, Query(ge=1, le=20, description="20 is the most.")] = 10,
) -> Page[Paper]:
    """Nearest first; nothing rather than what is near by chance."""
    found = caller.visit.rooms.search.similar(stored(caller, number), limit=limit)
    return page(caller, papers(found, caller.visit), None)


@router.get("/counts", summary="How many papers, by source, category and day")
def count_papers(caller: Anybody, span: Days) -> Counts:
    """For drawing a calendar, or offering what a list can be narrowed to."""
    archive = caller.visit.rooms.archive
    counts = archive.counts(span)
    return Counts(
        since=span.first,
        until=span.last,
        papers=counts.total,
        voted=counts.voted,
        sources=[Count(name=name, papers=count) for name, count in counts.sources],
        categories=[Count(name=name, papers=count) for name, count in archive.categories(span)],
        days=[Count(name=day.isoformat(), papers=count) for day, count in counts.days],
    )


@router.get("/sources", summary="The sources, and how they are")
def list_sources(caller: Anybody) -> Page[Source]:
    """Silence is explained: each with what its last answer says of it."""
    found = [
        Source(
            name=one.source,
            verdict=one.verdict,
            says=one.line,
            asked_at=one.at,
            last_success_at=one.last_success_at,
        )
        for one in caller.visit.rooms.archive.sources()
    ]
    return page(caller, found, None)


def stored(caller: Caller, number: int) -> model.Paper:
    """The paper of a number; a 404 where there is none."""
    id = PaperId(number)
    found = caller.visit.rooms.papers.papers([id]).get(id)
    if found is None:
        raise Trouble(Kind.NOT_FOUND, "There is no such paper.")
    return found
