"""Mail providers' calls over HTTP: really signed events, strangers, sizes, other sites, limits.

What each provider's events mean is tested in tests/bounces; here they come through the whole door.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import generate_latest
from starlette.testclient import TestClient

from digest import metrics
from digest.bounces.webhooks import LONGEST
from digest.model import BounceKind
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.web.allowances import CALLS as CALLS_A_CLIENT
from digest.web.app import create_app
from digest.web.rooms import Rooms
from tests.bounces import test_webhooks as samples
from tests.bounces.test_webhooks import CALLS, REFUSED, Call, Door
from tests.web.conftest import SITE, make_rooms

GOOD = CALLS["mailgun bounce"][0]


class Place:
    """The whole application over one database, its providers known."""

    def __init__(self, database: Database) -> None:
        self.door = Door(database)
        self.rooms: Rooms = make_rooms(database, self.door.clock, webhooks=self.door.webhooks)

    def call(self, client: TestClient, call: Call, **headers: str) -> Any:
        provider, own, body = call
        return client.post(f"/hooks/{provider}", content=body, headers=own | headers)


@pytest.fixture
def place(sqlite_database: Database) -> Place:
    return Place(sqlite_database)


@pytest.fixture
def client(place: Place) -> Iterator[TestClient]:
    with TestClient(create_app(place.rooms), SITE.base_url) as client:
        yield client


@pytest.mark.parametrize(("call", "kind"), CALLS.values(), ids=CALLS)
def test_what_a_provider_signed_is_taken_once(
    place: Place, client: TestClient, call: Call, kind: BounceKind | None
) -> None:
    expected = [(kind, "reader1@example.org")] if kind else []
    for _ in range(2):
        answer = place.call(client, call)
        assert (answer.status_code, answer.text) == (200, "")
        assert place.door.events() == expected


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_a_stranger_is_refused(place: Place, client: TestClient, call: Call) -> None:
    answer = place.call(client, call)
    assert (answer.status_code, answer.text) == (403, "")
    assert place.door.events() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_only_a_post_is_a_call(place: Place, client: TestClient, method: str) -> None:
    assert client.request(method, "/hooks/mailgun", content=GOOD[2]).status_code == 405
    assert place.door.events() == []


@pytest.mark.parametrize("name", ["mailchimp", "MAILGUN", "..%2fses", "ses%0d%0ax"])
def test_nobody_we_know_is_not_found(client: TestClient, name: str) -> None:
    assert client.post(f"/hooks/{name}", content=b"{}").status_code == 404


def test_they_come_from_elsewhere(place: Place, client: TestClient) -> None:
    elsewhere = {"Origin": "https://api.mailgun.example", "Sec-Fetch-Site": "cross-site"}
    assert place.call(client, GOOD, **elsewhere).status_code == 200


def test_a_large_call_is_taken_and_a_huge_one_refused(place: Place, client: TestClient) -> None:
    event = samples.sendgrid_event("spamreport")
    idle = [samples.sendgrid_event("open", note="x" * 1000) for _ in range(1000)]
    large = samples.sendgrid(*idle, event)
    assert len(large[2]) > 1_000_000
    assert place.call(client, large).status_code == 200
    assert [kind for kind, _ in place.door.events()] == [BounceKind.COMPLAINT]
    huge = samples.sendgrid(*idle * 2, event)
    assert len(huge[2]) > LONGEST
    assert place.call(client, huge).status_code == 413


def test_a_huge_call_of_unknown_length_is_refused(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    assert client.post("/hooks/ses", content=parts()).status_code == 413


def test_amazon_away_means_try_again(place: Place, client: TestClient) -> None:
    def away(url: str) -> bytes:
        raise OSError("no route")

    place.door.webhooks._fetch = away
    assert place.call(client, CALLS["ses bounce"][0]).status_code == 503


def test_a_flood_waits(place: Place, client: TestClient, sqlite_database: Database) -> None:
    assert place.call(client, GOOD).status_code == 200
    with sqlite_database.write() as connection:
        connection.exec_driver_sql(f"UPDATE rate SET count = {CALLS_A_CLIENT.most - 1}")
    answers = [place.call(client, GOOD) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_calls_are_counted_and_the_log_names_nobody(
    place: Place, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        place.call(client, CALLS["postmark complaint"][0])
        place.call(client, REFUSED["mailgun tampered"])
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "postmark: 1 new events" in said
    assert "example.org" not in said.replace(SITE.base_url, "")
    assert samples.TOKEN not in said
    text = generate_latest(metrics._own).decode()
    assert re.search(r'calls_total\{provider="postmark",status="200"\} [1-9]', text)
    assert re.search(r'calls_total\{provider="mailgun",status="403"\} [1-9]', text)


def test_events_are_kept_before_they_are_acknowledged(
    place: Place, client: TestClient, sqlite_database: Database
) -> None:
    place.call(client, CALLS["mailgun complaint"][0])
    assert place.door.subscriptions.is_suppressed("reader1@example.org")
    assert BounceStore(sqlite_database).listed()
