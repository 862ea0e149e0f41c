"""Subscribing by the pages: preview, faults beside the fields, one answer for everybody, limits."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from digest.store.database import Database
from digest.web.allowances import TRIALS
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.reading import RHYTHM, Fields, confirm_link, dump, reader, rows
from tests.web.seeds import HOSTILE, READER

NEW = "new@example.org"
FORM = {"email": NEW, "wants": "retrieval for clinical questions", **RHYTHM, "do": "join"}


def post(client: TestClient, path: str = "/subscribe", **fields: Any) -> Any:
    return client.post(path, data={**FORM, **fields})


# --- the preview --------------------------------------------------------------------------------


def test_the_front_page_s_box_leads_to_a_preview(client: TestClient) -> None:
    page = client.post("/subscribe", data={"email": NEW, "wants": "retrieval of notes"})
    assert page.status_code == 200
    assert "this would have sent you" in page.text
    assert Fields(page.text).texts["email"] == NEW


def test_a_preview_shows_papers_why_how_much_and_what_only_nearly(client: TestClient) -> None:
    page = post(client, do="preview", wants="", keywords="retriev* OR notes").text
    assert re.search(r"would have sent you \d+ papers", page)
    assert "<mark>" in page
    assert 'class="why"' in page
    assert 'role="img"' in page
    nearly = post(client, do="preview", wants="retrieval for clinicians", volume="1").text
    assert "Only nearly" in nearly


def test_looking_and_trying_store_nothing(client: TestClient, web_database: Database) -> None:
    before = dump(web_database)
    client.get("/subscribe")
    post(client, do="preview")
    post(client, do="find", find="small models")
    after = dump(web_database)
    assert {name for name in before if before[name] != after[name]} == {"rate"}


def test_example_papers_are_picked_from_a_search(client: TestClient) -> None:
    found = post(client, do="find", find="long memories", wants="").text
    number, title = re.findall(r'name="example" value="(\d+)"> <span dir="auto">(.*?)<', found)[0]
    again = post(client, do="preview", example=[number], wants="")
    assert again.status_code == 200
    assert f'value="{number}" checked> <span dir="auto">{title}' in again.text
    assert "this would have sent you" in again.text


def test_the_script_gets_the_preview_alone(client: TestClient) -> None:
    alone = post(client, do="glance").text
    assert "this would have sent you" in alone
    assert "<html" not in alone
    assert post(client, do="glance", wants="").text.strip() == ""
    assert "(column 1)" in post(client, do="glance", keywords="(graph").text


# --- what is wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"keywords": "(graph"}, "keywords", "This ( is never closed (column 1). Add a )"),
        ({"wants": ""}, "wants", "Say what interests you"),
        ({"email": "not an address"}, "email", "Write it like ada@example.org."),
        ({"email": ""}, "email", "Write it like ada@example.org."),
        ({"timezone": "Europe/Lisboa"}, "timezone", "Did you mean Europe/Lisbon"),
        ({"time": "25:00"}, "time", "Write it like 07:30."),
        ({"cadence": "hourly"}, "cadence", "Choose one of these."),
        ({"weekday": "sonntag"}, "weekday", "Choose one of these."),
        ({"monthday": "40"}, "monthday", "Give a day from 1 to 31."),
        ({"volume": "many"}, "volume", "Choose one of the numbers."),
        ({"wants": "x" * 8001}, "wants", "8,000 characters are the most"),
        ({"authors": "x" * 200}, "authors", "at most 120"),
        ({"do": "find", "find": ""}, "find", "Type some words"),
        ({"do": "find", "find": "owl* AND (x"}, "find", "column 10"),
    ],
    ids=lambda it: str(it)[:30],
)
def test_faults_stand_beside_their_fields_and_nothing_is_lost(
    client: TestClient, web_database: Database, fields: dict[str, str], name: str, said: str
) -> None:
    page = post(client, **fields)
    told = Fields(page.text)
    assert page.status_code == 400
    assert said in told.fault(name)
    assert f'href="#{name}"' in page.text
    for field, text in {**FORM, **fields}.items():
        if field in told.texts and field not in ("cadence", "weekday", "volume"):
            assert told.texts[field] == text
    assert rows(web_database, "errand") == []


def test_a_fault_points_at_its_column(client: TestClient) -> None:
    assert ">retriev* AND )\n             ^</pre>" in post(client, keywords="retriev* AND )").text


def test_hostile_words_come_back_as_words(client: TestClient) -> None:
    page = post(client, do="preview", wants=HOSTILE, keywords="", name=HOSTILE).text
    assert HOSTILE not in page
    assert Fields(page).texts["wants"] == HOSTILE


# --- the answer ---------------------------------------------------------------------------------


@pytest.fixture
def statements(web_database: Database) -> list[str]:
    """Every SQL statement as it is run."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    for engine in (web_database.engine, web_database._reader):
        sa.event.listen(engine, "before_cursor_execute", note)
    return seen


def test_everybody_gets_the_same_answer_for_the_same_work(
    client: TestClient, rooms: Rooms, statements: list[str]
) -> None:
    subscriptions = rooms.subscriptions
    for state in ("pending", "suspended", "unsubscribed"):
        subscriptions.add(
            {
                "email": f"{state}@example.org",
                "state": state,
                "interests": [{"name": "x", "query": "y"}],
            }
        )
    subscriptions.suppress("suppressed@example.org", reason="complaint")
    known = ("pending", "suspended", "unsubscribed", "suppressed", "unknown", "reader")
    answers, work = set(), set()
    post(client, email="first@example.org")  # begins the windows of the limits
    for path, do in (("/subscribe", "join"), ("/my", "")):
        for name in known:
            statements.clear()
            answer = post(client, path, email=f"{name}@example.org", do=do)
            answers.add((path, answer.status_code, answer.text.replace(name, "NAME")))
            work.add((path, tuple(statements)))
    assert len(answers) == len(work) == 2
    assert READER == "reader@example.org"


def test_what_was_asked_is_committed_before_it_is_said(
    client: TestClient, web_database: Database
) -> None:
    assert post(client).status_code == 200
    [errand] = rows(web_database, "errand")
    assert (errand.kind, errand.address, errand.state) == ("join", NEW, "queued")
    assert errand.details["interests"][0]["statement"] == FORM["wants"]
    assert errand.details["timezone"] == "Europe/Lisbon"
    assert (errand.details["hour"], errand.details["minute"]) == (6, 30)


def test_the_link_shows_a_button_and_the_button_begins_it(
    client: TestClient, rooms: Rooms, web_database: Database
) -> None:
    post(client)
    link = confirm_link(rooms)
    before = dump(web_database)
    shown = client.get(link)
    assert "<button>Yes, send me the digest</button>" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in shown.headers["x-robots-tag"]
    assert dump(web_database) == before
    welcome = client.post(link)
    assert "The first comes on Friday, 20 November 2026 at 06:30." in welcome.text
    found = reader(rooms, 2)
    assert (found.email, found.state.value, found.schedule.timezone) == (
        NEW,
        "active",
        "Europe/Lisbon",
    )
    after = dump(web_database)
    assert "Welcome" in client.get(link).text
    assert "Welcome" in client.post(link).text
    assert dump(web_database) == after


@pytest.mark.parametrize("what", ["another purpose", "cut short", "too old", "never asked"])
def test_links_that_open_nothing(
    client: TestClient, rooms: Rooms, clock: FrozenClock, what: str
) -> None:
    post(client)
    link = confirm_link(rooms, 99 if what == "never asked" else 1)
    if what == "too old":
        clock.tick(days=8)
    link = {"another purpose": link.replace("/c/", "/a/"), "cut short": link[:-3]}.get(what, link)
    assert client.get(link).status_code == client.post(link).status_code == 404


def test_who_must_not_be_written_to_is_told_so_on_their_own_link(
    client: TestClient, rooms: Rooms
) -> None:
    post(client)
    rooms.subscriptions.suppress(NEW, reason="complaint")
    answer = client.post(confirm_link(rooms))
    assert answer.status_code == 409
    assert "gets no mail from here" in answer.text


# --- limits -------------------------------------------------------------------------------------


def test_one_address_is_written_to_a_few_times_a_day(
    client: TestClient, clock: FrozenClock
) -> None:
    answers = [post(client).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert post(client, email="other@example.org").status_code == 200
    clock.tick(days=1)
    assert post(client).status_code == 200


def test_one_client_may_not_write_to_the_world(client: TestClient, clock: FrozenClock) -> None:
    answers = [post(client, email=f"r{n}@example.org") for n in range(21)]
    assert [one.status_code for one in answers] == [200] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) <= timedelta(hours=1).total_seconds()


def test_trying_has_a_limit_too(client: TestClient, rooms: Rooms) -> None:
    most, within = TRIALS[0].most, TRIALS[0].within
    for _ in range(most - 1):
        rooms.limits.wait("trial client:testclient", most=most, within=within, now=rooms.clock())
    assert post(client, do="glance").status_code == 200
    assert post(client, do="glance").status_code == 429
