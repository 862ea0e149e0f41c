"""The reader's own page behind the signed link: everything at a glance, rhythm and look there.

    /p/TOKEN              interests, rhythm, look, mutes, feeds, address, data
    /p/TOKEN/rhythm …     each form posts to a place of its own and comes back here

No password: the link is the key (see `reader`). GET changes nothing (guarantee 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.clock import local_date
from digest.errors import InvalidSubscriber
from digest.model import Interest, Subscriber, SubscriberState
from digest.rendering.language import Language, message, own_name, speak
from digest.rendering.spans import line
from digest.web import rhythm
from digest.web.forms import Fault, Form, Posted
from digest.web.private_feeds import FeedLink, feeds_of
from digest.web.reader import Reader, Reading
from digest.web.rhythm import Choice, Rhythm
from digest.web.wish import shown
from digest.web.zones import offered

router = APIRouter()

STYLES: Final = {
    "full": message("Whole: title, authors, abstract, why"),
    "compact": message("Compact: without the abstract"),
    "titles": message("Titles only"),
}
_ORDER: Final = (
    *("cadence", "time", "weekday", "monthday", "timezone"),
    *("limit", "style", "language", "trending", "authors", "words"),
)


@dataclass(frozen=True, slots=True)
class InterestLine:
    """One interest in the list."""

    name: str
    url: str
    says: str
    is_paused: bool


@dataclass(frozen=True, slots=True)
class Look:
    """How the digest looks, as typed."""

    style: str
    limit: str
    trending: str
    language: str
    revisions: bool
    send_empty: bool


@router.get("/p/{token}")
def show(reader: Reading) -> Response:
    """Everything at a glance."""
    return _page(reader)


@router.post("/p/{token}/rhythm")
def set_rhythm(reader: Reading, form: Posted) -> Response:
    """How often, when, in which zone."""
    typed = rhythm.typed(form, rhythm.of_schedule(reader.subscriber.schedule))
    if faults := rhythm.faults_of(typed, reader.language):
        return _page(reader, typed_rhythm=typed, faults=faults)
    reader.visit.rooms.subscriptions.edit(reader.subscriber.email, typed.record())
    return reader.back("rhythm")


@router.post("/p/{token}/look")
def set_look(reader: Reading, form: Posted) -> Response:
    """Style, length, language."""
    look = _typed_look(form)
    return _edit(reader, _look_record(look, reader), "look", look=look)


@router.post("/p/{token}/mutes")
def set_mutes(reader: Reading, form: Posted) -> Response:
    """What this reader never wants to see."""
    mutes = {"muted_authors": form.lines("authors"), "muted_words": form.lines("words")}
    return _edit(reader, mutes, "mutes", typed_mutes=(form.text("authors"), form.text("words")))


def _edit(reader: Reader, changes: Mapping[str, Any], said: str, **typed: Any) -> Response:
    """Store the changes, or show beside its field what is wrong with them."""
    try:
        reader.visit.rooms.subscriptions.edit(reader.subscriber.email, changes)
    except InvalidSubscriber as error:
        key = str(error).partition(":")[0].partition(" ")[0].removeprefix("muted_")
        field = key if key in _ORDER else _ORDER[0]
        return _page(reader, faults={field: Fault.of(error, reader.language)}, **typed)
    return reader.back(said)


def _typed_look(form: Form) -> Look:
    return Look(
        style=form.text("style", "full"),
        limit=form.text("limit"),
        trending=form.text("trending", "0"),
        language=form.text("language"),
        revisions="revisions" in form,
        send_empty="send_empty" in form,
    )


def _look_record(look: Look, reader: Reader) -> dict[str, Any]:
    languages = reader.visit.rooms.languages
    is_known = look.language in (*languages, reader.subscriber.language)
    return {
        "style": look.style,
        "limit": look.limit,
        "trending": look.trending,
        "language": look.language if is_known else reader.subscriber.language,
        "revisions": look.revisions,
        "send_empty": look.send_empty,
    }


def _page(
    reader: Reader,
    *,
    typed_rhythm: Rhythm | None = None,
    look: Look | None = None,
    typed_mutes: tuple[str, str] | None = None,
    faults: Mapping[str, Fault] | None = None,
) -> Response:
    subscriber, language = reader.subscriber, reader.language
    told, mutes = faults or {}, subscriber.mutes
    return reader.page(
        "web/preferences.html.j2",
        status=400 if told else 200,
        title=language.text("My digest"),
        said=reader.said(),
        faults=told,
        wrong=shown(told, _ORDER),
        state=state_line(subscriber, language),
        is_resting=subscriber.state is not SubscriberState.ACTIVE,
        interests=[_line(one, reader) for one in subscriber.interests],
        rhythm=typed_rhythm or rhythm.of_schedule(subscriber.schedule),
        cadences=rhythm.cadences(language),
        weekdays=rhythm.weekdays(language),
        zones=offered(),
        look=look or _look(subscriber),
        styles=[Choice(name, language.text(label)) for name, label in STYLES.items()],
        tongues=_languages(reader),
        mutes=typed_mutes or ("\n".join(mutes.authors), "\n".join(mutes.words)),
        feeds=_feeds(reader),
    )


def state_line(subscriber: Subscriber, language: Language) -> str:
    """How the subscription stands, in one sentence."""
    match subscriber.state:
        case SubscriberState.ACTIVE if subscriber.next_due_at:
            schedule = subscriber.schedule
            day = language.long_date(local_date(subscriber.next_due_at, schedule.timezone))
            time = language.time(schedule.hour, schedule.minute)
            return language.say("The next digest comes on {day} at {time}.", day=day, time=time)
        case SubscriberState.PAUSED if subscriber.paused_until:
            until = local_date(subscriber.paused_until, subscriber.schedule.timezone)
            return language.say("It rests until {day}.", day=language.long_date(until))
        case SubscriberState.PAUSED:
            return language.text("It rests until you call it back.")
        case SubscriberState.UNSUBSCRIBED:
            return language.text("You have unsubscribed: nothing is sent to you.")
        case SubscriberState.SUSPENDED:
            return language.text("It was stopped, by the post or by the operator. Write to us.")
        case _:
            return language.text("It has not begun yet.")


def _line(interest: Interest, reader: Reader) -> InterestLine:
    url = reader.path(f"interest/{interest.id}")
    says = asks_for(interest, reader.language)
    return InterestLine(line(interest.name), url, says, interest.paused)


def asks_for(interest: Interest, language: Language) -> str:
    """In short what an interest asks for, beside its name."""
    liked = sum(example.positive for example in interest.examples)
    parts = [interest.statement, interest.query]
    parts += [language.count("{n} example paper", "{n} example papers", liked)] if liked else []
    parts += [", ".join(interest.authors)]
    return line(" · ".join(part for part in parts if part and part != interest.name), 160)


def _look(subscriber: Subscriber) -> Look:
    return Look(
        style=subscriber.style,
        limit=str(subscriber.limit),
        trending=str(subscriber.trending),
        language=_language(subscriber),
        revisions=subscriber.revisions,
        send_empty=subscriber.send_empty,
    )


def _languages(reader: Reader) -> list[Choice]:
    """Those of this site, and the reader's own where it is another."""
    codes = dict.fromkeys([*reader.visit.rooms.languages, _language(reader.subscriber)])
    return [Choice(code, own_name(code)) for code in codes]


def _language(subscriber: Subscriber) -> str:
    """What their digest is in: a language that is not spoken here comes as English."""
    return speak(subscriber.language).code


def _feeds(reader: Reader) -> list[FeedLink]:
    return feeds_of(reader)
