"""The subscribers' channels: where digests are posted besides the mail, and whether they may be.

A channel's address is a secret. It is read where a message is made and nowhere else: deliveries,
lists and logs name the channel by its reference. `disable_refused` belongs to the settling of
deliveries: in one transaction the refusal is stored, the channel disabled and what waits for it
cancelled, so a kill leaves no channel that is posted to for ever. Whose owner has not been told yet
is a column (`told_at`), so that a kill does not lose the word either.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from digest.model import (
    Channel,
    ChannelId,
    ChannelState,
    DeliveryState,
    DigestId,
    Settlement,
    SubscriberChannel,
    SubscriberId,
)
from digest.store import bulk
from digest.store.database import Database
from digest.store.tables import WAITING, BigKey, DeliveryRow, UtcDateTime, table


class ChannelRow(SQLModel, table=True):
    """One channel of one subscriber. `told_at`: when its owner heard that it was disabled."""

    __tablename__ = "channel"
    __table_args__ = (
        sa.UniqueConstraint("subscriber_id", "label"),
        {"sqlite_autoincrement": True},  # a reference in a delivery must never name another channel
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    subscriber_id: int = Field(foreign_key="subscriber.id", ondelete="CASCADE", sa_type=BigKey)
    kind: str
    label: str
    address: str
    secret: str = ""
    state: str = ChannelState.ACTIVE.value
    reason: str = ""
    created_at: dt.datetime = Field(sa_type=UtcDateTime)
    disabled_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    digest_id: int | None = Field(default=None, sa_type=BigKey)  #: the refused one


_channel: Final = table(ChannelRow)
_delivery: Final = table(DeliveryRow)
_IS_WAITING: Final = sa.text(WAITING)  # written out, for the partial index (see tables.py)
_ROUTES: Final = f"""
    SELECT subscriber_id, kind, id FROM channel
    WHERE subscriber_id IN ? AND state = '{ChannelState.ACTIVE.value}' ORDER BY id
"""
_POSTED: Final = tuple(channel.value for channel in Channel if not channel.is_mail)


class ChannelStore:
    """What making messages and telling owners read; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, reference: str) -> SubscriberChannel | None:
        """The channel that a delivery names."""
        if not reference.isdecimal():
            return None
        with self._database.read() as connection:
            found = _read(connection, _channel.c.id == int(reference))
        return found[0] if found else None

    def untold(self) -> list[tuple[SubscriberChannel, DigestId | None]]:
        """Disabled channels whose owner has not heard of it, and the digest each refused."""
        condition = (_channel.c.state == ChannelState.DISABLED.value) & _channel.c.told_at.is_(None)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_channel).where(condition)).all()
        return [(_value(row), row.digest_id) for row in rows]

    def told(self, channel: ChannelId, at: dt.datetime) -> None:
        """Its owner has heard."""
        with self._database.write() as connection:
            statement = sa.update(_channel).where(_channel.c.id == channel)
            connection.execute(statement.values(told_at=at))


# --- in a transaction of the caller's -----------------------------------------------------------


def of_subscriber(connection: sa.Connection, subscriber: SubscriberId) -> list[SubscriberChannel]:
    return _read(connection, _channel.c.subscriber_id == subscriber)


def of_subscribers(
    connection: sa.Connection, subscribers: Collection[SubscriberId]
) -> dict[SubscriberId, list[SubscriberChannel]]:
    found: dict[SubscriberId, list[SubscriberChannel]] = defaultdict(list)
    for one in _read(connection, _channel.c.subscriber_id.in_(subscribers)):
        found[one.subscriber_id].append(one)
    return found


def everybodys(connection: sa.Connection) -> list[SubscriberChannel]:
    return _read(connection, sa.true())


def active_routes(
    connection: bulk.Asked, subscribers: Collection[SubscriberId]
) -> dict[SubscriberId, tuple[tuple[Channel, str], ...]]:
    """Where the digests of each of `subscribers` are posted, beside the mail."""
    routes: dict[SubscriberId, tuple[tuple[Channel, str], ...]] = defaultdict(tuple)
    for owner, kind, number in bulk.query(connection, _ROUTES, subscribers):
        routes[owner] += ((channel_of(kind), str(number)),)
    return routes


def channel_of(kind: str) -> Channel:
    """The Channel under which a kind's deliveries are queued."""
    return Channel(kind) if kind in _POSTED else Channel.PLUGIN


def insert(connection: sa.Connection, channel: SubscriberChannel) -> ChannelId:
    """Store a new channel; its own id is not looked at."""
    values = {
        "subscriber_id": channel.subscriber_id,
        "kind": channel.kind,
        "label": channel.label,
        "address": channel.address,
        "secret": channel.secret,
        "state": channel.state.value,
        "created_at": channel.created_at,
    }
    statement = sa.insert(_channel).values(values).returning(_channel.c.id)
    return ChannelId(connection.execute(statement).scalar_one())


def delete(connection: sa.Connection, channel: ChannelId, *, now: dt.datetime) -> None:
    """Forget a channel; what waits for it goes with it."""
    cancel_waiting(connection, channel, now=now, why="channel removed")
    connection.execute(sa.delete(_channel).where(_channel.c.id == channel))


def enable(connection: sa.Connection, channel: ChannelId) -> None:
    statement = sa.update(_channel).where(_channel.c.id == channel)
    fresh = {"state": ChannelState.ACTIVE.value, "reason": ""}
    connection.execute(
        statement.values(fresh | {"disabled_at": None, "told_at": None, "digest_id": None})
    )


def disable(
    connection: sa.Connection,
    channel: ChannelId,
    *,
    now: dt.datetime,
    reason: str,
    told: bool,
    digest: DigestId | None = None,
) -> None:
    """Post nothing more; what waits is cancelled. `told`: its owner knows already."""
    changes = {
        "state": ChannelState.DISABLED.value,
        "reason": reason,
        "disabled_at": now,
        "told_at": now if told else None,
        "digest_id": digest,
    }
    is_active = _channel.c.state == ChannelState.ACTIVE.value
    connection.execute(
        sa.update(_channel).where(_channel.c.id == channel, is_active).values(changes)
    )
    cancel_waiting(connection, channel, now=now, why="channel disabled")


def disable_refused(
    connection: sa.Connection, settlements: Sequence[Settlement], now: dt.datetime
) -> None:
    """Disable the channels whose other side said that they are gone or closed to us."""
    for one in settlements:
        delivery, outcome = one.delivery, one.outcome
        if not outcome.recipient_fault or one.decision.state is not DeliveryState.REFUSED:
            continue
        if delivery.channel.is_mail or not delivery.address.isdecimal():
            continue
        reason = " ".join(filter(None, (str(outcome.code or ""), outcome.reply)))
        channel, digest = ChannelId(int(delivery.address)), delivery.digest_id
        disable(connection, channel, now=now, reason=reason, told=False, digest=digest)


def cancel_waiting(
    connection: sa.Connection, channel: ChannelId, *, now: dt.datetime, why: str
) -> None:
    statement = sa.update(_delivery).where(
        _delivery.c.channel.in_(_POSTED),
        _delivery.c.address == str(channel),
        _IS_WAITING,
    )
    cancelled = DeliveryState.CANCELLED.value
    connection.execute(statement.values(state=cancelled, settled_at=now, reply=why))


def _read(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[SubscriberChannel]:
    statement = sa.select(_channel).where(condition).order_by(_channel.c.id)
    return [_value(row) for row in connection.execute(statement)]


def _value(row: Any) -> SubscriberChannel:
    return SubscriberChannel(
        id=ChannelId(row.id),
        subscriber_id=SubscriberId(row.subscriber_id),
        kind=row.kind,
        label=row.label,
        address=row.address,
        created_at=row.created_at,
        secret=row.secret,
        state=ChannelState(row.state),
        reason=row.reason,
        disabled_at=row.disabled_at,
    )
