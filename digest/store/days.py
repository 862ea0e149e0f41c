"""What happened day by day, counted for charts, and how much of what was due today is done.

Days are UTC's. A day that is over hardly changes, so its deliveries are counted once in a while and
kept; today is counted anew. Every count rests on an index or is of a bounded number of rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from digest.model import BounceKind, Channel, DeliveryState, Verdict
from digest.store.database import Database
from digest.store.post_tables import BounceRow
from digest.store.tables import DeliveryRow, DigestRow, FetchRow, SkipRow, table

_bounce: Final = table(BounceRow)
_delivery: Final = table(DeliveryRow)
_digest: Final = table(DigestRow)
_fetch: Final = table(FetchRow)
_skip: Final = table(SkipRow)
SAMPLE: Final = 20_000  #: settled deliveries looked at by domain and by reply
_KEPT: Final = dt.timedelta(minutes=10)
_LOOK_AGAIN: Final = dt.timedelta(minutes=1)
_MAIL: Final = tuple(channel.value for channel in Channel if channel.is_mail)

DeliveryCounts = Mapping[DeliveryState, int]


@dataclass(frozen=True, slots=True)
class Due:
    """What was due since an instant, every digest in one place: the parts add up to `total`.

    A digest that arrived somewhere is sent; one that may still is waiting; `kept` ones had nowhere
    to go but a feed or were withdrawn.
    """

    sent: int = 0
    waiting: int = 0
    refused: int = 0
    kept: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.sent + self.waiting + self.refused + self.kept + sum(self.skipped.values())


@dataclass(frozen=True, slots=True)
class Answer:
    """How often one kind of answer came from one domain."""

    domain: str
    state: DeliveryState
    code: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Asked:
    """How often a source answered so on one day, and what that brought."""

    source: str
    day: dt.date
    verdict: Verdict
    count: int
    listings: int
    new_papers: int


class DayStore:
    """Reads only; share it, for it keeps the days that are over."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[dt.date, tuple[dt.datetime, DeliveryCounts]] = {}
        self._answers: tuple[dt.datetime, list[Answer]] | None = None

    def deliveries(
        self, days: Iterable[dt.date], now: dt.datetime
    ) -> dict[dt.date, DeliveryCounts]:
        """How many deliveries were settled on each day, by state."""
        wanted = list(days)
        with self._database.read() as connection:
            return {day: self._counted(connection, day, now) for day in wanted}

    def bounces(self, since: dt.datetime) -> dict[dt.date, Mapping[BounceKind, int]]:
        """What came back on each day, by kind."""
        found: dict[dt.date, dict[BounceKind, int]] = {}
        with self._database.read() as connection:
            day = _day(connection, _bounce.c.at)
            statement = (
                sa.select(day, _bounce.c.kind, sa.func.count())
                .where(_bounce.c.at >= since)
                .group_by(day, _bounce.c.kind)
            )
            for on, kind, count in connection.execute(statement):
                found.setdefault(_date(on), {})[BounceKind(kind)] = count
        return {on: counts for on, counts in found.items()}

    def asked(self, since: dt.datetime, *, source: str | None = None) -> list[Asked]:
        """How the sources answered on each day."""
        with self._database.read() as connection:
            day = _day(connection, _fetch.c.at)
            sums = (sa.func.sum(_fetch.c.listings), sa.func.sum(_fetch.c.new_papers))
            key = (_fetch.c.source, day, _fetch.c.verdict)
            statement = (
                sa.select(*key, sa.func.count(), *sums)
                .where(_fetch.c.at >= since)
                .group_by(*key)
                .order_by(_fetch.c.source, day)
            )
            if source is not None:
                statement = statement.where(_fetch.c.source == source)
            rows = connection.execute(statement).all()
        return [
            Asked(name, _date(on), Verdict(verdict), count, int(listings), int(papers))
            for name, on, verdict, count, listings, papers in rows
        ]

    def answers(self, now: dt.datetime) -> list[Answer]:
        """What the newest settled mails were answered, most frequent first; looked at once a
        minute."""
        if self._answers is None or abs(now - self._answers[0]) >= _LOOK_AGAIN:
            self._answers = now, self._read_answers()
        return self._answers[1]

    def _read_answers(self) -> list[Answer]:
        newest = (
            sa.select(_delivery.c.address, _delivery.c.state, _delivery.c.code)
            .where(_delivery.c.settled_at.is_not(None), _delivery.c.channel.in_(_MAIL))
            .order_by(_delivery.c.settled_at.desc())
            .limit(SAMPLE)
            .subquery()
        )
        with self._database.read() as connection:
            domain = _domain(connection, newest.c.address)
            key = (domain, newest.c.state, newest.c.code)
            counted = sa.select(*key, sa.func.count().label("n")).group_by(*key)
            rows = connection.execute(counted.order_by(sa.desc("n"))).all()
        return [Answer(name, DeliveryState(state), code, n) for name, state, code, n in rows]

    def due(self, since: dt.datetime) -> Due:
        """What was due since then, and how it stands."""
        with self._database.read() as connection:
            digests, first = connection.execute(
                sa.select(sa.func.count(), sa.func.min(_digest.c.id)).where(
                    _digest.c.composed_at >= since
                )
            ).one()
            ranks = _ranks(connection, first) if digests else {}
            skipped = connection.execute(
                sa.select(_skip.c.reason, sa.func.count())
                .where(_skip.c.at >= since)
                .group_by(_skip.c.reason)
            ).all()
        sent, waiting, refused = (ranks.get(rank, 0) for rank in range(3))
        return Due(
            sent=sent,
            waiting=waiting,
            refused=refused,
            kept=digests - sent - waiting - refused,
            skipped={reason: count for reason, count in skipped},
        )

    def _counted(self, connection: sa.Connection, day: dt.date, now: dt.datetime) -> DeliveryCounts:
        kept = self._kept.get(day)
        if kept is not None and abs(now - kept[0]) < _KEPT:
            return kept[1]
        begin = dt.datetime.combine(day, dt.time(), dt.UTC)
        statement = (
            sa.select(_delivery.c.state, sa.func.count())
            .where(
                _delivery.c.settled_at >= begin,
                _delivery.c.settled_at < begin + dt.timedelta(days=1),
            )
            .group_by(_delivery.c.state)
        )
        found = {DeliveryState(state): n for state, n in connection.execute(statement)}
        if day < now.date():
            self._kept[day] = now, found
        return found


_RANKS: Final = {
    DeliveryState.DELIVERED: 0,
    DeliveryState.QUEUED: 1,
    DeliveryState.SENDING: 1,
    DeliveryState.DEFERRED: 1,
    DeliveryState.REFUSED: 2,
    DeliveryState.UNCERTAIN: 2,
}


def _ranks(connection: sa.Connection, first: int) -> dict[int, int]:
    """How many digests from number `first` on have each best rank among their deliveries.

    Deliveries are made with their digest, so those of later digests have higher numbers: the rows
    are found by the primary key, from the first delivery of the first digest that has one.
    """
    ranks = {state.value: rank for state, rank in _RANKS.items()}
    rank = sa.case(ranks, value=_delivery.c.state, else_=3)
    begin = sa.select(sa.func.min(_delivery.c.id)).where(
        _delivery.c.digest_id.between(first, first + _NEAR)
    )
    from_here = connection.scalar(begin) or 0
    best = (
        sa.select(sa.func.min(rank).label("rank"))
        .where(_delivery.c.id >= from_here, _delivery.c.digest_id >= first)
        .group_by(_delivery.c.digest_id)
        .subquery()
    )
    counted = sa.select(best.c.rank, sa.func.count()).group_by(best.c.rank)
    return {found: count for found, count in connection.execute(counted)}


_NEAR: Final = 1000  #: digests among which the first with a delivery is looked for


def _day(connection: sa.Connection, column: Any) -> Any:
    if connection.dialect.name == "sqlite":
        return sa.func.date(column, type_=sa.String)
    return sa.cast(sa.func.timezone("UTC", column), sa.Date)


def _date(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def _domain(connection: sa.Connection, address: Any) -> Any:
    find = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    return sa.func.lower(sa.func.substr(address, find(address, "@") + 1))
