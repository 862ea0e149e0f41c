"""Unsubscribing: at once, also for what is queued, without a question in between.

    POST  /u/TOKEN    mail programs (RFC 8058: no cookie, no redirect, any form or none): gone, 200
    GET   /u/TOKEN    people: one button, and "fewer instead?"

Whatever else a body says, it unsubscribes, unless it asks for less or for the way back: the page's
other buttons. Again changes nothing. A token outlives the rotation of keys, and the subscriber: for
who is forgotten already the answer is the same. GET and HEAD change nothing (guarantee 6).
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.errors import InvalidSubscriber, UnknownSubscriber
from digest.model import Cadence, Subscriber, SubscriberId, SubscriberState
from digest.rendering.language import Language
from digest.subscriptions import masked
from digest.tokens import Purpose
from digest.web.confirm import stopped
from digest.web.forms import Form, read_form
from digest.web.visit import Visit, Visiting

router = APIRouter()

#: Fewer instead: what the buttons are called, and the rhythm they set.
LESS: Final = {"weekly": Cadence.WEEKLY, "monthly": Cadence.MONTHLY}
_GONE: Final = (SubscriberState.UNSUBSCRIBED, SubscriberState.SUSPENDED)


async def _any_form(request: Request) -> Form:
    """The form, or an empty one: a body that cannot be read must keep nobody subscribed."""
    try:
        return await read_form(request)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        return Form()


Anything = Annotated[Form, Depends(_any_form)]


def _whose(visit: Visiting, token: str) -> Subscriber | None:
    """The subscriber of the token; None for who is forgotten. Raises TokenError."""
    ids = visit.rooms.tokens.read(Purpose.UNSUBSCRIBE, token)
    found = visit.rooms.subscribers.profiles([SubscriberId(ids[0] if ids else 0)])
    return found[0] if found else None


Whose = Annotated[Subscriber | None, Depends(_whose)]


@router.get("/u/{token}")
def show(visit: Visiting, subscriber: Whose) -> Response:
    """One button, and what one could have instead."""
    if subscriber is None or subscriber.state in _GONE:
        return _gone(visit, subscriber)
    language = visit.speaking(subscriber.language)
    return visit.private(
        "web/unsubscribe.html.j2",
        language=language,
        title=language.text("Unsubscribe"),
        address=masked(subscriber.email),
        is_weekly=subscriber.schedule.cadence in LESS.values(),
        is_monthly=subscriber.schedule.cadence is Cadence.MONTHLY,
    )


@router.post("/u/{token}")
def leave(visit: Visiting, subscriber: Whose, form: Anything) -> Response:
    """Gone, at once."""
    if subscriber is None:
        return _gone(visit, None)
    word, language = form.text("do"), visit.speaking(subscriber.language)
    try:
        if word in LESS:
            return _fewer(visit, subscriber, LESS[word], language)
        if word == "back":
            return _back(visit, subscriber, language)
        visit.rooms.subscriptions.unsubscribe(subscriber.email, reason="by their link")
    except UnknownSubscriber:  # forgotten a moment ago
        return _gone(visit, None)
    return _gone(visit, subscriber)


def _fewer(visit: Visit, subscriber: Subscriber, cadence: Cadence, language: Language) -> Response:
    visit.rooms.subscriptions.edit(subscriber.email, {"cadence": cadence.value})
    told = {
        Cadence.WEEKLY: language.text("From now on it comes once a week."),
        Cadence.MONTHLY: language.text("From now on it comes once a month."),
    }
    return _told(visit, language, language.text("Fewer, then"), [told[cadence]])


def _back(visit: Visit, subscriber: Subscriber, language: Language) -> Response:
    if subscriber.state is SubscriberState.SUSPENDED:
        return stopped(visit, language)
    try:
        visit.rooms.subscriptions.resume(subscriber.email, they_asked=True)
    except InvalidSubscriber:
        return stopped(visit, language)
    lines = [language.text("Your digest comes again, as it was.")]
    return _told(visit, language, language.text("Welcome back"), lines)


def _gone(visit: Visit, subscriber: Subscriber | None) -> Response:
    language = visit.speaking(subscriber.language) if subscriber else visit.language
    return visit.private(
        "web/unsubscribed.html.j2",
        language=language,
        title=language.text("You are unsubscribed"),
        address=masked(subscriber.email) if subscriber else "",
    )


def _told(visit: Visit, language: Language, title: str, lines: list[str]) -> Response:
    return visit.private(
        "web/told.html.j2", language=language, title=title, lines=lines, button=None
    )
