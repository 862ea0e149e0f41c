"""Lists for people and programs go on where they ended, on both engines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from digest.model import DeliveryId, DeliveryState, FetchId, SubscriberState
from digest.store import deliveries, runs, suppressions
from digest.store.database import Database
from digest.store.editions import EditionStore
from digest.store.people import Directory
from digest.store.suppressions import Suppression
from tests import queued
from tests.fakes import START
from tests.web import seeds


def search(database: Database, *, limit: int = 100, **asked: Any) -> list[int]:
    return [one.id for one in Directory(database).find(asked.pop("text", ""), limit=limit, **asked)]


def test_subscribers_by_a_piece_of_their_address(database: Database) -> None:
    queued.fill(database, 12)
    by_address = [10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert search(database) == by_address
    fourth = Directory(database).find(limit=4)[-1].email
    assert search(database, after=fourth, limit=3) == by_address[4:7]
    assert search(database, text="READER1") == [10, 11, 12, 1]
    assert search(database, text="_") == search(database, text="%") == []
    assert search(database, states=[SubscriberState.PAUSED]) == []
    assert search(database, text="reader12@", states=[SubscriberState.ACTIVE]) == [12]


def test_deliveries_and_suppressions_go_on(database: Database) -> None:
    queued.fill(database, 5)
    every = list(DeliveryState)
    listed = deliveries.listed(database, states=every, email=None, limit=2, before=DeliveryId(4))
    assert [one.id for one in listed] == [3, 2]
    assert deliveries.seen(database, DeliveryId(3)) == listed[0]
    assert deliveries.seen(database, DeliveryId(9)) is None
    stored = [Suppression(letter * 64, "test", START) for letter in "abc"]
    suppressions.store(database, stored)
    assert suppressions.listed(database) == stored
    assert suppressions.listed(database, after="a" * 64, limit=1) == stored[1:2]


def test_runs_and_fetches_newest_first(database: Database) -> None:
    seeds.remember(database, seeds.listings()[:5])
    editions = EditionStore(database)
    first, second = editions.begin_run(START), editions.begin_run(START + timedelta(hours=1))
    editions.finish_run(first, START + timedelta(minutes=5), {"digests": {"composed": 3}})
    assert [one.id for one in runs.runs(database, limit=9)] == [second, first]
    assert runs.runs(database, limit=9, before=second) == [runs.run(database, first)]
    assert runs.runs(database, limit=1, before=second)[0].report == {"digests": {"composed": 3}}
    assert runs.run(database, 99) is None
    fetches = runs.fetches(database, limit=9)
    assert [one.id for one in fetches] == sorted((one.id for one in fetches), reverse=True)
    assert runs.fetches(database, limit=9, before=FetchId(fetches[0].id)) == fetches[1:]
    assert [one.source for one in runs.fetches(database, limit=9, source="cs.AI")] == ["cs.AI"]
    assert runs.fetches(database, limit=9, run_id=first) == []
