"""What a reader said of papers, authors and words, and a button to take each back."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from digest.clock import local_date
from digest.errors import UnknownPaper
from digest.model import PaperId
from digest.rendering.view import clean_title
from digest.web.forms import Form, Posted
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
        muted=_muted(reader),
    )


@router.post("/p/{token}/feedback")
def take_back(reader: Reading, form: Posted) -> Response:
    """As if nothing had been said of that paper, or of an author or a word."""
    if form.text("do") == "unmute":
        return _show_again(reader, form)
    id = PaperId(form.number("paper") or 0)
    paper = reader.visit.rooms.papers.papers([id]).get(id)
    if paper is None:
        raise UnknownPaper("The paper is no longer stored.")
    reader.visit.rooms.feedback.take_back(reader.subscriber.email, paper)
    return reader.back("taken-back", "/feedback")


def _show_again(reader: Reader, form: Form) -> Response:
    register, email = reader.visit.rooms.subscriptions, reader.subscriber.email
    register.unmute(email, authors=form.texts("author"), words=form.texts("word"))
    return reader.back("shown-again", "/feedback")


def _muted(reader: Reader) -> list[tuple[str, str]]:
    """What is never shown: the field that names it, and the name."""
    mutes = reader.subscriber.mutes
    authors = [("author", name) for name in mutes.authors]
    return authors + [("word", word) for word in mutes.words]


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
