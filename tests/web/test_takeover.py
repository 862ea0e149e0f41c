"""A team's digest taken over: what a member of its channel sees, and what confirming gives."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.model import SubscriberId
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.rooms import Rooms
from tests.web.reading import Fields, Links, confirm_link, dump, reader, rows
from tests.web.seeds import HOSTILE, READER

TEAM = "lead@example.org"
MEMBER = "member@example.org"
HOOK = "https://hooks.slack.com/services/T0/B0/secretsecretsecret"
RECORD: dict[str, Any] = {
    "email": TEAM,
    "name": "Night watch",
    "cadence": "weekly",
    "weekday": "friday",
    "hour": 6,
    "timezone": "Europe/Lisbon",
    "limit": 5,
    "muted_words": ["barn"],
    "interests": [
        {"name": "Owls", "statement": "how owls see", "authors": ["Ada Mirza"]},
        {"name": "Moths", "query": "moth*", "daily_volume": 2},
        {"name": "Resting", "query": "bat*", "paused": True},
    ],
}


@pytest.fixture
def team(rooms: Rooms) -> str:
    """The path under the posts of a team's channel."""
    added = rooms.subscriptions.add(RECORD)
    rooms.channels.register.add(TEAM, "slack", HOOK)
    return f"/t/{rooms.tokens.sign(Purpose.TEAM, added.id)}"


def take(client: TestClient, team: str, email: str = MEMBER, **headers: str) -> Any:
    return client.post(team, data={"email": email}, headers=headers)


def test_a_member_sees_what_it_is_about_and_no_more(client: TestClient, team: str) -> None:
    page = client.get(team)
    for text in ("Night watch", "Owls", "how owls see", "moth*", "barn", "06:00 (Europe/Lisbon)"):
        assert text in page.text
    for text in (TEAM, "Resting", "hooks.slack.com", "/p/", "/u/"):
        assert text not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]


def test_looking_changes_nothing(client: TestClient, team: str, web_database: Database) -> None:
    before = dump(web_database)
    client.get(team)
    client.head(team)
    assert dump(web_database) == before


def test_confirming_gives_a_digest_of_one_s_own(
    client: TestClient, team: str, rooms: Rooms
) -> None:
    assert "Look into your inbox" in take(client, team).text
    assert rooms.subscribers.profiles([SubscriberId(3)]) == []
    assert "Owls" in client.get(confirm_link(rooms)).text
    assert "Welcome" in client.post(confirm_link(rooms)).text
    found = reader(rooms, 3)
    assert (found.email, found.name, found.limit) == (MEMBER, "", 5)
    assert (found.schedule.cadence.value, found.schedule.timezone) == ("weekly", "Europe/Lisbon")
    assert found.mutes.words == ("barn",)
    assert [one.name for one in found.interests] == ["Owls", "Moths"]
    assert found.interests[0].authors == ("Ada Mirza",)
    assert found.interests[1].daily_volume == 2
    assert found.channels == ()
    assert [one.name for one in reader(rooms, 2).interests] == ["Owls", "Moths", "Resting"]


def test_who_has_a_digest_keeps_its_rhythm_and_gets_the_interests(
    client: TestClient, team: str, rooms: Rooms
) -> None:
    before = reader(rooms)
    take(client, team, READER)
    client.post(confirm_link(rooms))
    after = reader(rooms)
    assert after.schedule == before.schedule
    assert [one.name for one in after.interests][1:] == ["Owls", "Moths"]


def test_the_answer_is_the_same_for_every_address(
    client: TestClient, team: str, rooms: Rooms, web_database: Database
) -> None:
    rooms.subscriptions.add({"email": "gone@example.org", "state": "unsubscribed"})
    answers = []
    for email in (MEMBER, READER, TEAM, "gone@example.org"):
        answer = take(client, team, email)
        answers.append((answer.status_code, answer.text.replace(email, "…")))
    assert set(answers) == {answers[0]}
    assert len(rows(web_database, "errand")) == 4


def test_an_address_that_cannot_be_is_told_beside_the_field(
    client: TestClient, team: str, web_database: Database
) -> None:
    page = take(client, team, "nobody")
    told = Fields(page.text)
    assert page.status_code == 400
    assert told.fault("email")
    assert told.texts["email"] == "nobody"
    assert rows(web_database, "errand") == []


def test_the_link_opens_nothing_once_the_team_posts_nowhere(
    client: TestClient, team: str, rooms: Rooms
) -> None:
    rooms.channels.register.remove(TEAM, "slack")
    assert client.get(team).status_code == 404
    assert take(client, team).status_code == 404


@pytest.mark.parametrize("purpose", [Purpose.PREFERENCES, Purpose.SHARED, Purpose.DIGEST])
def test_no_other_link_opens_it(
    client: TestClient, team: str, rooms: Rooms, purpose: Purpose
) -> None:
    assert client.get(f"/t/{rooms.tokens.sign(purpose, 2)}").status_code == 404
    assert client.get("/t/nonsense").status_code == 404


def test_it_opens_nothing_else(client: TestClient, team: str, rooms: Rooms) -> None:
    token = team.removeprefix("/t/")
    assert client.get(f"/p/{token}").status_code == 404
    assert Links.of(rooms, 2).preferences != f"/p/{token}"


def test_no_other_site_s_form_asks(client: TestClient, team: str, web_database: Database) -> None:
    answer = client.post(team, data={"email": MEMBER}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert rows(web_database, "errand") == []


def test_names_harm_nobody(client: TestClient, team: str, rooms: Rooms) -> None:
    rooms.subscriptions.edit(TEAM, {"name": HOSTILE[:100]})
    rooms.subscriptions.add_interest(TEAM, {"name": HOSTILE[:100], "statement": HOSTILE})
    page = client.get(team).text
    assert "<script>window" not in page
    assert "<img" not in page
