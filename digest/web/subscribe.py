"""Subscribing: say what you work on, see what it would have sent you, and leave an address.

    typed | preview, as often as one likes | a mail to the address | (confirm)

Nothing is stored before the last step, and that says and costs the same for every address, known or
not (guarantee: see `digest.subscriptions.joining`). The page works without a script; with one, the
preview comes by itself while typing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.errors import InvalidSubscriber, QuerySyntaxError
from digest.model import Paper, Subscriber
from digest.rendering.language import Language
from digest.subscriptions import normalise
from digest.web import rhythm, wish
from digest.web.allowances import admit_mail, admit_trial
from digest.web.cards import PaperCard, cards_of
from digest.web.forms import Fault, Faults, Form, Posted
from digest.web.preview import Preview, preview_of
from digest.web.rhythm import Rhythm
from digest.web.visit import Visit, Visiting
from digest.web.wish import Wish
from digest.web.zones import offered

FOUND: Final = 8  #: papers shown to pick examples from
_ORDER: Final = (
    *("wants", "keywords", "find", "authors", "volume", "name"),
    *("cadence", "time", "weekday", "monthday", "timezone", "email"),
)

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Finding:
    """A search for example papers, inside the form."""

    text: str = ""
    cards: tuple[tuple[int, PaperCard], ...] = ()
    fault: Fault | None = None
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Joiner:
    """Everything the subscribing form holds."""

    email: str
    wish: Wish
    rhythm: Rhythm
    is_guessable: bool  #: the zone is still the usual one: a script may guess a better


@router.get("/subscribe")
def show(visit: Visiting) -> Response:
    """The empty form."""
    return _page(visit, _typed(visit, Form()))


@router.post("/subscribe")
def take(visit: Visiting, form: Posted) -> Response:
    """Preview, look for examples, or send the mail that asks the address."""
    joiner = _typed(visit, form)
    match form.text("do"):
        case "find":
            return _page(visit, joiner, finding=find(visit, form, visit.language))
        case "join":
            return _join(visit, joiner)
        case "glance":
            return glance(visit, joiner.wish, visit.language)
        case _:
            faults = wish.faults_of(joiner.wish, visit.language)
            return _page(visit, joiner, faults=faults, preview=_preview(visit, joiner, faults))


def _typed(visit: Visit, form: Form) -> Joiner:
    usual = rhythm.of_schedule(visit.rooms.subscriptions.blank("").schedule)
    typed = rhythm.typed(form, usual)
    asked = wish.typed(form, visit.rooms.papers)
    is_usual = typed.timezone == usual.timezone
    return Joiner(form.text("email"), asked, typed, is_usual and "timezone" not in form)


def _preview(visit: Visit, joiner: Joiner, faults: Faults) -> Preview | None:
    return None if faults else preview_of(visit, joiner.wish, visit.language)


def _join(visit: Visit, joiner: Joiner) -> Response:
    language = visit.language
    faults = wish.faults_of(joiner.wish, language) | rhythm.faults_of(joiner.rhythm, language)
    address = ""
    try:
        address = normalise(joiner.email)
    except InvalidSubscriber:
        faults["email"] = Fault.of_address(language)
    if faults:
        return _page(visit, joiner, faults=faults)
    admit_mail(visit, address)
    record: dict[str, Any] = {
        "email": address,
        "language": language.code,
        "interests": [joiner.wish.record(language)],
        **joiner.rhythm.record(),
    }
    visit.rooms.joining.ask(record, language=language.code)
    return inbox(visit, address)


def inbox(visit: Visit, address: str) -> Response:
    """A mail is on its way, or not: the same for every address."""
    language = visit.language
    return visit.private(
        "web/inbox.html.j2",
        title=language.text("Look into your inbox"),
        address=address,
        text=language.text(
            "If this address can get a digest here, a mail is on its way to it. "
            "It begins once you say yes on the page behind the link in that mail."
        ),
    )


def glance(
    visit: Visit, asked: Wish, language: Language, reader: Subscriber | None = None
) -> Response:
    """The preview alone, for the script that asks while somebody types."""
    faults = wish.faults_of(asked, language)
    shown = None if faults else preview_of(visit, asked, language, reader)
    return visit.private(
        "web/preview.html.j2",
        language=language,
        title="",
        preview=shown,
        faults={} if asked.is_empty else faults,
    )


def find(visit: Visit, form: Form, language: Language) -> Finding:
    """Papers to pick examples from; counts as one trial."""
    text = " ".join(form.text("find").split())
    if not text:
        return Finding(fault=Fault(language.text("Type some words of a paper you like.")))
    admit_trial(visit)
    try:
        results = visit.rooms.search.search(text, limit=FOUND)
    except QuerySyntaxError as error:
        return Finding(text, fault=Fault.of(error, language))
    papers = [one.paper for one in results.found]
    return Finding(text, _picks(visit, papers, language), is_done=True)


def _picks(
    visit: Visit, papers: list[Paper], language: Language
) -> tuple[tuple[int, PaperCard], ...]:
    cards = cards_of(papers, visit.links, language)
    return tuple((int(paper.id), card) for paper, card in zip(papers, cards, strict=True))


def without_picked(finding: Finding, asked: Wish) -> Finding:
    """What was found, but for what is ticked already above it."""
    picked = {int(paper.id) for paper in asked.added}
    picked |= {int(example.paper_id) for example in asked.kept if example.paper_id}
    return replace(finding, cards=tuple(pair for pair in finding.cards if pair[0] not in picked))


def _page(
    visit: Visit,
    joiner: Joiner,
    *,
    faults: Faults | None = None,
    finding: Finding | None = None,
    preview: Preview | None = None,
) -> Response:
    told, language = dict(faults or {}), visit.language
    found = without_picked(finding or Finding(), joiner.wish)
    if found.fault:
        told["find"] = found.fault
    return visit.private(
        "web/subscribe.html.j2",
        status=400 if told else 200,
        title=language.text("Get the few that matter"),
        email=joiner.email,
        wish=joiner.wish,
        rhythm=joiner.rhythm,
        is_guessable=joiner.is_guessable,
        faults=told,
        wrong=wish.shown(told, _ORDER),
        finding=found,
        preview=preview,
        volumes=wish.volumes(joiner.wish),
        cadences=rhythm.cadences(language),
        weekdays=rhythm.weekdays(language),
        zones=offered(),
    )
