"""The drain against a real server and real databases: counts, faults, take-overs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.account import Account, Security, Timeouts
from digest.delivery.journal import Entry, Journal, Reading, journals, uptime
from digest.delivery.mailbox import MailboxSender
from digest.delivery.retry import Doubt, Policy
from digest.delivery.smtp import SmtpSender
from digest.errors import StoreBusy, TemplateFault
from digest.model import Channel, Delivery, Outcome, Result, Settlement
from digest.outbox import Composed, Outbox, Route, Tally, Unrenderable
from digest.outbox.takeover import sort_out
from digest.store.database import Database
from digest.store.outbox import OutboxStore
from tests.fakes import START, FrozenClock
from tests.queued import change, fill, row, states, write_letter
from tests.smtpd import Drop, Late, Smtpd

LEASE = timedelta(minutes=15)
OVER = timedelta(seconds=-1)
STEADY = Policy(jitter=0)


def compose(deliveries: Sequence[Delivery]) -> Iterable[Composed]:
    return map(write_letter, deliveries)


class World:
    """One database, one server, one spool; `drain` is one worker's life."""

    def __init__(self, database: Database, server: Smtpd, spool: Path) -> None:
        self.database = database
        self.store = OutboxStore(database)
        self.server = server
        self.spool = spool
        self.clock = FrozenClock()
        self.stop = threading.Event()
        self.account = Account(
            host="127.0.0.1",
            port=server.port,
            security=Security.NONE,
            sessions=1,
            timeouts=Timeouts(connect=2, reply=5, end_of_data=5, grace=1),
        )

    def drain(
        self,
        composer: Callable[[Sequence[Delivery]], Iterable[Composed]] = compose,
        policy: Policy = STEADY,
        more: Callable[[], bool] = lambda: False,
        **options: Any,
    ) -> Tally:
        route = Route(Channel.SMTP, lambda: SmtpSender(self.account, stop=self.stop), policy)
        with Outbox(
            self.store,
            composer,
            [route],
            spool=self.spool,
            clock=self.clock,
            stop=self.stop,
            **options,
        ) as outbox:
            return outbox.drain(more)

    def worker(self, name: str, *, lease: timedelta = LEASE, limit: int = 100) -> Journal:
        """A worker of that name that has claimed what is due, and its journal."""
        batch = self.store.claim(
            Channel.SMTP, now=self.clock(), worker=name, limit=limit, lease=lease
        )
        journal = Journal(self.spool, name)
        journal.admit(batch.deliveries)
        journal.hold_until(uptime() + 60)
        return journal


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd() as server:
        yield server


@pytest.fixture
def world(sqlite_database: Database, server: Smtpd, tmp_path: Path) -> World:
    return World(sqlite_database, server, tmp_path / "spool")


def counts(tally: Tally) -> dict[str, int]:
    return {state.value: count for state, count in tally.states.items() if count}


def test_everything_due_is_sent_once(database: Database, server: Smtpd, tmp_path: Path) -> None:
    world = World(database, server, tmp_path / "spool")
    fill(database, 57)
    fill(database, 3, first=58, next_attempt_at=START + timedelta(hours=1))
    tally = world.drain(batch=10)
    assert counts(tally) == {"delivered": 57}
    assert not tally.has_failures
    assert tally.as_json()["delivered"] == 57
    assert sorted(server.recipients) == sorted(f"reader{n}@example.org" for n in range(1, 58))
    assert counts(world.drain()) == {}
    world.clock.tick(hours=1)
    assert counts(world.drain()) == {"delivered": 3}
    assert len(server.accepted) == 60
    assert journals(world.spool) == []


class CountingStore(OutboxStore):
    """Counts the transactions that do nothing but settle."""

    settled = 0

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> int:
        self.settled += 1
        return super().settle(settlements, now=now)


def test_a_batch_that_is_over_is_settled_with_the_next_claim(
    database: Database, tmp_path: Path
) -> None:
    fill(database, 5)
    store = CountingStore(database)
    route = Route(Channel.SMTP, lambda: MailboxSender(tmp_path / "box"))
    with Outbox(
        store, compose, [route], spool=tmp_path / "spool", clock=FrozenClock(), batch=2
    ) as outbox:
        assert counts(outbox.drain()) == {"delivered": 5}
    assert set(states(database).values()) == {"delivered"}
    assert store.settled == 0


def test_where_nothing_is_due_more_may_be_queued_and_goes_by_the_same_connection(
    world: World,
) -> None:
    fill(world.database, 3)
    asked = 0

    def more() -> bool:
        nonlocal asked
        asked += 1
        if asked < 3:
            fill(world.database, 2, first=10 * asked)
        return asked < 3

    assert counts(world.drain(more=more)) == {"delivered": 7}
    assert asked == 3
    assert world.server.sessions == 1


def test_each_outcome_goes_its_way(world: World) -> None:
    fill(world.database, 4)
    fill(world.database, 1, first=5, subscriber_state="unsubscribed")
    fill(world.database, 1, first=6, expires_at=START)
    world.server.on("RCPT", "451 4.7.1 greylisted", match="reader1@", times=1)
    world.server.on("RCPT", "550 5.1.1 no such user", match="reader2@")
    tally = world.drain()
    assert counts(tally) == {
        "delivered": 2,
        "deferred": 1,
        "refused": 1,
        "cancelled": 1,
        "expired": 1,
    }
    assert tally.has_failures
    assert row(world.database, 2)["reply"] == "5.1.1 no such user"
    assert row(world.database, 2)["code"] == 550
    assert row(world.database, 1)["next_attempt_at"] == START + timedelta(minutes=5)
    world.clock.tick(minutes=4)
    assert counts(world.drain()) == {}
    world.clock.tick(minutes=1)
    assert counts(world.drain()) == {"delivered": 1}
    assert row(world.database, 1)["attempts"] == 2


def test_several_routes(world: World, tmp_path: Path) -> None:
    fill(world.database, 3)
    change(world.database, 2, channel="mailbox")
    routes = [
        Route(Channel.SMTP, lambda: SmtpSender(world.account)),
        Route(Channel.MAILBOX, lambda: MailboxSender(tmp_path / "mail")),
    ]
    with Outbox(world.store, compose, routes, spool=world.spool, clock=world.clock) as outbox:
        assert counts(outbox.drain()) == {"delivered": 3}
    assert len(world.server.accepted) == 2
    assert len(list((tmp_path / "mail").rglob("*.eml"))) == 1


def test_what_cannot_be_composed_is_refused_alone(world: World) -> None:
    fill(world.database, 6)

    def faulty(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.id == 2:
                raise ValueError("no such value")
            if delivery.id == 4:
                yield Unrenderable(delivery.id, "its digest is gone")
            elif delivery.id != 5:
                yield write_letter(delivery)

    assert counts(world.drain(faulty)) == {"delivered": 3, "refused": 3}
    replies = [row(world.database, number)["reply"] for number in (2, 4, 5)]
    assert "no such value" in replies[0]
    assert "its digest is gone" in replies[1]
    assert "no message" in replies[2]


def test_a_broken_template_stops_the_channel_and_loses_nothing(world: World) -> None:
    fill(world.database, 6)
    change(world.database, 6, channel="mailbox")

    def faulty(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.id == 3:
                raise TemplateFault("email/digest.mjml.j2, line 3: no such value.")
            yield write_letter(delivery)

    tally = world.drain(faulty)
    assert counts(tally) == {"delivered": 2}
    assert "line 3" in tally.faults[Channel.SMTP]
    assert [row(world.database, number)["state"] for number in (3, 4, 5)] == ["queued"] * 3
    assert [row(world.database, number)["claimed_by"] for number in (3, 4, 5)] == [None] * 3
    assert counts(world.drain()) == {"delivered": 3}
    assert sorted(world.server.recipients) == sorted(
        row(world.database, number)["address"] for number in range(1, 6)
    )


def test_what_can_be_mended_is_tried_again(world: World) -> None:
    fill(world.database, 1)

    def faulty(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        return (Unrenderable(one.id, "this one's title", is_final=False) for one in deliveries)

    assert counts(world.drain(faulty)) == {"deferred": 1}
    world.clock.tick(hours=1)
    assert counts(world.drain()) == {"delivered": 1}


def test_a_channel_that_cannot_work_loses_nothing(world: World) -> None:
    fill(world.database, 5)
    world.server.on("CONNECT", "554 5.3.2 closed today", times=1)
    tally = world.drain()
    assert counts(tally) == {}
    assert "closed today" in tally.faults[Channel.SMTP]
    assert set(states(world.database).values()) == {"queued"}
    assert row(world.database, 1)["attempts"] == 0
    assert counts(world.drain()) == {"delivered": 5}


@pytest.mark.parametrize("verb", ["MAIL", "DATA", "END"])
@pytest.mark.parametrize("sessions", [1, 3])
def test_a_server_that_defers_everything_is_left_alone(
    world: World, verb: str, sessions: int
) -> None:
    fill(world.database, 300)
    world.account = replace(world.account, sessions=sessions)
    world.server.on(verb, "451 4.3.2 the disk is full", times=40)
    tally = world.drain()
    assert "the disk is full" in tally.faults[Channel.SMTP]
    assert tally.states.total() < 30
    state = list(states(world.database).values())
    assert state.count("deferred") == tally.states.total()
    assert state.count("queued") == 300 - tally.states.total()


def test_a_server_that_defers_now_and_then_is_not(world: World) -> None:
    fill(world.database, 120)
    for n in range(0, 120, 3):
        world.server.on("DATA", "451 4.3.0 not this one", match=f"reader{n}@", times=1)
    world.server.on("RCPT", "450 4.2.1 greylisted", match="1@", times=60)
    tally = world.drain()
    assert not tally.faults
    assert tally.states.total() == 120


def test_a_stop_puts_the_rest_back(world: World) -> None:
    fill(world.database, 50)

    def stopping(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for number, delivery in enumerate(deliveries):
            if number == 10:
                world.stop.set()
            yield write_letter(delivery)

    tally = world.drain(stopping)
    sent = len(world.server.accepted)
    assert counts(tally) == {"delivered": sent}
    assert 7 <= sent <= 11  # a few are composed at a time
    assert sorted(states(world.database).values()) == ["delivered"] * sent + ["queued"] * (
        50 - sent
    )
    world.stop.clear()
    assert counts(world.drain()) == {"delivered": 50 - sent}
    assert len(set(world.server.recipients)) == len(world.server.recipients) == 50


DOUBTS = [
    ("resend", Doubt.RESEND, ["deferred", "deferred", "delivered"], 2),
    ("hold", Doubt.HOLD, ["uncertain"], 1),
]


@pytest.mark.parametrize(
    ("doubt", "path", "copies"), [case[1:] for case in DOUBTS], ids=[case[0] for case in DOUBTS]
)
def test_a_lost_answer_follows_the_policy(
    world: World, doubt: Doubt, path: list[str], copies: int
) -> None:
    fill(world.database, 1)
    world.server.on("RCPT", "451 4.3.0 later", times=1, skip=1)
    world.server.on("END", Drop(accept=True), times=1)
    seen = []
    for _ in path:
        world.drain(policy=replace(STEADY, doubt=doubt))
        seen.append(states(world.database)[1])
        world.clock.tick(hours=1)
    assert seen == path
    assert len(world.server.accepted) == copies
    assert len({mail.data for mail in world.server.accepted}) == 1
    assert row(world.database, 1)["doubts"] == 1


def test_a_second_lost_answer_is_held(world: World) -> None:
    fill(world.database, 1)
    world.server.on("END", Drop(accept=True))
    for _ in range(4):
        world.drain()
        world.clock.tick(hours=1)
    assert states(world.database) == {1: "uncertain"}
    assert len(world.server.accepted) == 2


# --- taking over --------------------------------------------------------------------------------


def test_a_dead_workers_answers_are_settled_and_the_rest_is_sent(world: World) -> None:
    fill(world.database, 6)
    dead = world.worker("dead")
    held = {one.id: one for one in world.store.held_by("dead")}
    for number in list(held)[:4]:
        dead.handing(number)
    results = (Result.ACCEPTED, Result.REFUSED, Result.DEFERRED)
    for number, result in zip(list(held)[:3], results, strict=True):
        dead.answered(Outcome(number, result, 250, "told before it died"))
    dead.close()
    tally = world.drain(policy=replace(STEADY, doubt=Doubt.HOLD))
    assert counts(tally) == {"delivered": 3, "refused": 1, "deferred": 1, "uncertain": 1}
    assert states(world.database) == {
        1: "delivered",
        2: "refused",
        3: "deferred",
        4: "uncertain",
        5: "delivered",
        6: "delivered",
    }
    assert row(world.database, 1)["reply"] == "told before it died"
    assert sorted(world.server.recipients) == ["reader5@example.org", "reader6@example.org"]
    assert journals(world.spool) == []


def test_a_living_worker_within_its_lease_is_left_alone(world: World) -> None:
    fill(world.database, 3)
    alive = world.worker("alive")
    assert counts(world.drain()) == {}
    assert set(states(world.database).values()) == {"sending"}
    alive.close()
    assert counts(world.drain()) == {"delivered": 3}


def test_a_frozen_worker_is_fenced_and_keeps_only_what_it_handed_over(world: World) -> None:
    fill(world.database, 3)
    frozen = world.worker("frozen", lease=OVER)
    held = world.store.held_by("frozen")
    frozen.handing(held[0].id)
    assert counts(world.drain()) == {"delivered": 2}
    assert states(world.database) == {1: "sending", 2: "delivered", 3: "delivered"}
    with pytest.raises(Exception, match="slept past"):
        frozen.handing(held[1].id)
    frozen.answered(Outcome(held[0].id, Result.ACCEPTED))
    assert counts(world.drain()) == {"delivered": 1}
    assert world.server.recipients == ["reader2@example.org", "reader3@example.org"]
    frozen.settled([held[0].id])
    frozen.close()


def test_a_vanished_machine_leaves_doubt_after_its_lease(world: World) -> None:
    fill(world.database, 2)
    world.store.claim(
        Channel.SMTP, now=START, worker="elsewhere", limit=1, lease=timedelta(minutes=15)
    )
    assert counts(world.drain()) == {"delivered": 1}
    world.store.renew("elsewhere", lease=OVER)
    assert counts(world.drain(policy=replace(STEADY, doubt=Doubt.HOLD))) == {"uncertain": 1}
    assert "vanished" in row(world.database, 1)["reply"]


HELD = [
    Delivery(
        id=number,  # type: ignore[arg-type]
        digest_id=number,  # type: ignore[arg-type]
        subscriber_id=number,  # type: ignore[arg-type]
        channel=Channel.SMTP,
        address="ada@example.org",
        claim=7,
        created_at=START,
    )
    for number in (1, 2, 3)
]
TOLD = Outcome(HELD[0].id, Result.ACCEPTED, 250)
FATES = [
    ("dead", False, True, ["accepted", "uncertain"], [3]),
    ("rebooted", False, False, ["accepted", "uncertain", "uncertain"], []),
    ("frozen", True, True, ["accepted"], [3]),
]


@pytest.mark.parametrize(
    ("is_alive", "same_boot", "results", "untouched"),
    [case[1:] for case in FATES],
    ids=[case[0] for case in FATES],
)
def test_sort_out(
    is_alive: bool, same_boot: bool, results: list[str], untouched: list[int]
) -> None:
    entries = {
        (HELD[0].id, 7): Entry(HELD[0].id, 7, TOLD),
        (HELD[1].id, 7): Entry(HELD[1].id, 7, None),
        (HELD[2].id, 6): Entry(HELD[2].id, 6, TOLD),  # of an older claim
    }
    told, free = sort_out(HELD, Reading("w", is_alive, same_boot, entries))
    assert [outcome.result.value for _delivery, outcome in told] == results
    assert free == untouched


# --- databases that are away ---------------------------------------------------------------------


def test_a_locked_database_delays_and_loses_nothing(
    sqlite_url: str, server: Smtpd, tmp_path: Path
) -> None:
    database = Database(sqlite_url, busy=0.05)
    world = World(database, server, tmp_path / "spool")
    fill(database, 30)
    path = sqlite_url.removeprefix("sqlite:///")
    blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def locking(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.id == 10:
                blocker.execute("BEGIN IMMEDIATE")
                threading.Timer(0.5, blocker.execute, ["COMMIT"]).start()
            yield write_letter(delivery)

    with closing(blocker):
        tally = world.drain(locking, batch=5)
    assert counts(tally) == {"delivered": 30}
    assert len(set(server.recipients)) == len(server.recipients) == 30
    database.dispose()


def test_a_database_that_stays_away_is_told_and_nothing_is_sent_twice(
    sqlite_url: str, server: Smtpd, tmp_path: Path
) -> None:
    database = Database(sqlite_url, busy=0.05)
    world = World(database, server, tmp_path / "spool")
    fill(database, 30)
    blocker = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)

    def locking(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.id == 10:
                blocker.execute("BEGIN IMMEDIATE")
            yield write_letter(delivery)

    with closing(blocker):
        with pytest.raises(StoreBusy):
            world.drain(locking, batch=5, patience=0.3)
        blocker.execute("COMMIT")
        assert counts(world.drain()) != {}
    assert set(states(database).values()) == {"delivered"}
    assert len(set(server.recipients)) == len(server.recipients) == 30
    database.dispose()


def test_a_full_disk_delays_and_loses_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    fill(world.database, 150)
    frozen = world.clock
    answer = "250 2.0.0 accepted as " + 250 * "x"  # is kept: pages fill
    world.server.on("END", Late(answer, after=0.0, accept=True))

    def bound(pages: str | int) -> None:
        with world.database.engine.begin() as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            if pages == "as it is" and free:
                page = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
                ballast = "CREATE TABLE ballast AS SELECT zeroblob(?)"
                connection.exec_driver_sql(ballast, (page * free,))
        with world.database.engine.connect() as connection:
            size = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            limit = size if pages == "as it is" else pages
            connection.exec_driver_sql(f"PRAGMA max_page_count = {limit}")

    class Mending(FrozenClock):
        """Somebody makes room as soon as they are told."""

        def __call__(self) -> datetime:
            if "the disk is full" in caplog.text:
                bound(10**6)
            return frozen.now

    def filling(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.id == 10:
                bound("as it is")
                world.clock = Mending()
            yield write_letter(delivery)

    with Outbox(
        world.store,
        filling,
        [Route(Channel.SMTP, lambda: SmtpSender(world.account), STEADY)],
        spool=world.spool,
        clock=lambda: world.clock(),
        batch=5,
    ) as outbox:
        assert counts(outbox.drain()) == {"delivered": 150}
    assert "the disk is full" in caplog.text
    assert len(world.server.accepted) == 150


@pytest.mark.postgres
def test_a_server_that_ends_connections_loses_nothing(
    postgres_database: Database, server: Smtpd, tmp_path: Path
) -> None:
    world = World(postgres_database, server, tmp_path / "spool")
    fill(postgres_database, 30)

    def killing(deliveries: Sequence[Delivery]) -> Iterator[Composed]:
        for delivery in deliveries:
            if delivery.id in (7, 19):
                with postgres_database.engine.connect() as connection:
                    connection.exec_driver_sql(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
            yield write_letter(delivery)

    assert counts(world.drain(killing, batch=5)) == {"delivered": 30}
    assert len(set(server.recipients)) == len(server.recipients) == 30
