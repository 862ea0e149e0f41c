"""Every page over real data: what it shows, where it leads, and that looking changes nothing."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel
from starlette.testclient import TestClient

from digest.delivery.pausing import recovered
from digest.model import SubscriberState
from digest.store.database import Database
from digest.store.marks import MarkStore
from digest.store.routes import RouteStore
from digest.summaries.rounds import PAUSED
from digest.web.desk.samples import MAILS, PAGES
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.desk.conftest import Desk
from tests.web.desk.installation import READERS
from tests.web.reading import dump, hrefs
from tests.web.seeds import HOSTILE

EVERY = (
    "/desk",
    "/desk/readers",
    "/desk/readers?q=cy",
    "/desk/readers?state=paused",
    "/desk/readers?q=&state=",
    "/desk/deliveries?state=&channel=&domain=&email=",
    "/desk/bounces?kind=&email=",
    "/desk/templates?which=digest&email=&language=&look=light&wide=false",
    "/desk/readers/1",
    "/desk/readers/3",
    "/desk/readers/1/explain?paper=1",
    "/desk/readers/1/explain?paper=nothing",
    "/desk/sources",
    "/desk/source?name=Lamps",
    "/desk/source?name=Fogs+%26+%3Cb%3Emists%3C%2Fb%3E",
    "/desk/deliveries",
    "/desk/deliveries?state=refused&domain=example.org",
    "/desk/deliveries?email=ada@example.org",
    "/desk/deliveries/3",
    "/desk/bounces",
    "/desk/bounces?kind=user_unknown",
    "/desk/outbox",
    "/desk/outbox?state=deferred",
    "/desk/wishes",
    "/desk/wishes?address=new@example.org",
    "/desk/runs",
    "/desk/runs/1",
    "/desk/templates",
    "/desk/templates?which=page&look=dark",
    "/desk/templates?look=text",
    "/desk/templates?email=ada@example.org",
    "/desk/trial",
)
FRAMES = (
    *(f"/desk/frame?which={which}" for which in (*MAILS, *PAGES)),
    "/desk/frame?which=digest&email=ada@example.org&look=dark",
    "/desk/frame?which=page&email=ada@example.org",
    "/desk/frame?which=preferences&email=ada@example.org&language=de",
)


def words(html: str) -> str:
    """The page's text on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_every_page_is_private_and_escapes_what_is_hostile(desk: Desk) -> None:
    for path in EVERY:
        page = desk.get(path)
        assert page.status_code == (400 if "nothing" in path else 200), path
        assert page.headers["cache-control"] == "no-store", path
        assert "noindex" in page.headers["x-robots-tag"], path
        assert "default-src 'none'" in page.headers["content-security-policy"], path
        assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", page.text), path
        for harm in ("<script", "<b>mists", " style=", HOSTILE):
            assert harm not in page.text, path


def test_looking_changes_nothing(desk: Desk, database: Database) -> None:
    before = dump(database)
    for path in (*EVERY, *FRAMES):
        for ask in (desk.client.get, desk.client.head):
            assert ask(path).status_code < 500
    assert dump(database) == before


def test_a_scanner_that_follows_everything_changes_nothing(
    desk: Desk, database: Database, clock: FrozenClock
) -> None:
    before = dump(database)
    seen, ahead = set[str](), ["/desk"]
    while ahead:
        path = ahead.pop()
        seen.add(path)
        answer = desk.get(path)
        assert answer.status_code in (200, 303, 400), path
        clock.tick(seconds=5)
        if path.startswith("/desk"):
            found = (unescape(one).partition("#")[0] for one in hrefs(answer.text))
            ahead += {one for one in found if one.startswith("/desk")} - {*seen, *ahead}
    assert len(seen) > 50
    assert dump(database) == before


def test_a_stranger_sees_nothing(outside: Desk) -> None:
    for path in (*EVERY, *FRAMES):
        answer = outside.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/desk/sign-in"), path
        assert not answer.content, path


NOWHERE = (
    "/desk/readers/999",
    "/desk/readers/0",
    "/desk/deliveries/999",
    "/desk/deliveries/99999999999999999999999",
    "/desk/runs/999",
    "/desk/source?name=none",
    "/desk/frame?which=none",
    "/desk/frame?which=page&email=nobody@example.org",
    "/desk/readers?state=none",
    "/desk/deliveries?before=x",
)


def test_what_is_not_there_is_a_page_that_says_so(desk: Desk) -> None:
    for path in NOWHERE:
        assert desk.get(path).status_code in (400, 404), path


# --- today --------------------------------------------------------------------------------------


def test_the_figures_of_today_add_up(desk: Desk, clock: FrozenClock, rooms: Rooms) -> None:
    text = words(desk.get("/desk").text)
    assert "4 digests were due: 4 sent 0 waiting 0 refused" in text
    assert rooms.desk is not None
    due = rooms.desk.days.due(clock() - timedelta(days=4))
    assert due.total == due.sent + due.waiting + due.refused + due.kept + sum(due.skipped.values())
    assert (due.total, due.sent, due.waiting, due.refused, due.kept) == (16, 10, 2, 2, 2)


def test_what_is_wrong_is_said_first(desk: Desk) -> None:
    text = words(desk.get("/desk").text)
    assert "Digests are composed and do not leave." in text
    assert "Not as usual: Fogs & <b>mists</b> broken" in text


def test_when_nothing_is_wrong_that_is_said(
    desk: Desk, database: Database, clock: FrozenClock
) -> None:
    delivery = SQLModel.metadata.tables["delivery"]
    with database.write() as connection:
        done = {"state": "delivered", "settled_at": clock()}
        connection.execute(sa.update(delivery).values(**done))
    assert "Nothing is wrong" in desk.get("/desk").text


def test_what_rests_after_failing_is_said(
    desk: Desk, database: Database, clock: FrozenClock
) -> None:
    account, service = (
        "The account smtp.example.org is left alone until",
        "service for summaries is left",
    )
    text = words(desk.get("/desk").text)
    assert account in text
    assert "535 login refused" in text
    assert service not in text
    MarkStore(database).set(PAUSED, clock() + timedelta(minutes=20), why="503: <b>away</b>")
    RouteStore(database).change("smtp.example.org", recovered)
    text = words(desk.get("/desk").text)
    assert account not in text
    assert service in text
    assert "503: <b>away</b>" in text


def test_a_chart_has_words_and_a_table(desk: Desk) -> None:
    page = desk.get("/desk/deliveries").text
    assert page.count("<svg") >= 1
    assert re.search(r"<desc[^>]*>In 30 days: 10 delivered, 1 refused", page)
    assert re.search(r"<title>20 Nov: 1 refused</title>", page)
    table = page.partition("The numbers")[2]
    assert words(table).startswith("Day delivered refused uncertain")


# --- readers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, list(READERS)),
        ({"q": "EXAMPLE.org"}, ["ada@example.org", "cy@example.org"]),
        ({"q": "di"}, ["di@example.net"]),
        ({"q": "onerror"}, ["cy@example.org"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"state": "paused"}, ["bo@lab.example"]),
        ({"q": "ada", "state": "paused"}, []),
        ({"after": "bo@lab.example"}, ["cy@example.org", "di@example.net"]),
    ],
    ids=str,
)
def test_readers_are_found(desk: Desk, query: dict[str, str], found: list[str]) -> None:
    page = desk.get("/desk/readers", **query).text
    assert re.findall(r'<a href="/desk/readers/\d+">(.*?)</a>', page) == sorted(found)


def test_a_list_goes_on_to_its_end(desk: Desk, rooms: Rooms) -> None:
    for number in range(120):
        rooms.subscriptions.add({"email": f"reader{number:03}@many.example"})
    seen: list[str] = []
    path: str | None = "/desk/readers?q=many"
    while path:
        page = desk.get(path).text
        seen += re.findall(r'<a href="/desk/readers/\d+">(.*?)</a>', page)
        more = re.search(r'<p class="more"><a[^>]*href="([^"]+)"', page)
        path = unescape(more[1]) if more else None
    assert len(seen) == len(set(seen)) == 120


def test_one_reader_is_told_whole(desk: Desk) -> None:
    text = words(desk.get("/desk/readers/3").text)
    for said in (
        "cy@example.org",
        f"Cy {HOSTILE}",
        "daily at 07:00, UTC",
        "lantern how far lamps shine",
        "20 Nov 2026 4 papers",
        "No. 3 , digest of 20 Nov 2026, by mailbox deferred",
        f"deferred 451 4.7.1 later {HOSTILE}",
        "score 0.5 of 2.0",
    ):
        assert " ".join(said.split()) in text, said
    queued = text.index("20 Nov 2026, 07:30 queued")
    assert queued < text.index("deferred 451")


def test_a_reader_hears_why(desk: Desk) -> None:
    text = words(desk.get("/desk/readers/1/explain", paper="1").text)
    assert "Sent in the digest of 2026-11-20." in text
    assert "Lamps announced it (new)" in text
    unknown = desk.get("/desk/readers/1/explain", paper=HOSTILE)
    assert unknown.status_code == 400
    assert 'id="paper-fault"' in unknown.text


# --- the post -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"state": "refused"}, [1]),
        ({"state": "deferred"}, [3]),
        ({"state": "delivered", "email": "ada@example.org"}, [13, 9]),
        ({"domain": "LAB.example"}, [14, 10, 6, 2]),
        ({"domain": "example"}, []),
        ({"domain": "%"}, []),
        ({"channel": "slack"}, []),
        ({"channel": "mailbox", "state": "cancelled"}, [5]),
        ({"before": "4"}, [3, 2, 1]),
        ({"email": "nobody@example.org"}, []),
    ],
    ids=str,
)
def test_deliveries_are_found(desk: Desk, query: dict[str, str], numbers: list[int]) -> None:
    page = desk.get("/desk/deliveries", **query).text
    assert [int(n) for n in re.findall(r'href="/desk/deliveries/(\d+)"', page)] == numbers


def test_an_address_that_cannot_be_says_so(desk: Desk) -> None:
    for path in ("/desk/deliveries", "/desk/bounces"):
        page = desk.get(path, email="nobody")
        assert page.status_code == 400
        assert 'id="email-fault"' in page.text


def test_answers_are_counted_by_domain_and_by_code(desk: Desk) -> None:
    text = words(desk.get("/desk/deliveries").text)
    assert "example.org 7 71.4 %" in text
    assert "refused, 550 1" in text


def test_the_outbox_has_what_is_not_settled(desk: Desk) -> None:
    page = desk.get("/desk/outbox").text
    assert re.findall(r'href="/desk/deliveries/(\d+)"', page) == ["4", "3"]
    assert "paused" in page
    assert f"535 login refused {HOSTILE}" in unescape(page)


def test_what_came_back_is_listed(desk: Desk) -> None:
    page = desk.get("/desk/bounces").text
    assert len(re.findall(r'href="/desk/readers/\d+"', page)) == 3
    narrowed = desk.get("/desk/bounces", kind="user_unknown").text
    assert len(re.findall(r'href="/desk/readers/\d+"', narrowed)) == 1


def test_a_run_adds_up(desk: Desk) -> None:
    text = words(desk.get("/desk/runs/1").text)
    assert "4 due: 4 composed" in text
    assert "1 deferred" in text
    assert "1 refused" in text
    assert "Fogs & <b>mists</b> broken" in text
    assert len(re.findall(r'href="/desk/runs/\d+"', desk.get("/desk/runs").text)) == 4


def test_a_run_that_was_killed_is_told(desk: Desk, rooms: Rooms, clock: FrozenClock) -> None:
    number = rooms.editions.begin_run(clock())
    assert "not over" in desk.get("/desk/runs").text
    assert "not over, or killed" in desk.get(f"/desk/runs/{number}").text


def test_a_source_has_a_history(desk: Desk) -> None:
    text = words(desk.get("/desk/source", name="Lamps").text)
    assert "23 Nov 2026, 07:30 fresh 4 4" in text
    assert "asked next now" in text
    listed = words(desk.get("/desk/sources").text)
    assert "4 failures in a row." in listed
    assert "16 new papers in thirty days" in listed
    assert "feed, switched off" in listed


# --- previews -----------------------------------------------------------------------------------


def test_a_frame_lets_nothing_run(desk: Desk) -> None:
    for path in FRAMES:
        page = desk.get(path)
        assert page.status_code == 200, path
        assert page.headers["cache-control"] == "no-store", path
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'self'", "sandbox"} <= set(policy), path
        assert not any(one.startswith("script-src") for one in policy), path
        for harm in ("<script", "<link", "prefers-color-scheme: dark"):
            assert harm not in page.text, path


def test_a_preview_holds_its_frame_and_no_other(desk: Desk) -> None:
    page = desk.get("/desk/templates", which="confirm", look="dark", language="de")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    frame = re.search(r'<iframe[^>]*src="([^"]+)" sandbox=""', page.text)
    assert frame
    assert unescape(frame[1]) == "/desk/frame?which=confirm&language=de&look=dark"
    assert "frame-src" not in desk.get("/desk").headers["content-security-policy"]


def test_a_preview_opens_nothing(desk: Desk, rooms: Rooms) -> None:
    for path in FRAMES:
        for token in re.findall(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{27}", desk.get(path).text):
            for purpose in ("p", "u", "d", "f", "c", "a"):
                answer = desk.client.get(f"/{purpose}/{token}")
                assert answer.status_code == 404, (path, token)


def test_real_data_is_previewed(desk: Desk) -> None:
    mail = desk.get("/desk/frame?which=digest&email=di@example.net").text
    assert "Lab Reading Group" in mail
    page = desk.get("/desk/frame?which=page&email=ada@example.org").text
    assert "in fog, part 13" in page
    text = desk.get("/desk/templates?look=text").text
    assert "<pre" in text
    assert "Five papers for you today" in text


def test_a_preview_for_nobody_says_so(desk: Desk) -> None:
    page = desk.get("/desk/templates", email="nobody@example.org")
    assert page.status_code == 400
    assert 'id="email-fault"' in page.text


# --- an empty house -----------------------------------------------------------------------------


def test_a_new_installation_has_pages_too(
    desk: Desk, rooms: Rooms, database: Database, client: TestClient
) -> None:
    with database.write() as connection:
        for one in reversed(SQLModel.metadata.sorted_tables):
            if not one.name.startswith("operator"):
                connection.execute(sa.delete(one))
    for path in EVERY:
        if not re.search(r"/\d", path) and "email" not in path and "name=Fogs" not in path:
            assert desk.get(path).status_code == 200, path
    assert rooms.desk is not None
    assert rooms.desk.directory.counts() == {}
    assert SubscriberState.ACTIVE not in rooms.desk.directory.counts()
