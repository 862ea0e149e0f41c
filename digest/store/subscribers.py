"""Subscribers: rows to values and back, in SQLAlchemy Core, and what stops their mail.

`profiles` is the hot path: a few statements for some thousand subscribers, whatever they want. The
functions take the caller's connection, so that a story decides what belongs in one transaction; no
policy and no validation are here (see `digest.subscriptions`). `stop_mail` keeps guarantee 6:
what is queued for someone goes with them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import islice
from operator import add
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa

from digest.model import (
    NO_MUTES,
    Cadence,
    Channel,
    DeliveryState,
    Mutes,
    PaperId,
    Schedule,
    Subscriber,
    SubscriberId,
    SubscriberState,
)
from digest.shelf import Maker
from digest.store import bulk
from digest.store.channels import active_routes
from digest.store.database import Database, insert_into
from digest.store.interests import (
    NONE,
    insert_interests,
    note,
    read_interests,
    replace_interests,
    texts,
)
from digest.store.tables import (
    DeliveryRow,
    FeedbackRow,
    InterestRow,
    SubscriberRow,
    SuppressionRow,
    table,
)

_subscriber = table(SubscriberRow)
_interest = table(InterestRow)
_delivery = table(DeliveryRow)
_suppression = table(SuppressionRow)
_feedback = table(FeedbackRow)

_T = TypeVar("_T")
Routes = tuple[tuple[Channel, str], ...]
_CHUNK: Final = 5000  #: ids a statement; both engines take some 30,000 parameters
_TERMS_KEPT: Final = 4096  #: twice this at most, of about 1 kB
_new: Final = partial(tuple.__new__, Subscriber)  # `_make` without counting

#: What many have in common is one text, taken apart once.
_READ: Final = """
    SELECT id, email, name, created_at, confirmed_at, wants, CAST(PACKED(
        timezone, cadence, hour, minute, weekday, monthday,
        state, "limit", language, trending, revisions, send_empty,
        CAST(muted_authors AS TEXT), CAST(muted_words AS TEXT),
        next_due_at, seen_upto, style, state_reason,
        paused_until, away_since, mail, feed_generation) AS TEXT)
    FROM subscriber WHERE id IN ?
"""
#: CROSS: so that SQLite begins with the interests, hardly any of which are new, not with everybody.
_WITH_INTERESTS: Final = """
    SELECT subscriber.id, max(interest.id) FROM interest CROSS JOIN subscriber
    WHERE interest.id > ? AND subscriber.id = interest.subscriber_id AND subscriber.state = ?
    GROUP BY subscriber.id ORDER BY subscriber.id
"""


class SubscriberStore:
    """What the edition and the outbox read of subscribers; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def profiles(self, ids: Sequence[SubscriberId]) -> list[Subscriber]:
        """The subscribers with these ids, in this order, with all their interests."""
        with self._database.glance() as connection:
            return read_profiles(connection, ids)

    def with_interests(self, *, after: int) -> tuple[list[SubscriberId], int]:
        """Active subscribers with interests added after that one, and the newest interest's id."""
        with self._database.read() as connection:
            rows = bulk.query(connection, _WITH_INTERESTS, after, SubscriberState.ACTIVE.value)
            return [owner for owner, _ in rows], max((newest for _, newest in rows), default=after)

    def find(self, email: str) -> Subscriber | None:
        """The subscriber with this normalised address."""
        with self._database.read() as connection:
            return find(connection, email)

    def wake(self, now: datetime) -> int:
        """Set those active whose pause has ended; their next digest is already planned."""
        with self._database.write() as connection:
            return wake(connection, now)


# --- reading ------------------------------------------------------------------------------------


def read_profiles(connection: bulk.Asked, ids: Sequence[SubscriberId]) -> list[Subscriber]:
    found: dict[SubscriberId, Subscriber] = {}
    when = bulk.instants(connection)
    for chunk in _chunks(list(ids)):
        rows = bulk.query(connection, _READ, chunk)
        interests = read_interests(connection, {row[0]: row[5] for row in rows})
        routes = active_routes(connection, chunk)
        for id_, email, name, created, confirmed, _, told in rows:
            schedule, wishes, standing, rest = _terms[told]
            begun = id_, email, schedule, when(created), name, *wishes, interests[id_], *standing
            ended = when(confirmed), *rest, routes.get(id_, ())
            found[id_] = _new(add(begun, ended))  # in the order of its fields
    return [found[id_] for id_ in ids if id_ in found]


def find(connection: sa.Connection, email: str) -> Subscriber | None:
    ids = ids_of(connection, [email])
    return read_profiles(connection, list(ids.values()))[0] if ids else None


def ids_of(connection: sa.Connection, emails: Collection[str]) -> dict[str, SubscriberId]:
    """The ids of those of `emails` (normalised) that are stored."""
    found: dict[str, SubscriberId] = {}
    for chunk in _chunks(list(emails)):
        statement = sa.select(_subscriber.c.email, _subscriber.c.id).where(
            _subscriber.c.email.in_(chunk)
        )
        found |= {email: id_ for email, id_ in connection.execute(statement)}
    return found


def all_ids(
    connection: sa.Connection, states: Collection[SubscriberState] = ()
) -> list[SubscriberId]:
    """Every subscriber's id in the order of the addresses, which no collation can change."""
    statement = sa.select(_subscriber.c.email, _subscriber.c.id)
    if states:
        statement = statement.where(_subscriber.c.state.in_([state.value for state in states]))
    return [id_ for _, id_ in sorted(tuple(row) for row in connection.execute(statement))]


def next_due(connection: sa.Connection) -> datetime | None:
    """When the next active subscriber is due."""
    statement = sa.select(sa.func.min(_subscriber.c.next_due_at)).where(
        _subscriber.c.state == SubscriberState.ACTIVE.value
    )
    found: datetime | None = connection.execute(statement).scalar()
    return found


def unserved(connection: sa.Connection, *, after: datetime) -> list[SubscriberId]:
    """Active subscribers who came after an instant and have had no digest yet."""
    statement = sa.select(_subscriber.c.id).where(
        _subscriber.c.state == SubscriberState.ACTIVE.value,
        _subscriber.c.seen_upto.is_(None),
        _subscriber.c.created_at > after,
    )
    return list(connection.execute(statement).scalars())


def _chunks(items: list[_T]) -> Iterator[list[_T]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


class _Terms(NamedTuple):
    """Of a subscriber's fields, in their order, those that many have alike."""

    schedule: Schedule
    wishes: tuple[Any, ...]  #: state … send_empty
    standing: tuple[Any, ...]  #: mutes … state_reason
    rest: tuple[Any, ...]  #: paused_until … feed_generation


def _agree(packed: str) -> _Terms:
    told = iter(json.loads(packed))
    timezone, cadence, *clock = islice(told, 6)
    state, limit, language, trending, revisions, send_empty = islice(told, 6)
    authors, words, due, seen_upto, style, reason = islice(told, 6)
    paused_until, away_since, mail, generation = told
    mutes = NO_MUTES if authors == words == NONE else Mutes(texts(authors), texts(words))
    at = bulk.instant
    return _Terms(
        _schedule(timezone, cadence, *clock),
        (SubscriberState(state), limit, language, trending, bool(revisions), bool(send_empty)),
        (mutes, at(due), seen_upto, style, reason),
        (at(paused_until), at(away_since), bool(mail), generation),
    )


_terms: Final = Maker(_agree, _TERMS_KEPT)


@lru_cache(maxsize=4096)
def _schedule(
    timezone: str, cadence: str, hour: int, minute: int, weekday: int, monthday: int
) -> Schedule:
    """Thousands share one."""
    return Schedule(timezone, Cadence(cadence), hour, minute, weekday, monthday)


# --- writing ------------------------------------------------------------------------------------


def insert(connection: sa.Connection, subscribers: Sequence[Subscriber]) -> list[SubscriberId]:
    """Store new subscribers with their interests; returns their ids in the same order."""
    if not subscribers:
        return []
    statement = sa.insert(_subscriber).returning(_subscriber.c.id, sort_by_parameter_order=True)
    rows = [_row(subscriber) for subscriber in subscribers]
    ids = list(connection.execute(statement, rows).scalars())
    insert_interests(
        connection,
        (
            (id_, position, interest)
            for id_, subscriber in zip(ids, subscribers, strict=True)
            for position, interest in enumerate(subscriber.interests)
        ),
    )
    note(connection, ids)
    return ids


def update(connection: sa.Connection, stored: Subscriber, wanted: Subscriber) -> None:
    """Store what is different in `wanted`; where its last window ended is never touched."""
    changes = {
        key: value
        for (key, value), before in zip(_row(wanted).items(), _row(stored).values(), strict=True)
        if value != before
    }
    if changes:
        connection.execute(
            sa.update(_subscriber).where(_subscriber.c.id == stored.id).values(changes)
        )
    if wanted.interests != stored.interests:
        replace_interests(connection, stored.id, stored.interests, wanted.interests)


def lock(connection: sa.Connection, email: str) -> Subscriber | None:
    """`find`, and on PostgreSQL hold the row: nobody composes for them until this commits."""
    held = sa.select(_subscriber.c.id).where(_subscriber.c.email == email).with_for_update()
    connection.execute(held)
    return find(connection, email)


def delete(connection: sa.Connection, id_: SubscriberId) -> None:
    """Everything kept about someone goes: the tables cascade."""
    connection.execute(sa.delete(_subscriber).where(_subscriber.c.id == id_))


def wake(connection: sa.Connection, now: datetime) -> int:
    statement = (
        sa.update(_subscriber)
        .where(
            _subscriber.c.state == SubscriberState.PAUSED.value,
            _subscriber.c.paused_until <= now,
        )
        .values(state=SubscriberState.ACTIVE.value, paused_until=None, state_reason="")
    )
    return connection.execute(statement).rowcount


def put_feedback(
    connection: sa.Connection,
    subscriber: SubscriberId,
    paper: PaperId,
    *,
    verdict: str,
    at: datetime,
) -> None:
    """The newest word on a paper counts."""
    statement = insert_into(connection, _feedback).values(
        subscriber_id=subscriber, paper_id=paper, verdict=verdict, at=at
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["subscriber_id", "paper_id"], set_={"verdict": verdict, "at": at}
        )
    )


def _row(subscriber: Subscriber) -> dict[str, Any]:
    schedule = subscriber.schedule
    return {
        "email": subscriber.email,
        "name": subscriber.name,
        "state": subscriber.state.value,
        "state_reason": subscriber.state_reason,
        "timezone": schedule.timezone,
        "cadence": schedule.cadence.value,
        "hour": schedule.hour,
        "minute": schedule.minute,
        "weekday": schedule.weekday,
        "monthday": schedule.monthday,
        "limit": subscriber.limit,
        "language": subscriber.language,
        "style": subscriber.style,
        "trending": subscriber.trending,
        "revisions": subscriber.revisions,
        "send_empty": subscriber.send_empty,
        "mail": subscriber.mail,
        "feed_generation": subscriber.feed_generation,
        "muted_authors": list(subscriber.mutes.authors),
        "muted_words": list(subscriber.mutes.words),
        "created_at": subscriber.created_at,
        "confirmed_at": subscriber.confirmed_at,
        "paused_until": subscriber.paused_until,
        "away_since": subscriber.away_since,
        "next_due_at": subscriber.next_due_at,
    }


# --- never again --------------------------------------------------------------------------------


def stop_mail(connection: sa.Connection, id_: SubscriberId, *, now: datetime, why: str) -> int:
    """Cancel what waits for this subscriber on every channel; returns how many deliveries.

    What a worker holds at this moment keeps that worker's verdict: it may be on the wire. If it
    comes back unsent, the outbox withdraws it, because the subscriber is not active any more.
    """
    waiting = [DeliveryState.QUEUED.value, DeliveryState.DEFERRED.value]
    statement = (
        sa.update(_delivery)
        .where(_delivery.c.subscriber_id == id_, _delivery.c.state.in_(waiting))
        .values(state=DeliveryState.CANCELLED.value, settled_at=now, reply=why)
    )
    return connection.execute(statement).rowcount


def redirect(connection: sa.Connection, id_: SubscriberId, *, old: str, new: str) -> int:
    """Send to the new address what waits for the old one; returns how many deliveries."""
    waiting = [DeliveryState.QUEUED.value, DeliveryState.DEFERRED.value]
    statement = (
        sa.update(_delivery)
        .where(
            _delivery.c.subscriber_id == id_,
            _delivery.c.address == old,
            _delivery.c.state.in_(waiting),
        )
        .values(address=new)
    )
    return connection.execute(statement).rowcount


def suppressed(connection: sa.Connection, hashes: Collection[str], now: datetime) -> frozenset[str]:
    """Which of `hashes` must not be written to at `now`."""
    found: set[str] = set()
    for chunk in _chunks(list(hashes)):
        statement = sa.select(_suppression.c.address_hash).where(
            _suppression.c.address_hash.in_(chunk),
            _suppression.c.expires_at.is_(None) | (_suppression.c.expires_at > now),
        )
        found.update(connection.execute(statement).scalars())
    return frozenset(found)


def suppress(connection: sa.Connection, address_hash: str, *, reason: str, at: datetime) -> None:
    """Never write to this address again; the newest reason stands, without an end."""
    statement = insert_into(connection, _suppression).values(
        address_hash=address_hash, reason=reason, at=at, expires_at=None
    )
    changed = {name: statement.excluded[name] for name in ("reason", "at", "expires_at")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["address_hash"], set_=changed)
    )


def lift(connection: sa.Connection, hashes: Collection[str]) -> int:
    statement = sa.delete(_suppression).where(_suppression.c.address_hash.in_(hashes))
    return connection.execute(statement).rowcount
