"""The front page: the newest day's papers, and the box in which to say what one works on."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from digest.store.archive import Span
from digest.web.archive import Choice, Cursor, Name, Tab, show_period, today
from digest.web.periods import Kind, Period
from digest.web.visit import Visiting

router = APIRouter()


@router.get("/")
def home(
    visit: Visiting,
    tab: Tab | None = None,
    source: Name = None,
    category: Name = None,
    after: Cursor = None,
) -> Response:
    """Today's papers, or those of the last day that had any."""
    day = visit.rooms.archive.newest_day(upto=today(visit)) or today(visit)
    choice = Choice(tab, source, category, after)
    return show_period(visit, Period(Kind.DAY, Span.of(day)), choice, newest=True)
