"""The link in the mail that asks an address: a page with one button, and what the button does.

Scanners open every link in a mail; only a person presses the button (guarantee 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from digest.clock import local_date
from digest.errors import InvalidSubscriber
from digest.model import Errand, ErrandId, Subscriber
from digest.rendering.language import Language
from digest.subscriptions.joining import LASTS
from digest.tokens import Purpose
from digest.web.reader import find_reader, reader_of
from digest.web.visit import Visit, Visiting

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asking:
    """One question with one button, and where it is answered."""

    lead: str
    points: tuple[str, ...]
    button: str


@router.get("/c/{token}")
def show(visit: Visiting, token: str) -> Response:
    """What the link will do."""
    errand = _errand(visit, token)
    if errand.done_at is not None and errand.subscriber_id is not None:
        return _welcome(visit, find_reader(visit, errand.subscriber_id))
    language = visit.speaking(errand.language)
    names = [str(one.get("name", "")) for one in errand.details.get("interests", ())]
    return visit.private(
        "web/question.html.j2",
        language=language,
        title=language.text("Shall it begin?"),
        asking=Asking(
            lead=language.say(
                "{address} gets a digest of the new papers that fit:", address=errand.address
            ),
            points=tuple(names),
            button=language.text("Yes, send me the digest"),
        ),
        fault="",
    )


@router.post("/c/{token}")
def confirm(visit: Visiting, token: str) -> Response:
    """The address said yes; saying it again changes nothing."""
    errand = _errand(visit, token)
    try:
        return _welcome(visit, visit.rooms.joining.confirm(errand.id))
    except InvalidSubscriber:
        return stopped(visit, visit.speaking(errand.language))


def stopped(visit: Visit, language: Language) -> Response:
    """Mail to this address was stopped for a reason that a link does not undo."""
    return visit.private(
        "web/told.html.j2",
        status=409,
        language=language,
        title=language.text("This address gets no mail from here"),
        lines=[
            language.text("It was stopped by its owner, by the post, or by the operator."),
            language.text("If it is yours and you want mail again, write to us."),
        ],
        button=None,
    )


def _errand(visit: Visit, token: str) -> Errand:
    rooms = visit.rooms
    ids = rooms.tokens.read(Purpose.CONFIRM, token, now=rooms.clock(), max_age=LASTS)
    return rooms.joining.look(ErrandId(ids[0] if ids else 0))


def _welcome(visit: Visit, subscriber: Subscriber) -> Response:
    reader = reader_of(visit, subscriber)
    language, due = reader.language, subscriber.next_due_at
    lines = [language.text("It is yours from now on: change it or leave it whenever you like.")]
    if due is not None:
        day = language.long_date(local_date(due, subscriber.schedule.timezone))
        time = language.time(subscriber.schedule.hour, subscriber.schedule.minute)
        lines.insert(0, language.say("The first comes on {day} at {time}.", day=day, time=time))
    return visit.private(
        "web/told.html.j2",
        language=language,
        title=language.text("Welcome"),
        lines=lines,
        button=(language.text("Open my digest"), reader.home),
    )
