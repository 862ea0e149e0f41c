"""What a reader said of papers, and a button to take each word back."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from digest.clock import local_date
from digest.errors import UnknownPaper
from digest.model import PaperId
from digest.rendering.view import clean_title
from digest.web.forms import Posted
from digest.web.reader import Reader, Reading
from digest.web.words import short_day

router = APIRouter()

MOST = 200  #: words shown, the newest


@dataclass(frozen=True, slots=True)
class Judged:
    paper: PaperId
    title: str
    url: str
    is_liked: bool
    day: str


@router.get("/p/{token}/feedback")
def show(reader: Reading) -> Response:
    """Everything said, newest first."""
    return reader.page(
        "web/history.html.j2",
        title=reader.language.text("What you said of papers"),
        said=reader.said(),
        judged=_judged(reader),
    )


@router.post("/p/{token}/feedback")
def take_back(reader: Reading, form: Posted) -> Response:
    """As if nothing had been said of that paper."""
    id = PaperId(form.number("paper") or 0)
    paper = reader.visit.rooms.papers.papers([id]).get(id)
    if paper is None:
        raise UnknownPaper("The paper is no longer stored.")
    reader.visit.rooms.feedback.take_back(reader.subscriber.email, paper)
    return reader.back("taken-back", "/feedback")


def _judged(reader: Reader) -> list[Judged]:
    rooms = reader.visit.rooms
    opinions = rooms.feedback.history(reader.subscriber.email)[:MOST]
    papers = rooms.papers.papers([one.paper_id for one in opinions])
    zone = reader.subscriber.schedule.timezone
    return [
        Judged(
            paper=one.paper_id,
            title=clean_title(papers[one.paper_id]),
            url=reader.visit.links.paper(papers[one.paper_id]),
            is_liked=one.liked,
            day=short_day(local_date(one.at, zone), reader.language),
        )
        for one in opinions
        if one.paper_id in papers
    ]
