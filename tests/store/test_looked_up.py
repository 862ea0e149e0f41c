"""What people look up: deliveries, days, runs, readers; right on both engines, found by indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.model import BounceKind, DeliveryId, DeliveryState, SubscriberId, Verdict
from digest.store import runs
from digest.store.database import Database
from digest.store.days import DayStore, Due
from digest.store.deliveries import listed, seen
from digest.store.delivery_log import delivery_log, recipient_log
from digest.store.health import HealthStore
from digest.store.people import Directory
from tests import queued
from tests.fakes import START

STATES = ("delivered", "refused", "queued", "deferred", "sending", "uncertain", "expired")
DAY = timedelta(days=1)


def insert(database: Database, name: str, *rows: dict[str, Any]) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(SQLModel.metadata.tables[name]), list(rows))


@pytest.fixture
def filled(database: Database) -> Database:
    """Seven deliveries, one a reader, in as many states."""
    for number, state in enumerate(STATES, 1):
        is_open = state in ("queued", "deferred", "sending")
        at = None if is_open else START - timedelta(hours=number)
        queued.fill(database, 1, first=number, state=state, settled_at=at)
    queued.change(database, 2, code=550, reply="5.1.1 nobody", address="reader2@GMAIL.com")
    return database


def numbers(database: Database, *states: str, **asked: Any) -> list[int]:
    wanted = [DeliveryState(state) for state in states] or list(DeliveryState)
    found = listed(database, states=wanted, **{"limit": 10, **asked})
    return [int(one.id) for one in found]


def test_deliveries_are_listed_by_state_newest_first(filled: Database) -> None:
    assert numbers(filled) == [7, 6, 5, 4, 3, 2, 1]
    assert numbers(filled, *STATES) == [7, 6, 5, 4, 3, 2, 1]
    assert numbers(filled, limit=2) == [7, 6]
    assert numbers(filled, before=DeliveryId(3)) == [2, 1]
    for number, state in enumerate(STATES, 1):
        assert numbers(filled, state) == [number]
    assert numbers(filled, "queued", "uncertain", "delivered", limit=2) == [6, 3]


def test_deliveries_are_narrowed(filled: Database) -> None:
    assert numbers(filled, email="reader2@example.org") == [2]
    assert numbers(filled, "queued", email="reader2@example.org") == []
    assert numbers(filled, domain="gmail.com") == [2]
    assert numbers(filled, "refused", domain="mail.com") == []
    assert numbers(filled, channel="smtp", before=DeliveryId(2)) == [1]
    assert numbers(filled, channel="slack") == []


def test_one_delivery_is_found(filled: Database) -> None:
    found = seen(filled, DeliveryId(2))
    assert found is not None
    assert (found.subscriber, found.state, found.code) == (
        "reader2@example.org",
        DeliveryState.REFUSED,
        550,
    )
    assert seen(filled, DeliveryId(99)) is None


def test_a_log_tells_what_happened_in_its_order(filled: Database) -> None:
    at = START - timedelta(hours=2)
    queued.change(filled, 2, created_at=at)
    insert(filled, "attempt", {"delivery_id": 2, "at": at, "result": "deferred", "reply": ""})
    event = {"subscriber_id": 2, "delivery_id": 2, "at": at, "origin": "mailbox", "judged": True}
    insert(filled, "bounce", {**event, "key": "one", "kind": "user_unknown"})
    other = {**event, "subscriber_id": 3, "delivery_id": 3}
    insert(filled, "bounce", {**other, "key": "two", "kind": "complaint"})
    told = ["queued", "deferred", "refused", "user_unknown"]
    assert [one.what for one in delivery_log(filled, DeliveryId(2))] == told
    newest_first = recipient_log(filled, "reader2@example.org", limit=10)
    assert [one.what for one in newest_first] == told[::-1]


# --- days ---------------------------------------------------------------------------------------


def test_what_was_due_is_in_one_place_each(filled: Database) -> None:
    insert(
        filled,
        "skip",
        *(
            {
                "subscriber_id": number,
                "local_date": START.date() + DAY,
                "at": START,
                "reason": "nothing_new",
            }
            for number in (1, 2)
        ),
    )
    due = DayStore(filled).due(START - DAY)
    assert due == Due(sent=1, waiting=3, refused=2, kept=1, skipped={"nothing_new": 2})
    assert due.total == 9
    assert DayStore(filled).due(START + DAY) == Due()


def test_a_digest_of_several_ways_counts_once_and_by_the_best(filled: Database) -> None:
    also = {"id": 8, "digest_id": 2, "subscriber_id": 2, "channel": "slack", "address": "1"}
    insert(
        filled,
        "delivery",
        {**also, "state": "delivered", "created_at": START, "next_attempt_at": START},
    )
    assert DayStore(filled).due(START - DAY).sent == 2
    assert DayStore(filled).due(START - DAY).total == 7


def test_days_are_counted_and_kept_for_a_while(filled: Database) -> None:
    store = DayStore(filled)
    today, before = START.date(), START.date() - DAY
    counts = store.deliveries([before, today], START)
    assert counts[today] == {DeliveryState.DELIVERED: 1, DeliveryState.REFUSED: 1} | {
        DeliveryState.UNCERTAIN: 1
    }
    assert counts[before] == {DeliveryState.EXPIRED: 1}
    queued.change(filled, 7, settled_at=START - timedelta(days=5))
    assert store.deliveries([before], START)[before] == counts[before]
    assert store.deliveries([before], START + timedelta(minutes=11))[before] == {}


def test_answers_are_counted_by_domain_and_code(filled: Database) -> None:
    answers = DayStore(filled).answers(START)
    assert {(one.domain, one.state.value, one.code, one.count) for one in answers} == {
        ("example.org", "delivered", None, 1),
        ("gmail.com", "refused", 550, 1),
        ("example.org", "uncertain", None, 1),
        ("example.org", "expired", None, 1),
    }


def test_bounces_and_fetches_are_counted_by_their_day(filled: Database) -> None:
    midnight = START.replace(hour=0)
    event = {"subscriber_id": 1, "delivery_id": 1, "origin": "smtp", "judged": True}
    kinds = (("user_unknown", 0), ("user_unknown", 23), ("complaint", 24))
    insert(
        filled,
        "bounce",
        *(
            {**event, "key": f"{n}", "kind": kind, "at": midnight + timedelta(hours=hours)}
            for n, (kind, hours) in enumerate(kinds)
        ),
    )
    assert DayStore(filled).bounces(midnight) == {
        midnight.date(): {BounceKind.USER_UNKNOWN: 2},
        midnight.date() + DAY: {BounceKind.COMPLAINT: 1},
    }
    insert(
        filled,
        "fetch",
        *(
            {
                "source": "arXiv",
                "at": midnight + timedelta(hours=hours),
                "verdict": "fresh",
                "listings": 5,
                "new_papers": 2,
            }
            for hours in (1, 23, 25)
        ),
    )
    asked = DayStore(filled).asked(midnight, source="arXiv")
    assert [(one.day, one.verdict, one.count, one.listings, one.new_papers) for one in asked] == [
        (midnight.date(), Verdict.FRESH, 2, 10, 4),
        (midnight.date() + DAY, Verdict.FRESH, 1, 5, 2),
    ]


# --- runs, readers ------------------------------------------------------------------------------


def test_a_run_knows_what_became_of_its_digests(filled: Database) -> None:
    insert(filled, "run", {"id": 1, "started_at": START, "finished_at": START, "report": {}})
    digest = SQLModel.metadata.tables["digest"]
    with filled.write() as connection:
        connection.execute(sa.update(digest).where(digest.c.id <= 3).values(run_id=1))
    run = runs.run(filled, 1)
    assert run is not None
    assert runs.outcomes(filled, run) == {
        DeliveryState.DELIVERED: 1,
        DeliveryState.REFUSED: 1,
        DeliveryState.QUEUED: 1,
    }
    assert runs.memory(filled, "nobody") is None


def test_readers_are_found_whatever_the_case(filled: Database) -> None:
    directory = Directory(filled)
    assert [one.email for one in directory.find("READER3@")] == ["reader3@example.org"]
    assert [one.id for one in directory.find(after="reader5@example.org", limit=1)] == [6]
    assert directory.find("reader_@") == []
    [turn] = directory.turns(SubscriberId(1), limit=5)
    assert (turn.digest, turn.papers) == (1, 1)


# --- by indexes ---------------------------------------------------------------------------------


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """How SQLite finds the rows of every statement that is run."""
    found: list[str] = []
    told = ("SELECT", "WITH")

    def explain(
        connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: bool
    ) -> None:
        if statement.startswith(told):
            raw = connection.connection.driver_connection.cursor()
            rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}", given).fetchall()
            found.extend(row[3] for row in rows)

    engine = database._reader  # to look at plans, not to change anything
    sa.event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", explain)


def test_deliveries_are_found_by_their_indexes(sqlite_database: Database) -> None:
    indexes = {
        "refused": "ix_delivery_failed",
        "cancelled": "ix_delivery_failed",
        "queued": "ix_delivery_waiting",
        "deferred": "ix_delivery_waiting",
        "sending": "ix_delivery_held",
    }
    for state, index in indexes.items():
        with plans(sqlite_database) as found:
            numbers(sqlite_database, state)
        assert any(index in step for step in found), found
        assert not any(step == "SCAN delivery" for step in found), found


def test_no_page_of_the_desk_walks_over_all_deliveries(sqlite_database: Database) -> None:
    days, health = DayStore(sqlite_database), HealthStore(sqlite_database)
    with plans(sqlite_database) as found:
        days.deliveries([START.date()], START)
        days.due(START - DAY)
        days.answers(START)
        days.bounces(START - DAY)
        days.asked(START - DAY)
        health.figures(START)
        health.latest_instant()
        listed(sqlite_database, states=list(DeliveryState), email="a@example.org", limit=5)
        delivery_log(sqlite_database, DeliveryId(1))
        recipient_log(sqlite_database, "a@example.org", limit=5)
        Directory(sqlite_database).turns(SubscriberId(1), limit=5)
        Directory(sqlite_database).wishes(address="a@example.org")
    for table in ("delivery", "digest", "attempt", "bounce", "fetch", "skip", "subscriber"):
        assert f"SCAN {table}" not in found, found
