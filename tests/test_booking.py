"""What is sent by the process that composes it: held from the start, and no guarantee the less."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from digest.delivery.journal import journals
from digest.delivery.mailbox import MailboxSender
from digest.delivery.rates import Rate
from digest.delivery.retry import Doubt, Policy
from digest.errors import DeliveryFault
from digest.model import Channel, Delivery, DeliveryId, DigestId, Outcome, Settlement, SubscriberId
from digest.outbox import Composed, Outbox, Route, Tally
from digest.outbox.booked import Booked
from digest.outbox.sparing import SparingQueue
from digest.post import DomainBudgets
from digest.store import bulk
from digest.store.budgets import BudgetStore
from digest.store.database import Database
from digest.store.outbox import _COUNT_ACTIVE, Batch, OutboxStore
from digest.store.queueing import Booking, Post, queue
from digest.store.tables import DeliveryRow, SubscriberRow, SuppressionRow, table
from tests.fakes import START, FrozenClock
from tests.queued import fill, states, write_letter

_delivery, _subscriber = table(DeliveryRow), table(SubscriberRow)
LEASE = timedelta(minutes=15)
OVER = timedelta(seconds=-1)
MAIL, SLACK = Channel.MAILBOX, Channel.SLACK


def posts(numbers: Iterable[int], channel: Channel = MAIL) -> list[Post]:
    return [
        Post(DigestId(n), SubscriberId(n), channel, f"reader{n}@example.org", START)
        for n in numbers
    ]


class Watching(OutboxStore):
    """Counts what was claimed, and what was booked and then asked for."""

    claimed = 0
    confirmed = 0

    def claim(self, channel: Channel, *, booked: Sequence[Delivery] = (), **told: object) -> Batch:
        batch = super().claim(channel, booked=booked, **told)  # type: ignore[arg-type]  # as given
        self.claimed += 0 if booked else len(batch.deliveries)
        self.confirmed += len(booked)
        return batch


class World:
    """Digests for forty, and a drain that queues their deliveries bit by bit while it sends."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.store = Watching(database, hashes=lambda it: (f"hash of {it}",))
        self.spared: SparingQueue | None = None  #: in place of the store
        self.stop = threading.Event()
        self.box = folder / "box"
        fill(database, 40)
        with database.write() as connection:  # the digests alone
            connection.execute(sa.delete(_delivery))

    def queue(self, outbox: Outbox, some: Sequence[Post]) -> bool:
        booking = outbox.book()
        with self.database.write() as connection:
            held = queue(connection, some, booking)
        if held:
            outbox.booked(held)
        return bool(some)

    def queue_in_vain(self, outbox: Outbox, some: Sequence[Post]) -> None:
        """The transaction is undone."""
        with suppress(KeyError), self.database.write() as connection:
            assert queue(connection, some, outbox.book())
            raise KeyError

    @contextmanager
    def outbox(
        self,
        doubt: Doubt = Doubt.RESEND,
        compose: Callable[[Sequence[Delivery]], Iterable[Composed]] | None = None,
        routes: Sequence[Route] = (),
        booked: Booked | None = None,
    ) -> Iterator[Outbox]:
        mail = Route(MAIL, lambda: MailboxSender(self.box), Policy(jitter=0, doubt=doubt))
        with Outbox(
            self.spared or self.store,
            compose or (lambda deliveries: map(write_letter, deliveries)),
            routes or [mail],
            spool=self.folder / "spool",
            clock=FrozenClock(),
            stop=self.stop,
            batch=10,
            booked=booked,
        ) as outbox:
            yield outbox

    def drain(self, outbox: Outbox, *batches: Sequence[Post]) -> Tally:
        left = list(batches)
        return outbox.drain(lambda: bool(left) and self.queue(outbox, left.pop(0)))

    def sent(self) -> Counter[str]:
        """By the address."""
        told = (path.read_text().split("To: ")[1].split()[0] for path in self.box.glob("**/*.eml"))
        return Counter(told)

    def row(self, reader: int) -> Mapping[str, Any]:
        """Of the delivery by mail to a reader, every column."""
        with self.database.read() as connection:
            mine = _delivery.c.subscriber_id == reader, _delivery.c.channel == MAIL.value
            return dict(connection.execute(sa.select(_delivery).where(*mine)).mappings().one())

    def left_behind(self) -> list[Path]:
        return journals(self.folder / "spool")


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


def counts(tally: Tally) -> dict[str, int]:
    return {state.value: count for state, count in tally.states.items() if count}


def readers(*numbers: int) -> Counter[str]:
    return Counter(f"reader{n}@example.org" for n in numbers)


def test_what_is_booked_is_sent_once_and_never_claimed(world: World) -> None:
    with world.outbox() as outbox:
        tally = world.drain(outbox, posts(range(1, 11)), posts(range(11, 31)))
    assert counts(tally) == {"delivered": 30}
    assert world.sent() == readers(*range(1, 31))
    assert (world.store.claimed, world.store.confirmed) == (0, 30)
    for number in range(1, 31):
        found = world.row(number)
        assert (found["attempts"], found["claims"], found["claimed_by"]) == (1, 1, None)
        assert found["created_at"] == found["next_attempt_at"] == START
    assert world.left_behind() == []


def test_only_for_its_own_channel_and_no_more_than_there_is_room_for(world: World) -> None:
    some = posts(range(1, 5)) + posts(range(1, 3), SLACK)
    booking = Booking("me", MAIL, 3, LEASE, START)
    with world.database.write() as connection:
        held = queue(connection, some, booking)
    assert [one.digest_id for one in held] == [1, 2, 3]
    assert [one.claim for one in held] == [1, 1, 1]
    assert sorted(world.store.held_by("me")) == sorted(held)
    assert Counter(states(world.database).values()) == {"sending": 3, "queued": 3}
    assert all(world.row(one.digest_id)["id"] == one.id for one in held)


def test_the_rest_is_claimed(world: World) -> None:
    with world.outbox() as outbox:
        with world.database.write() as connection:
            queue(connection, posts(range(1, 4)), None)
            queue(connection, posts([20], SLACK), None)
        tally = world.drain(outbox, posts(range(4, 8)) + posts([21], SLACK))
    assert counts(tally) == {"delivered": 7}
    assert world.store.claimed == 3
    assert Counter(states(world.database).values()) == {"delivered": 7, "queued": 2}


def test_who_would_rather_not_send_than_send_twice_books_nothing(world: World) -> None:
    with world.outbox(Doubt.HOLD) as outbox:
        tally = world.drain(outbox, posts(range(1, 11)))
    assert counts(tally) == {"delivered": 10}
    assert (world.store.claimed, world.store.confirmed) == (10, 0)


def test_nothing_is_booked_before_or_after_messages_go_out(world: World) -> None:
    with world.outbox() as outbox:
        assert outbox.book() is None
        world.drain(outbox, posts(range(1, 3)))
        assert outbox.book() is None
        world.queue(outbox, posts(range(3, 5)))
    assert Counter(states(world.database).values()) == {"delivered": 2, "queued": 2}


def test_who_leaves_before_their_turn_gets_nothing(world: World) -> None:
    """Unsubscribed, erased or suppressed while their mail was booked (guarantee 6)."""

    def leave() -> None:
        with world.database.write() as connection:
            connection.execute(
                sa.update(_subscriber).where(_subscriber.c.id == 12).values(state="unsubscribed")
            )
            connection.execute(sa.delete(_delivery).where(_delivery.c.subscriber_id == 13))
            connection.exec_driver_sql("DELETE FROM digest WHERE subscriber_id = 13")
            connection.execute(sa.delete(_subscriber).where(_subscriber.c.id == 13))
            connection.execute(
                sa.insert(table(SuppressionRow)).values(
                    address_hash="hash of reader14@example.org", reason="complaint", at=START
                )
            )

    def composing(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.subscriber_id == 5:
                leave()
            yield write_letter(delivery)

    with world.outbox(compose=composing) as outbox:
        batches = [posts(range(1, 11)), posts(range(11, 21))]
        tally = outbox.drain(lambda: bool(batches) and _together(world, outbox, batches))
    assert world.sent() == readers(*range(1, 12), *range(15, 21))
    assert counts(tally)["delivered"] == 17
    assert world.row(12)["reply"] == "subscriber unsubscribed"
    assert world.row(14)["reply"] == "address suppressed"
    assert Counter(states(world.database).values()) == {"delivered": 17, "cancelled": 2}
    assert world.left_behind() == []


def _together(world: World, outbox: Outbox, batches: list[list[Post]]) -> bool:
    """All at once: each but the first has to wait for its turn."""
    for batch in batches:
        world.queue(outbox, batch)
    batches.clear()
    return True


def test_a_stop_puts_back_what_was_booked(world: World) -> None:
    def stopping(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.subscriber_id == 9:
                world.stop.set()
            yield write_letter(delivery)

    with world.outbox(compose=stopping) as outbox:
        batches = [posts(range(1, 11)), posts(range(11, 31))]
        tally = outbox.drain(lambda: bool(batches) and _together(world, outbox, batches))
    sent = world.sent().total()
    assert counts(tally) == {"delivered": sent}
    assert Counter(states(world.database).values()) == {"delivered": sent, "queued": 30 - sent}
    assert world.left_behind() == []
    world.stop.clear()
    with world.outbox() as outbox:
        world.drain(outbox)
    assert world.sent() == readers(*range(1, 31))


class Broken:
    """A way out that breaks down after three messages."""

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *_told: object) -> None: ...

    def send(self, messages: Iterable[object], _witness: object) -> Iterator[Outcome]:
        iterator = iter(messages)
        for _ in range(3):
            next(iterator)
        raise DeliveryFault("The server is away.")
        yield  # a generator


def test_where_the_way_out_fails_everything_waits_again(world: World) -> None:
    with world.outbox(routes=[Route(MAIL, Broken)]) as outbox:
        tally = world.drain(outbox, posts(range(1, 11)))
        assert MAIL in tally.faults
        assert set(states(world.database).values()) == {"queued"}
    assert world.left_behind() == []
    with world.outbox() as outbox:
        assert counts(world.drain(outbox)) == {"delivered": 10}


def test_what_waits_too_long_is_everybodys(world: World) -> None:
    """A slow worker keeps what it has claimed; with the rest others help."""
    helped: list[DeliveryId] = []

    def slowly(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if not helped:
                helped.extend(one.id for one in claim(world, "another"))
            yield write_letter(delivery)

    with world.outbox(compose=slowly, booked=Booked(longest=-1.0)) as outbox:
        batches = [posts(range(1, 11)), posts(range(11, 31))]
        tally = outbox.drain(lambda: bool(batches) and _together(world, outbox, batches))
        assert counts(tally) == {"delivered": 10}
    assert len(helped) == 20
    assert world.sent().total() == 10
    assert len(world.store.held_by("another")) == 20


def test_a_domain_that_has_had_enough_gets_the_rest_later(world: World) -> None:
    budgets = DomainBudgets(BudgetStore(world.database), {"example.org": (Rate(3, 3600),)})
    world.spared = SparingQueue(world.store, budgets)
    with world.outbox() as outbox:
        world.drain(outbox, posts(range(1, 11)), posts(range(11, 16)))
    assert world.sent().total() == world.store.confirmed - 12 == 3
    with world.database.read() as connection:
        rows = connection.execute(
            sa.select(_delivery.c.state, _delivery.c.claimed_by, _delivery.c.next_attempt_at)
        ).all()
    left = [row for row in rows if row.state != "delivered"]
    assert len(left) == 12
    assert {(row.state, row.claimed_by) for row in left} == {("queued", None)}
    assert all(row.next_attempt_at > START for row in left)
    assert world.left_behind() == []


def test_nobody_else_claims_what_is_booked_until_its_lease_is_over(world: World) -> None:
    with world.database.write() as connection:
        queue(connection, posts([1]), Booking("me", MAIL, 9, LEASE, START))
        queue(connection, posts([2]), Booking("late", MAIL, 9, OVER, START))
    assert claim(world, "another") == []
    assert world.store.stalled() == ["late"]


def test_of_a_lost_machine_what_was_booked_is_in_doubt(world: World) -> None:
    with world.database.write() as connection:
        queue(connection, posts(range(1, 4)), Booking("lost", MAIL, 9, OVER, START))
    with world.outbox() as outbox:
        assert counts(world.drain(outbox)) == {"deferred": 3}  # in doubt, once
    assert {world.row(n)["doubts"] for n in (1, 2, 3)} == {1}


def test_answers_are_settled_with_what_is_booked_next(world: World) -> None:
    """In one transaction, which has both or, undone, neither."""
    settled: list[int] = []

    class Counting(Watching):
        def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> int:
            settled.append(len(settlements))
            return super().settle(settlements, now=now)

        def claim(self, channel: Channel, *, booked: Sequence[Delivery] = (), **told: Any) -> Batch:
            settled.append(len(told["settling"]))
            return super().claim(channel, booked=booked, **told)

    world.store = Counting(world.database)
    seen: list[Counter[str]] = []

    def composing(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.subscriber_id == 10:
                world.queue_in_vain(outbox, posts([31]))
                world.queue(outbox, posts(range(11, 21)))
                seen.append(Counter(states(world.database).values()))
            yield write_letter(delivery)

    with world.outbox(compose=composing) as outbox:
        tally = world.drain(outbox, posts(range(1, 11)), posts(range(21, 31)))
    assert counts(tally) == {"delivered": 30}
    assert seen == [{"delivered": 8, "sending": 12}]  # the first eight were composed and sent
    assert sorted(settled)[-2:] == [0, 10]  # only the last, which nothing follows
    assert world.sent() == readers(*range(1, 31))
    assert world.left_behind() == []


def test_answers_are_settled_with_the_next_claim_once_nothing_more_is_booked(world: World) -> None:
    settled: list[int] = []

    class Counting(Watching):
        def claim(self, channel: Channel, *, booked: Sequence[Delivery] = (), **told: Any) -> Batch:
            settled.append(len(told["settling"]))
            return super().claim(channel, booked=booked, **told)

    world.store = Counting(world.database)

    def composing(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.subscriber_id == 10:
                with world.database.write() as connection:
                    queue(connection, posts(range(11, 41)), None)
            yield write_letter(delivery)

    with world.outbox(compose=composing) as outbox:
        tally = world.drain(outbox, posts(range(1, 11)))
    assert counts(tally) == {"delivered": 40}
    # The first ten wait for what is booked next; as nothing is, they go with the next but one.
    assert settled == [0, 0, 0, 20, 10, 10]


def claim(world: World, worker: str) -> list[Delivery]:
    told = world.store.claim(MAIL, now=START, worker=worker, limit=99, lease=LEASE)
    return list(told.deliveries)


def test_who_has_left_is_looked_up_by_key(sqlite_database: Database) -> None:
    """And not among all who are active, as the index by state would have it."""
    with sqlite_database.read() as connection:
        found = bulk.query(connection, f"EXPLAIN QUERY PLAN {_COUNT_ACTIVE}", [1, 2])
    assert "SEARCH subscriber USING INTEGER PRIMARY KEY (rowid=?)" in [row[-1] for row in found]
