"""What there is to preview, and how each is drawn: the very templates, views and pages of readers.

Links in a preview open nothing: they carry tokens that nobody signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default
from typing import Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.model import (
    Channel,
    DeliveryId,
    DigestId,
    Errand,
    ErrandId,
    ErrandKind,
    Interest,
    InterestId,
    Message,
    Schedule,
    Subscriber,
    SubscriberId,
)
from digest.rendering.errand import compose_errand
from digest.rendering.language import Language, speak
from digest.rendering.message import Letter, compose_mail
from digest.rendering.trial import TrialTokens, trial_letter
from digest.rendering.view import view
from digest.web import digest_page, home, link, preferences, subscribe
from digest.web.desk.door import Seat
from digest.web.reader import Reader
from digest.web.visit import Visit

MAILS: Final = {
    "digest": "The digest",
    "confirm": "Confirm the subscription",
    "link": "Your link",
    "change": "A new address",
}
PAGES: Final = {
    "page": "The digest as a page",
    "home": "Today’s papers",
    "subscribe": "Subscribing",
    "preferences": "Preferences",
    "my": "Send me my link",
}
_ERRANDS: Final = {
    "confirm": ErrandKind.JOIN,
    "link": ErrandKind.LINK,
    "change": ErrandKind.CHANGE,
}
_TOKEN: Final = "trial"


class Mail(NamedTuple):
    """A mail's content."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which one, for whom ("" for a sample), in which language ("" for the usual)."""

    which: str
    email: str = ""
    language: str = ""


def draw_mail(seat: Seat, asked: Asked) -> Mail:
    """One of `MAILS`; raises UnknownSubscriber, InvalidSubscriber, TemplateFault."""
    if asked.which != "digest":
        return _content(_errand(seat, asked))
    if asked.email:
        drawn = seat.desk.preview(asked.email)
        return Mail(drawn.subject, drawn.html, drawn.text)
    rooms = seat.visit.rooms
    letter = trial_letter(_language(seat, asked).code)
    return _content(compose_mail(letter, rooms.site, templates=rooms.templates))


def draw_page(seat: Seat, asked: Asked) -> Response:
    """One of `PAGES`, as the reader's router answers it; raises a 404 for any other."""
    drawers: dict[str, Callable[[Seat, Asked], Response]] = {
        "page": _digest_page,
        "home": lambda seat, _asked: home.home(seat.visit),
        "subscribe": lambda seat, _asked: subscribe.show(seat.visit),
        "preferences": _preferences,
        "my": lambda seat, _asked: link.show(seat.visit),
    }
    if asked.which not in drawers:
        raise HTTPException(404)
    return drawers[asked.which](_speaking(seat, asked), asked)


def _errand(seat: Seat, asked: Asked) -> Message:
    rooms = seat.visit.rooms
    letter = trial_letter()
    errand = Errand(
        id=ErrandId(1),
        kind=_ERRANDS[asked.which],
        address=letter.address,
        language=_language(seat, asked).code,
        created_at=rooms.clock(),
        expires_at=rooms.clock(),
    )
    return compose_errand(
        errand,
        _TOKEN,
        delivery=DeliveryId(1),
        channel=Channel.MAILBOX,
        site=rooms.site,
        templates=rooms.templates,
    )


def _content(message: Message) -> Mail:
    """Subject, HTML and text as a mail program reads them."""
    mail = message_from_bytes(message.payload, policy=default)
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    return Mail(
        str(mail["Subject"]),
        html.get_content() if html else "",
        text.get_content() if text else "",
    )


def _digest_page(seat: Seat, asked: Asked) -> Response:
    rooms = seat.visit.rooms
    letter = _newest(seat, asked.email) if asked.email else trial_letter(asked.language or "en")
    seen = view(
        letter.digest,
        letter.subscriber,
        papers=letter.papers,
        site=rooms.site,
        tokens=letter.tokens,
    )
    return digest_page.page(seat.visit, seen, letter.digest, actions=seen.links.of_frame())


def _newest(seat: Seat, email: str) -> Letter:
    """Their newest digest, with links that open nothing."""
    rooms = seat.visit.rooms
    subscriber = rooms.subscriptions.subscriber(email)
    turns = seat.desk.directory.turns(subscriber.id, limit=20)
    number = next((one.digest for one in turns if one.digest is not None), DigestId(0))
    digest = rooms.editions.digests([number]).get(number)
    if digest is None:
        raise HTTPException(404)
    papers = rooms.papers.papers(digest.paper_ids)
    tokens = TrialTokens()
    return Letter(DeliveryId(0), subscriber.email, digest, subscriber.addressee, papers, tokens)


def _preferences(seat: Seat, asked: Asked) -> Response:
    if asked.email:
        subscriber = seat.visit.rooms.subscriptions.subscriber(asked.email)
    else:
        subscriber = _sample(seat, asked)
    return preferences.show(Reader(seat.visit, subscriber, _TOKEN))


def _sample(seat: Seat, asked: Asked) -> Subscriber:
    now = seat.visit.rooms.clock()
    return Subscriber(
        id=SubscriberId(0),
        email="trial@example.org",
        schedule=Schedule(),
        created_at=now,
        language=_language(seat, asked).code,
        interests=(Interest(InterestId(1), "Lighthouses"),),
        next_due_at=now,
    )


def _language(seat: Seat, asked: Asked) -> Language:
    return speak(asked.language or seat.visit.rooms.languages[0])


def _speaking(seat: Seat, asked: Asked) -> Seat:
    """The seat with a visit that asks for its pages in the wanted language."""
    return replace(seat, visit=_Speaking(seat.visit.request, seat.visit.desk, asked.language))


@dataclass(frozen=True)
class _Speaking(Visit):
    """A visit in a language that the operator chose."""

    wanted: str = ""

    @property
    def language(self) -> Language:
        return speak(self.wanted or self.rooms.languages[0])
