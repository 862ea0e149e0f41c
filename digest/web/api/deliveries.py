"""The operator's view of the post: deliveries, what came back, who is never written to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StrictInt

from digest.errors import InvalidSubscriber
from digest.model import BounceKind, DeliveryId, DeliveryState
from digest.store.bounces import Seen as Event
from digest.store.deliveries import Seen
from digest.subscriptions import normalise
from digest.web.api import paging
from digest.web.api.door import Operator, OperatorActing
from digest.web.api.paging import Cursor, Limit, Page, page
from digest.web.api.problems import Kind, Trouble, wrong_body, wrong_parameter
from digest.web.api.shapes import Done
from digest.web.api.wishes import Body, Email, Reason, text_only

router = APIRouter(prefix="/operator", tags=["Operator: post"])

_LARGEST: Final = 2**62
_OPEN: Final = tuple(one for one in DeliveryState if not one.is_settled)
Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The delivery's `id`.")]
Whose = Annotated[
    str | None,
    Query(min_length=3, max_length=254, description="Only this subscriber's, by their address."),
]
Moment = Annotated[AwareDatetime, BeforeValidator(text_only)]


class Delivery(BaseModel):
    """One digest on its way to one address."""

    id: int
    subscriber: str = Field(description="Their address.")
    date: dt.date
    papers: int
    channel: str
    address: str = Field(description="A mail address, or the number of a channel.")
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    settled_at: datetime | None
    code: int | None
    reply: str

    @classmethod
    def of(cls, seen: Seen) -> Delivery:
        return cls(
            id=seen.id,
            subscriber=seen.subscriber,
            date=seen.local_date,
            papers=seen.papers,
            channel=seen.channel,
            address=seen.address,
            state=seen.state,
            attempts=seen.attempts,
            created_at=seen.created_at,
            next_attempt_at=seen.next_attempt_at,
            settled_at=seen.settled_at,
            code=seen.code,
            reply=seen.reply,
        )


class Entry(BaseModel):
    """One line of a delivery's log."""

    at: datetime
    what: str = Field(description="A state, the result of a try, or a kind of bounce.")
    code: str
    reply: str


class Logged(Delivery):
    """A delivery with everything that was tried and said, oldest first."""

    log: list[Entry]


class Chosen(Body):
    """Which deliveries: by number, or all in some states."""

    ids: list[Annotated[StrictInt, Field(ge=1, le=_LARGEST)]] = Field(default=[], max_length=500)
    states: list[DeliveryState] = Field(default=[], max_length=8)

    def named(self) -> tuple[list[DeliveryId], list[DeliveryState]]:
        if not (self.ids or self.states):
            raise wrong_body("/ids", "or `states` must name something")
        return [DeliveryId(one) for one in self.ids], self.states


class Bounce(BaseModel):
    """One thing that came back."""

    id: int
    subscriber: str
    delivery_id: int
    at: datetime
    kind: BounceKind
    origin: str
    status: str
    detail: str

    @classmethod
    def of(cls, seen: Event) -> Bounce:
        return cls(
            id=seen.id,
            subscriber=seen.subscriber,
            delivery_id=seen.delivery_id,
            at=seen.at,
            kind=seen.kind,
            origin=seen.origin,
            status=seen.status,
            detail=seen.detail,
        )


class Suppression(BaseModel):
    """An address that must not be written to, as a hash that nobody can read it from."""

    address_hash: str
    reason: str
    at: datetime
    expires_at: datetime | None


class NewSuppression(Body):
    email: Email
    reason: Reason = "operator"
    expires_at: Annotated[Moment | None, Field(description="Null: never again.")] = None


class Lifted(Body):
    email: Email


@router.get("/outbox", summary="What is not settled yet")
def list_outbox(
    caller: Operator, subscriber: Whose = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Delivery]:
    """Newest first."""
    return _list(caller, _OPEN, subscriber, limit, cursor)


@router.get("/deliveries", summary="Deliveries, settled or not")
def list_deliveries(
    caller: Operator,
    subscriber: Whose = None,
    state: Annotated[Sequence[DeliveryState], Query(description="Only these; repeatable.")] = (),
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """Newest first."""
    return _list(caller, state or tuple(DeliveryState), subscriber, limit, cursor)


@router.get("/deliveries/{number}", summary="One delivery with its log")
def show_delivery(caller: Operator, number: Number) -> Logged:
    """Every try and every reply, and what came back after it had left."""
    operations, id = caller.visit.rooms.operations, DeliveryId(number)
    seen = operations.delivery(id)
    if seen is None:
        raise Trouble(Kind.NOT_FOUND, "There is no such delivery.")
    log = [
        Entry(at=one.at, what=one.what, code=one.code, reply=one.reply)
        for one in operations.log(id)
    ]
    return Logged(**Delivery.of(seen).model_dump(), log=log)


@router.post("/deliveries/retry", summary="Try deliveries again now")
def retry_deliveries(caller: OperatorActing, body: Chosen) -> Done:
    """Those deferred, refused or uncertain; others take no such order and are not counted."""
    return Done(changed=caller.visit.rooms.operations.retry(*body.named()))


@router.post("/deliveries/cancel", summary="Do not send deliveries")
def cancel_deliveries(caller: OperatorActing, body: Chosen) -> Done:
    """Those queued, deferred or uncertain; others take no such order and are not counted."""
    return Done(changed=caller.visit.rooms.operations.cancel(*body.named()))


@router.get("/bounces", summary="What came back")
def list_bounces(
    caller: Operator,
    subscriber: Whose = None,
    kind: Annotated[Sequence[BounceKind], Query(description="Only these; repeatable.")] = (),
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Bounce]:
    """Newest first; `suspended` is our own verdict on what is older."""
    place = paging.decode(cursor, paging.instant, paging.number)
    found = caller.visit.rooms.operations.bounces(
        kind,
        email=_address(subscriber),
        before=(place[0], place[1]) if place else None,
        limit=limit + 1,
    )
    kept, after = paging.cut(found, limit, lambda one: (one.at, one.id))
    return page(caller, [Bounce.of(one) for one in kept], after)


@router.get("/suppressions", summary="Who is never written to")
def list_suppressions(
    caller: Operator, limit: Limit = 50, cursor: Cursor = None
) -> Page[Suppression]:
    """As hashes, in their order."""
    place = paging.decode(cursor, paging.word)
    found = caller.visit.rooms.operations.suppressed(
        after=place[0] if place else "", limit=limit + 1
    )
    kept, after = paging.cut(found, limit, lambda one: (one.address_hash,))
    shown = [
        Suppression(
            address_hash=one.address_hash,
            reason=one.reason,
            at=one.at,
            expires_at=one.expires_at,
        )
        for one in kept
    ]
    return page(caller, shown, after)


@router.post("/suppressions", summary="Never write to an address")
def suppress_address(caller: OperatorActing, body: NewSuppression) -> Done:
    """Subscribed or not; who is subscribed is suspended. Doing it again changes nothing."""
    until = body.expires_at.astimezone(UTC) if body.expires_at else None
    is_new = caller.visit.rooms.operations.suppress(body.email, reason=body.reason, until=until)
    return Done(changed=int(is_new))


@router.post("/suppressions/lift", summary="Allow an address again")
def lift_suppression(caller: OperatorActing, body: Lifted) -> Done:
    """Who was suspended stays so until resumed."""
    return Done(changed=int(caller.visit.rooms.operations.lift(body.email)))


def _list(
    caller: Operator,
    states: Collection[DeliveryState],
    subscriber: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Delivery]:
    place = paging.decode(cursor, paging.number)
    found = caller.visit.rooms.operations.deliveries(
        states,
        email=_address(subscriber),
        before=DeliveryId(place[0]) if place else None,
        limit=limit + 1,
    )
    kept, after = paging.cut(found, limit, lambda one: (one.id,))
    return page(caller, [Delivery.of(one) for one in kept], after)


def _address(typed: str | None) -> str | None:
    try:
        return normalise(typed) if typed else None
    except InvalidSubscriber as error:
        raise wrong_parameter("subscriber", "is no e-mail address") from error
