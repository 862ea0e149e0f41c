"""`digest channels …` as an operator meets it: no secret on the screen but the one shown once."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from digest.cli import main
from tests.delivery.board import Board

ADA = "ada@example.org"
CONFIG = """
[site]
operator_email = "keeper@example.org"
secret_keys = ["a-key-that-is-long-enough-to-sign-with"]
[channels]
slack_hosts = ["127.0.0.1"]
[web]
allow_private_addresses = true
"""


class Told(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Told]


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@pytest.fixture
def digest(
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command where Ada is subscribed; `asked` is what it reads."""
    for name in list(os.environ):
        if name.startswith("DIGEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(CONFIG + f'[database]\nurl = "{sqlite_url}"\n')

    def run(*arguments: str, asked: str = "") -> Told:
        monkeypatch.setattr("sys.stdin", io.StringIO(asked))
        capfd.readouterr()
        return Told(main(list(arguments)), *capfd.readouterr())

    added = run("subscribers", "add", ADA, "--query", "lantern", "--no-mail")
    assert added.code == 0, added.err
    return run


def test_a_channel_s_life(digest: Run, board: Board) -> None:
    added = digest("channels", "add", ADA, "slack", "--label", "Lamps", asked=board.url() + "\n")
    assert (added.code, added.err) == (0, "")
    assert "Added Lamps: http://127.0.0.1/…4f9Q." in added.out

    (listed,) = digest("channels", "list", "--json").json
    assert (listed["email"], listed["label"], listed["state"]) == (ADA, "Lamps", "active")
    assert listed["address"] == "http://127.0.0.1/…4f9Q"

    tried = digest("channels", "test", ADA, "lamps")
    assert (tried.code, tried.out) == (0, "Accepted: 200 ok.\n")
    board.on(404, b"no_service")
    tried = digest("channels", "test", ADA, "lamps", "--json")
    assert tried.code == 3
    assert tried.json == {"result": "refused", "code": 404, "reply": "no_service"}

    assert digest("channels", "disable", ADA, "Lamps").out == "Disabled Lamps.\n"
    shown = digest("channels", "list", ADA).out
    assert "disabled" in shown
    assert "by request" in shown
    assert digest("channels", "enable", ADA, "Lamps", "--json").json["enabled"] == "Lamps"
    assert digest("channels", "remove", ADA, "Lamps").out == "Removed Lamps.\n"
    assert digest("channels", "list", "--json").json == []


def test_a_signing_key_is_shown_once(digest: Run, board: Board) -> None:
    url = board.url("/lamps/a-path-that-is-secret")
    added = digest("channels", "add", ADA, "webhook", url, "--json")
    assert added.json["secret"].startswith("whsec_")
    told = digest("channels", "add", ADA, "webhook", board.url("/other")).out
    assert "whsec_" in told
    for more in ((), ("--json",)):
        shown = digest("channels", "list", *more).out
        assert "whsec_" not in shown
        assert "a-path-that" not in shown


FAULTS = [
    ("nobody", ("add", "bo@example.org", "slack", "https://hooks.slack.com/x"), "Nobody"),
    ("no kind", ("add", ADA, "semaphore", "https://example.org/x"), "semaphore"),
    ("elsewhere", ("add", ADA, "slack", "https://example.org/secretsecret"), "must be at"),
    ("no channel", ("test", ADA, "slack"), "There is no channel"),
    ("nothing to remove", ("remove", ADA, "1"), "There is no channel"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), [it[1:] for it in FAULTS], ids=[it[0] for it in FAULTS]
)
def test_what_cannot_be_says_why(digest: Run, arguments: tuple[str, ...], said: str) -> None:
    told = digest("channels", *arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert "secretsecret" not in told.err


def test_a_run_posts_and_shows_no_address(digest: Run, board: Board, tmp_path: Path) -> None:
    digest("channels", "add", ADA, "slack", board.url())
    digest("subscribers", "edit", ADA, "--send-empty", "--cadence", "daily")
    board.on(404, f"gone: {board.url()}".encode())
    ran = digest("--verbose", "run", "--now", "2027-03-05T12:00:00Z", "--json")
    assert ran.code == 3
    assert ran.json["deliveries"]["refused"] == 1
    listed = digest("outbox", "list", "--state", "refused", "--json")
    assert listed.json[0]["channel"] == "slack"
    for told in (ran, listed, digest("outbox", "list", "--state", "refused")):
        assert "secretsecret" not in told.out + told.err
        assert "T0LANTERN" not in told.out + told.err
    (mail,) = (tmp_path / "mail").rglob("*.eml")
    assert "takes no more digests" in mail.read_text()
    assert "secretsecret" not in mail.read_text()
