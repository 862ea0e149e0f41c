"""`digest serve` as a service manager meets it: started, asked, terminated."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from digest.cli import main
from digest.store.database import Database
from digest.store.marks import MarkStore
from tests.scheduler.conftest import ENTRY, FEED, KEY
from tests.smtpd import Late, Smtpd

CONFIG = """
[site]
operator_email = "ops@example.org"
secret_keys = ["{key}"]
[database]
url = "sqlite:///digest.db"
[[sources]]
kind = "feed"
name = "Lamps"
path = "feed.xml"
[matching]
embedder = "lexical"
[delivery]
channel = "smtp"
[delivery.smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
[web]
port = {web}
[monitoring]
metrics_port = {metrics}
[logging]
format = "json"
"""


def free_port() -> int:
    with closing(socket.socket()) as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


@pytest.fixture
def smtpd() -> Iterator[Smtpd]:
    with Smtpd() as server:
        yield server


@pytest.fixture
def ports(tmp_path: Path, smtpd: Smtpd) -> dict[str, int]:
    """A configured, migrated directory with a reader whose first digest is due at once."""
    ports = {"smtp": smtpd.port, "web": free_port(), "metrics": free_port()}
    (tmp_path / "config.toml").write_text(CONFIG.format(key=KEY, **ports), "utf-8")
    (tmp_path / "feed.xml").write_text(FEED.format(ENTRY.format(1)), "utf-8")
    file = ["--config", str(tmp_path / "config.toml")]
    assert main([*file, "migrate"]) == 0
    ada = ["subscribers", "add", "ada@example.org", "--query", "lantern", "--cadence", "daily"]
    assert main([*file, *ada, "--hour", "0"]) == 0
    database = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE subscriber SET next_due_at = '2026-01-01 00:00:00.000'")
    database.dispose()
    return ports


@contextmanager
def running(folder: Path, command: str) -> Iterator[subprocess.Popen[str]]:
    with (folder / f"{command}.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "digest", command],
            cwd=folder,
            stdout=log,
            stderr=log,
            text=True,
            env={name: value for name, value in os.environ.items() if "DIGEST" not in name},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


def wait_for(what: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def beats(folder: Path) -> set[str]:
    database = Database(f"sqlite:///{folder / 'digest.db'}")
    found = {mark.name.split("/")[1] for mark in MarkStore(database).below("heartbeat/")}
    database.dispose()
    return found


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_serve_does_everything_and_ends_with_the_message_in_hand(
    tmp_path: Path, ports: dict[str, int], smtpd: Smtpd
) -> None:
    smtpd.on("END", Late("250 2.0.0 accepted", 2.0, accept=True))
    with running(tmp_path, "serve") as process:
        wait_for(lambda: answers(ports["web"]))
        wait_for(lambda: any(line.startswith("DATA") for line in list(smtpd.log)))
        assert beats(tmp_path) == {"scheduler", "worker", "web"}
        told = httpx.get(f"http://127.0.0.1:{ports['metrics']}/metrics").text
        assert "digest_composed 1.0" in told
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert smtpd.recipients == ["ada@example.org"]
    assert beats(tmp_path) == set(), "whoever leaves says so"
    database = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with database.read() as connection:
        states = connection.exec_driver_sql("SELECT state FROM delivery").scalars().all()
    database.dispose()
    assert states == ["delivered"], "what was answered is not sent again"
    log = (tmp_path / "serve.log").read_text("utf-8")
    assert "ada@example.org" not in log
    assert re.search(r'"action": "stopped"', log)


def test_the_parts_run_apart(tmp_path: Path, ports: dict[str, int], smtpd: Smtpd) -> None:
    with running(tmp_path, "worker") as worker, running(tmp_path, "scheduler") as scheduler:
        wait_for(lambda: smtpd.recipients)
        for process in (worker, scheduler):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(15) for process in (worker, scheduler)] == [0, 0]
    assert smtpd.recipients == ["ada@example.org"]


def test_a_port_that_is_taken_is_told_plainly(
    tmp_path: Path, ports: dict[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(socket.create_server(("127.0.0.1", ports["web"]))):
        code = main(["--config", str(tmp_path / "config.toml"), "web"])
    assert code == 1
    assert f"port {ports['web']}" in capfd.readouterr().err
