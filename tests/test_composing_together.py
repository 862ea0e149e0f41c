"""Several composing processes on one database: each subscriber once, whoever is killed.

Real processes on both engines, one of them killed while it composes. Each of them works through
whoever is due; what a killed one had begun is nobody's, and the next to look takes it up.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.ingest import ingest
from digest.model import Cadence, Fetched, Schedule, Subscriber
from digest.store import subscribers
from digest.store.database import Database
from digest.store.packing import unpack
from digest.store.papers import PaperStore
from tests import builders
from tests.drainer import Compose, Drainers
from tests.fakes import START, FrozenClock, ScriptedSource

READERS, PAPERS, BATCH = 600, 9, 10
TABLES = SQLModel.metadata.tables


@pytest.fixture(scope="module")
def drainers() -> Iterator[Drainers]:
    with Drainers() as drainers:
        yield drainers


def reader(number: int) -> Subscriber:
    return builders.subscriber(
        number,
        email=f"reader{number}@example.org",
        schedule=Schedule("UTC", Cadence.DAILY, hour=7),
        limit=PAPERS,
        interests=(builders.interest(1, name="Lanterns", query="lantern"),),
        next_due_at=START + timedelta(minutes=number % 7),
    )


@pytest.fixture
def clock(database: Database) -> FrozenClock:
    """All readers are due, for papers that all of them want."""
    clock = FrozenClock()
    with database.write() as connection:
        subscribers.insert(connection, [reader(number) for number in range(READERS)])
    papers = [builders.listing(number) for number in range(1, PAPERS + 1)]
    source = ScriptedSource(name="arxiv", answers=[Fetched(listings=tuple(papers))])
    ingest([source], PaperStore(database), clock=clock, deadline=10)
    clock.tick(days=1)
    return clock


def read(database: Database, *columns: Any) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.select(*columns)).all())


def composed(database: Database) -> int:
    return int(read(database, sa.func.count(TABLES["digest"].c.id))[0][0])


def everything_told(database: Database) -> list[tuple[int, int]]:
    """Subscriber and paper, of every paper of every digest."""
    sent = TABLES["sent"]
    rows = read(database, sent.c.subscriber_id, sent.c.papers)
    return [(owner, paper) for owner, packed in rows for paper, _ in unpack(packed)]


@pytest.mark.parametrize("processes", [2, 4])
def test_each_due_subscriber_is_composed_for_once(
    database: Database, database_url: str, clock: FrozenClock, drainers: Drainers, processes: int
) -> None:
    task = Compose(database_url, clock().isoformat(), BATCH)
    pids = [drainers.start(task) for _ in range(processes)]
    end = time.monotonic() + 30
    while not 0 < composed(database) < READERS and time.monotonic() < end:
        time.sleep(0.002)
    os.kill(pids[0], signal.SIGKILL)
    assert drainers.wait(pids[0]) == -signal.SIGKILL
    assert [drainers.wait(pid) for pid in pids[1:]] == [0] * (processes - 1)
    assert drainers.run(task) == 0  # what the killed one still held when the others looked

    digest, delivery, sent = TABLES["digest"], TABLES["delivery"], TABLES["sent"]
    subscriber = TABLES["subscriber"]
    everybody = {row.id for row in read(database, subscriber.c.id)}
    assert len(everybody) == READERS
    digests = Counter(row.subscriber_id for row in read(database, digest.c.subscriber_id))
    assert digests == Counter(everybody)
    assert Counter(row[0] for row in read(database, delivery.c.subscriber_id)) == digests
    owner = dict(map(tuple, read(database, digest.c.id, digest.c.subscriber_id)))
    rows = read(database, sent.c.subscriber_id, sent.c.digest_id)
    assert all(owner[row.digest_id] == row.subscriber_id for row in rows)
    told = Counter(everything_told(database))
    assert set(told.values()) == {1}  # no paper twice
    assert Counter(one for one, _ in told) == {one: PAPERS for one in everybody}
    later = read(database, sa.func.min(subscriber.c.next_due_at))[0][0]
    assert clock() < later <= clock() + timedelta(days=1)

    # The next day everything is announced again, beside news, and some begin anew.
    with database.write() as connection:
        first = sa.update(subscriber).where(subscriber.c.id % 2 == 0)
        connection.execute(first.values(seen_upto=None))
        connection.execute(sa.update(delivery).values(state="delivered", settled_at=clock()))
    again = [builders.listing(number, source="index") for number in range(1, PAPERS + 4)]
    source = ScriptedSource(name="index", answers=[Fetched(listings=tuple(again))])
    ingest([source], PaperStore(database), clock=clock, deadline=10)
    clock.tick(days=1)
    task = Compose(database_url, clock().isoformat(), BATCH)
    pids = [drainers.start(task) for _ in range(processes)]
    assert [drainers.wait(pid) for pid in pids] == [0] * processes
    told = Counter(everything_told(database))
    assert set(told.values()) == {1}
    assert Counter(one for one, _ in told) == {one: PAPERS + 3 for one in everybody}
