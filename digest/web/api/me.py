"""A subscriber's own profile: what they get and when, resting, leaving, their data."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from digest import model
from digest.errors import InvalidSubscriber
from digest.model import Cadence, SubscriberState
from digest.subscriptions import normalise, to_record
from digest.web.allowances import admit_mail
from digest.web.api.door import Caller, Owner, OwnerActing
from digest.web.api.problems import Kind, Trouble, wrong_body
from digest.web.api.wishes import Body, Day, Email, ProfileChanges, Shorts, Weekday
from digest.web.own_data import everything
from digest.web.reader import reader_of

router = APIRouter(prefix="/me", tags=["Me"])


class Profile(BaseModel):
    """A subscriber: what they get, and when."""

    id: int
    email: str
    name: str
    timezone: str
    cadence: Cadence
    hour: int
    minute: int
    weekday: Weekday
    monthday: int
    state: SubscriberState
    state_reason: str
    paused_until: datetime | None
    next_due_at: datetime | None = Field(description="When the next digest is composed.")
    limit: int = Field(description="Papers a digest.")
    language: str
    style: Literal["full", "compact", "titles"]
    trending: int
    revisions: bool
    send_empty: bool
    mail: bool
    muted_authors: list[str]
    muted_words: list[str]
    interests: int = Field(description="How many there are.")
    created_at: datetime
    confirmed_at: datetime | None

    @classmethod
    def of(cls, subscriber: model.Subscriber) -> Profile:
        record = to_record(subscriber) | {"interests": len(subscriber.interests)}
        return cls(id=subscriber.id, next_due_at=subscriber.next_due_at, **record)


class Mutes(Body):
    """What is never shown, whatever matches."""

    muted_authors: Shorts
    muted_words: Shorts


class Pause(Body):
    """Until when nothing comes."""

    until: Annotated[
        Day | None, Field(description="In their own zone; on it the digest comes again.")
    ] = None


class NewAddress(Body):
    email: Email


class Asked(BaseModel):
    """A mail is on its way, if it can be."""

    detail: str


class Data(BaseModel):
    """Everything that is kept about somebody."""

    subscriber: dict[str, Any]
    feedback: list[dict[str, Any]]
    digests: list[dict[str, Any]]
    stored: dict[str, list[dict[str, Any]]] = Field(description="Every row about you, by table.")


@router.get("", summary="Your profile")
def show_profile(caller: Owner) -> Profile:
    """What you get and when; the interests are under `/me/interests`."""
    return Profile.of(caller.subscriber)


@router.patch("", summary="Change your profile")
def change_profile(caller: OwnerActing, changes: ProfileChanges) -> Profile:
    """What is not named stays. Schedule and style count from the next digest on."""
    subscriber, record = caller.subscriber, changes.record()
    known = (*caller.visit.rooms.languages, subscriber.language)
    if record.get("language", subscriber.language) not in known:
        raise wrong_body("/language", f"must be one of {', '.join(dict.fromkeys(known))}")
    edited = caller.visit.rooms.subscriptions.edit(subscriber.email, record)
    return Profile.of(edited)


@router.delete("", summary="Forget me", status_code=204)
def forget_me(
    caller: OwnerActing,
    confirm: Annotated[
        str, Query(min_length=3, max_length=254, description="Your address, so that it is meant.")
    ],
) -> None:
    """Everything about you goes, this token with it; a salted hash keeps you from being added."""
    subscriber = caller.subscriber
    require_meant(confirm, subscriber)
    caller.visit.rooms.subscriptions.remove(subscriber.email)


def require_meant(confirm: str, subscriber: model.Subscriber) -> None:
    """Raise Trouble unless the address is the subscriber's."""
    if confirm.strip().casefold() != subscriber.email.casefold():
        raise Trouble(Kind.CONFLICT, "`confirm` is not the address of whom this would forget.")


# --- what is never shown --------------------------------------------------------------------------


@router.get("/mutes", summary="What you never want to see")
def list_mutes(caller: Owner) -> Mutes:
    """Authors and words."""
    return _mutes(caller.subscriber.mutes)


@router.put("/mutes", summary="Set what you never want to see")
def set_mutes(caller: OwnerActing, body: Mutes) -> Mutes:
    """These, and no others."""
    return _store(caller, body.muted_authors, body.muted_words)


@router.post("/mutes", summary="Mute more")
def mute(caller: OwnerActing, body: Mutes) -> Mutes:
    """These beside what is muted already; muting something twice changes nothing."""
    before = caller.subscriber.mutes
    authors = [*before.authors, *_new(body.muted_authors, before.authors)]
    return _store(caller, authors, [*before.words, *_new(body.muted_words, before.words)])


def _new(asked: list[str], known: tuple[str, ...]) -> list[str]:
    taken = {one.casefold() for one in known}
    return list({one.casefold(): one for one in asked if one.casefold() not in taken}.values())


def _store(caller: Caller, authors: list[str], words: list[str]) -> Mutes:
    record = {"muted_authors": authors, "muted_words": words}
    edited = caller.visit.rooms.subscriptions.edit(caller.subscriber.email, record)
    return _mutes(edited.mutes)


def _mutes(found: model.Mutes) -> Mutes:
    return Mutes(muted_authors=list(found.authors), muted_words=list(found.words))


# --- resting and leaving --------------------------------------------------------------------------


@router.put("/pause", summary="Pause")
def pause(caller: OwnerActing, body: Pause) -> Profile:
    """For good, or until a date; what is queued does not go out either."""
    subscriber = caller.subscriber
    require_running(subscriber)
    return Profile.of(caller.visit.rooms.subscriptions.pause(subscriber.email, body.until))


@router.delete("/pause", summary="Come back")
def resume(caller: OwnerActing) -> Profile:
    """Digests again, also after unsubscribing. Who gets them already is told so by the profile."""
    subscriber = caller.subscriber
    require_running(subscriber)
    try:
        resumed = caller.visit.rooms.subscriptions.resume(subscriber.email, they_asked=True)
    except InvalidSubscriber as error:
        raise Trouble(Kind.CONFLICT, error.message) from error
    return Profile.of(resumed)


def require_running(subscriber: model.Subscriber) -> None:
    """Raise Trouble for who was stopped, or never said yes: neither is undone by a token."""
    match subscriber.state:
        case SubscriberState.SUSPENDED:
            raise Trouble(Kind.CONFLICT, "Mail to this address was stopped; write to the operator.")
        case SubscriberState.PENDING:
            raise Trouble(Kind.CONFLICT, "The address has not confirmed itself yet.")


@router.post("/unsubscribe", summary="Unsubscribe")
def unsubscribe(caller: OwnerActing) -> Profile:
    """Nothing comes any more, at once. What you wanted is kept in case you come back."""
    gone = caller.visit.rooms.subscriptions.unsubscribe(
        caller.subscriber.email, reason="by their token"
    )
    return Profile.of(gone)


@router.post("/address", summary="Move to another address", status_code=202)
def change_address(caller: OwnerActing, body: NewAddress) -> Asked:
    """A mail asks the new address; it counts once that says yes."""
    address = normalise(body.email)
    admit_mail(caller.visit, address)
    try:
        caller.visit.rooms.changing.ask_address(caller.subscriber, address)
    except InvalidSubscriber as error:
        raise wrong_body("/email", error.message.rstrip(".")) from error
    return Asked(detail="A mail asks the new address whether it is yours.")


@router.get("/export", summary="Your data")
def export_me(caller: Owner) -> Data:
    """Everything that is kept about you."""
    caller.keep_nowhere()
    return Data(**everything(reader_of(caller.visit, caller.subscriber)))
