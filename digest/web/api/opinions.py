"""What a subscriber says of papers: said, said again, taken back. The newest word counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, Field

from digest.web.api import paging
from digest.web.api.door import Owner, OwnerActing
from digest.web.api.paging import Cursor, Limit, Page, page
from digest.web.api.papers import Number, stored
from digest.web.api.shapes import Paper
from digest.web.api.wishes import Body, Short

router = APIRouter(prefix="/me/feedback", tags=["Feedback"])


class Liking(StrEnum):
    """More like it, or less."""

    UP = "up"
    DOWN = "down"


class Word(Body):
    """More like a paper, or less."""

    verdict: Liking
    interest: Short | None = Field(
        None, description="Which interest learns from it; null: the one that brought the paper."
    )


class Heard(BaseModel):
    """What became of a word."""

    verdict: Liking
    taught: list[str] = Field(description="The interests that learnt from it, by name.")


class Opinion(BaseModel):
    """One word on one paper."""

    paper: Paper
    verdict: Liking
    at: datetime


@router.get("", summary="What you said of papers")
def list_opinions(caller: Owner, limit: Limit = 50, cursor: Cursor = None) -> Page[Opinion]:
    """Newest first."""
    rooms, begun = caller.visit.rooms, paging.decode(cursor, paging.number)
    first = begun[0] if begun else 0
    said = rooms.feedback.history(caller.subscriber.email)
    some = said[first : first + limit]
    papers = rooms.papers.papers([one.paper_id for one in some])
    found = [
        Opinion(
            paper=Paper.of(papers[one.paper_id], caller.visit),
            verdict=Liking.UP if one.liked else Liking.DOWN,
            at=one.at,
        )
        for one in some
        if one.paper_id in papers
    ]
    return page(caller, found, [first + limit] if len(said) > first + limit else None)


@router.put("/{number}", summary="More like this, or less")
def say_of_paper(caller: OwnerActing, number: Number, body: Word) -> Heard:
    """The interest that brought the paper learns from it. Saying it again changes nothing."""
    heard = caller.visit.rooms.feedback.hear(
        caller.subscriber.email,
        stored(caller, number),
        liked=body.verdict is Liking.UP,
        interest=body.interest,
    )
    return Heard(verdict=body.verdict, taught=list(heard.interests))


@router.delete("/{number}", summary="Take a word back", status_code=204)
def take_back_word(caller: OwnerActing, number: Number) -> None:
    """As if nothing had been said, also where nothing was."""
    caller.visit.rooms.feedback.take_back(caller.subscriber.email, stored(caller, number))
