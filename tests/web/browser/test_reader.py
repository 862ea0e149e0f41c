"""A reader's whole way in a real browser: from a stranger's first look to leaving, mail and all.

The same way with and without scripts; the mail goes over a real SMTP server and its links are
followed as they stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect
from starlette.testclient import TestClient

from digest.config import Settings
from digest.model import SubscriberState
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.app import create_app
from digest.web.opening import rooms_of
from digest.web.rooms import Rooms
from digest.wiring import App
from tests.fakes import FrozenClock
from tests.smtpd import Smtpd
from tests.web import seeds
from tests.web.browser.conftest import Window
from tests.web.browser.test_look import LOOKS, OVERFLOW, violations
from tests.web.conftest import serving
from tests.web.reading import Links, change_link, confirm_link, dump, reader

pytestmark = pytest.mark.browser

NEW = "new@example.org"
QUERY = "retriev* OR notes"


# --- one installation -----------------------------------------------------------------------------


@dataclass
class Place:
    """A served installation with its clock and its post."""

    app: App
    clock: FrozenClock
    url: str
    server: Smtpd

    def mail(self) -> EmailMessage:
        message = message_from_bytes(self.server.accepted[-1].data, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    def link(self, label: str) -> str:
        """Where a link of the newest mail leads."""
        part = self.mail().get_body(("html",))
        assert part is not None
        pattern = rf'href="([^"]+)"[^>]*>\s*{re.escape(label)}'
        found = re.search(pattern, part.get_content())
        assert found, label
        return found[1]

    def post(self) -> None:
        """Send what somebody at the door waits for, as a worker does."""
        with self.app.errands(self.clock) as errands:
            errands.drain()


def settings(url: str, port: int, database: Database, folder: Path) -> Settings:
    values: dict[str, Any] = {
        "site": {
            "name": "Lab Reading Group",
            "base_url": url,
            "operator_email": "operator@example.org",
            "secret_keys": list(seeds.KEYS),
        },
        "database": {"url": str(database.engine.url)},
        "matching": {"embedder": "lexical"},
        "delivery": {
            "channel": "smtp",
            "spool": str(folder / "spool"),
            "smtp": {"host": "127.0.0.1", "port": port, "security": "none"},
        },
    }
    return Settings(**values)


@pytest.fixture
def place(web_database: Database, clock: FrozenClock, tmp_path: Path) -> Iterator[Place]:
    apps: list[App] = []

    def make(url: str) -> FastAPI:
        apps.append(
            App(settings(url, server.port, web_database, tmp_path), web_database, clock=clock)
        )
        return create_app(rooms_of(apps[0]))

    with Smtpd() as server, serving(make) as url:
        yield Place(apps[0], clock, url, server)


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = browser.new_context(java_script_enabled=request.param, timezone_id="Asia/Tokyo")
    context.set_default_timeout(10_000)
    yield context
    context.close()


# --- the way --------------------------------------------------------------------------------------


def test_a_reader_s_whole_way(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    subscribe(place, page)
    assert place.app.subscriptions.ids([SubscriberState.ACTIVE]) == [1]
    confirm(place, page)
    read_and_judge(place, page)
    change(place, page)
    leave(place, page)


def subscribe(place: Place, page: Page) -> None:
    page.goto(place.url)
    page.get_by_label("Your address").fill(NEW)
    page.get_by_label("What interests you").fill("how clinicians find evidence in notes")
    page.get_by_role("button", name="Show me what I would get").click()
    page.wait_for_url("**/subscribe")
    expect(page.locator("#preview h2")).to_contain_text("this would have sent you")
    page.get_by_label("Keywords, if you like").fill("(retriev*")
    page.get_by_role("button", name="Send me a mail to confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("never closed (column 1)")
    expect(page.get_by_label("Your address")).to_have_value(NEW)
    page.get_by_label("Keywords, if you like").fill(QUERY)
    page.get_by_label("Papers you like, as examples").fill("long memories")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_label("How often").select_option("daily")
    page.get_by_role("button", name="Send me a mail to confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your inbox")
    assert place.server.accepted == []
    place.post()
    assert place.server.recipients == [NEW]


def confirm(place: Place, page: Page) -> None:
    page.goto(place.link("Confirm"))
    page.get_by_role("button", name="Yes, send me the digest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    onward = page.get_by_role("link", name="Open my digest")
    assert onward.evaluate("it => parseFloat(getComputedStyle(it).paddingLeft)") >= 10
    found = place.app.subscriptions.subscriber(NEW)
    assert found.interests[0].query == QUERY
    assert found.interests[0].examples[0].title.startswith("Small models")


def read_and_judge(place: Place, page: Page) -> None:
    found = place.app.subscriptions.subscriber(NEW)
    assert found.next_due_at is not None
    place.clock.set(found.next_due_at)
    place.app.run(only=NEW)
    assert place.server.recipients == [NEW, NEW]
    page.goto(place.link("More like this"))
    page.get_by_role("button", name="Yes, more like this").click()
    expect(page.get_by_role("status")).to_contain_text("Noted")
    assert len(place.app.feedback.history(NEW)) == 1
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_have_text("Undone.")
    assert place.app.feedback.history(NEW) == []


def change(place: Place, page: Page) -> None:
    page.goto(place.link("Change interests and rhythm"))
    page.get_by_role("link", name="how clinicians find evidence").click()
    page.get_by_label("Name").fill("Evidence")
    page.get_by_label("Keywords, if you like").fill("evidence")
    page.get_by_role("button", name="Try it on the last two weeks").click()
    expect(page.locator("#preview h2")).to_contain_text("this would have sent you")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("The interest is saved.")
    read_the_feed(page)
    page.get_by_label("How often").select_option("weekly")
    page.get_by_label("If weekly, on").select_option("friday")
    page.get_by_role("button", name="Save").nth(1).click()
    expect(page.get_by_role("status")).to_have_text("Your rhythm is saved.")
    found = place.app.subscriptions.subscriber(NEW)
    assert (found.interests[0].name, found.interests[0].query) == ("Evidence", "evidence")
    assert (found.schedule.cadence.value, found.schedule.weekday) == ("weekly", 4)


def read_the_feed(page: Page) -> None:
    """The addresses stand on the page; a feed reader has nothing but them."""
    for name, kind in (("Atom", "atom+xml"), ("RSS", "rss+xml"), ("JSON Feed", "feed+json")):
        address = page.get_by_role("link", name=name, exact=True).first.get_attribute("href")
        answer = httpx.get(address or "")
        assert answer.status_code == 200
        assert kind in answer.headers["content-type"]
        assert "Small models, long memories" in answer.text


def leave(place: Place, page: Page) -> None:
    page.goto(place.link("Unsubscribe"))
    page.get_by_role("button", name="Unsubscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert place.app.subscriptions.subscriber(NEW).state is SubscriberState.UNSUBSCRIBED
    place.clock.tick(days=8)
    place.app.run(only=NEW)
    assert place.server.recipients == [NEW, NEW]


# --- what scripts add -----------------------------------------------------------------------------


def test_the_preview_comes_while_one_types_and_the_zone_by_itself(
    browser: Browser, live_server: str
) -> None:
    context = browser.new_context(timezone_id="Asia/Tokyo")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{live_server}/subscribe")
    expect(page.get_by_label("Your time zone")).to_have_value("Asia/Tokyo")
    page.get_by_label("What interests you").press_sequentially("retrieval of notes")
    expect(page.locator("#preview h2")).to_contain_text("this would have sent you")
    page.get_by_label("Keywords, if you like").press_sequentially("(x")
    expect(page.locator("#preview")).to_contain_text("column 1")
    assert said == []
    context.close()


# --- every page -----------------------------------------------------------------------------------


def own_pages(rooms: Rooms) -> list[str]:
    """Every page of a reader's, and those a stranger comes through."""
    rooms.joining.ask(
        {"email": NEW, "interests": [{"name": seeds.HOSTILE[:120], "query": "owls"}]},
        language="en",
    )
    feed = [{"name": f"Also {seeds.HOSTILE[:100]}", "statement": seeds.HOSTILE}]
    rooms.subscriptions.edit(
        seeds.READER,
        {"interests": [{"name": "R", "query": QUERY}, *feed], "muted_words": [seeds.HOSTILE[:100]]},
    )
    hook = "https://hooks.slack.com/services/T0/B0/secretsecretsecret"
    rooms.channels.register.add(seeds.READER, "slack", hook, label=seeds.HOSTILE[:60])
    rooms.channels.register.disable(seeds.READER, "1", reason=f"404 {seeds.HOSTILE}")
    links, ids = Links.of(rooms), [one.id for one in reader(rooms).interests]
    own = [f"{links.preferences}/interest/{id}" for id in ids]
    everything = [one for one in links.everything() if not one.endswith(("/export", "/interest/1"))]
    paper = rooms.search.search("owls at dusk", limit=1).found[0].paper.id
    hostile = [f"{links.feedback}/{paper}/{word}" for word in ("up", "mute")]
    rooms.access.grant(seeds.HOSTILE[:80], email=seeds.READER)
    rooms.changing.ask_address(reader(rooms), "other@example.org")
    asked = [confirm_link(rooms), change_link(rooms, 1, 2)]
    sign = rooms.tokens.sign
    team = [f"/t/{sign(Purpose.TEAM, 1)}", f"/s/{sign(Purpose.SHARED, 1)}"]
    return ["/subscribe", "/my", *asked, *team, *own, *everything, *hostile]


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_every_own_page_fits_is_accessible_and_runs_nothing(window: Window, rooms: Rooms) -> None:
    for path in own_pages(rooms):
        page = window.open(path)
        assert page.evaluate(OVERFLOW) == 0, path
        assert not violations(page), path
        assert page.evaluate("window.hurt") is None, path
    assert window.elsewhere == []
    assert window.said == []


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_every_answer_fits_and_is_accessible(window: Window, rooms: Rooms) -> None:
    links = Links.of(rooms)
    page = window.open("/subscribe")
    page.get_by_label("What interests you").fill(seeds.HOSTILE)
    page.get_by_label("Keywords, if you like").fill("(" + "graph " * 60)
    page.get_by_role("button", name="Send me a mail to confirm").click(force=True)
    page.get_by_label("Your address").fill(NEW)
    page.get_by_role("button", name="Send me a mail to confirm").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)
    page.get_by_label("Keywords, if you like").fill("owls OR retriev*")
    page.get_by_label("Papers you like").fill("owls at dusk")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Show me what I would get").click()
    expect(page.locator("#preview h2")).to_be_visible()
    check(page)
    for path, button in (
        (f"{links.feedback}/1/mute", "Never show these again"),
        (f"{links.feedback}/1/down", "Yes, less like this"),
        (f"{links.preferences}/pause", "Pause"),
        (links.unsubscribe, "Once a month"),
        (links.unsubscribe, "Unsubscribe"),
        (f"{links.preferences}/delete", "Forget me"),
    ):
        window.open(path).get_by_role("button", name=button, exact=True).click()
        check(page)
    assert window.elsewhere == []


@pytest.mark.parametrize("window", LOOKS, indirect=True)
def test_a_new_token_fits_and_what_is_wrong_is_seen(window: Window, rooms: Rooms) -> None:
    page = window.open(f"{Links.of(rooms).preferences}/tokens")
    page.get_by_label("What it is for").fill(seeds.HOSTILE[:80])
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("Copy it now.")
    check(page)
    for one in page.get_by_role("checkbox").all():
        one.uncheck()
    page.get_by_label("What it is for").fill("cron")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick what it may do.")
    expect(page.get_by_label("What it is for")).to_have_value("cron")
    check(page)
    colour = "it => getComputedStyle(it).color"
    beside = page.locator("#scope-fault p").evaluate(colour)
    assert beside == page.locator(".wrong a").first.evaluate(colour)
    assert beside != page.locator(".box .hint, .box legend").first.evaluate(colour)


def check(page: Page) -> None:
    page.wait_for_load_state()
    assert page.evaluate(OVERFLOW) == 0, page.url
    assert not violations(page), [page.url, violations(page)]
    assert page.evaluate("window.hurt") is None, page.url


def test_a_scanner_with_a_browser_changes_nothing(
    window: Window, rooms: Rooms, web_database: Database
) -> None:
    paths = own_pages(rooms)
    digest = f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}"
    before = dump(web_database)
    for path in (*paths, digest):
        window.open(path)
    window.page.wait_for_timeout(300)
    assert dump(web_database) == before


def test_the_own_pages_are_small(client: TestClient, rooms: Rooms) -> None:
    """First load of any page under 60 kB, sheet and script included."""
    for path in own_pages(rooms):
        page = client.get(path).text
        parts = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        size = len(page.encode()) + sum(len(client.get(one).content) for one in parts)
        assert size < 60_000, (path, size)
