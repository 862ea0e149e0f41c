"""Guarantee 2 over the whole river: runs killed while they read, compose and send, then counted.

Real processes on both engines against a real server. After the kills one undisturbed run must
leave nobody without their digest, nobody with two for one date, and no message twice but those
whose answer was lost.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest.config import load
from digest.store.database import Database
from digest.wiring import open_app
from tests import postgres
from tests.drainer import Drainers, Task
from tests.installed import MORNING, Installation
from tests.queued import fill, states
from tests.smtpd import Late, Smtpd

READERS = 25


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd(delay=0.001) as server:
        yield server


@pytest.fixture(scope="module")
def drainers() -> Iterator[Drainers]:
    with Drainers() as drainers:
        yield drainers


def installation(tmp_path: Path, url: str, server: Smtpd, doubt: str) -> Installation:
    made = Installation(tmp_path / "installed", url, server, doubt)
    made.write()
    made.announce(MORNING)
    made.subscribe(READERS)
    return made


@pytest.mark.parametrize("doubt", ["hold", "resend"])
def test_runs_killed_at_random_moments(
    database_url: str, server: Smtpd, drainers: Drainers, tmp_path: Path, doubt: str
) -> None:
    world = installation(tmp_path, database_url, server, doubt)
    chance = random.Random()
    kills = 0
    for turn in range(8):
        pid = drainers.start(world.run(MORNING + timedelta(minutes=turn)))
        time.sleep(chance.uniform(0.0, 0.4))
        os.kill(pid, signal.SIGKILL)
        kills += drainers.wait(pid) == -signal.SIGKILL
    assert kills
    for hours in (1, 2):  # the second for what waited after a doubt
        assert drainers.run(world.run(MORNING + timedelta(hours=hours))) == 0
    assert world.digests().total() == READERS
    assert max(world.digests().values()) == 1
    copies, doubted = world.copies(), world.in_doubt()
    twice = [pair for pair, count in copies.items() if count > 1]
    assert max(copies.values()) <= (1 if doubt == "hold" else 2)
    assert len(twice) <= doubted
    if doubt == "resend":
        assert world.missing(1) == 0
        assert set(world.states()) == {"delivered"}
    else:
        assert world.missing(1) <= world.states()["uncertain"] == doubted
    assert world.leftovers() == []


def test_a_run_asked_to_end_finishes_the_message_in_hand(
    sqlite_url: str, server: Smtpd, tmp_path: Path
) -> None:
    """The real command: what was handed over is known to be delivered, the rest stays queued."""
    world = installation(tmp_path, sqlite_url, server, "hold")
    server.on("END", Late("250 2.0.0 accepted", after=0.3, accept=True), skip=3)
    command = [sys.executable, "-m", "digest", "--config", str(world.config), "run"]
    run = subprocess.Popen(
        [*command, "--now", MORNING.isoformat()], cwd=world.folder, stderr=subprocess.PIPE
    )
    limit = time.monotonic() + 60
    while len(server.accepted) < 4:
        assert time.monotonic() < limit
        assert run.poll() is None
        time.sleep(0.005)
    run.send_signal(signal.SIGTERM)
    _out, told = run.communicate(timeout=30)
    assert run.returncode == 0
    assert b"Ending with the message in hand" in told
    assert world.states() == {
        "delivered": len(server.accepted), "queued": READERS - len(server.accepted)
    }  # fmt: skip
    assert world.leftovers() == []


def test_the_clock_steps_between_runs(sqlite_url: str, server: Smtpd, tmp_path: Path) -> None:
    world = installation(tmp_path, sqlite_url, server, "resend")
    steps = [(0, 0), (0, -3), (1, 0), (0, 1), (1, -5), (-1, 0), (2, 0), (2, -1), (2, 1)]
    with open_app(load(world.config)) as app:
        for days, hours in steps:
            now = MORNING + timedelta(days=days, hours=hours)
            world.announce(now)
            app.run(now)
    assert max(world.digests().values()) == 1
    assert max(world.copies().values()) == 1
    received = Counter(pair.split(" ")[0] for pair in world.copies())
    assert set(received.values()) == {3}  # Wednesday, Thursday, Friday
    assert world.digests().total() == 3 * READERS


def test_the_server_goes_away_and_comes_back(
    server: Smtpd, drainers: Drainers, tmp_path: Path
) -> None:
    """Two workers through a fast and a hard end of PostgreSQL; nobody is missed, nobody twice."""
    with postgres.running() as own:
        url = own.lend()
        own.make_durable(url)
        database = Database(url)
        fill(database, 300)
        task = Task(url, server.port, str(tmp_path / "spool"), doubt="hold", batch=10)
        pids = [drainers.start(task) for _ in range(2)]
        for hard, goal in ((False, 60), (True, 160)):
            await_accepted(server, goal)
            own.stop(hard=hard)
            time.sleep(0.5)
            own.start()
        assert [drainers.wait(pid) for pid in pids] == [0, 0]
        database.dispose()
        drainers.run(task)
        assert set(states(database).values()) == {"delivered"}
        database.dispose()
    assert sorted(server.recipients) == sorted(f"reader{n}@example.org" for n in range(1, 301))


def await_accepted(server: Smtpd, count: int) -> None:
    limit = time.monotonic() + 20
    while len(server.accepted) < count:
        assert time.monotonic() < limit
        threading.Event().wait(0.002)
