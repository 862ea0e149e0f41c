"""Guarantee 2, on real processes: killed, frozen and stopped at random, and then counted.

With `hold` nothing is ever sent twice, and what is held as uncertain is told. With `resend` nothing
is ever missing, and what came twice is exactly what was in doubt.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.delivery.journal import journals
from digest.store.database import Database
from digest.store.tables import DeliveryRow, table
from tests.drainer import Drainers, Task
from tests.queued import fill, states
from tests.smtpd import Late, Smtpd

COUNT = 300
KILLS = 8
_delivery = table(DeliveryRow)


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd(delay=0.001) as server:
        yield server


@pytest.fixture(scope="module")
def drainers() -> Iterator[Drainers]:
    with Drainers() as drainers:
        yield drainers


def copies(server: Smtpd) -> Counter[int]:
    """How often each delivery was accepted."""
    return Counter(int(one.removeprefix("reader").partition("@")[0]) for one in server.recipients)


def in_doubt(database: Database) -> set[int]:
    with database.read() as connection:
        statement = sa.select(_delivery.c.id).where(_delivery.c.doubts > 0)
        return set(connection.execute(statement).scalars())


def await_accepted(server: Smtpd, count: int) -> None:
    until = time.monotonic() + 5
    while len(server.accepted) < count and time.monotonic() < until:
        time.sleep(0.002)


def kill_again_and_again(drainers: Drainers, task: Task, server: Smtpd) -> None:
    """Kill workers after a few more messages each, at any instant in between."""
    chance = random.Random()
    for _ in range(KILLS):
        # A quarter of all on average: a kill that comes late on a busy machine still comes in time.
        goal = len(server.accepted) + chance.randrange(COUNT // (2 * KILLS))
        pid = drainers.start(task)
        await_accepted(server, goal)
        time.sleep(chance.uniform(0, 0.005))
        os.kill(pid, signal.SIGKILL)
        drainers.wait(pid)


@pytest.mark.parametrize("doubt", ["hold", "resend"])
def test_killed_at_random_moments(
    database: Database,
    database_url: str,
    server: Smtpd,
    drainers: Drainers,
    tmp_path: Path,
    doubt: str,
) -> None:
    fill(database, COUNT)
    task = Task(database_url, server.port, str(tmp_path / "spool"), doubt=doubt)
    kill_again_and_again(drainers, task, server)
    assert 0 < len(server.accepted) < COUNT, "the kills must fall into the sending"
    while drainers.run(task) or set(states(database).values()) & {"queued", "deferred"}:
        pass
    sent, doubted, state = copies(server), in_doubt(database), states(database)
    assert len(doubted) <= KILLS * task.sessions
    assert {one for one, count in sent.items() if count > 1} <= doubted
    assert max(sent.values()) <= (1 if doubt == "hold" else 2)
    assert {one for one, what in state.items() if what == "delivered"} <= set(sent)
    if doubt == "resend":
        assert set(state.values()) == {"delivered"}
    else:
        assert {one for one, what in state.items() if what != "delivered"} == doubted
    assert server.breaches == []
    assert journals(tmp_path / "spool") == []


def test_four_at_once_one_frozen_past_its_lease_and_one_killed(
    database: Database, database_url: str, server: Smtpd, drainers: Drainers, tmp_path: Path
) -> None:
    fill(database, COUNT)
    task = Task(database_url, server.port, str(tmp_path / "spool"), doubt="hold", lease=0.6)
    frozen = drainers.start(task)
    await_accepted(server, 5)
    os.kill(frozen, signal.SIGSTOP)
    killed, *others = [drainers.start(task) for _ in range(3)]
    await_accepted(server, 40)
    os.kill(killed, signal.SIGKILL)
    codes = [drainers.wait(pid) for pid in (killed, *others)]
    time.sleep(0.6)
    drainers.run(task)
    left = Counter(states(database).values())
    os.kill(frozen, signal.SIGCONT)
    codes.append(drainers.wait(frozen))
    drainers.run(task)
    assert codes[0] in (-signal.SIGKILL, 0), "where the others were quick it had nothing left"
    assert codes[1:] == [0, 0, 0]
    assert left["sending"] <= task.sessions, "only what the frozen one had handed over waits for it"
    assert left["queued"] == 0
    sent, doubted = copies(server), in_doubt(database)
    assert max(sent.values()) == 1
    assert set(sent) | doubted == set(range(1, COUNT + 1))
    assert len(doubted) <= task.sessions
    assert set(states(database).values()) <= {"delivered", "uncertain"}


def test_sigterm_finishes_the_message_in_hand(
    sqlite_database: Database, sqlite_url: str, server: Smtpd, drainers: Drainers, tmp_path: Path
) -> None:
    fill(sqlite_database, COUNT)
    server.on("END", Late("250 2.0.0 accepted", after=0.3, accept=True), skip=20)
    task = Task(sqlite_url, server.port, str(tmp_path / "spool"), doubt="hold")
    pid = drainers.start(task)
    await_accepted(server, 21)
    os.kill(pid, signal.SIGTERM)
    began = time.monotonic()
    assert drainers.wait(pid) == 0
    assert time.monotonic() - began < 5
    state = Counter(states(sqlite_database).values())
    assert state["delivered"] == len(server.accepted)
    assert set(state) == {"delivered", "queued"}
    assert journals(tmp_path / "spool") == []
