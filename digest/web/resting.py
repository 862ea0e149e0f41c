"""A pause: for good, or until a date from which the digest comes again with what was missed."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from digest.clock import local_date
from digest.errors import InvalidSubscriber, UsageError
from digest.model import SubscriberState
from digest.web.confirm import stopped
from digest.web.forms import Fault, Posted
from digest.web.preferences import state_line
from digest.web.reader import Reader, Reading

router = APIRouter()


@router.get("/p/{token}/pause")
def show(reader: Reading) -> Response:
    """The form for a pause, or its end."""
    return _page(reader, "")


@router.post("/p/{token}/pause")
def rest(reader: Reading, form: Posted) -> Response:
    """Rest, or come back. What is queued does not go out either."""
    subscriptions, email = reader.visit.rooms.subscriptions, reader.subscriber.email
    if reader.subscriber.state is SubscriberState.SUSPENDED:
        return stopped(reader.visit, reader.language)
    if form.text("do") == "resume":
        return come_back(reader)
    typed = form.text("until")
    try:
        until = date.fromisoformat(typed) if typed else None
        subscriptions.pause(email, until)
    except ValueError:
        return _page(reader, typed, Fault(reader.language.text("Write it like 2026-12-24.")))
    except (InvalidSubscriber, UsageError):
        return _page(reader, typed, Fault(reader.language.text("Choose a day to come.")))
    return reader.back("paused")


def come_back(reader: Reader) -> Response:
    """The digest comes again, by the reader's own wish."""
    try:
        reader.visit.rooms.subscriptions.resume(reader.subscriber.email, they_asked=True)
    except InvalidSubscriber:
        return stopped(reader.visit, reader.language)
    return reader.back("resumed")


def _page(reader: Reader, typed: str, fault: Fault | None = None) -> Response:
    subscriber, language = reader.subscriber, reader.language
    today = local_date(reader.visit.rooms.clock(), subscriber.schedule.timezone)
    return reader.page(
        "web/pause.html.j2",
        status=400 if fault else 200,
        title=language.text("Pause"),
        state=state_line(subscriber, language),
        is_resting=subscriber.state is SubscriberState.PAUSED,
        is_gone=subscriber.state is SubscriberState.UNSUBSCRIBED,
        until=typed,
        earliest=(today + timedelta(days=1)).isoformat(),
        faults={"until": fault} if fault else {},
    )
