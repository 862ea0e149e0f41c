"""Search: words and meaning in one question, narrowed, each paper with why it was found."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from digest.errors import QuerySyntaxError
from digest.searching import Order, Results
from digest.web.api import paging
from digest.web.api.door import Anybody
from digest.web.api.paging import Cursor, Page, page
from digest.web.api.papers import Only
from digest.web.api.problems import wrong_parameter, wrong_query
from digest.web.api.shapes import Paper, Reasons

router = APIRouter(tags=["Papers"])

DEEPEST: Final = 1000  #: papers; whoever has not found it by then narrows the search


class SearchOrder(StrEnum):
    """Best match, latest or most votes first."""

    RELEVANCE = Order.RELEVANCE.value
    DATE = Order.DATE.value
    VOTES = Order.VOTES.value


class Found(BaseModel):
    """One paper found, and why."""

    paper: Paper
    score: float = Field(description="Higher is nearer; comparable within one search only.")
    reasons: Reasons


class FoundPage(Page[Found]):
    """One page of what was found."""

    total: int = Field(description=f"All that was found; the first {DEEPEST} can be had.")


@router.get("/search", summary="Search by words and by meaning")
def search(
    caller: Anybody,
    only: Only,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=2000,
            description=(
                "Plain words find by words and meaning; operators, fields and quotes make it a"
                ' query: `title:"retriev* generation" AND NOT author:lind`.'
            ),
            examples=["how language models read long documents"],
        ),
    ],
    since: Annotated[date | None, Query(description="Announced on this day or later.")] = None,
    until: Annotated[date | None, Query(description="Announced on this day or earlier.")] = None,
    order: Annotated[
        SearchOrder, Query(description="Best match, latest or most votes first.")
    ] = SearchOrder.RELEVANCE,
    limit: Annotated[int, Query(ge=1, le=50, description="50 is the most.")] = 20,
    cursor: Cursor = None,
) -> FoundPage:
    """A query that cannot be read is a 422 that names the column and the mend."""
    begun = paging.decode(cursor, paging.number)
    offset = begun[0] if begun else 0
    if offset >= DEEPEST:
        raise wrong_parameter("cursor", "goes beyond what can be had; narrow the search")
    limit = min(limit, DEEPEST - offset)
    try:
        results = caller.visit.rooms.search.search(
            " ".join(q.split()),
            since=since,
            until=until,
            source=only.source,
            category=only.category,
            order=Order(order),
            limit=limit,
            offset=offset,
        )
    except QuerySyntaxError as error:
        raise wrong_query(error, parameter="q") from error
    found = [
        Found(
            paper=Paper.of(one.paper, caller.visit),
            score=one.score,
            reasons=Reasons.of(one.reasons, breadth=len(one.paper.sources)),
        )
        for one in results.found
    ]
    told = page(caller, found, _after(results, offset + limit))
    return FoundPage(items=told.items, next=told.next, total=results.total)


def _after(results: Results, upto: int) -> list[int] | None:
    return [upto] if upto < min(results.total, DEEPEST) and results.found else None
