"""A reader's channels by the pages: add, see, test, rest, wake, remove; faults beside fields.

The other side is a real HTTP server on loopback.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.model import ChannelState, SubscriberChannel
from digest.store import channels as store
from digest.store.database import Database
from digest.web.allowances import POSTS
from digest.web.app import create_app
from digest.web.rooms import Rooms
from tests.delivery.board import Board
from tests.fakes import FrozenClock
from tests.web.conftest import SITE, make_channels
from tests.web.reading import Fields, Links, dump, reader
from tests.web.seeds import HOSTILE, READER

SECRET = "secretsecretsecret4f9Q"


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


@pytest.fixture
def rooms(rooms: Rooms, web_database: Database, clock: FrozenClock) -> Rooms:
    channels = make_channels(
        web_database, rooms.subscriptions, clock, slack_hosts=["127.0.0.1"], readers_kinds=KINDS
    )
    return dataclasses.replace(rooms, channels=channels)


KINDS = ["slack", "discord", "mattermost", "webhook"]


@pytest.fixture
def page(rooms: Rooms) -> str:
    """The path of the reader's page of channels."""
    return f"{Links.of(rooms).preferences}/channels"


def add(client: TestClient, page: str, board: Board, kind: str = "slack", **fields: Any) -> Any:
    form = {"do": "add", "kind": kind, "address": board.url(), **fields}
    return client.post(page, data=form)


def do(client: TestClient, page: str, word: str, number: int = 1) -> Any:
    return client.post(f"{page}/{number}", data={"do": word})


def channel(rooms: Rooms, name: str = "1") -> SubscriberChannel:
    return rooms.channels.register.one(READER, name)


def test_the_first_page_leads_there(client: TestClient, page: str) -> None:
    assert f'href="{page}"' in client.get(page.removesuffix("/channels")).text
    assert "comes by mail" in client.get(page).text


def test_a_channel_is_added_and_shown_masked(
    client: TestClient, page: str, board: Board, rooms: Rooms
) -> None:
    answer = add(client, page, board, label="Our team")
    assert answer.status_code == 200
    assert channel(rooms).address == board.url()
    for shown in (answer.text, client.get(page).text):
        assert SECRET not in shown
        assert "http://127.0.0.1/…4f9Q" in shown
        assert "Our team" in shown
    assert board.posts == []


def test_the_key_of_a_webhook_is_shown_once(
    client: TestClient, page: str, board: Board, rooms: Rooms
) -> None:
    answer = add(client, page, board, kind="webhook")
    assert channel(rooms).secret in answer.text
    assert channel(rooms).secret not in client.get(page).text


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"address": "https://evil.example/services/x"}, "address", "Must be at hooks.slack.com"),
        ({"address": "ftp://hooks.slack.com/x"}, "address", "Must begin with https://"),
        ({"address": ""}, "address", "Is no web address"),
        ({"kind": "discord", "address": "https://discord.example/x"}, "address", "discord.com"),
        ({"kind": "apprise", "address": "tgram://a/b"}, "kind", "Choose one of these"),
        ({"kind": HOSTILE}, "kind", "Choose one of these"),
        ({"label": "7"}, "label", "is taken, too long or a number"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_beside_the_field(
    client: TestClient,
    page: str,
    board: Board,
    rooms: Rooms,
    fields: dict[str, str],
    name: str,
    said: str,
) -> None:
    answer = add(client, page, board, **fields)
    told = Fields(answer.text)
    assert answer.status_code == 400
    assert said in told.fault(name)
    assert told.texts["address"] == fields.get("address", board.url())
    assert "<script" not in answer.text
    assert rooms.channels.register.of(READER) == []


def test_a_private_address_is_refused_where_the_operator_allows_none(
    rooms: Rooms, web_database: Database, clock: FrozenClock, page: str
) -> None:
    channels = make_channels(web_database, rooms.subscriptions, clock, private=False)
    with TestClient(
        create_app(dataclasses.replace(rooms, channels=channels)), SITE.base_url
    ) as client:
        form = {"do": "add", "kind": "webhook", "address": "https://10.0.0.1/hook"}
        answer = client.post(page, data=form)
    assert "Must not be on a private network" in Fields(answer.text).fault("address")


def test_the_same_address_is_taken_once(client: TestClient, page: str, board: Board) -> None:
    add(client, page, board)
    again = add(client, page, board)
    assert again.status_code == 400
    assert "already" in Fields(again.text).fault("address")


def test_a_test_is_posted(client: TestClient, page: str, board: Board) -> None:
    add(client, page, board)
    assert "It was posted." in do(client, page, "test").text
    [post] = board.posts
    assert "can post here" in post.json["text"]


def test_what_the_other_side_says_to_a_test_is_shown(
    client: TestClient, page: str, board: Board
) -> None:
    add(client, page, board)
    board.on(404, b"no_service <script>")
    answer = do(client, page, "test")
    assert "It did not take the test: 404 no_service &lt;script&gt;" in answer.text


def test_a_channel_rests_wakes_and_goes(
    client: TestClient, page: str, board: Board, rooms: Rooms
) -> None:
    add(client, page, board)
    assert do(client, page, "rest").status_code == 303
    assert channel(rooms).state is ChannelState.DISABLED
    assert "as you wished" in client.get(page).text
    do(client, page, "wake")
    assert channel(rooms).state is ChannelState.ACTIVE
    gone = do(client, page, "remove")
    assert "The channel is gone." in client.get(gone.headers["location"]).text
    assert rooms.channels.register.of(READER) == []
    for word in ("test", "rest", "wake", "remove"):
        assert do(client, page, word).status_code == 303


def test_a_channel_that_takes_no_more_says_why(
    client: TestClient, page: str, board: Board, rooms: Rooms, web_database: Database
) -> None:
    add(client, page, board)
    number, at, why = channel(rooms).id, rooms.clock(), "410 channel_is_archived"
    with web_database.write() as connection:
        store.disable(connection, number, now=at, reason=why, told=False)
    assert re.search(r"takes no more posts since .*2026\. It said: 410", client.get(page).text)


def test_the_mail_can_be_left_out(
    client: TestClient, page: str, board: Board, rooms: Rooms
) -> None:
    add(client, page, board)
    assert client.post(page, data={"do": "mail"}).status_code == 303
    assert not reader(rooms).mail
    client.post(page, data={"do": "mail", "mail": "yes"})
    assert reader(rooms).mail


def test_nobody_else_s_channel_is_reached(
    client: TestClient, page: str, board: Board, rooms: Rooms
) -> None:
    rooms.subscriptions.add({"email": "other@example.org"})
    mine = rooms.channels.register.add("other@example.org", "slack", board.url("/other/hook"))
    for word in ("test", "rest", "remove"):
        do(client, page, word, mine.id)
    [left] = rooms.channels.register.of("other@example.org")
    assert left.state is ChannelState.ACTIVE
    assert board.posts == []


def test_looking_changes_nothing(
    client: TestClient, page: str, board: Board, web_database: Database
) -> None:
    add(client, page, board)
    before = dump(web_database)
    client.get(page)
    client.head(page)
    client.get(f"{page}/1")
    assert dump(web_database) == before
    assert board.posts == []


def test_posts_are_limited(client: TestClient, page: str, board: Board) -> None:
    add(client, page, board)
    answers = [do(client, page, "test").status_code for _ in range(POSTS[0].most)]
    assert answers[:-1] == [200] * (POSTS[0].most - 1)
    assert answers[-1] == 429
