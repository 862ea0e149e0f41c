"""The queue in the database, on both engines: claims, leases, and who may settle."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from digest.model import (
    Channel,
    Decision,
    Delivery,
    DeliveryId,
    DeliveryState,
    Outcome,
    Result,
    Settlement,
)
from digest.store.database import Database
from digest.store.outbox import OutboxStore
from digest.store.tables import AttemptRow, SubscriberRow, SuppressionRow, table
from tests.fakes import START
from tests.queued import change, fill, row, states

LEASE = timedelta(minutes=15)
OVER = timedelta(seconds=-1)  #: a lease that is over as soon as it is given
DELIVERED = Decision(DeliveryState.DELIVERED)


@pytest.fixture
def store(database: Database) -> OutboxStore:
    return OutboxStore(database, hashes=lambda it: (f"new hash of {it}", f"hash of {it}"))


def claim(
    store: OutboxStore,
    worker: str = "one",
    *,
    limit: int = 100,
    now: datetime = START,
    lease: timedelta = LEASE,
) -> list[Delivery]:
    batch = store.claim(Channel.SMTP, now=now, worker=worker, limit=limit, lease=lease)
    return list(batch.deliveries)


def settlement(delivery: Delivery, decision: Decision = DELIVERED) -> Settlement:
    result = {
        DeliveryState.DELIVERED: Result.ACCEPTED,
        DeliveryState.DEFERRED: Result.DEFERRED,
        DeliveryState.UNCERTAIN: Result.UNCERTAIN,
    }[decision.state]
    return Settlement(delivery, Outcome(delivery.id, result, 250, "2.0.0 told"), decision)


def test_a_claim_gives_what_sending_needs(store: OutboxStore, database: Database) -> None:
    fill(database, 1, expires_at=START + timedelta(days=2), attempts=2, doubts=1)
    (delivery,) = claim(store)
    assert delivery == Delivery(
        id=delivery.id,
        digest_id=delivery.digest_id,
        subscriber_id=delivery.subscriber_id,
        channel=Channel.SMTP,
        address="reader1@example.org",
        claim=1,
        created_at=START,
        expires_at=START + timedelta(days=2),
        attempts=2,
        doubts=1,
    )
    assert row(database, 1)["claimed_by"] == "one"
    assert claim(store, "two") == []


def test_the_longest_waiting_come_first_and_nothing_before_its_time(
    store: OutboxStore, database: Database
) -> None:
    fill(database, 4)
    change(database, 1, next_attempt_at=START - timedelta(minutes=1))
    change(database, 2, next_attempt_at=START + timedelta(minutes=1))
    change(database, 3, next_attempt_at=START - timedelta(minutes=2), state="deferred")
    assert {one.id for one in claim(store, limit=2)} == {3, 1}
    assert [one.id for one in claim(store)] == [4]
    assert store.next_attempt(Channel.SMTP) == START + timedelta(minutes=1)
    assert store.next_attempt(Channel.SLACK) is None


def test_only_its_own_channel(store: OutboxStore, database: Database) -> None:
    fill(database, 2)
    change(database, 1, channel="mailbox")
    assert [one.id for one in claim(store)] == [2]


WITHDRAWN = [
    ("unsubscribed", {"subscriber_state": "unsubscribed"}, "cancelled"),
    ("paused", {"subscriber_state": "paused"}, "cancelled"),
    ("suspended", {"subscriber_state": "suspended"}, "cancelled"),
    ("too-late", {"expires_at": START}, "expired"),
]


@pytest.mark.parametrize(
    ("fields", "state"), [case[1:] for case in WITHDRAWN], ids=[case[0] for case in WITHDRAWN]
)
def test_what_must_not_be_sent_is_withdrawn(
    store: OutboxStore, database: Database, fields: dict[str, Any], state: str
) -> None:
    fill(database, 2, **fields)
    fill(database, 1, first=3)
    batch = store.claim(Channel.SMTP, now=START, worker="one", limit=100, lease=LEASE)
    assert [one.id for one in batch.deliveries] == [3]
    assert batch.withdrawn == {DeliveryState(state): 2}
    assert states(database) == {1: state, 2: state, 3: "sending"}
    assert row(database, 1)["settled_at"] == START
    assert row(database, 1)["reply"]
    again = store.claim(Channel.SMTP, now=START, worker="one", limit=100, lease=LEASE)
    assert again.is_empty


def test_leaving_between_two_tries_withdraws(store: OutboxStore, database: Database) -> None:
    fill(database, 1)
    (delivery,) = claim(store)
    store.settle([settlement(delivery, Decision(DeliveryState.DEFERRED, START))], now=START)
    with database.write() as connection:
        connection.execute(sa.update(table(SubscriberRow)).values(state="unsubscribed"))
    assert claim(store) == []
    assert states(database) == {1: "cancelled"}


@pytest.mark.parametrize(
    ("expires_at", "sent"),
    [(None, False), (START + timedelta(seconds=1), False), (START, True)],
    ids=["for ever", "still", "no longer"],
)
def test_a_suppressed_address_gets_nothing(
    store: OutboxStore, database: Database, expires_at: datetime | None, sent: bool
) -> None:
    fill(database, 2)
    with database.write() as connection:
        connection.execute(
            sa.insert(table(SuppressionRow)).values(
                address_hash="hash of reader1@example.org",
                reason="complaint",
                at=START,
                expires_at=expires_at,
            )
        )
    assert {one.id for one in claim(store)} == ({1, 2} if sent else {2})


def test_settling_tells_what_happened(store: OutboxStore, database: Database) -> None:
    fill(database, 3)
    deliveries = sorted(claim(store), key=lambda one: one.id)
    later = START + timedelta(minutes=5)
    decisions = [DELIVERED, Decision(DeliveryState.DEFERRED, later)]
    decisions.append(Decision(DeliveryState.UNCERTAIN))
    told = [settlement(*pair) for pair in zip(deliveries, decisions, strict=True)]
    assert store.settle(told, now=START) == 3
    found = [row(database, number) for number in (1, 2, 3)]
    assert [one["state"] for one in found] == ["delivered", "deferred", "uncertain"]
    assert [one["attempts"] for one in found] == [1, 1, 1]
    assert [one["doubts"] for one in found] == [0, 0, 1]
    assert [one["settled_at"] for one in found] == [START, None, START]
    assert [one["claimed_by"] for one in found] == [None, None, None]
    assert found[1]["next_attempt_at"] == later
    assert {(one["code"], one["reply"]) for one in found} == {(250, "2.0.0 told")}
    with database.read() as connection:
        attempts = connection.execute(sa.select(table(AttemptRow))).mappings().all()
    assert [(one["delivery_id"], one["result"], one["at"]) for one in attempts] == [
        (2, "deferred", START)
    ]
    assert store.counts() == {
        DeliveryState.DELIVERED: 1,
        DeliveryState.DEFERRED: 1,
        DeliveryState.UNCERTAIN: 1,
    }


def test_of_many_settled_at_once_each_keeps_its_own(store: OutboxStore, database: Database) -> None:
    """Whatever many have alike: answers, doubts, and claims that are no longer the newest."""
    fill(database, 150)
    claim(store, limit=150)
    assert store.release("one", only=[DeliveryId(n) for n in range(1, 8)]) == 7
    again = {one.id for one in claim(store, "two", limit=7)}
    told: list[Settlement] = []
    for held in store.held_by("one") + store.held_by("two"):
        own = 250 if held.id % 3 else 200 + held.id
        reply = "2.0.0 Ok" if held.id % 5 else f"2.0.0 Ok: queued as {held.id}"
        stale = held.id in again and held.id % 2 == 1
        held = held._replace(claim=held.claim - stale)
        outcome = Outcome(held.id, Result.UNCERTAIN if held.id % 7 == 0 else Result.ACCEPTED)
        outcome = outcome._replace(code=own, reply=reply)
        told.append(Settlement(held, outcome, DELIVERED))
    assert store.settle(told, now=START) == 150 - 4
    for one in told:
        found = row(database, one.delivery.id)
        if one.delivery.id in again and one.delivery.id % 2:
            assert (found["state"], found["claimed_by"], found["attempts"]) == ("sending", "two", 0)
        else:
            assert (found["state"], found["claimed_by"], found["attempts"]) == (
                "delivered",
                None,
                1,
            )
            assert (found["code"], found["reply"]) == (one.outcome.code, one.outcome.reply)
            assert found["doubts"] == (one.outcome.result is Result.UNCERTAIN)
            assert found["settled_at"] == START


def test_settling_twice_changes_nothing(store: OutboxStore, database: Database) -> None:
    fill(database, 1)
    (delivery,) = claim(store)
    assert store.settle([settlement(delivery)], now=START) == 1
    assert store.settle([settlement(delivery)], now=START + LEASE) == 0
    assert row(database, 1)["attempts"] == 1
    assert row(database, 1)["settled_at"] == START


def test_an_older_claim_settles_nothing(store: OutboxStore, database: Database) -> None:
    fill(database, 1)
    (old,) = claim(store, lease=OVER)
    assert store.stalled() == ["one"]
    assert store.release("one") == 1
    (new,) = claim(store, "two")
    assert (old.claim, new.claim) == (1, 2)
    assert store.settle([settlement(old)], now=START) == 0
    assert states(database) == {1: "sending"}
    assert store.settle([settlement(new)], now=START) == 1


def test_leases_run_out_and_are_renewed(store: OutboxStore, database: Database) -> None:
    fill(database, 3)
    claim(store, "late", limit=2, lease=OVER)
    claim(store, "well", limit=1)
    assert store.stalled() == ["late"]
    assert store.renew("late", lease=LEASE) == 2
    assert store.stalled() == []
    assert store.renew("nobody", lease=LEASE) == 0


def test_leases_do_not_follow_the_runs_own_clock(store: OutboxStore, database: Database) -> None:
    fill(database, 1)
    assert claim(store, now=datetime(2099, 1, 1, tzinfo=START.tzinfo))
    assert store.stalled() == []


def test_release_puts_back_what_was_tried_as_deferred(
    store: OutboxStore, database: Database
) -> None:
    fill(database, 3)
    change(database, 2, attempts=1, state="deferred")
    held = claim(store)
    assert {one.id for one in store.held_by("one")} == {1, 2, 3}
    assert {one.claim for one in store.held_by("one")} == {1}
    assert store.release("one", only=[held[0].id, held[1].id]) == 2
    assert [one.id for one in store.held_by("one")] == [held[2].id]
    assert store.release("one") == 1
    assert states(database) == {1: "queued", 2: "deferred", 3: "queued"}


def test_many_claim_at_once_and_nobody_shares(store: OutboxStore, database: Database) -> None:
    fill(database, 400)
    claimed: Counter[int] = Counter()
    lock = threading.Lock()

    def work(name: str) -> None:
        while batch := claim(store, name, limit=23):
            store.settle([settlement(one) for one in batch], now=START)
            with lock:
                claimed.update(one.id for one in batch)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed == Counter(range(1, 401))
    assert set(states(database).values()) == {"delivered"}


def test_a_claim_keeps_its_limit_where_the_planner_takes_the_queue_for_tiny(
    postgres_database: Database,
) -> None:
    fill(postgres_database, 1)
    with postgres_database.engine.connect() as connection:
        connection.execute(sa.text("ANALYZE"))
    fill(postgres_database, 6, first=2)
    store = OutboxStore(postgres_database)
    assert [len(claim(store, f"worker {n}", limit=3)) for n in range(4)] == [3, 3, 1, 0]
