"""Couriers, real processes against a real server: what they send adds up, however they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from digest.config import Settings, load
from digest.courier import WORTH, Couriers, number_of
from digest.day import RunReport
from digest.model import DeliveryState
from digest.wiring import App, open_app
from tests.installed import MORNING, Installation
from tests.smtpd import Late, Smtpd

READERS = 30


@pytest.fixture
def server() -> Iterator[Smtpd]:
    with Smtpd() as server:
        yield server


def installation(tmp_path: Path, url: str, server: Smtpd, **changed: Any) -> Installation:
    made = Installation(tmp_path / "installed", url, server, **{"processes": 2, **changed})
    made.write()
    made.announce(MORNING)
    made.subscribe(READERS)
    return made


def configured(**delivery: Any) -> Settings:
    site = {"operator_email": "op@example.org", "secret_keys": ["long enough " * 3]}
    return Settings.model_validate({"site": site, "delivery": delivery})


def run(world: Installation, stop: threading.Event | None = None) -> RunReport:
    with open_app(load(world.config), stop=stop) as app:
        return app.run(MORNING)


def await_(done: Callable[[], object], seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.005)


def couriers_of(pid: int) -> list[int]:
    """The couriers that a process has started and that live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _name, _, fields = stat.read_text().rpartition(") ")
            words = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields.split()[1]) == pid and b"digest.courier" in words:
            found.append(int(stat.parent.name))
    return found


# --- how many there are ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "sessions", "due", "number"),
    [
        (1, 2, 9_000_000, 0),
        (2, 2, 1, 1),
        (2, 2, 0, 0),
        (4, 8, 1, 3),
        (4, 2, 1, 2),
        ("auto", 2, WORTH - 1, 0),
    ],
)
def test_as_many_as_configured_and_as_there_are_sessions(
    said: int | str, sessions: int, due: int, number: int
) -> None:
    settings = configured(processes=said, smtp={"sessions": sessions})
    assert number_of(settings, lambda most: min(due, most)) == number


@pytest.mark.skipif("len(os.sched_getaffinity(0)) < 2", reason="needs two processors")
def test_a_large_run_has_one() -> None:
    assert number_of(configured(), lambda most: most) == 1


def test_the_smallest_account_decides() -> None:
    fallbacks = [{"host": "second.example", "sessions": 1}]
    settings = configured(processes=4, smtp={"sessions": 8, "fallbacks": fallbacks})
    assert number_of(settings, lambda most: most) == 1


# --- what they send -------------------------------------------------------------------------------


def test_what_couriers_sent_is_in_the_report(
    database_url: str, server: Smtpd, tmp_path: Path
) -> None:
    world = installation(tmp_path, database_url, server, processes=3)
    report = run(world)
    assert report.to_json()["deliveries"] == {
        "delivered": READERS, "deferred": 0, "refused": 0, "uncertain": 0
    }  # fmt: skip
    assert world.copies().total() == len(world.copies()) == READERS
    assert world.leftovers() == []


def test_a_courier_s_mails_are_those_of_a_run_alone(
    sqlite_template: Path, server: Smtpd, tmp_path: Path
) -> None:
    """To the byte, summaries included, which are chosen before anything leaves."""
    mails = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "digest.db")
        url = f"sqlite:///{folder / 'digest.db'}"
        run(installation(folder, url, server, processes=processes))
        mails.append({one.recipient: one.data for one in server.accepted})
        server.accepted.clear()
    assert mails[0] == mails[1]
    assert len(mails[0]) == READERS


@pytest.mark.parametrize(("sessions", "own"), [(1, 0), (2, 1), (5, 2)])
def test_the_run_and_its_courier_share_the_sessions(
    sqlite_url: str, server: Smtpd, tmp_path: Path, sessions: int, own: int
) -> None:
    """Both together never have more than the account's; with one, one after the other."""
    world = installation(tmp_path, sqlite_url, server)
    smtp = {"host": "127.0.0.1", "port": server.port, "security": "none", "sessions": sessions}
    shared: list[int] = []
    with open_app(load(world.config)) as app:
        compose(app)
        delivery = app.settings.delivery.model_dump() | {"smtp": smtp}
        settings = app.settings.model_copy(
            update={"delivery": type(app.settings.delivery).model_validate(delivery)}
        )
        hired = Couriers(settings, number=1, at=MORNING, stop=app.stop, lend=shared.append)
        with hired, app.outbox(lambda: MORNING) as outbox:
            hired.posted()
            await_(lambda: len(server.accepted) == READERS)
            sent = hired.finish(outbox.drain)
    assert sent.states == {"delivered": READERS}
    assert world.states() == {"delivered": READERS}
    assert [sessions // parts for parts in shared] == ([own, sessions] if own else [])


def test_refusals_are_counted_like_any(sqlite_url: str, server: Smtpd, tmp_path: Path) -> None:
    server.on("RCPT", "550 5.1.1 no such user", match="reader7@")
    server.on("RCPT", "451 4.2.1 later", match="reader8@")
    world = installation(tmp_path, sqlite_url, server)
    report = run(world)
    assert report.to_json()["deliveries"] == {
        "delivered": READERS - 2, "deferred": 1, "refused": 1, "uncertain": 0
    }  # fmt: skip
    assert report.has_failures


def test_a_fault_is_met_by_the_run_too(sqlite_url: str, server: Smtpd, tmp_path: Path) -> None:
    server.on("CONNECT", "554 5.3.2 closed")
    world = installation(tmp_path, sqlite_url, server)
    report = run(world)
    assert report.deliveries.faults
    assert world.states() == {"queued": READERS}


# --- however they end -----------------------------------------------------------------------------


def test_a_killed_courier_is_only_a_worker_that_died(
    database_url: str, server: Smtpd, tmp_path: Path
) -> None:
    server.on("END", Late("250 2.0.0 accepted", after=0.02, accept=True))
    world = installation(tmp_path, database_url, server, doubt="hold")
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(run, world)
        await_(lambda: len(server.accepted) >= 5)
        (pid,) = couriers_of(os.getpid())
        os.kill(pid, signal.SIGKILL)
        report = going.result(timeout=60)
    assert world.digests().total() == READERS
    doubted, states = world.in_doubt(), world.states()
    assert doubted <= 2  # the messages on its two sessions
    assert states["delivered"] + states["uncertain"] == READERS
    assert max(world.copies().values()) == 1
    assert world.missing(1) <= states["uncertain"] == doubted
    assert world.leftovers() == []
    told = report.deliveries.states
    assert told.total() <= READERS  # less what it had committed and not told any more
    assert told[DeliveryState.DELIVERED] >= READERS - doubted - 5


def test_a_run_asked_to_end_asks_its_courier(
    sqlite_url: str, server: Smtpd, tmp_path: Path
) -> None:
    """The real command: what was handed over is known to be delivered, the rest stays queued."""
    world = installation(tmp_path, sqlite_url, server, doubt="hold")
    server.on("END", Late("250 2.0.0 accepted", after=0.3, accept=True), skip=3)
    process = start(world)
    await_(lambda: len(server.accepted) >= 4)
    process.send_signal(signal.SIGTERM)
    _out, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert told.decode().splitlines() == [
        "Ending with the message in hand; the rest goes on with the next run."
    ]
    assert world.states() == {
        "delivered": len(server.accepted), "queued": READERS - len(server.accepted)
    }  # fmt: skip
    assert world.leftovers() == []


def test_a_courier_outlives_no_killed_run(sqlite_url: str, server: Smtpd, tmp_path: Path) -> None:
    world = installation(tmp_path, sqlite_url, server, doubt="hold")
    server.on("END", Late("250 2.0.0 accepted", after=0.2, accept=True), skip=3)
    process = start(world)
    await_(lambda: len(server.accepted) >= 4)
    (pid,) = couriers_of(process.pid)
    process.kill()
    process.communicate()
    await_(lambda: not Path(f"/proc/{pid}").exists())
    assert len(server.accepted) < READERS
    run(world)
    doubted, states = world.in_doubt(), world.states()
    assert doubted <= 1  # the message that the run itself had handed over
    assert states["delivered"] + states["uncertain"] == READERS
    assert world.missing(1) <= states["uncertain"] == doubted
    assert max(world.copies().values()) == 1


def test_a_run_that_fails_leaves_no_courier(sqlite_url: str, server: Smtpd, tmp_path: Path) -> None:
    world = installation(tmp_path, sqlite_url, server)
    with open_app(load(world.config)) as app, couriers(app):
        assert couriers_of(os.getpid())
    assert not couriers_of(os.getpid())


def test_a_run_without_room_for_a_courier_sends_by_itself(
    sqlite_url: str, server: Smtpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = installation(tmp_path, sqlite_url, server)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing here"))
    assert run(world).deliveries.states[DeliveryState.DELIVERED] == READERS
    assert world.copies().total() == READERS


def compose(app: App) -> None:
    app.ingest(lambda: MORNING)
    assert app.composer(MORNING).compose(MORNING).composed == READERS


def couriers(app: App) -> Couriers:
    return Couriers(app.settings, number=1, at=MORNING, stop=app.stop)


def start(world: Installation) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "digest", "--config", str(world.config), "run"]
    return subprocess.Popen(
        [*command, "--now", MORNING.isoformat()],
        cwd=world.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
