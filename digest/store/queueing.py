"""Queueing: the deliveries of new digests, in the transaction that stores these.

They wait for whoever claims them; or, where this very process is about to send them, they are
booked: its worker holds them from the start as if it had claimed them, which saves finding, holding
and reading again what was just written. Guarantee 2 is the lease's as ever: whoever dies with
deliveries booked has them taken over like claimed ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import repeat
from operator import add
from typing import Any, Final, NamedTuple, Protocol

import sqlalchemy as sa

from digest.clock import system_clock
from digest.model import (
    Channel,
    Delivery,
    DeliveryState,
    DigestId,
    Settlement,
    SubscriberId,
)
from digest.store import bulk
from digest.store.bell import ring
from digest.store.settling import settle
from digest.store.tables import DeliveryRow, table

_delivery = table(DeliveryRow)
_FIRST: Final = 1  #: the number of a row's first claim
_NEW: Final = tuple(map(Delivery._field_defaults.__getitem__, Delivery._fields[7:]))  #: the rest
_delivery_of: Final = partial(tuple.__new__, Delivery)  # `_make` without counting


class Post(NamedTuple):
    """One digest by one channel to one address, yet to be queued."""

    digest_id: DigestId
    subscriber_id: SubscriberId
    channel: Channel
    address: str
    made_at: datetime


class Booking(NamedTuple):
    """What a worker wants of the deliveries queued next: up to `room` of one channel's.

    `settling`, at `now`, is settled in the same transaction, which saves one wait for the disk.
    """

    worker: str
    channel: Channel
    room: int
    lease: timedelta
    now: datetime
    settling: Sequence[Settlement] = ()


class Booker(Protocol):
    """A worker in this process, which sends while it composes."""

    def book(self) -> Booking | None:
        """What is wanted of what is queued next; asked before the transaction begins."""

    def booked(self, deliveries: Sequence[Delivery]) -> None:
        """These are held, and what was `settling` is settled; told once that is committed."""


def queue(
    connection: sa.Connection, posts: Sequence[Post], booking: Booking | None
) -> list[Delivery]:
    """Add deliveries; returns those of them that are held for who booked, if there are any.

    Only with these is settled what is `settling`.
    """
    booked, waiting = _parted(posts, booking)
    held: list[Delivery] = []
    if booked and booking is not None:
        held = _hold(connection, booked, booking)
    if waiting:
        _insert(connection, waiting, {"state": DeliveryState.QUEUED.value})
        ring(connection)
    return held


def _hold(connection: sa.Connection, posts: Sequence[Post], booking: Booking) -> list[Delivery]:
    settle(connection, booking.settling, booking.now)
    ids = bulk.new_ids(connection, _delivery, len(posts))
    claim = {
        "state": DeliveryState.SENDING.value,
        "claims": _FIRST,
        "claimed_by": booking.worker,
        "claimed_until": _lease_end(connection, booking.lease),
    }
    _insert(connection, posts, claim, ids)
    *told, made_at = zip(*posts, strict=True)
    each = zip(ids, *told, repeat(_FIRST), made_at)
    return list(map(_delivery_of, map(add, each, repeat(_NEW))))


def _parted(
    posts: Sequence[Post], booking: Booking | None
) -> tuple[Sequence[Post], Sequence[Post]]:
    """What is booked, and the rest."""
    if booking is None:
        return (), posts
    fitting = [one for one in posts if one.channel is booking.channel]
    if len(fitting) == len(posts) <= booking.room:
        return posts, ()
    booked = fitting[: booking.room]
    others = [one for one in posts if one.channel is not booking.channel]
    return booked, others + fitting[booking.room :]


def _insert(
    connection: sa.Connection,
    posts: Sequence[Post],
    same: Mapping[str, Any],
    ids: Sequence[int] = (),
) -> None:
    """Those of one channel and instant together: as a rule all."""
    digests, owners, channels, addresses, instants = zip(*posts, strict=True)
    columns = {"digest_id": digests, "subscriber_id": owners, "address": addresses}
    if ids:
        columns["id"] = tuple(ids)
    kinds = list(zip(channels, instants, strict=True))
    for (channel, made_at), own in bulk.parts(kinds, columns):
        made = bulk.stored(connection, made_at)
        told = {"channel": str(channel), "created_at": made, "next_attempt_at": made}
        bulk.insert(connection, _delivery, own, alike={**same, **told})


def _lease_end(connection: sa.Connection, lease: timedelta) -> Any:
    """By the database's own clock where it has one (see `outbox`)."""
    if connection.dialect.name == "postgresql":
        return connection.execute(sa.select(sa.func.clock_timestamp() + lease)).scalar_one()
    return bulk.stored(connection, system_clock() + lease)
