"""Another address: asked for here, and it counts once the new one has confirmed itself."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from digest.errors import InvalidSubscriber
from digest.model import Errand, ErrandId, SubscriberId
from digest.subscriptions import normalise
from digest.subscriptions.changing import LASTS
from digest.tokens import Purpose
from digest.web.allowances import admit_mail
from digest.web.confirm import Asking
from digest.web.forms import Fault, Posted
from digest.web.reader import Reader, Reading, find_reader, reader_of
from digest.web.visit import Visit, Visiting

router = APIRouter()


@router.get("/p/{token}/address")
def show(reader: Reading) -> Response:
    """The form for a new address."""
    return _page(reader, "")


@router.post("/p/{token}/address")
def ask(reader: Reading, form: Posted) -> Response:
    """Send the mail that asks the new address."""
    typed = form.text("email")
    try:
        address = normalise(typed)
    except InvalidSubscriber:
        return _page(reader, typed, Fault.of_address(reader.language))
    admit_mail(reader.visit, address)
    try:
        reader.visit.rooms.changing.ask_address(reader.subscriber, address)
    except InvalidSubscriber as error:
        return _page(reader, typed, Fault.of(error, reader.language))
    return reader.back("asked")


@router.get("/a/{token}")
def look(visit: Visiting, token: str) -> Response:
    """What the link in that mail will do."""
    errand = _errand(visit, token)
    subscriber = find_reader(visit, errand.subscriber_id or 0)
    language = visit.speaking(subscriber.language)
    if errand.done_at is not None:
        return _moved(visit, errand)
    return visit.private(
        "web/question.html.j2",
        language=language,
        title=language.text("Shall the digest come here?"),
        asking=Asking(
            lead=language.say(
                "From now on it is sent to {address}, and no longer to {old}.",
                address=errand.address,
                old=subscriber.email,
            ),
            points=(),
            button=language.text("Yes, send it here"),
        ),
        fault="",
    )


@router.post("/a/{token}")
def confirm(visit: Visiting, token: str) -> Response:
    """The new address said yes; saying it again changes nothing."""
    errand = _errand(visit, token)
    whose = errand.subscriber_id or SubscriberId(0)
    try:
        visit.rooms.changing.confirm_address(whose, errand.id)
    except InvalidSubscriber:
        return _taken(visit, whose)
    return _moved(visit, errand)


def _errand(visit: Visit, token: str) -> Errand:
    rooms = visit.rooms
    now = rooms.clock()
    ids = (*rooms.tokens.read(Purpose.CHANGE, token, now=now, max_age=LASTS), 0, 0)
    return rooms.changing.look(SubscriberId(ids[0]), ErrandId(ids[1]))


def _moved(visit: Visit, errand: Errand) -> Response:
    reader = reader_of(visit, find_reader(visit, errand.subscriber_id or 0))
    language = reader.language
    return visit.private(
        "web/told.html.j2",
        language=language,
        title=language.text("Your new address"),
        lines=[language.say("The digest comes to {address}.", address=reader.subscriber.email)],
        button=(language.text("Open my digest"), reader.home),
    )


def _taken(visit: Visit, whose: SubscriberId) -> Response:
    language = visit.speaking(find_reader(visit, whose).language)
    return visit.private(
        "web/told.html.j2",
        status=409,
        language=language,
        title=language.text("This address cannot be taken"),
        lines=[language.text("It has a digest of its own, or wants no mail from here.")],
        button=None,
    )


def _page(reader: Reader, typed: str, fault: Fault | None = None) -> Response:
    return reader.page(
        "web/address.html.j2",
        status=400 if fault else 200,
        title=reader.language.text("Another address"),
        email=typed,
        faults={"email": fault} if fault else {},
    )
