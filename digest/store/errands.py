"""Errands: what somebody asked for at the door, and the queue of the mails that answer it.

One row is both: the mail to be sent, claimed and settled exactly as a delivery is (guarantee 2),
and what its link will do once it is followed (guarantee 1: stored before success is reported).
Whether the address is known, active or suppressed is not looked at when a row is put in, but when
its mail is claimed: so asking takes the same time for every address and says the same.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from digest.clock import Clock, system_clock
from digest.model import (
    Channel,
    Delivery,
    DeliveryId,
    DeliveryState,
    DigestId,
    Errand,
    ErrandId,
    ErrandKind,
    Result,
    Settlement,
    SubscriberId,
    SubscriberState,
)
from digest.store.bell import ring
from digest.store.database import Database
from digest.store.outbox import Batch
from digest.store.subscribers import suppressed
from digest.store.tables import HELD, WAITING, BigKey, SubscriberRow, UtcDateTime, table

Hashes = Callable[[str], Sequence[str]]


class ErrandRow(SQLModel, table=True):
    """One wish and its mail. `details`: what is asked for; `done_at`: the link was followed."""

    __tablename__ = "errand"
    __table_args__ = (
        sa.Index(
            "ix_errand_waiting",
            "next_attempt_at",
            sqlite_where=sa.text(WAITING),
            postgresql_where=sa.text(WAITING),
        ),
        {"sqlite_autoincrement": True},  # its id stands in a signed link
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    kind: str
    address: str = Field(index=True)
    language: str = "en"
    subscriber_id: int | None = Field(
        default=None, foreign_key="subscriber.id", ondelete="CASCADE", sa_type=BigKey
    )
    details: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    created_at: dt.datetime = Field(sa_type=UtcDateTime)
    expires_at: dt.datetime = Field(sa_type=UtcDateTime)
    done_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: str = DeliveryState.QUEUED.value
    attempts: int = 0
    next_attempt_at: dt.datetime = Field(sa_type=UtcDateTime)
    claims: int = 0
    doubts: int = 0
    claimed_by: str | None = None
    claimed_until: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: dt.datetime | None = Field(default=None, sa_type=UtcDateTime)
    code: int | None = None
    reply: str = ""


_errand: Final = table(ErrandRow)
_subscriber: Final = table(SubscriberRow)
_IS_WAITING: Final = sa.text(WAITING)
_IS_HELD: Final = sa.text(HELD)
_STATES: Final = {state.value: state for state in SubscriberState}
_OPEN: Final = tuple(state.value for state in DeliveryState if not state.is_settled)
#: No letter goes to who must not be written to, whatever is asked in their name.
_SILENT: Final = SubscriberState.SUSPENDED.value


class ErrandStore:
    """The queue, with the verbs of `store.outbox.OutboxStore`, so that one drain serves both."""

    def __init__(
        self,
        database: Database,
        *,
        hashes: Hashes | None = None,
        lease_clock: Clock = system_clock,
    ) -> None:
        """`hashes` names an address as the suppression list may know it, under each key; who only
        looks at the queue needs none."""
        self._database = database
        self._hashes = hashes or (lambda address: ())
        self._lease_clock = lease_clock

    def claim(
        self,
        channel: Channel,
        *,
        now: dt.datetime,
        worker: str,
        limit: int,
        lease: dt.timedelta,
        settling: Sequence[Settlement] = (),
        booked: Sequence[Delivery] = (),
    ) -> Batch:
        """The mails that wait longest, in the order they were asked for, held for `lease`.

        None is ever `booked`: who asks for one does not send it.
        """
        with self._database.write() as connection:
            _settle(connection, settling, now)
            until = self._lease_now(connection) + lease
            held = connection.execute(_hold_due(now, limit, worker, until)).all()
            gone = self._withdrawn(connection, held, now)
            for id, (state, why) in gone.items():
                _end(connection, id, state, why, now)
        kept = sorted((row for row in held if row.id not in gone), key=lambda row: row.id)
        mails = [_delivery(row, channel) for row in kept]
        return Batch(mails, Counter(state for state, _ in gone.values()))

    def settle(self, settlements: Sequence[Settlement], *, now: dt.datetime) -> int:
        with self._database.write() as connection:
            return _settle(connection, settlements, now)

    def renew(self, worker: str, *, lease: dt.timedelta) -> int:
        with self._database.write() as connection:
            statement = sa.update(_errand).where(_IS_HELD, _errand.c.claimed_by == worker)
            until = self._lease_now(connection) + lease
            return connection.execute(statement.values(claimed_until=until)).rowcount

    def release(self, worker: str, *, only: Collection[DeliveryId] | None = None) -> int:
        statement = sa.update(_errand).where(_IS_HELD, _errand.c.claimed_by == worker)
        if only is not None:
            statement = statement.where(_errand.c.id.in_(only))
        state = sa.case(
            (_errand.c.attempts > 0, DeliveryState.DEFERRED.value),
            else_=DeliveryState.QUEUED.value,
        )
        free = {"state": state, "claimed_by": None, "claimed_until": None}
        with self._database.write() as connection:
            return connection.execute(statement.values(free)).rowcount

    def held_by(self, worker: str) -> list[Delivery]:
        statement = sa.select(_errand).where(_IS_HELD, _errand.c.claimed_by == worker)
        with self._database.read() as connection:
            return [_delivery(row, Channel.SMTP) for row in connection.execute(statement)]

    def stalled(self) -> list[str]:
        with self._database.read() as connection:
            is_over = _errand.c.claimed_until < self._lease_now(connection)
            statement = sa.select(_errand.c.claimed_by).where(_IS_HELD, is_over).distinct()
            return list(connection.execute(statement).scalars())

    def next_attempt(self) -> dt.datetime | None:
        """When the next mail is due."""
        statement = sa.select(sa.func.min(_errand.c.next_attempt_at)).where(_IS_WAITING)
        with self._database.read() as connection:
            found: dt.datetime | None = connection.execute(statement).scalar()
            return found

    def errands(self, ids: Iterable[ErrandId]) -> dict[ErrandId, Errand]:
        """What these mails are about, each with whose address it is by now."""
        owner = _subscriber.c.email == _errand.c.address
        statement = (
            sa.select(_errand, _subscriber.c.id.label("owner"), _subscriber.c.state.label("stands"))
            .outerjoin(_subscriber, owner)
            .where(_errand.c.id.in_(list(ids)))
        )
        with self._database.read() as connection:
            return {ErrandId(row.id): _value(row) for row in connection.execute(statement)}

    def _lease_now(self, connection: sa.Connection) -> Any:
        if connection.dialect.name == "postgresql":
            return sa.func.clock_timestamp()
        return self._lease_clock()

    def _withdrawn(
        self, connection: sa.Connection, held: Sequence[sa.Row[Any]], now: dt.datetime
    ) -> dict[int, tuple[DeliveryState, str]]:
        """Which mails are not to be sent, and why: that is where an address is looked at."""
        gone: dict[int, tuple[DeliveryState, str]] = {}
        for row in held:
            if row.expires_at <= now:
                gone[row.id] = (DeliveryState.EXPIRED, "not delivered in time")
            elif suppressed(connection, self._hashes(row.address), now) or row.stands == _SILENT:
                gone[row.id] = (DeliveryState.CANCELLED, "address suppressed")
            elif row.kind == ErrandKind.LINK and row.stands is None:
                gone[row.id] = (DeliveryState.CANCELLED, "nobody has this address")
        return gone


# --- in a transaction of the caller's -------------------------------------------------------------


def put(
    connection: sa.Connection,
    kind: ErrandKind,
    address: str,
    *,
    at: dt.datetime,
    expires_at: dt.datetime,
    language: str,
    subscriber: SubscriberId | None = None,
    details: dict[str, Any] | None = None,
) -> ErrandId:
    """Queue the mail to `address` (normalised) and remember what it is about."""
    row = {
        "kind": kind.value,
        "address": address,
        "language": language,
        "subscriber_id": subscriber,
        "details": details or {},
        "created_at": at,
        "expires_at": expires_at,
        "state": DeliveryState.QUEUED.value,
        "next_attempt_at": at,
        "attempts": 0,
        "claims": 0,
        "doubts": 0,
        "reply": "",
    }
    ring(connection)
    statement = sa.insert(_errand).values(row).returning(_errand.c.id)
    return ErrandId(connection.execute(statement).scalar_one())


def read(connection: sa.Connection, id: ErrandId, *, lock: bool = False) -> Errand | None:
    """The errand; with `lock`, nobody else does it until this transaction ends."""
    statement = sa.select(_errand, sa.null().label("owner"), sa.null().label("stands"))
    statement = statement.where(_errand.c.id == id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _value(row)


def finish(
    connection: sa.Connection, id: ErrandId, at: dt.datetime, subscriber: SubscriberId
) -> None:
    """The link was followed; what was asked for has been done for this subscriber."""
    done = {"done_at": at, "subscriber_id": subscriber, "details": {}}
    connection.execute(sa.update(_errand).where(_errand.c.id == id).values(done))


def forget(connection: sa.Connection, address: str) -> int:
    """Everything that was asked for at this address goes."""
    return connection.execute(sa.delete(_errand).where(_errand.c.address == address)).rowcount


def purge(database: Database, before: dt.datetime) -> int:
    """Forget errands whose time was over before then, with the addresses they hold."""
    is_over = (_errand.c.expires_at < before) & _errand.c.state.not_in(_OPEN)
    with database.write() as connection:
        return connection.execute(sa.delete(_errand).where(is_over)).rowcount


# --- rows -----------------------------------------------------------------------------------------


def _hold_due(now: dt.datetime, limit: int, worker: str, until: Any) -> sa.Executable:
    due = (
        sa.select(_errand.c.id)
        .where(_IS_WAITING, _errand.c.next_attempt_at <= now)
        .order_by(_errand.c.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()  # run once: in an IN, PostgreSQL may run it again for every row, past its limit
    )
    stands = sa.select(_subscriber.c.state).where(_subscriber.c.email == _errand.c.address)
    held = {
        "state": DeliveryState.SENDING.value,
        "claims": _errand.c.claims + 1,
        "claimed_by": worker,
        "claimed_until": until,
    }
    statement = sa.update(_errand).where(_errand.c.id.in_(sa.select(due.c.id))).values(held)
    return statement.returning(*_errand.c, stands.scalar_subquery().label("stands"))


def _settle(connection: sa.Connection, settlements: Sequence[Settlement], now: dt.datetime) -> int:
    """Only the newest claim of a row may settle it."""
    return sum(_settle_one(connection, one, now) for one in settlements)


def _settle_one(connection: sa.Connection, one: Settlement, now: dt.datetime) -> int:
    again = one.decision.retry_at
    doubt = 1 if one.outcome.result is Result.UNCERTAIN else 0
    values = {
        "state": one.decision.state.value,
        "attempts": _errand.c.attempts + 1,
        "doubts": _errand.c.doubts + doubt,
        "code": one.outcome.code,
        "reply": one.outcome.reply,
        "claimed_by": None,
        "claimed_until": None,
        **({"next_attempt_at": again} if again else {"settled_at": now}),
    }
    is_ours = (_errand.c.id == one.delivery.id) & (_errand.c.claims == one.delivery.claim)
    statement = sa.update(_errand).where(is_ours, _IS_HELD).values(values)
    return connection.execute(statement).rowcount


def _end(
    connection: sa.Connection, id: int, state: DeliveryState, why: str, now: dt.datetime
) -> None:
    ended = {
        "state": state.value,
        "reply": why,
        "settled_at": now,
        "claimed_by": None,
        "claimed_until": None,
    }
    connection.execute(sa.update(_errand).where(_errand.c.id == id).values(ended))


def _delivery(row: sa.Row[Any], channel: Channel) -> Delivery:
    return Delivery(
        DeliveryId(row.id),
        DigestId(0),
        SubscriberId(row.subscriber_id or 0),
        channel,
        row.address,
        row.claims,
        row.created_at,
        row.expires_at,
        row.attempts,
        row.doubts,
    )


def _value(row: sa.Row[Any]) -> Errand:
    return Errand(
        id=ErrandId(row.id),
        kind=ErrandKind(row.kind),
        address=row.address,
        language=row.language,
        created_at=row.created_at,
        expires_at=row.expires_at,
        details=row.details,
        subscriber_id=row.subscriber_id,
        owner=row.owner,
        stands=None if row.stands is None else _STATES[row.stands],
        done_at=row.done_at,
    )
