"""What came back, as rows, on both engines: once each, in line until judged, forgotten in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.model import Bounce, BounceKind, DeliveryId, SubscriberId
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.purging import Keep, purge
from tests.fakes import START
from tests.queued import fill


@pytest.fixture
def store(database: Database) -> BounceStore:
    fill(database, 3)
    return BounceStore(database)


def event(number: int, key: str = "") -> Bounce:
    key = key or f"k{number}"
    return Bounce(key, DeliveryId(number), START, BounceKind.USER_UNKNOWN, "smtp", "5.1.1", "who")


def test_an_event_is_kept_once_and_as_it_was(store: BounceStore) -> None:
    assert store.add([event(1), event(2), event(1)]) == 2
    assert store.add([event(1)]) == 0
    email, ((_id, kept),) = store.history(SubscriberId(1))
    assert (email, kept) == ("reader1@example.org", event(1))


def test_an_event_of_nobody_is_dropped(store: BounceStore) -> None:
    assert store.add([event(99)]) == 0


def test_events_wait_until_they_are_judged(store: BounceStore) -> None:
    store.add([event(1), event(2)])
    assert sorted(store.pending(most=10)) == [1, 2]
    _email, events = store.history(SubscriberId(1))
    store.settle([id_ for id_, _event in events])
    assert store.pending(most=10) == [2]


def test_only_what_was_judged_and_is_old_is_forgotten(
    store: BounceStore, database: Database
) -> None:
    store.add([event(1), event(2)])
    _email, events = store.history(SubscriberId(1))
    store.settle([id_ for id_, _event in events])
    keep = Keep(deliveries_days=1)
    assert purge(database, keep, START + timedelta(days=59))["bounces"] == 0
    assert purge(database, keep, START + timedelta(days=61))["bounces"] == 1
    assert [one.delivery_id for one in store.listed()] == [2]
