"""A subscriber's channels: where their digest is posted besides the mail, or instead of it.

An address is a secret: it is never shown again but for its beginning and end, and the key to check
a webhook's signatures with only in the answer that made it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StrictStr

from digest.delivery.masking import masked
from digest.errors import DeliveryFault, InvalidChannel, UnknownChannel
from digest.model import ChannelState, Result, SubscriberChannel
from digest.web.allowances import admit_post
from digest.web.api.door import Caller, Owner, OwnerActing
from digest.web.api.paging import Page, page
from digest.web.api.problems import Kind, Trouble, wrong_body
from digest.web.api.wishes import Body, Short

router = APIRouter(prefix="/me/channels", tags=["Channels"])

_LARGEST: Final = 2**62
Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The channel's `id`.")]


class Channel(BaseModel):
    """One place that digests are posted to."""

    id: int
    kind: str = Field(examples=["slack"])
    label: str
    address: str = Field(description="How it begins and ends; the rest is a secret.")
    state: ChannelState
    reason: str = Field(description="Why nothing is posted there.")
    disabled_at: datetime | None
    created_at: datetime


class Made(Channel):
    """A new channel, with what is shown this once."""

    secret: str | None = Field(description="What a webhook's posts are signed with.")


class ChannelWish(Body):
    """A place to post to."""

    kind: Short = Field(examples=["slack", "discord", "mattermost", "webhook"])
    address: Annotated[
        StrictStr, Field(min_length=1, max_length=2000, examples=["https://hooks.example.org/x"])
    ]
    label: Annotated[StrictStr, Field(max_length=60, description="Empty: its kind.")] = ""


class Wanted(Body):
    """Whether anything is posted there."""

    state: ChannelState


class Posted(BaseModel):
    """What the other side said of a test."""

    result: Result
    code: int | None
    reply: str


@router.get("", summary="Your channels")
def list_channels(caller: Owner) -> Page[Channel]:
    """All of them; there are at most 10. Whether the mail comes as well is the profile's `mail`."""
    found = caller.visit.rooms.channels.register.of(caller.subscriber.email)
    return page(caller, [Channel(**_record(one)) for one in found], None)


@router.post("", summary="Add a channel", status_code=201)
def add_channel(caller: OwnerActing, body: ChannelWish) -> Made:
    """It is posted to from the next digest on. The answer alone has the key of a webhook."""
    channels, subscriber = caller.visit.rooms.channels, caller.subscriber
    if body.kind not in channels.offered():
        raise wrong_body("/kind", f"must be one of {', '.join(channels.offered())}")
    admit_post(caller.visit, subscriber.id)
    try:
        made = channels.register.add(subscriber.email, body.kind, body.address, label=body.label)
    except InvalidChannel as error:
        raise _refused(error) from error
    except DeliveryFault as error:
        raise Trouble(Kind.CONFLICT, error.message) from error
    return Made(**_record(made), secret=made.secret or None)


@router.put("/{number}/state", summary="Rest or wake a channel")
def set_channel_state(caller: OwnerActing, number: Number, body: Wanted) -> Channel:
    """Nothing is posted to a channel that rests; what waits for it is cancelled."""
    register, email = caller.visit.rooms.channels.register, caller.subscriber.email
    if _own(caller, number).state is not body.state:
        verb = register.enable if body.state is ChannelState.ACTIVE else register.disable
        verb(email, str(number))
    return Channel(**_record(_own(caller, number)))


@router.delete("/{number}", summary="Forget a channel", status_code=204)
def remove_channel(caller: OwnerActing, number: Number) -> None:
    """It is gone afterwards, also where it was gone before."""
    register = caller.visit.rooms.channels.register
    if any(one.id == number for one in register.of(caller.subscriber.email)):
        register.remove(caller.subscriber.email, str(number))


@router.post("/{number}/test", summary="Post a greeting to a channel")
def greet_channel(caller: OwnerActing, number: Number) -> Posted:
    """Whatever its state; the answer tells what the other side said."""
    _own(caller, number)
    admit_post(caller.visit, caller.subscriber.id)
    try:
        outcome = caller.visit.rooms.channels.test(caller.subscriber.email, str(number))
    except DeliveryFault as error:
        raise Trouble(Kind.CONFLICT, error.message) from error
    return Posted(result=outcome.result, code=outcome.code, reply=outcome.reply)


def _own(caller: Caller, number: int) -> SubscriberChannel:
    """The subscriber's channel of this id; a 404 where it is not theirs."""
    try:
        return caller.visit.rooms.channels.register.one(caller.subscriber.email, str(number))
    except UnknownChannel as error:
        raise Trouble(Kind.NOT_FOUND, "There is no such channel.") from error


def _refused(error: InvalidChannel) -> Trouble:
    name, colon, rest = error.message.partition(": ")
    if colon and name in ChannelWish.model_fields:
        return wrong_body(f"/{name}", rest.rstrip("."))
    return Trouble(Kind.CONFLICT, error.message)


def _record(one: SubscriberChannel) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "label": one.label,
        "address": masked(one.address),
        "state": one.state,
        "reason": one.reason,
        "disabled_at": one.disabled_at,
        "created_at": one.created_at,
    }
