"""One interest of a reader: edit it, try it on the last weeks, rest it, or let it go.

What is tried is what is typed, saved or not; nothing typed is lost when something is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.errors import InvalidSubscriber, UsageError
from digest.model import Example, Interest
from digest.rendering.spans import line, shorten
from digest.subscriptions.joining import MOST
from digest.web import wish
from digest.web.forms import Fault, Faults, Form, Posted
from digest.web.preview import Preview, preview_of
from digest.web.reader import Reader, Reading, number_of
from digest.web.subscribe import Finding, find, glance, without_picked
from digest.web.wish import Wish

router = APIRouter()

_ORDER: Final = ("name", "wants", "keywords", "find", "authors", "volume")


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored example in the form: `place` is where it stands in the interest."""

    place: int
    title: str
    is_liked: bool
    is_kept: bool


@router.get("/p/{token}/interest")
def begin(reader: Reading) -> Response:
    """A new interest's empty form."""
    return _page(reader, None, Wish())


@router.get("/p/{token}/interest/{number}")
def show(reader: Reading, number: str) -> Response:
    """An interest's form, as it is stored."""
    stored = reader.interest(number_of(number))
    return _page(reader, stored, wish.of_interest(stored))


@router.post("/p/{token}/interest")
def add(reader: Reading, form: Posted) -> Response:
    """Try or save a new interest."""
    return _take(reader, form, None)


@router.post("/p/{token}/interest/{number}")
def change(reader: Reading, number: str, form: Posted) -> Response:
    """Try or save an interest, rest it, wake it, or let it go."""
    stored, subscriptions = reader.interest(number_of(number)), reader.visit.rooms.subscriptions
    email = reader.subscriber.email
    match form.text("do"):
        case "rest" | "wake" as word:
            subscriptions.edit_interest(email, stored.name, {"paused": word == "rest"})
            return reader.back("saved")
        case "remove":
            subscriptions.remove_interest(email, stored.name)
            return reader.back("removed")
        case _:
            return _take(reader, form, stored)


def _take(reader: Reader, form: Form, stored: Interest | None) -> Response:
    asked = wish.typed(form, reader.visit.rooms.papers, stored)
    if form.text("do") == "find":
        found = find(reader.visit, form, reader.language)
        return _page(reader, stored, asked, finding=found)
    if form.text("do") == "glance":
        return glance(reader.visit, asked, reader.language, reader.subscriber)
    faults = wish.faults_of(asked, reader.language)
    if faults:
        return _page(reader, stored, asked, faults=faults)
    if form.text("do") == "save":
        return _save(reader, asked, stored)
    shown = preview_of(reader.visit, asked, reader.language, reader.subscriber)
    return _page(reader, stored, asked, preview=shown)


def _save(reader: Reader, asked: Wish, stored: Interest | None) -> Response:
    subscriptions, email = reader.visit.rooms.subscriptions, reader.subscriber.email
    record = asked.record(reader.language)
    if stored is None and len(reader.subscriber.interests) >= MOST:
        full = Fault(reader.language.text("You have as many interests as there can be."))
        return _page(reader, stored, asked, faults={"name": full})
    try:
        if stored is None:
            subscriptions.add_interest(email, record)
        else:
            subscriptions.edit_interest(email, stored.name, record)
    except (InvalidSubscriber, UsageError) as error:
        return _page(reader, stored, asked, faults={"name": Fault.of(error, reader.language)})
    return reader.back("added" if stored is None else "saved")


def _page(
    reader: Reader,
    stored: Interest | None,
    asked: Wish,
    *,
    faults: Faults | None = None,
    finding: Finding | None = None,
    preview: Preview | None = None,
) -> Response:
    told, language = dict(faults or {}), reader.language
    found = without_picked(finding or Finding(), asked)
    if found.fault:
        told["find"] = found.fault
    place = "interest" if stored is None else f"interest/{stored.id}"
    name = language.text("A new interest") if stored is None else line(stored.name)
    return reader.page(
        "web/interest.html.j2",
        status=400 if told else 200,
        title=name,
        here=reader.path(place),
        is_new=stored is None,
        is_paused=stored is not None and stored.paused,
        wish=asked,
        kept=_kept(stored, asked),
        faults=told,
        wrong=wish.shown(told, _ORDER),
        finding=found,
        preview=preview,
        volumes=wish.volumes(asked),
    )


def _kept(stored: Interest | None, asked: Wish) -> list[Kept]:
    """Every stored example, ticked as far as it stays."""
    examples = stored.examples if stored else ()
    return [_shown(place, one, one in asked.kept) for place, one in enumerate(examples)]


def _shown(place: int, example: Example, is_kept: bool) -> Kept:
    return Kept(place, shorten(line(example.title), 160), example.positive, is_kept)
