"""Profiles come back as they were stored, whatever they say and however many say the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
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
from digest.store import interests, subscribers
from digest.store.database import Database
from digest.store.tables import ExampleRow, InterestRow, SubscriberRow, table

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


# --- notes of what somebody wants -----------------------------------------------------------------

INTEREST, EXAMPLE = table(InterestRow), table(ExampleRow)
SAME = Interest(NUL, "same", "query", "said", authors=("Noether",), daily_volume=0.1 + 0.2)


def notes(database: Database) -> dict[SubscriberId, str | None]:
    who = table(SubscriberRow).c
    with database.read() as connection:
        return {id_: note for id_, note in connection.execute(sa.select(who.id, who.wants))}


def says(database: Database, id_: SubscriberId) -> list[Interest]:
    return list(read(database, [id_])[0].interests)


def test_a_note_says_no_more_than_ids_and_keys(database: Database) -> None:
    first, second, third = stored(
        database, reader(1, SAME), reader(2, SAME), reader(3, SAME._replace(name="other"))
    )
    told = {id_: (note or "").split() for id_, note in notes(database).items()}
    assert told[first][1] == told[second][1] != told[third][1]
    assert told[first][0] != told[second][0]
    assert stored(database, reader(4))[0] not in [
        id_ for id_, note in notes(database).items() if note
    ]


CHANGES: dict[str, sa.Update | sa.Delete] = {
    "a query": sa.update(INTEREST).values(query="by hand"),
    "a name": sa.update(INTEREST).values(name="by hand"),
    "a rest": sa.update(INTEREST).values(paused=True),
    "gone": sa.delete(INTEREST),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_by_hand_is_seen_and_is_nobody_elses(
    database: Database, change: sa.Update | sa.Delete
) -> None:
    mine, other = stored(database, reader(1, SAME, SAME._replace(name="2")), reader(2, SAME))
    before = says(database, mine)
    with database.write() as connection:
        row = INTEREST.c.subscriber_id == mine, INTEREST.c.position == 0
        connection.execute(change.where(*row))
    after = says(database, mine)
    assert after != before
    assert after[-1] == before[-1]
    assert says(database, other) == [SAME]
    interests.note_all(database)
    assert None not in notes(database).values()
    assert says(database, mine) == after
    assert says(database, other) == [SAME]


@pytest.mark.postgres
def test_no_note_is_written_of_what_is_being_changed(postgres_database: Database) -> None:
    mine, other = stored(postgres_database, reader(1, SAME), reader(2, SAME))
    with postgres_database.write() as connection:
        connection.execute(sa.update(table(SubscriberRow)).values(wants=None))
    elsewhere = Database(postgres_database.engine.url.render_as_string(hide_password=False))
    with elsewhere.write() as connection:
        of = INTEREST.c.subscriber_id == mine
        connection.execute(sa.update(INTEREST).where(of).values(query="by hand"))
        interests.note_all(postgres_database)
    elsewhere.dispose()
    assert notes(postgres_database)[mine] is None
    assert notes(postgres_database)[other] is not None
    interests.note_all(postgres_database)
    assert notes(postgres_database)[mine] is not None
    assert says(postgres_database, mine) == [SAME._replace(query="by hand")]
    assert says(postgres_database, other) == [SAME]


@pytest.mark.parametrize("keep", [slice(1), slice(3), slice(1, 4), slice(0, 4, 2)])
def test_a_note_that_is_no_whole_one_is_not_believed(database: Database, keep: slice) -> None:
    """Whoever writes notes by hand: nobody loses an interest by it."""
    both = reader(1, SAME, SAME._replace(name="other"))
    mine = stored(database, both)[0]
    assert len(says(database, mine)) == 2  # and so they are known by their keys
    told = (notes(database)[mine] or "").split()
    with database.write() as connection:
        less = sa.update(table(SubscriberRow)).values(wants=" ".join(told[keep]))
        connection.execute(less)
    assert says(database, mine) == [SAME, SAME._replace(name="other")]


def test_examples_given_and_taken_by_hand_are_seen(database: Database) -> None:
    mine, other = stored(database, reader(1, SAME), reader(2, SAME))
    with database.read() as connection:
        of = INTEREST.c.subscriber_id == mine
        interest = connection.scalar(sa.select(INTEREST.c.id).where(of))
    given = sa.insert(EXAMPLE).values(interest_id=interest, title="T", abstract="", positive=True)
    with database.write() as connection:
        connection.execute(given)
    learnt = SAME._replace(examples=(Example("T"),))
    for _ in range(2):  # read in full, and by the note
        assert says(database, mine) == [learnt]
        assert says(database, other) == [SAME]
        interests.note_all(database)
    with database.write() as connection:
        connection.execute(sa.delete(EXAMPLE))
    assert says(database, mine) == [SAME]


def test_an_interest_by_hand_is_seen(database: Database) -> None:
    ids = stored(database, reader(1), reader(2, SAME))
    with database.write() as connection:
        of = INTEREST.c.subscriber_id == ids[1]
        copied = sa.select(sa.literal(ids[0]), INTEREST.c.name, *_rest()).where(of)
        names = ["subscriber_id", "name", *(column.name for column in _rest())]
        connection.execute(sa.insert(INTEREST).from_select(names, copied))
    assert [one.interests for one in read(database, ids)] == [(SAME,), (SAME,)]


def _rest() -> list[sa.Column[Any]]:
    return [one for one in INTEREST.c if one.name not in ("id", "subscriber_id", "name")]


def test_more_definitions_than_are_kept(database: Database) -> None:
    """Read twice in parts, so that what was thrown out is wanted again."""
    many = 2 * interests.KEPT // 3 + 100
    ids = stored(
        database,
        *(reader(n, *(SAME._replace(name=f"{n} {k}") for k in range(3))) for n in range(many)),
    )
    some, store = range(0, many, 500), subscribers.SubscriberStore(database)
    for start in (*some, *some):
        for at, one in enumerate(store.profiles(ids[start : start + 500]), start):
            assert [it.name for it in one.interests] == [f"{at} {k}" for k in range(3)]


def test_a_changed_interest_is_another_one_at_once(database: Database) -> None:
    mine, other = stored(database, reader(1, SAME), reader(2, SAME))
    with database.write() as connection:
        before = subscribers.find(connection, "r1@example.org")
        assert before is not None
        wanted = before._replace(interests=(before.interests[0]._replace(statement="new"),))
        subscribers.update(connection, before, wanted)
        assert subscribers.find(connection, "r1@example.org") == wanted  # in its own transaction
    assert says(database, mine) == [SAME._replace(statement="new")]
    assert says(database, other) == [SAME]
    assert None not in notes(database).values()
