"""A reader's tokens by the pages: made, shown once, used, listed, revoked; faults beside fields."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.access import MOST, PREFIX
from digest.store.database import Database
from digest.web.allowances import GRANTS
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.reading import Fields, Links, dump, rows
from tests.web.seeds import HOSTILE, READER

EVERY = ["read", "me:read", "me:write"]


@pytest.fixture
def page(rooms: Rooms) -> str:
    """The path of the reader's page of tokens."""
    return f"{Links.of(rooms).preferences}/tokens"


def make(client: TestClient, page: str, **fields: Any) -> Any:
    form = {"name": "My script", "scope": EVERY, "days": "90", "do": "make"}
    return client.post(page, data=form | fields)


def secret(answer: Any) -> str:
    found = re.search(rf"<pre[^>]*>({PREFIX}[\w-]{{43}})</pre>", answer.text)
    assert found
    return found[1]


def ask(client: TestClient, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/api/v1/me", headers=headers).status_code


def test_a_token_is_made_shown_once_used_and_revoked(
    client: TestClient, page: str, clock: FrozenClock
) -> None:
    made = make(client, page)
    assert made.headers["cache-control"] == "no-store"
    token = secret(made)
    assert ask(client, token) == 200
    shown = client.get(page).text
    assert token not in shown
    assert token[:7] in shown
    assert "My script" in shown
    gone = client.post(f"{page}/1", data={"do": "revoke"})
    assert gone.headers["location"] == f"{page}?said=revoked"
    assert "The token opens nothing any more." in client.get(gone.headers["location"]).text
    assert ask(client, token) == 401
    assert "My script" not in client.get(page).text


def test_it_may_do_what_was_ticked_and_no_more(client: TestClient, page: str) -> None:
    headers = {"Authorization": f"Bearer {secret(make(client, page, scope=['read']))}"}
    assert client.get("/api/v1/papers", headers=headers).status_code == 200
    assert client.get("/api/v1/me", headers=headers).status_code == 403


def test_it_ends_after_its_days(client: TestClient, page: str, clock: FrozenClock) -> None:
    token = secret(make(client, page, days="30"))
    assert "until 20 Dec 2026" in client.get(page).text
    clock.tick(days=31)
    assert ask(client, token) == 401
    assert '<span class="chip">over</span>' in client.get(page).text
    for_ever = secret(make(client, page, days="0"))
    clock.tick(days=4000)
    assert ask(client, for_ever) == 200


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "   "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"scope": []}, "scope"),
        ({"scope": ["operator:write"]}, "scope"),
        ({"scope": ["read", "operator:read"]}, "scope"),
        ({"days": "36500"}, "days"),
        ({"days": "soon"}, "days"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_beside_the_field(
    client: TestClient, page: str, web_database: Database, fields: dict[str, Any], name: str
) -> None:
    answer = make(client, page, **fields)
    assert answer.status_code == 400
    assert f'href="#{name}"' in answer.text
    assert f'id="{name}-fault"' in answer.text
    assert Fields(answer.text).texts["name"] == fields.get("name", "My script").strip()
    assert rows(web_database, "api_token") == []


def test_nobody_else_s_token_is_touched(client: TestClient, page: str, rooms: Rooms) -> None:
    operators = rooms.access.grant("monitor")
    rooms.subscriptions.add({"email": "other@example.org", "interests": []})
    others = rooms.access.grant("theirs", email="other@example.org")
    for one in (operators, others):
        assert client.post(f"{page}/{one.token.id}", data={"do": "revoke"}).status_code == 303
        assert rooms.access.open(one.secret)
    assert "monitor" not in client.get(page).text
    assert "theirs" not in client.get(page).text


@pytest.mark.parametrize("number", ["0", "x", "99", str(10**30)])
def test_what_is_no_token_is_left_alone(
    client: TestClient, page: str, web_database: Database, number: str
) -> None:
    make(client, page)
    before = dump(web_database)
    assert client.post(f"{page}/{number}", data={"do": "revoke"}).status_code == 303
    assert client.post(f"{page}/1", data={"do": "nothing"}).status_code == 303
    assert dump(web_database) == before


def test_a_hostile_name_stays_a_name(client: TestClient, page: str) -> None:
    made = make(client, page, name=HOSTILE[:80])
    assert made.status_code == 200
    assert "<script>window" not in made.text
    assert "&lt;script&gt;window" in made.text


def test_there_is_a_limit_to_making_and_to_having(
    client: TestClient, page: str, rooms: Rooms, clock: FrozenClock
) -> None:
    answers = [make(client, page).status_code for _ in range(GRANTS.most + 1)]
    assert answers == [200] * GRANTS.most + [429]
    for _ in range(MOST - GRANTS.most):
        rooms.access.grant("more", email=READER)
    assert "Revoke one first." in client.get(page).text
    clock.tick(days=2)
    full = make(client, page)
    assert full.status_code == 400
    assert "Revoke one first." in full.text
