"""A rest, and the first digest after it: what was missed, once, bounded, under its own heading.

The plain cases as a table; the whole way through register, composer and pages on both engines.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from digest import away
from digest.model import Cadence, Schedule, Skip, Subscriber, SubscriberId
from digest.rendering.frame import Gist, frame
from digest.rendering.language import speak
from digest.store.database import Database
from tests.builders import listing
from tests.fakes import FrozenClock
from tests.test_edition import TABLES, World, composer_for, register_for
from tests.web.conftest import SITE

ADA = "ada@example.org"
MONDAY = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)


@pytest.fixture
def world(database: Database) -> World:
    clock = FrozenClock(MONDAY)
    return World(database, clock, composer_for(database), register_for(database, clock))


def subscriber(gone: datetime | None, cadence: Cadence = Cadence.DAILY) -> Subscriber:
    schedule = Schedule(timezone="UTC", cadence=cadence, hour=7, weekday=4)
    return Subscriber(SubscriberId(1), ADA, schedule, MONDAY, away_since=gone)


@pytest.mark.parametrize(
    ("gone", "due", "cadence", "missed"),
    [
        pytest.param(None, MONDAY, Cadence.DAILY, False, id="never away"),
        pytest.param("16T05:00", "16T07:00", Cadence.DAILY, False, id="back before it was due"),
        pytest.param("16T05:00", "17T07:00", Cadence.DAILY, True, id="one day missed"),
        pytest.param("16T08:00", "17T07:00", Cadence.DAILY, False, id="nothing missed over night"),
        pytest.param("16T05:00", "20T07:00", Cadence.WEEKLY, False, id="a week's own day"),
        pytest.param("16T05:00", "27T07:00", Cadence.WEEKLY, True, id="a week missed"),
    ],
)
def test_what_is_missed(
    gone: str | None, due: str | datetime, cadence: Cadence, missed: bool
) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-{text}+00:00")

    reader = subscriber(at(gone) if gone else None, cadence)
    assert away.has_missed(reader, at(due) if isinstance(due, str) else due) is missed


def test_a_long_rest_is_told_of_for_a_month() -> None:
    assert away.told_since(subscriber(MONDAY), MONDAY + timedelta(days=9)) == MONDAY
    much_later = MONDAY + timedelta(days=400)
    assert away.told_since(subscriber(MONDAY), much_later) == much_later - away.MOST


def settle(world: World, became: str) -> None:
    """What becomes of the deliveries that wait."""
    delivery = TABLES["delivery"]
    waiting = sa.update(delivery).where(delivery.c.state == "queued")
    with world.database.write() as connection:
        connection.execute(waiting.values(state=became))


def days(world: World, count: int, first: int = 1, became: str = "delivered") -> None:
    """So many days at seven, each with two new papers; what became of the digests."""
    for n in range(first, first + count):
        day = MONDAY + timedelta(days=n)
        world.clock.set(day.replace(hour=6))
        world.announce(*(listing(100 * n + k, title=f"Lantern {n}.{k}") for k in range(2)))
        world.clock.set(day.replace(hour=7))
        world.compose()
        settle(world, became)


def test_a_vacation_ends_with_the_best_of_the_gap(world: World) -> None:
    world.subscribe(limit=5)
    days(world, 2)
    world.register.pause(ADA, date(2026, 11, 25))
    days(world, 8, first=3)
    [_, last, back, after] = world.digests()
    assert (back.local_date, back.away) == (date(2026, 11, 25), True)
    assert back.since == datetime(2026, 11, 18, 7, tzinfo=UTC)
    assert len(back.paper_ids) == 5
    assert back.left_out == 2 * 7 - 5
    assert not set(last.paper_ids) & set(back.paper_ids)
    assert (after.away, len(after.paper_ids)) == (False, 2)


def test_called_back_by_hand_it_is_the_same(world: World) -> None:
    world.subscribe()
    days(world, 1)
    world.register.pause(ADA)
    days(world, 4, first=2)
    world.register.resume(ADA)
    days(world, 2, first=6)
    assert [one.away for one in world.digests()] == [False, True, False]


def test_a_pause_that_is_prolonged_began_when_it_began(world: World) -> None:
    world.subscribe()
    days(world, 1)
    world.register.pause(ADA, date(2026, 11, 19))
    gone = world.register.subscriber(ADA).away_since
    world.clock.tick(hours=20)
    world.register.pause(ADA, date(2026, 11, 21))
    assert world.register.subscriber(ADA).away_since == gone


def test_a_short_rest_is_none(world: World) -> None:
    world.subscribe()
    days(world, 1)
    world.register.pause(ADA)
    world.register.resume(ADA)
    days(world, 1, first=2)
    assert [one.away for one in world.digests()] == [False, False]
    assert world.register.subscriber(ADA).away_since is None


def test_after_a_very_long_rest_the_window_is_bounded(world: World) -> None:
    world.subscribe(limit=100)
    days(world, 1)
    world.register.pause(ADA, date(2027, 3, 1))
    days(world, 60, first=2)
    world.register.resume(ADA)
    days(world, 1, first=62)
    back = world.digests()[-1]
    assert back.away
    assert len(back.paper_ids) == 2 * away.MOST.days
    assert back.until - back.since == away.MOST


def test_nothing_missed_is_told_once(world: World) -> None:
    world.subscribe(interests=[{"name": "Moths", "query": "moth"}])
    days(world, 1)
    world.register.pause(ADA, date(2026, 11, 21))
    days(world, 5, first=2)
    assert world.digests() == []
    assert world.rows("skip")[-1].reason == Skip.NOTHING_MATCHED.value
    assert world.register.subscriber(ADA).away_since is None


def test_what_nobody_got_is_told_by_the_next(world: World) -> None:
    world.subscribe(limit=3)
    days(world, 1)
    world.register.pause(ADA, date(2026, 11, 20))
    days(world, 3, first=2, became="deferred")
    days(world, 1, first=5)
    lost, told = world.digests()[-2:]
    assert (lost.away, told.away) == (True, True)
    assert told.since == lost.since
    assert told.considered == 2 * 4
    days(world, 1, first=6)
    assert not world.digests()[-1].away


def test_who_left_and_came_back_was_not_on_vacation(world: World) -> None:
    world.subscribe()
    days(world, 1)
    world.register.pause(ADA)
    world.register.unsubscribe(ADA)
    days(world, 3, first=2)
    world.register.resume(ADA, they_asked=True)
    days(world, 1, first=5)
    assert not world.digests()[-1].away


def test_the_words_around_it(world: World) -> None:
    world.subscribe()
    days(world, 1)
    world.register.pause(ADA, date(2026, 11, 28))
    days(world, 11, first=2)
    digest = world.digests()[-1]
    reader = world.register.subscriber(ADA)
    gist = Gist(("Lantern 9.1", "Lantern 9.0"), 12, 600)
    words = frame(digest, reader.addressee, gist, site=SITE, language=speak("en"))
    assert words.headline == "While you were away: the best for you"
    assert words.subject == "While you were away: Lantern 9.1 and 11 more"
    assert "since 17 November 2026" in words.summary
