"""A reader's own pages: change what one gets, rest, move, take one's data, be forgotten."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlmodel import SQLModel
from starlette.testclient import TestClient

from digest.model import InterestId, SubscriberState
from digest.store.database import Database
from digest.tokens import Purpose, Tokens
from digest.web.private_feeds import FORMATS
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.reading import RHYTHM, Fields, Links, change_link, dump, reader, rows
from tests.web.seeds import HOSTILE, KEYS, READER


@pytest.fixture
def links(rooms: Rooms) -> Links:
    return Links.of(rooms)


@pytest.fixture
def own(links: Links) -> str:
    """The path of the reader's first page."""
    return links.preferences


def post(client: TestClient, path: str, **fields: Any) -> Any:
    return client.post(path, data=fields)


# --- the first page -----------------------------------------------------------------------------


def test_everything_is_there_at_a_glance(client: TestClient, own: str) -> None:
    page = client.get(own)
    told = Fields(page.text).texts
    for text in (READER, "Retrieval and its readers", "Monday, 23 November 2026 at 07:00"):
        assert text in page.text
    assert told["time"] == "07:00"
    assert told["timezone"] == "UTC"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]


def test_the_rhythm_changes(client: TestClient, own: str, rooms: Rooms) -> None:
    answer = post(client, f"{own}/rhythm", **RHYTHM)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{own}?said=rhythm")
    assert "Your rhythm is saved." in client.get(answer.headers["location"]).text
    schedule = reader(rooms).schedule
    assert (schedule.cadence.value, schedule.hour, schedule.minute) == ("weekly", 6, 30)
    assert (schedule.weekday, schedule.timezone) == (4, "Europe/Lisbon")


def test_a_zone_is_known_by_any_spelling(client: TestClient, own: str, rooms: Rooms) -> None:
    post(client, f"{own}/rhythm", **RHYTHM | {"timezone": "america/new york"})
    assert reader(rooms).schedule.timezone == "America/New_York"


def test_how_it_looks_changes(client: TestClient, own: str, rooms: Rooms) -> None:
    look = {"style": "titles", "limit": "5", "trending": "3", "language": "en", "revisions": "yes"}
    assert post(client, f"{own}/look", **look).status_code == 303
    found = reader(rooms)
    assert (found.style, found.limit, found.trending) == ("titles", 5, 3)
    assert (found.revisions, found.send_empty) == (True, False)


def test_what_is_never_shown_changes(client: TestClient, own: str, rooms: Rooms) -> None:
    mutes = {"authors": "Ada Mirza\r\n\r\n Bo Lind ", "words": "blockchain"}
    assert post(client, f"{own}/mutes", **mutes).status_code == 303
    assert reader(rooms).mutes.authors == ("Ada Mirza", "Bo Lind")
    assert reader(rooms).mutes.words == ("blockchain",)


@pytest.mark.parametrize(
    ("form", "fields", "name"),
    [
        ("rhythm", RHYTHM | {"timezone": "Mars/Olympus"}, "timezone"),
        ("rhythm", RHYTHM | {"time": "soon"}, "time"),
        ("look", {"style": "full", "limit": "0", "trending": "0"}, "limit"),
        ("look", {"style": "full", "limit": "many", "trending": "0"}, "limit"),
        ("look", {"style": "loud", "limit": "5", "trending": "0"}, "style"),
        ("mutes", {"authors": "x" * 300}, "authors"),
        ("mutes", {"words": "y" * 300}, "words"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_beside_the_field(
    client: TestClient,
    own: str,
    web_database: Database,
    form: str,
    fields: dict[str, str],
    name: str,
) -> None:
    before = dump(web_database)
    page = post(client, f"{own}/{form}", **fields)
    told = Fields(page.text)
    assert page.status_code == 400
    assert told.fault(name)
    if name in told.texts:
        assert told.texts[name] == fields[name]
    assert dump(web_database) == before


def test_a_message_in_the_address_is_one_of_ours(client: TestClient, own: str) -> None:
    assert "hurt" not in client.get(own, params={"said": HOSTILE}).text


# --- interests ----------------------------------------------------------------------------------


def test_what_is_never_shown_is_taken_back_one_by_one(
    client: TestClient, own: str, rooms: Rooms
) -> None:
    post(client, f"{own}/mutes", authors=f"Ada Mirza\n{HOSTILE[:100]}", words="fog")
    page = client.get(f"{own}/feedback").text
    assert "Never shown" in page
    assert "<script>window" not in page
    answer = post(client, f"{own}/feedback", do="unmute", author=HOSTILE[:100])
    assert "It is shown to you again." in client.get(answer.headers["location"]).text
    assert reader(rooms).mutes.authors == ("Ada Mirza",)
    post(client, f"{own}/feedback", do="unmute", word="FOG")
    assert reader(rooms).mutes.words == ()
    post(client, f"{own}/feedback", do="unmute", author="Nobody")
    assert reader(rooms).mutes.authors == ("Ada Mirza",)


def test_an_interest_is_added_changed_rested_and_removed(
    client: TestClient, own: str, rooms: Rooms
) -> None:
    added = post(client, f"{own}/interest", wants="owls at dusk", do="save")
    assert added.headers["location"] == f"{own}?said=added"
    owls = reader(rooms).interests[1]
    assert (owls.name, owls.statement) == ("owls at dusk", "owls at dusk")
    here = f"{own}/interest/{owls.id}"
    post(client, here, name="Owls", wants="owls", keywords="owl* -barn", volume="3", do="save")
    owls = reader(rooms).interests[1]
    assert (owls.name, owls.query, owls.daily_volume) == ("Owls", "owl* -barn", 3.0)
    post(client, here, do="rest")
    assert reader(rooms).interests[1].paused
    post(client, here, do="wake")
    assert not reader(rooms).interests[1].paused
    post(client, here, do="remove")
    assert len(reader(rooms).interests) == 1
    assert client.get(here).status_code == 404


def test_trying_saves_nothing(client: TestClient, own: str, rooms: Rooms) -> None:
    before = reader(rooms)
    page = post(client, f"{own}/interest/1", name="Other", keywords="notes", do="preview")
    assert "this would have sent you" in page.text
    assert Fields(page.text).texts["name"] == "Other"
    assert reader(rooms) == before


def test_examples_stay_as_long_as_they_are_ticked(
    client: TestClient, own: str, rooms: Rooms
) -> None:
    here = f"{own}/interest/1"
    post(client, here, name="R", keywords="notes", example=["1", "2"], do="save")
    first, second = reader(rooms).interests[0].examples
    assert (first.paper_id, second.paper_id) == (1, 2)
    assert client.get(here).text.count('name="kept"') == 2
    post(client, here, name="R", keywords="notes", kept=["1"], do="save")
    assert reader(rooms).interests[0].examples == (second,)
    post(client, here, name="R", keywords="notes", kept=["7", "-1", "x"], do="save")
    assert reader(rooms).interests[0].examples == ()


def test_two_interests_of_one_name_are_told_apart(
    client: TestClient, own: str, rooms: Rooms
) -> None:
    page = post(client, f"{own}/interest", name="Retrieval and its readers", wants="x", do="save")
    assert page.status_code == 400
    assert Fields(page.text).fault("name")
    assert len(reader(rooms).interests) == 1


def test_another_reader_s_interest_is_nobody_s(client: TestClient, own: str, rooms: Rooms) -> None:
    other = rooms.subscriptions.add(
        {"email": "other@example.org", "interests": [{"name": "Mine", "query": "owls"}]}
    )
    theirs = InterestId(other.interests[0].id)
    for answer in (
        client.get(f"{own}/interest/{theirs}"),
        post(client, f"{own}/interest/{theirs}", do="remove"),
        client.get(f"{own}/interest/nonsense"),
        client.get(f"{own}/interest/{10**30}"),
    ):
        assert answer.status_code == 404
    assert len(reader(rooms, other.id).interests) == 1


# --- resting ------------------------------------------------------------------------------------


def test_it_rests_until_a_day_and_comes_back(client: TestClient, own: str, rooms: Rooms) -> None:
    post(client, f"{own}/pause", until="2026-12-24", do="pause")
    found = reader(rooms)
    assert (found.state, found.paused_until is None) == (SubscriberState.PAUSED, False)
    assert "It rests until Thursday, 24 December 2026." in client.get(own).text
    post(client, f"{own}/pause", do="resume")
    assert reader(rooms).state is SubscriberState.ACTIVE


def test_it_rests_for_good(client: TestClient, own: str, rooms: Rooms) -> None:
    post(client, f"{own}/pause", until="", do="pause")
    assert reader(rooms).paused_until is None
    assert "It rests until you call it back." in client.get(f"{own}/pause").text


@pytest.mark.parametrize("until", ["2020-01-01", "2026-11-20", "tomorrow", "2026-13-01"])
def test_a_day_that_cannot_be_is_told(
    client: TestClient, own: str, rooms: Rooms, until: str
) -> None:
    page = post(client, f"{own}/pause", until=until, do="pause")
    assert page.status_code == 400
    assert Fields(page.text).fault("until")
    assert Fields(page.text).texts["until"] == until
    assert reader(rooms).state is SubscriberState.ACTIVE


def test_who_was_stopped_cannot_start_by_a_link(client: TestClient, own: str, rooms: Rooms) -> None:
    rooms.subscriptions.suspend(READER, reason="bounces")
    assert post(client, f"{own}/pause", do="resume").status_code == 409
    assert reader(rooms).state is SubscriberState.SUSPENDED
    rooms.subscriptions.unsubscribe(READER)
    rooms.subscriptions.suppress(READER, reason="complaint")
    assert post(client, f"{own}/pause", do="resume").status_code == 409


# --- feeds, address, data -----------------------------------------------------------------------


def test_feeds_get_new_addresses(client: TestClient, own: str, rooms: Rooms) -> None:
    before = re.findall(r'href="(https://papers\.example\.org/feed/[^"]+)"', client.get(own).text)
    assert len(before) == 2 * len(FORMATS)
    token = before[0].split("/")[-1].removesuffix(".atom")
    assert rooms.tokens.read(Purpose.FEED, token) == (1, 0)
    post(client, f"{own}/feeds")
    after = re.findall(r'href="(https://papers\.example\.org/feed/[^"]+)"', client.get(own).text)
    assert not set(before) & set(after)
    assert reader(rooms).feed_generation == 1


def test_another_address_asks_itself(
    client: TestClient, own: str, rooms: Rooms, web_database: Database
) -> None:
    answer = post(client, f"{own}/address", email="other@example.org")
    assert answer.headers["location"] == f"{own}?said=asked"
    [errand] = rows(web_database, "errand")
    link = change_link(rooms, 1, errand.id)
    assert "Yes, send it here" in client.get(link).text
    assert reader(rooms).email == READER
    assert "The digest comes to other@example.org." in client.post(link).text
    assert reader(rooms).email == "other@example.org"
    assert "The digest comes to other@example.org." in client.get(link).text


def test_the_old_address_is_told_that_it_is_left(
    client: TestClient, own: str, rooms: Rooms, web_database: Database
) -> None:
    post(client, f"{own}/address", email="other@example.org")
    for _ in range(2):
        client.post(change_link(rooms, 1, 1))
    [_, told] = rows(web_database, "errand")
    assert (told.kind, told.address) == ("moved", READER)
    assert told.details == {"to": "o…r@example.org"}


@pytest.mark.parametrize("email", ["", "nonsense", READER, "a@b\r\nBcc: x@y.example"])
def test_an_address_that_cannot_be_is_told(
    client: TestClient, own: str, web_database: Database, email: str
) -> None:
    page = post(client, f"{own}/address", email=email)
    assert page.status_code == 400
    assert Fields(page.text).fault("email")
    assert rows(web_database, "errand") == []


def test_an_address_of_somebody_else_is_refused_at_the_end(
    client: TestClient, own: str, rooms: Rooms
) -> None:
    post(client, f"{own}/address", email="other@example.org")
    rooms.subscriptions.add({"email": "other@example.org", "interests": []})
    assert client.post(change_link(rooms, 1, 1)).status_code == 409
    assert reader(rooms).email == READER


def test_all_of_it_comes_in_one_file(client: TestClient, links: Links) -> None:
    post(client, f"{links.feedback}/1/up")
    answer = client.get(f"{links.preferences}/export")
    told = json.loads(answer.text)
    assert answer.headers["content-disposition"] == 'attachment; filename="my-digest.json"'
    assert told["subscriber"]["email"] == READER
    assert [one["liked"] for one in told["feedback"]] == [True]
    assert len(told["digests"][0]["papers"]) == 5


def lived_in(client: TestClient, links: Links, rooms: Rooms) -> None:
    """Leave a row in every table that a reader can leave one in."""
    own = links.preferences
    post(client, "/my", email=READER)
    post(client, f"{own}/address", email="other@example.org")
    post(client, f"{links.feedback}/1/up")
    post(client, f"{own}/mutes", authors="Ada Mirza", words="blockchain")
    post(client, f"{own}/interest", wants="owls at dusk", do="save")
    post(client, f"{own}/tokens", name="My script", scope=["read"], days="30")
    hook = "https://hooks.slack.com/services/T0/B0/secretsecretsecret"
    rooms.channels.register.add(READER, "slack", hook, label="Our room")


def test_the_file_holds_every_table_and_no_secret(
    client: TestClient, links: Links, rooms: Rooms
) -> None:
    lived_in(client, links, rooms)
    text = client.get(f"{links.preferences}/export").text
    stored = json.loads(text)["stored"]
    expected = {"subscriber", "interest", "example", "feedback", "digest", "sent"}
    assert expected | {"errand", "api_token", "channel"} <= set(stored)
    assert {row["kind"] for row in stored["errand"]} == {"link", "change"}
    assert [row["name"] for row in stored["api_token"]] == ["My script"]
    assert "secretsecret" not in text
    assert {row["secret_hash"] for row in stored["api_token"]} == {"(secret)"}


def test_who_is_forgotten_leaves_a_hash(
    client: TestClient, links: Links, rooms: Rooms, web_database: Database
) -> None:
    own = links.preferences
    lived_in(client, links, rooms)
    assert "You are forgotten" in post(client, f"{own}/delete").text
    left = {name: rows for name, rows in dump(web_database).items() if rows}
    theirs = {name for name in left if "subscriber_id" in SQLModel.metadata.tables[name].c}
    assert theirs == set()
    everything = repr({name: rows for name, rows in left.items() if name != "paper"})
    for mark in (READER, "Rea Der", "other@example.org", "owls at dusk", "My script", "Our room"):
        assert mark not in everything
    assert [row.reason for row in rows(web_database, "suppression")] == ["removed"]
    for path in ("", "/interest", "/delete", "/export", "/tokens"):
        assert client.get(f"{own}{path}").status_code == 404


# --- what one said of papers --------------------------------------------------------------------


def test_what_was_said_is_listed_and_taken_back(
    client: TestClient, links: Links, rooms: Rooms, clock: FrozenClock
) -> None:
    post(client, f"{links.feedback}/1/up")
    clock.tick(minutes=1)
    post(client, f"{links.feedback}/2/down")
    page = client.get(f"{links.preferences}/feedback").text
    assert [int(n) for n in re.findall(r'name="paper" value="(\d+)"', page)] == [2, 1]
    post(client, f"{links.preferences}/feedback", paper="2")
    assert [one.paper_id for one in rooms.feedback.history(READER)] == [1]
    assert post(client, f"{links.preferences}/feedback", paper="99999").status_code == 404


# --- links --------------------------------------------------------------------------------------


def test_old_links_open_after_a_rotation_of_keys(
    client: TestClient, rooms: Rooms, own: str
) -> None:
    rotated = Tokens(["a newer key for the tests, long as well", *KEYS])
    assert rotated.read(Purpose.PREFERENCES, own.removeprefix("/p/")) == (1,)


@pytest.mark.parametrize("kind", list(Purpose))
def test_no_other_link_opens_the_reader_s_pages(
    client: TestClient, rooms: Rooms, kind: Purpose
) -> None:
    token = rooms.tokens.sign(kind, 1, 1, at=rooms.clock())
    expected = 200 if kind is Purpose.PREFERENCES else 404
    assert client.get(f"/p/{token}").status_code == expected


def test_another_site_cannot_post(client: TestClient, own: str, rooms: Rooms) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        for path in (f"{own}/delete", f"{own}/pause", "/subscribe", "/my"):
            assert client.post(path, headers=headers).status_code == 403
    assert reader(rooms).state is SubscriberState.ACTIVE


@pytest.mark.parametrize(
    "body",
    [b"%ff=%fe", b"a" * 300_000, b"\x00", b"x=1&" * 900],
    ids=["no utf-8", "too much", "nothing", "too many"],
)
def test_bodies_that_are_no_form_do_no_harm(client: TestClient, own: str, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in (f"{own}/mutes", "/subscribe", "/my"):
        assert client.post(path, content=body, headers=headers).status_code in (200, 303, 400, 413)
