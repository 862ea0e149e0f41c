"""A reader's channels: where their digest is posted besides the mail, or instead of it.

    /p/TOKEN/channels            what there is; add one, leave out the mail
    /p/TOKEN/channels/NUMBER     test | rest | wake | remove

An address is a secret: it is shown again only beside the fault it was refused for, and a key to
check signatures with only in the answer to the form that made it. A test posts while the reader
waits, so there is a limit to it. GET changes nothing (guarantee 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.clock import local_date
from digest.delivery.masking import masked
from digest.errors import DeliveryFault, InvalidChannel, UnknownChannel
from digest.model import ChannelState, Outcome, Result, SubscriberChannel
from digest.phrases import phrase
from digest.rendering.language import Language, message
from digest.rendering.spans import line
from digest.subscriptions.channels import BY_REQUEST, MOST
from digest.web.allowances import admit_post
from digest.web.forms import Fault, Posted
from digest.web.reader import Reader, Reading
from digest.web.rhythm import Choice
from digest.web.wish import shown
from digest.web.words import short_day

router = APIRouter()

#: What the kinds are called; a package's own kind is called what it is.
KINDS: Final = {
    "slack": message("Slack"),
    "discord": message("Discord"),
    "mattermost": message("Mattermost"),
    "webhook": message("A program of mine (signed JSON)"),
    "apprise": message("Another service (an apprise address)"),
}
_ORDER: Final = ("kind", "address", "label")


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel in the list; `why` says why nothing is posted there."""

    id: int
    label: str
    kind: str
    address: str
    is_resting: bool
    why: str
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """The form for another channel."""

    kind: str = ""
    address: str = ""
    label: str = ""


@router.get("/p/{token}/channels")
def show(reader: Reading) -> Response:
    """Every channel, masked, and the form for another."""
    return _page(reader)


@router.post("/p/{token}/channels")
def add(reader: Reading, form: Posted) -> Response:
    """Add one, or say whether the mail comes as well."""
    if form.text("do") == "mail":
        changes = {"mail": "mail" in form}
        reader.visit.rooms.subscriptions.edit(reader.subscriber.email, changes)
        return reader.back("channels", "/channels")
    typed = Typed(form.text("kind"), form.text("address"), form.text("label"))
    admit_post(reader.visit, reader.subscriber.id)
    try:
        made = _made(reader, typed)
    except (InvalidChannel, UnknownChannel, DeliveryFault) as error:
        return _page(reader, typed=typed, faults=_fault(error, reader.language))
    said = reader.language.text("The channel is added. Send it a test.")
    return _page(reader, said=said, secret=made.secret)


@router.post("/p/{token}/channels/{number}")
def change(reader: Reading, number: str, form: Posted) -> Response:
    """Test a channel, rest it, wake it or forget it; one that is gone is gone."""
    register, email = reader.visit.rooms.channels.register, reader.subscriber.email
    word = form.text("do")
    try:
        if word == "test":
            return _test(reader, number)
        if word in ("rest", "wake", "remove"):
            verbs = {"rest": register.disable, "wake": register.enable, "remove": register.remove}
            verbs[word](email, number)
    except UnknownChannel:
        return reader.back("", "/channels")
    return reader.back("channel-gone" if word == "remove" else "channels", "/channels")


def _made(reader: Reader, typed: Typed) -> SubscriberChannel:
    channels = reader.visit.rooms.channels
    if typed.kind not in channels.offered():
        raise UnknownChannel("kind: choose one of these.", told=phrase("Choose one of these."))
    email = reader.subscriber.email
    return channels.register.add(email, typed.kind, typed.address, label=typed.label)


def _fault(
    error: InvalidChannel | UnknownChannel | DeliveryFault, language: Language
) -> dict[str, Fault]:
    key = str(error).partition(":")[0]
    return {key if key in _ORDER else "address": Fault.of(error, language)}


def _test(reader: Reader, number: str) -> Response:
    admit_post(reader.visit, reader.subscriber.id)
    channels, language = reader.visit.rooms.channels, reader.language
    try:
        outcome = channels.test(reader.subscriber.email, number)
    except DeliveryFault as error:
        return _page(reader, about={number: Fault.of(error, language)})
    if outcome.result is Result.ACCEPTED:
        return _page(reader, said=language.text("It was posted. Look there."))
    return _page(reader, about={number: Fault(_refusal(outcome, language))})


def _refusal(outcome: Outcome, language: Language) -> str:
    said = line(" ".join(filter(None, (str(outcome.code or ""), outcome.reply))), 200)
    return language.say("It did not take the test: {said}", said=said or outcome.result.value)


def _page(
    reader: Reader,
    *,
    typed: Typed | None = None,
    faults: Mapping[str, Fault] | None = None,
    about: Mapping[str, Fault] | None = None,
    said: str = "",
    secret: str = "",
) -> Response:
    rooms, language, told = reader.visit.rooms, reader.language, faults or {}
    stored = rooms.channels.register.of(reader.subscriber.email)
    return reader.page(
        "web/channels.html.j2",
        status=400 if told else 200,
        title=language.text("Where it is posted"),
        said=said or reader.said(),
        secret=secret,
        faults=told,
        wrong=shown(told, _ORDER),
        channels=[_line(one, reader, (about or {}).get(str(one.id))) for one in stored],
        kinds=[_choice(name, language) for name in rooms.channels.offered()],
        typed=typed or Typed(),
        is_full=len(stored) >= MOST,
        by_mail=reader.subscriber.mail,
    )


def _choice(kind: str, language: Language) -> Choice:
    return Choice(kind, language.text(KINDS[kind]) if kind in KINDS else kind)


def _line(one: SubscriberChannel, reader: Reader, fault: Fault | None) -> ChannelLine:
    return ChannelLine(
        id=one.id,
        label=line(one.label),
        kind=_choice(one.kind, reader.language).label,
        address=masked(one.address),
        is_resting=one.state is ChannelState.DISABLED,
        why=why_resting(one, reader.language, reader.subscriber.schedule.timezone),
        fault=fault,
    )


def why_resting(one: SubscriberChannel, language: Language, timezone: str) -> str:
    """Since when and why nothing is posted there; "" for a channel that is posted to."""
    if one.state is not ChannelState.DISABLED or one.disabled_at is None:
        return ""
    day = short_day(local_date(one.disabled_at, timezone), language)
    if one.reason == BY_REQUEST:
        return language.say("It rests since {day}, as you wished.", day=day)
    said = line(one.reason, 200) or language.text("nothing further")
    return language.say("It takes no more posts since {day}. It said: {said}", day=day, said=said)
