"""The operator's view of subscribers: found, asked to join, stopped, explained, erased."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from digest import model
from digest.errors import InvalidSubscriber, UsageError
from digest.model import SubscriberId, SubscriberState
from digest.subscriptions import normalise
from digest.web.allowances import MAILS
from digest.web.api import paging
from digest.web.api.door import Caller, Operator, OperatorActing
from digest.web.api.interests import Interest
from digest.web.api.me import Asked, Profile, require_meant
from digest.web.api.paging import Cursor, Limit, Page, page
from digest.web.api.problems import Kind, Trouble
from digest.web.api.wishes import Body, Joining, Reason
from digest.web.limiting import admit

router = APIRouter(prefix="/operator/subscribers", tags=["Operator: subscribers"])

_LARGEST: Final = 2**62
Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The subscriber's `id`.")]


class Subscriber(BaseModel):
    """A subscriber with everything they want."""

    profile: Profile
    interests: list[Interest]

    @classmethod
    def of(cls, subscriber: model.Subscriber) -> Subscriber:
        interests = [Interest.of(one) for one in subscriber.interests]
        return cls(profile=Profile.of(subscriber), interests=interests)


class Suspension(Body):
    """Why somebody gets nothing."""

    reason: Reason = "by the operator"


class Explanation(BaseModel):
    """Why a paper was in somebody's digest, or why not."""

    sent: bool
    headline: str
    steps: list[str] = Field(description="From the window to the limits.")


class Stored(BaseModel):
    """Everything stored about a person, row by row."""

    address: str
    stored: dict[str, list[dict[str, Any]]] = Field(description="By table.")


@router.get("", summary="Find subscribers")
def find_subscribers(
    caller: Operator,
    q: Annotated[str, Query(max_length=254, description="A piece of address or name.")] = "",
    state: Annotated[Sequence[SubscriberState], Query(description="Only these; repeatable.")] = (),
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Profile]:
    """By address."""
    after = paging.decode(cursor, paging.word)
    found = caller.visit.rooms.operations.find(
        q,
        state,
        after=after[0] if after else "",
        limit=limit + 1,
    )
    kept, place = paging.cut(found, limit, lambda one: (one.email,))
    return page(caller, [Profile.of(one) for one in kept], place)


@router.post("", summary="Ask somebody whether they want digests", status_code=202)
def ask_to_join(caller: OperatorActing, body: Joining) -> Asked:
    """Double opt-in, as for everybody: a mail asks them, and nothing is sent before they say yes.

    The answer is the same whether the address is known here or not.
    """
    record, rooms = body.record(), caller.visit.rooms
    address = normalise(body.email)
    to_one, _, over_all = MAILS
    admit(caller.visit, "mail address", address.casefold(), to_one)
    admit(caller.visit, "mail", "", over_all)
    rooms.joining.ask(
        record, language=body.language if "language" in record else rooms.languages[0]
    )
    return Asked(detail="If this address can get a digest, a mail asks it.")


@router.get("/{number}", summary="One subscriber")
def show_subscriber(caller: Operator, number: Number) -> Subscriber:
    """With their interests."""
    return Subscriber.of(_subscriber(caller, number))


@router.delete("/{number}", summary="Erase a subscriber", status_code=204)
def erase_subscriber(
    caller: OperatorActing,
    number: Number,
    confirm: Annotated[
        str, Query(min_length=3, max_length=254, description="Their address, so that it is meant.")
    ],
) -> None:
    """Everything about them goes; a salted hash keeps them from being added again."""
    subscriber = _subscriber(caller, number)
    require_meant(confirm, subscriber)
    caller.visit.rooms.subscriptions.remove(subscriber.email)


@router.put("/{number}/suspension", summary="Suspend a subscriber")
def suspend_subscriber(caller: OperatorActing, number: Number, body: Suspension) -> Profile:
    """Nothing is sent until they are resumed; what is queued is withdrawn."""
    subscriber = _subscriber(caller, number)
    suspended = caller.visit.rooms.subscriptions.suspend(subscriber.email, reason=body.reason)
    return Profile.of(suspended)


@router.delete("/{number}/suspension", summary="Resume a subscriber")
def resume_subscriber(caller: OperatorActing, number: Number) -> Profile:
    """Digests again; but who unsubscribed comes back only by their own wish."""
    subscriber = _subscriber(caller, number)
    try:
        return Profile.of(caller.visit.rooms.subscriptions.resume(subscriber.email))
    except (InvalidSubscriber, UsageError) as error:
        raise Trouble(Kind.CONFLICT, error.message) from error


@router.post("/{number}/link", summary="Mail a subscriber their link", status_code=202)
def send_link(caller: OperatorActing, number: Number) -> Asked:
    """The link to their preferences, as they can ask for it themselves."""
    subscriber = _subscriber(caller, number)
    to_one, _, over_all = MAILS
    admit(caller.visit, "mail address", subscriber.email.casefold(), to_one)
    admit(caller.visit, "mail", "", over_all)
    caller.visit.rooms.changing.send_link(subscriber.email, language=subscriber.language)
    return Asked(detail="A mail with their link is on its way.")


@router.get("/{number}/explanation", summary="Why a paper was sent, or why not")
def explain_paper(
    caller: Operator,
    number: Number,
    paper: Annotated[
        str,
        Query(
            min_length=1,
            max_length=500,
            description="Its `id`, or any identifier in any spelling.",
            examples=["2508.13426"],
        ),
    ],
) -> Explanation:
    """The decision, walked from the window to the limits."""
    answer = caller.visit.rooms.operations.explain(_subscriber(caller, number).email, paper)
    return Explanation(sent=answer.sent, headline=answer.headline, steps=list(answer.steps))


@router.get("/{number}/export", summary="Everything stored about a subscriber")
def export_subscriber(caller: Operator, number: Number) -> Stored:
    """Table by table, for who asks what is kept about them."""
    caller.keep_nowhere()
    subscriber = _subscriber(caller, number)
    rows = caller.visit.rooms.operations.everything(subscriber)
    return Stored(address=subscriber.email, stored=rows)


def _subscriber(caller: Caller, number: int) -> model.Subscriber:
    return caller.visit.rooms.operations.subscriber(SubscriberId(number))
