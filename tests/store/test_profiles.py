"""Profiles come back as they were stored, whatever they say and however many say the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from digest.model import (
    Cadence,
    Combine,
    Example,
    FetchId,
    Interest,
    InterestId,
    Mutes,
    Schedule,
    Subscriber,
    SubscriberId,
    SubscriberState,
)
from digest.store import subscribers
from digest.store.database import Database
from digest.store.tables import SubscriberRow, table

AT = datetime(2026, 3, 29, 0, 59, 59, 999999, tzinfo=UTC)
ODD = 'a "quoted" \\ back\nslash\ttab, ünïcödé \u2028 🦉 [1,null] \x7f'
NUL = InterestId(0)


def stored(database: Database, *wanted: Subscriber) -> list[SubscriberId]:
    with database.write() as connection:
        return subscribers.insert(connection, wanted)


def read(database: Database, ids: list[SubscriberId]) -> list[Subscriber]:
    """Their interests without ids, which the database gives."""
    found = subscribers.SubscriberStore(database).profiles(ids)
    assert len({one.id for reader in found for one in reader.interests}) == sum(
        len(reader.interests) for reader in found
    )
    return [
        reader._replace(interests=tuple(one._replace(id=NUL) for one in reader.interests))
        for reader in found
    ]


def reader(number: int, *interests: Interest, **fields: Any) -> Subscriber:
    at, schedule = AT + timedelta(hours=number), Schedule("Asia/Kathmandu", Cadence.DAILY, 7)
    one = Subscriber(SubscriberId(0), f"r{number}@example.org", schedule, at, interests=interests)
    return one._replace(**fields)


def test_every_field_comes_back(database: Database) -> None:
    full = Interest(
        NUL,
        name=ODD,
        query='"' + ODD,
        statement=ODD * 3,
        examples=(Example(ODD, ODD, False), Example("second")),
        authors=(ODD, "Noether"),
        limit=3,
        daily_volume=0.1 + 0.2,
        combine=Combine.ALL,
        paused=True,
    )
    wanted = reader(
        1,
        full,
        Interest(NUL, "plain"),
        name=ODD,
        schedule=Schedule("Europe/Lisbon", Cadence.MONTHLY, 23, 59, 6, 31),
        state=SubscriberState.PAUSED,
        limit=99,
        language="de",
        trending=4,
        revisions=True,
        send_empty=True,
        mutes=Mutes((ODD,), ("x", "y")),
        next_due_at=AT,
        style="brief",
        state_reason=ODD,
        confirmed_at=AT + timedelta(microseconds=1),
        paused_until=AT + timedelta(days=1),
        away_since=AT - timedelta(days=1),
        mail=False,
        feed_generation=7,
    )
    ids = stored(database, wanted)
    assert read(database, ids) == [wanted._replace(id=ids[0])]


def test_where_the_last_window_ended_is_read_however_large(database: Database) -> None:
    ids = stored(database, reader(1))
    row = table(SubscriberRow)
    with database.write() as connection:
        connection.execute(sa.update(row).values(seen_upto=2**60 + 1))
    assert read(database, ids)[0].seen_upto == FetchId(2**60 + 1)


def test_alike_but_for_one_thing_each(database: Database) -> None:
    one = Interest(NUL, "one", "query", "said", limit=2, daily_volume=8.0)
    others = [
        one._replace(name="two"),
        one._replace(query="other"),
        one._replace(daily_volume=8.000000000000002),
        one._replace(daily_volume=None),
        one._replace(paused=True),
        one._replace(examples=(Example("liked"),)),
        one._replace(examples=(Example("not liked", positive=False),)),
        one._replace(authors=("Noether",)),
    ]
    wanted = [reader(number, one, different) for number, different in enumerate(others[:1])]
    wanted += [reader(number, different) for number, different in enumerate([one, *others], 10)]
    wanted += [replace_schedule(reader(number, one), hour=number % 3) for number in range(30, 36)]
    ids = stored(database, *wanted)
    again = [one._replace(id=id_) for one, id_ in zip(wanted, ids, strict=True)]
    assert read(database, ids) == again
    assert read(database, ids[::-1]) == again[::-1]


def replace_schedule(one: Subscriber, **fields: Any) -> Subscriber:
    return one._replace(schedule=replace(one.schedule, **fields))


def test_what_is_alike_is_one_value(database: Database) -> None:
    one = Interest(NUL, "one", statement="a long statement")
    ids = stored(database, reader(1, one), reader(2, one))
    first, second = subscribers.SubscriberStore(database).profiles(ids)
    assert first.interests[0].statement is second.interests[0].statement
    assert first.interests[0].id != second.interests[0].id
    assert first.schedule is second.schedule


def test_interests_stand_in_their_order_and_keep_their_own_examples(database: Database) -> None:
    names = ["zeta", "alpha", "Ωmega", "beta"]
    interests = [Interest(NUL, name, examples=(Example(f"of {name}"),)) for name in names]
    interests[1] = interests[1]._replace(examples=())
    wanted = [reader(1, *interests), reader(2), reader(3, *interests[::-1])]
    ids = stored(database, *wanted)
    assert [one.interests for one in read(database, ids)] == [one.interests for one in wanted]


def test_who_is_not_there_is_left_out(database: Database) -> None:
    ids = stored(database, reader(1), reader(2))
    found = read(database, [SubscriberId(999), ids[1], ids[0]])
    assert [one.id for one in found] == [ids[1], ids[0]]
