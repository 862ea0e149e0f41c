"""A subscriber's channels by their program; the other side is a real server on loopback."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from digest.store.database import Database
from digest.web.rooms import Rooms
from tests.delivery.board import Board
from tests.fakes import FrozenClock
from tests.web.api.conftest import Program
from tests.web.conftest import make_channels
from tests.web.reading import rows
from tests.web.seeds import READER


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@pytest.fixture
def rooms(rooms: Rooms, web_database: Database, clock: FrozenClock) -> Rooms:
    kinds = ["slack", "webhook"]
    channels = make_channels(
        web_database,
        rooms.subscriptions,
        clock,
        slack_hosts=["127.0.0.1"],
        readers_kinds=kinds,
    )
    return dataclasses.replace(rooms, channels=channels)


def test_a_channel_is_added_tested_rested_and_forgotten(mine: Program, board: Board) -> None:
    wish = {"kind": "webhook", "address": board.url(), "label": "My program"}
    answer = mine.ask("POST", "/me/channels", json=wish)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert made["secret"]
    assert board.url() not in answer.text
    [listed] = mine.all("/me/channels")
    assert listed == {key: value for key, value in made.items() if key != "secret"}
    tested = mine.ask("POST", "/me/channels/1/test").json()
    assert (tested["result"], tested["code"]) == ("accepted", 200)
    for state in ("disabled", "disabled", "active", "active"):
        changed = mine.ask("PUT", "/me/channels/1/state", json={"state": state}).json()
        assert changed["state"] == state
    assert [mine.ask("DELETE", "/me/channels/1").status_code for _ in range(2)] == [204, 204]
    assert mine.all("/me/channels") == []


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"kind": "pigeon", "address": "https://example.org/"}, "/kind"),
        ({"kind": "apprise", "address": "mailtos://a:b@example.org"}, "/kind"),
        ({"kind": "webhook", "address": "javascript:alert(1)"}, "/address"),
        ({"kind": "slack", "address": "https://example.org/not-slack"}, "/address"),
        ({"kind": "slack"}, "/address"),
    ],
)
def test_a_faulty_channel(mine: Program, wish: Any, pointer: str) -> None:
    answer = mine.ask("POST", "/me/channels", json=wish)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert mine.all("/me/channels") == []


def test_nobody_reaches_another_s_channel(
    mine: Program, theirs: Program, rooms: Rooms, board: Board, web_database: Database
) -> None:
    rooms.channels.register.add(READER, "webhook", board.url())
    before = rows(web_database, "channel")
    assert theirs.all("/me/channels") == []
    assert theirs.ask("POST", "/me/channels/1/test").status_code == 404
    changed = theirs.ask("PUT", "/me/channels/1/state", json={"state": "disabled"})
    assert changed.status_code == 404
    assert theirs.ask("DELETE", "/me/channels/1").status_code == 204
    assert rows(web_database, "channel") == before
    assert board.posts == []
    assert len(mine.all("/me/channels")) == 1
