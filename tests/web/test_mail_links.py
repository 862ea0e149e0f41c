"""The links of a mail: what people press, what mail programs post, and what scanners follow."""

from __future__ import annotations

import html
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from digest.model import Cadence, DigestId, SubscriberState
from digest.rendering.email import render
from digest.rendering.view import view
from digest.store.database import Database
from digest.store.tables import DeliveryRow, table
from digest.tokens import Purpose
from digest.web.rooms import Rooms
from tests.web.conftest import SITE
from tests.web.reading import Links, change_link, confirm_link, dump, hrefs, reader, rows
from tests.web.seeds import READER

ONE_CLICK = "List-Unsubscribe=One-Click"
#: What anybody can open, and what scanners find from there.
OPEN = ("/", "/papers/2026-W47", "/paper/1", "/sources", "/feeds", "/search?q=owls", "/api/v1/docs")
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def links(rooms: Rooms) -> Links:
    return Links.of(rooms)


# --- unsubscribing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (ONE_CLICK.encode(), FORM),
        (
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            b"One-Click\r\n--x--\r\n",
            {"content-type": "multipart/form-data; boundary=x"},
        ),
        (b"", {}),
        (b"\xff\xfe\x00", FORM),
        (b"--y nonsense", {"content-type": "multipart/form-data; boundary=x"}),
        (b"{}", {"content-type": "application/json"}),
        (ONE_CLICK.encode(), FORM | {"sec-fetch-site": "cross-site", "origin": "null"}),
    ],
    ids=["form", "multipart", "empty", "no text", "broken multipart", "json", "elsewhere"],
)
def test_one_click_unsubscribes_whatever_it_sends(
    client: TestClient, links: Links, rooms: Rooms, content: bytes, headers: dict[str, str]
) -> None:
    answer = client.post(links.unsubscribe, content=content, headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert reader(rooms).state is SubscriberState.UNSUBSCRIBED


def test_again_changes_nothing_and_what_waits_is_not_sent(
    client: TestClient, links: Links, rooms: Rooms, web_database: Database
) -> None:
    waiting = {
        "digest_id": 1,
        "subscriber_id": 1,
        "channel": "smtp",
        "address": READER,
        "state": "queued",
        "created_at": rooms.clock(),
        "next_attempt_at": rooms.clock(),
    }
    with web_database.write() as connection:
        connection.execute(sa.insert(table(DeliveryRow)).values(waiting))
    client.post(links.unsubscribe, content=ONE_CLICK, headers=FORM)
    [delivery] = rows(web_database, "delivery")
    assert (delivery.state, delivery.reply) == ("cancelled", "unsubscribed")
    after = dump(web_database)
    for _ in range(3):
        assert client.post(links.unsubscribe, content=ONE_CLICK, headers=FORM).status_code == 200
    assert dump(web_database) == after


def test_the_page_asks_once_and_offers_less(client: TestClient, links: Links) -> None:
    page = client.get(links.unsubscribe).text
    assert page.count('value="leave"') == 1
    assert "Fewer instead?" in page
    assert "r…r@example.org" in page
    assert READER not in page


@pytest.mark.parametrize(
    ("word", "cadence"), [("weekly", Cadence.WEEKLY), ("monthly", Cadence.MONTHLY)]
)
def test_fewer_instead(
    client: TestClient, links: Links, rooms: Rooms, word: str, cadence: Cadence
) -> None:
    assert client.post(links.unsubscribe, data={"do": word}).status_code == 200
    assert (reader(rooms).state, reader(rooms).schedule.cadence) == (
        SubscriberState.ACTIVE,
        cadence,
    )


def test_a_mistake_is_undone(client: TestClient, links: Links, rooms: Rooms) -> None:
    gone = client.post(links.unsubscribe, data={"do": "leave"}).text
    assert 'value="back"' in gone
    assert "You are unsubscribed" in client.get(links.unsubscribe).text
    client.post(links.unsubscribe, data={"do": "back"})
    assert reader(rooms).state is SubscriberState.ACTIVE


def test_who_was_stopped_does_not_come_back_by_the_link(
    client: TestClient, links: Links, rooms: Rooms
) -> None:
    rooms.subscriptions.suppress(READER, reason="complaint")
    assert client.post(links.unsubscribe, data={"do": "back"}).status_code == 409
    rooms.subscriptions.unsubscribe(READER)
    assert client.post(links.unsubscribe, data={"do": "back"}).status_code == 409
    assert reader(rooms).state is SubscriberState.UNSUBSCRIBED


def test_the_link_of_who_is_forgotten_still_answers(
    client: TestClient, links: Links, rooms: Rooms
) -> None:
    rooms.subscriptions.remove(READER)
    assert client.get(links.unsubscribe).status_code == 200
    assert client.post(links.unsubscribe, content=ONE_CLICK, headers=FORM).status_code == 200
    assert client.post("/u/nonsense", content=ONE_CLICK, headers=FORM).status_code == 404


# --- feedback -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "liked"), [("up", True), ("down", False)])
def test_a_word_is_shown_said_and_undone(
    client: TestClient, links: Links, rooms: Rooms, word: str, liked: bool
) -> None:
    here = f"{links.feedback}/1/{word}"
    title = rooms.papers.papers([1])[1].title  # type: ignore[list-item,index] # plain numbers do
    assert title.split(":")[0] in client.get(here).text
    assert rooms.feedback.history(READER) == []
    done = client.post(here).text
    assert "Noted" in done
    assert "It teaches: Retrieval and its readers." in done
    assert [one.liked for one in rooms.feedback.history(READER)] == [liked]
    assert [one.positive for one in reader(rooms).interests[0].examples] == [liked]
    assert "Undone." in client.post(here, data={"do": "undo"}).text
    assert rooms.feedback.history(READER) == []
    assert reader(rooms).interests[0].examples == ()


def test_an_author_and_a_word_are_muted_and_unmuted(
    client: TestClient, links: Links, rooms: Rooms
) -> None:
    here = f"{links.feedback}/1/mute"
    name = rooms.papers.papers([1])[1].authors[1]  # type: ignore[list-item,index] # as above
    assert client.post(here, data={"author": "1", "word": "blockchain"}).status_code == 200
    assert (reader(rooms).mutes.authors, reader(rooms).mutes.words) == ((name,), ("blockchain",))
    client.post(here, data={"author": "1", "word": "Blockchain", "do": "undo"})
    assert (reader(rooms).mutes.authors, reader(rooms).mutes.words) == ((), ())


def test_who_is_muted_already_can_be_shown_again(
    client: TestClient, links: Links, rooms: Rooms
) -> None:
    here = f"{links.feedback}/1/mute"
    client.post(here, data={"author": "1"})
    page = client.get(here).text
    [name] = reader(rooms).mutes.authors
    assert f"Nothing is shown to you any more by {name}." in html.unescape(page)
    assert "Show them again" in page
    client.post(here, data={"author": "1", "do": "undo"})
    assert "Show them again" not in client.get(here).text
    assert reader(rooms).mutes.authors == ()


def test_every_card_of_a_mail_leads_to_its_mute(rooms: Rooms, links: Links) -> None:
    [digest] = rooms.editions.digests([DigestId(1)]).values()
    papers = rooms.papers.papers(digest.paper_ids)
    tokens = rooms.tokens.for_mail(digest.subscriber_id, digest.id)
    seen = view(digest, reader(rooms).addressee, papers=papers, site=SITE, tokens=tokens)
    mail = render(seen, rooms.templates).html
    for paper in digest.paper_ids:
        assert f"{links.feedback}/{paper}/mute" in mail


@pytest.mark.parametrize("fields", [{}, {"author": "999"}, {"word": "x" * 500}], ids=str)
def test_a_mute_that_says_nothing_is_told(
    client: TestClient, links: Links, rooms: Rooms, fields: dict[str, Any]
) -> None:
    assert client.post(f"{links.feedback}/1/mute", data=fields).status_code == 400
    assert reader(rooms).mutes.words == ()


@pytest.mark.parametrize("rest", ["/1/sideways", "/99999/up", "/x/up", f"/{10**40}/up"])
def test_what_cannot_be_judged(client: TestClient, links: Links, rest: str) -> None:
    assert client.get(links.feedback + rest).status_code in (400, 404)
    assert client.post(links.feedback + rest).status_code in (400, 404)


# --- scanners -----------------------------------------------------------------------------------


def test_a_scanner_that_follows_everything_changes_nothing(
    client: TestClient, links: Links, rooms: Rooms, web_database: Database
) -> None:
    rooms.joining.ask(
        {"email": "new@example.org", "interests": [{"name": "x", "query": "y"}]}, language="en"
    )
    rooms.changing.ask_address(reader(rooms), "other@example.org")
    hook = "https://hooks.slack.com/services/T0/B0/secretsecretsecret"
    rooms.channels.register.add(READER, "slack", hook, label="Our room")
    digest = f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}"
    paths = [*links.everything(), confirm_link(rooms), change_link(rooms, 1, 2), digest]
    paths += [
        f"/t/{rooms.tokens.sign(Purpose.TEAM, 1)}",
        f"/s/{rooms.tokens.sign(Purpose.SHARED, 1)}",
    ]
    paths += [f"/feed/{rooms.tokens.sign(Purpose.FEED, 1, 0)}.atom", "/subscribe", "/my"]
    before = dump(web_database)
    further = {one for path in (*paths, *OPEN) for one in hrefs(client.get(path).text)}
    tokens = [one for one in further if one.startswith(("/p/", "/u/", "/f/"))]
    for path in dict.fromkeys([*paths, *tokens]):
        for _ in range(20):
            assert client.get(path).status_code == 200, path
            assert client.head(path).status_code == 200, path
    for path in (*OPEN, *(further - {*tokens})):
        assert client.get(path).status_code < 400, path
        assert client.head(path).status_code < 400, path
    assert dump(web_database) == before
