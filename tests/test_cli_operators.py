"""The operator's commands: a trial mail, copies, purges, figures."""

from __future__ import annotations

import email
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.cli import main
from digest.clock import system_clock
from digest.store.database import Database
from digest.store.marks import MarkStore
from digest.summaries.rounds import PAUSED
from tests.scheduler.conftest import ENTRY, FEED, KEY
from tests.smtpd import Smtpd

CONFIG = """
[site]
operator_email = "ops@example.org"
secret_keys = ["{key}"]
[[sources]]
kind = "feed"
name = "Lamps"
path = "feed.xml"
[matching]
embedder = "lexical"
[monitoring]
textfile = "figures.prom"
"""
SMTP = """
[delivery]
channel = "smtp"
[delivery.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
"""
NOW = "2026-11-20T12:00:00Z"


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Digest = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path, sqlite_template: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG.format(key=KEY), "utf-8")
    (tmp_path / "feed.xml").write_text(FEED.format(ENTRY.format(1)), "utf-8")
    shutil.copyfile(sqlite_template, tmp_path / "digest.db")
    return tmp_path


@pytest.fixture
def digest(folder: Path, capfd: pytest.CaptureFixture[str]) -> Digest:
    def run(*arguments: str | Path) -> Said:
        capfd.readouterr()
        code = main(["--config", str(folder / "config.toml"), *map(str, arguments)])
        return Said(code, *capfd.readouterr())

    return run


def subscribe(digest: Digest, name: str = "ada") -> None:
    said = digest("subscribers", "add", f"{name}@example.org", "--query", "lantern", "--hour", "7")
    assert said.code == 0, said.err


def test_a_trial_mail_takes_the_way_of_real_ones(digest: Digest, folder: Path) -> None:
    with Smtpd() as server:
        with (folder / "config.toml").open("a", encoding="utf-8") as file:
            file.write(SMTP.format(port=server.port))
        said = digest("send-test", "bo@Example.org", "--json")
        assert said.json == {
            "address": "bo@example.org",
            "channel": "smtp",
            "result": "accepted",
            "code": 250,
            "reply": "2.0.0 accepted",
        }
        [mail] = server.accepted
        assert email.message_from_bytes(mail.data)["List-Unsubscribe-Post"]
        server.on("RCPT", "550 5.1.1 nobody here")
        said = digest("send-test", "cy@example.org")
        assert (said.code, said.out) == (1, "")
        assert "550 5.1.1 nobody here" in said.err


def test_a_trial_mail_to_nobody_is_wrong_usage(digest: Digest) -> None:
    assert digest("send-test", "nobody").code == 2


def test_status_in_words_and_numbers(digest: Digest) -> None:
    subscribe(digest)
    assert digest("run", "--now", NOW).code == 0
    figures = digest("status", "--json").json
    assert figures["subscribers"] == {"active": 1}
    assert [one["name"] for one in figures["sources"]] == ["Lamps"]
    told = digest("status").out
    assert "Readers: 1 active" in told
    assert "Lamps" in told


def test_what_rests_after_failing_is_told(digest: Digest, folder: Path) -> None:
    assert digest("status", "--json").json["pauses"] == []
    until = system_clock() + timedelta(minutes=20)
    database = Database(f"sqlite:///{folder / 'digest.db'}")
    MarkStore(database).set(PAUSED, until, why="HTTP 503: away", times=3)
    database.dispose()
    told = f"The service for summaries is left alone until {until:%Y-%m-%d %H:%M} UTC: HTTP 503"
    assert told in digest("status").out
    [pause] = digest("status", "--json").json["pauses"]
    assert pause["why"] == "HTTP 503: away"
    assert f"note   pauses: {told}" in digest("doctor").out


def test_one_shot_runs_leave_their_figures_in_a_file(digest: Digest, folder: Path) -> None:
    subscribe(digest)
    assert digest("run", "--now", NOW).code == 0
    told = (folder / "figures.prom").read_text("utf-8")
    assert 'digest_deliveries{state="queued"} 0.0' in told
    assert "ada@" not in told


def test_an_old_copy_sends_nothing_until_told_how(digest: Digest, folder: Path) -> None:
    subscribe(digest)
    copied = digest("backup", folder / "copy.db", "--json")
    assert copied.json["bytes"] > 0
    assert digest("run", "--now", NOW, "--json").json["deliveries"]["delivered"] == 1
    back = digest("restore", folder / "copy.db")
    assert back.code == 0, back.err
    assert "--accept forward" in back.out
    refused = digest("run", "--now", NOW)
    assert refused.code == 1
    assert "sends nothing yet" in refused.err
    assert len(list((folder / "mail").rglob("*.eml"))) == 1
    gone_on = digest("restore", "--accept", "forward", "--json")
    assert gone_on.json["readers"] == 1
    later = digest("run", "--now", "2027-01-15T12:00:00Z", "--json").json
    assert later["deliveries"]["delivered"] == 0, "the papers of the gap count as sent"
    assert later["digests"]["skipped"] == {"nothing_new": 1}


def test_going_on_again_sends_it_again(digest: Digest, folder: Path) -> None:
    subscribe(digest)
    digest("backup", folder / "copy.db")
    digest("run", "--now", NOW)
    digest("restore", folder / "copy.db")
    assert digest("restore", "--accept", "again").code == 0
    again = digest("run", "--now", NOW, "--json").json
    assert again["deliveries"]["delivered"] == 1


@pytest.mark.parametrize(
    "arguments",
    [["restore"], ["restore", "x", "--accept", "again"], ["restore", "--accept", "maybe"]],
    ids=["neither", "both", "neither of the two"],
)
def test_restore_wants_one_thing(digest: Digest, arguments: list[str]) -> None:
    assert digest(*arguments).code == 2


def test_a_move_says_what_to_do_next(digest: Digest, folder: Path) -> None:
    subscribe(digest)
    said = digest("move", f"sqlite:///{folder / 'new.db'}")
    assert said.code == 0, said.err
    assert "Set database.url" in said.out
    assert digest("run", "--now", NOW).code == 1, "the old one sends nothing any more"


def test_a_purge_counts_first(digest: Digest, folder: Path) -> None:
    subscribe(digest)
    digest("run", "--now", "2025-03-03T12:00:00Z")
    would = digest("purge", "--dry-run", "--json").json
    assert would["digests"] == 1
    assert digest("purge", "--json").json["digests"] == 1
    assert digest("purge", "--json").json["digests"] == 0


def test_a_run_applies_the_retention(digest: Digest, folder: Path) -> None:
    subscribe(digest)
    digest("run", "--now", "2025-03-03T12:00:00Z")
    digest("run", "--now", NOW)
    would = digest("purge", "--dry-run", "--json").json
    assert would["digests"] == 0


def test_everything_about_one_person_is_told_and_erased(digest: Digest) -> None:
    for name in ("ada", "bo"):
        subscribe(digest, name)
    digest("run", "--now", NOW)
    stored = digest("subscribers", "export-data", "ada@Example.org").json["stored"]
    assert {"subscriber", "interest", "digest", "delivery", "sent"} <= stored.keys()
    assert [row["email"] for row in stored["subscriber"]] == ["ada@example.org"]
    assert "bo@example.org" not in json.dumps(stored)
    assert digest("subscribers", "remove", "ada@example.org").code == 0
    gone = digest("subscribers", "export-data", "ada@example.org")
    assert gone.code == 2 or gone.json["stored"].keys() == {"suppression"}


def test_nobody_is_told_as_such(digest: Digest) -> None:
    said = digest("subscribers", "export-data", "nobody@example.org")
    assert (said.code, said.out) == (2, "")
