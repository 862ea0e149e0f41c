"""The page of a digest as a channel's members see it: everything but its owner's powers."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from digest.tokens import Purpose
from digest.web.rooms import Rooms


def test_a_shared_page_has_the_papers_and_no_powers(client: TestClient, rooms: Rooms) -> None:
    own = client.get(f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}").text
    shared = client.get(f"/s/{rooms.tokens.sign(Purpose.SHARED, 1)}")
    assert shared.headers["cache-control"] == client.get("/d/nothing").headers["cache-control"]
    titles = re.findall(r'<h3 class="title".*?</h3>', own)
    assert titles
    assert re.findall(r'<h3 class="title".*?</h3>', shared.text) == titles
    for path in ("/u/", "/p/", "/f/"):
        assert path in own
        assert f"digest.example.org{path}" not in shared.text
        assert f'href="{path}' not in shared.text


@pytest.mark.parametrize("purpose", [Purpose.DIGEST, Purpose.TEAM, Purpose.PREFERENCES])
def test_no_other_link_opens_it(client: TestClient, rooms: Rooms, purpose: Purpose) -> None:
    assert client.get(f"/s/{rooms.tokens.sign(purpose, 1)}").status_code == 404


def test_nor_does_it_open_the_owner_s(client: TestClient, rooms: Rooms) -> None:
    assert client.get(f"/d/{rooms.tokens.sign(Purpose.SHARED, 1)}").status_code == 404
    assert client.get(f"/s/{rooms.tokens.sign(Purpose.SHARED, 99)}").status_code == 404
