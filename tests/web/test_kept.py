"""Pages kept in memory are the pages as they would be drawn, and never a private one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from time import monotonic, sleep
from typing import TypeVar

import anyio
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from digest.searching import processors
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.app import create_app
from digest.web.kept import ANSWERS, KeptPages
from digest.web.rooms import Rooms
from digest.web.visit import Desk
from tests.builders import listing
from tests.fakes import START, FrozenClock
from tests.web import seeds
from tests.web.conftest import SITE, make_rooms

Found = TypeVar("Found")


@pytest.mark.parametrize(
    "path", ["/", "/?tab=new", "/papers/2026-W47", "/sources", "/search?q=owls"]
)
def test_the_second_look_is_the_first(client: TestClient, path: str) -> None:
    for encoding in ("gzip", "identity"):
        first = client.get(path, headers={"Accept-Encoding": encoding})
        again = client.get(path, headers={"Accept-Encoding": encoding})
        assert again.content == first.content
        assert again.headers == first.headers
        assert again.headers.get("content-encoding") == ("gzip" if encoding == "gzip" else None)


def test_what_is_new_is_shown_at_once(client: TestClient, web_database: Database) -> None:
    assert "Lamps over the strait" not in client.get("/").text
    new = listing(title="Lamps over the strait", votes=999, announced_at=START)
    seeds.remember(web_database, [new])
    assert "Lamps over the strait" in client.get("/").text


def test_another_day_is_another_page(web_database: Database, clock: FrozenClock) -> None:
    with TestClient(create_app(make_rooms(web_database, clock)), SITE.base_url) as client:
        assert "20 November" in client.get("/").text
        clock.tick(days=-1)
        assert "19 November" in client.get("/").text


def test_languages_are_kept_apart(client: TestClient) -> None:
    vary = client.get("/").headers["vary"]
    assert "Accept-Language" in vary
    assert "Accept-Encoding" in vary


def test_an_answer_is_kept_until_another_index_gives_one(
    rooms: Rooms, web_database: Database
) -> None:
    with TestClient(create_app(rooms), SITE.base_url) as client:
        for _ in range(2):
            assert " over the strait" not in client.get("/search?q=lamps").text
        new = listing(title="Lamps over the strait", announced_at=START)
        seeds.remember(web_database, [new])
        rooms.search.refresh()
        assert " over the strait" in client.get("/search?q=lamps").text
        seeds.remember(web_database, [listing(title="Lamps of the quay", announced_at=START)])
        client.get("/search?q=lamps")  # of the index of before; kept for no longer than that is
        rooms.search.refresh()
        assert " of the quay" in client.get("/search?q=lamps").text


def test_an_answer_is_kept_as_long_as_a_thread_keeps_its_index(
    rooms: Rooms, web_database: Database
) -> None:
    rooms.search.refresh()
    stop = Event()
    keeper = Thread(target=rooms.search.keep, args=(stop,))
    keeper.start()
    try:
        with TestClient(create_app(rooms), SITE.base_url) as client:
            before = wait_until(lambda: rooms.search.standing)
            assert " over the strait" not in client.get("/search?q=lamps").text
            seeds.remember(web_database, [listing(title="Lamps over the strait")])
            rooms.search.nudge()
            wait_until(lambda: rooms.search.standing != before)
            assert " over the strait" in client.get("/search?q=lamps").text
    finally:
        stop.set()
        rooms.search.nudge()
        keeper.join()
    assert rooms.search.standing is None


def test_questions_are_answered_in_turn(rooms: Rooms) -> None:
    anyio.run(_ask_many, create_app(rooms).state.desk)


async def _ask_many(desk: Desk) -> None:
    at_once, most = 0, 0

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await anyio.sleep(0.001)
        at_once -= 1
        if b"fail" in scope["query_string"]:
            raise LookupError
        await Response("found")(scope, receive, send)

    app = KeptPages(slow, desk=desk)
    async with AsyncClient(transport=ASGITransport(app), base_url=SITE.base_url) as client:
        with suppress(LookupError):
            await client.get("/search?q=fail")
        async with anyio.create_task_group() as group:
            for number in range(4 * processors()):
                group.start_soon(client.get, f"/search?q=owls{number}")
    assert most == processors()


def test_so_many_answers_are_kept(rooms: Rooms) -> None:
    app = create_app(rooms)
    with TestClient(app, SITE.base_url) as client:
        for number in range(ANSWERS + 5):
            assert client.get(f"/search?q=title:owl{number}").status_code == 200
    assert len(kept(app).names()) == ANSWERS


def test_the_private_and_the_failed_are_drawn_anew(rooms: Rooms) -> None:
    app = create_app(rooms)
    token = rooms.tokens.sign(Purpose.DIGEST, 1)
    with TestClient(app, SITE.base_url) as client:
        client.get("/")
        for path in (f"/d/{token}", "/papers/nonsense", "/paper/99999", "/search?q=title:"):
            client.get(path)
    assert [str(name[0]) for name in kept(app).names()] == ["/"]


def wait_until(what: Callable[[], Found]) -> Found:
    end = monotonic() + 20
    while not (found := what()):
        assert monotonic() < end
        sleep(0.01)
    return found


def kept(app: FastAPI) -> KeptPages:
    layer = app.middleware_stack
    while not isinstance(layer, KeptPages):
        assert layer is not None
        layer = getattr(layer, "app", None) or getattr(layer, "_app", None)
    return layer
