"""A hub that is told of news: by a real HTTP server, never in the way of whoever brings them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from digest.hub import MOST, Hub, topics
from digest.store.database import Database
from digest.wiring import App
from tests.delivery.board import SILENCE, Board
from tests.fakes import FrozenClock
from tests.test_channels import ENTRY, FEED, settings

SITE = "https://papers.example.org/club"


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def hub(board: Board) -> Hub:
    return Hub(board.url("/hub"), SITE, allow_private=True, seconds=1)


def told(board: Board) -> list[str]:
    forms = [parse_qs(body.decode()) for body in board.bodies]
    assert all(form["hub.mode"] == ["publish"] for form in forms)
    assert all(form["hub.url"] == form["hub.topic"] for form in forms)
    return [form["hub.url"][0] for form in forms]


def test_every_feed_that_has_news_is_told_once(board: Board) -> None:
    one = hub(board)
    one.announce(["Lamp Letters"])
    one.finish(5)
    assert told(board) == [
        f"{SITE}/feeds/papers.atom",
        f"{SITE}/feeds/papers.rss",
        f"{SITE}/feeds/papers.json",
        f"{SITE}/feeds/papers.atom?source=Lamp+Letters",
        f"{SITE}/feeds/papers.rss?source=Lamp+Letters",
        f"{SITE}/feeds/papers.json?source=Lamp+Letters",
    ]
    assert board.posts[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert board.posts[0].path == "/hub"


def test_without_news_or_without_a_hub_nobody_is_told(board: Board) -> None:
    one = hub(board)
    one.announce([])
    Hub(None, SITE).announce(["Lamps"])
    one.finish(1)
    assert board.posts == []


def test_a_silent_hub_holds_nobody_up(board: Board) -> None:
    board.on_this(SILENCE)
    one, began = hub(board), time.monotonic()
    for _ in range(50):
        one.announce(["Lamps", "Moths"])
    assert time.monotonic() - began < 0.5
    one.finish(10)
    assert len(board.posts) == 1, "who does not answer is not asked for every feed"
    one.announce(["Lamps"])
    one.finish(5)
    assert len(board.posts) == 1 + 6, "and is told of the next news"


def test_a_hub_that_refuses_harms_nothing(board: Board) -> None:
    board.on(500, times=3)
    one = hub(board)
    one.announce(["Lamps"])
    one.finish(5)
    assert len(board.posts) == 6


def test_what_waits_is_bounded(board: Board) -> None:
    board.on_this(SILENCE)
    one = hub(board)
    one.announce([f"Source {n}" for n in range(1000)])
    assert len(one._waiting) <= MOST
    one.finish(10)


def test_a_hub_on_a_private_network_is_not_reached_unless_allowed(board: Board) -> None:
    one = Hub(board.url("/hub"), SITE, seconds=1)
    one.announce(["Lamps"])
    one.finish(5)
    assert board.posts == []


def test_a_run_tells_of_what_it_brought(
    sqlite_database: Database, board: Board, tmp_path: Path
) -> None:
    (tmp_path / "feed.xml").write_text(FEED.format(ENTRY.format(1, "fog")), "utf-8")
    web = {"allow_private_addresses": True, "websub_hub": board.url("/hub")}
    app = App(settings(tmp_path, web=web), sqlite_database, clock=FrozenClock())
    app.run()
    base = "https://digest.example.org/feeds/papers"
    assert told(board)[0] == f"{base}.atom"
    assert f"{base}.rss?source=Lamps" in told(board)
    before = len(board.posts)
    app.run()
    assert len(board.posts) == before, "nothing new, nothing told"
    assert len(topics(SITE, ["Lamps"])) == before
