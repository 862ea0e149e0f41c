"""Pages kept in memory are the pages as they would be drawn, and never a private one."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.app import create_app
from digest.web.kept import KeptPages
from digest.web.rooms import Rooms
from tests.builders import listing
from tests.fakes import START, FrozenClock
from tests.web import seeds
from tests.web.conftest import SITE, make_rooms


@pytest.mark.parametrize("path", ["/", "/?tab=new", "/papers/2026-W47", "/sources"])
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


def test_the_private_and_the_failed_are_drawn_anew(rooms: Rooms) -> None:
    app = create_app(rooms)
    token = rooms.tokens.sign(Purpose.DIGEST, 1)
    with TestClient(app, SITE.base_url) as client:
        client.get("/")
        for path in (f"/d/{token}", "/papers/nonsense", "/paper/99999", "/search?q=owls"):
            client.get(path)
    layer = app.middleware_stack
    while not isinstance(layer, KeptPages):
        assert layer is not None
        layer = getattr(layer, "app", None) or getattr(layer, "_app", None)
    assert [str(name[0]) for name in layer.names()] == ["/"]
