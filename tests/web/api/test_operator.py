"""The operator's program: subscribers, the post and the work, seen and ordered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from digest.model import Bounce, BounceKind, DeliveryId, SubscriberState
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.editions import EditionStore
from digest.web.rooms import Rooms
from tests import queued
from tests.fakes import START, FrozenClock
from tests.web.api.conftest import Program
from tests.web.reading import dump, reader, rows
from tests.web.seeds import READER


@pytest.fixture
def post(web_database: Database) -> Database:
    """Five more subscribers, numbered from 11, each with a delivery in the queue."""
    queued.fill(web_database, 5, first=11)
    return web_database


# --- subscribers ----------------------------------------------------------------------------------


def test_subscribers_are_found(operator: Program, post: Database) -> None:
    everybody = operator.all("/operator/subscribers?limit=2")
    assert [one["id"] for one in everybody] == [11, 12, 13, 14, 15, 1]
    assert [one["id"] for one in operator.all("/operator/subscribers?q=READER13@")] == [13]
    assert [one["id"] for one in operator.all("/operator/subscribers?q=rea der")] == [1]
    assert operator.all("/operator/subscribers?q=%25") == []
    operator.ask("PUT", "/operator/subscribers/12/suspension", json={})
    stopped = operator.all("/operator/subscribers?state=suspended&state=paused")
    assert [one["id"] for one in stopped] == [12]
    shown = operator.get("/operator/subscribers/1").json()
    assert shown["profile"]["email"] == READER
    assert [one["name"] for one in shown["interests"]] == ["Retrieval and its readers"]
    assert operator.get("/operator/subscribers/99").status_code == 404


def test_nobody_is_subscribed_without_their_word(operator: Program, web_database: Database) -> None:
    wish = {"name": "Owls", "query": "owl*"}
    told = []
    for email in ("new@example.org", READER):  # known or not, the same answer
        body = {"email": email, "hour": 6, "interests": [wish]}
        answer = operator.ask("POST", "/operator/subscribers", json=body)
        assert answer.status_code == 202
        told.append(answer.json())
    assert told[0] == told[1]
    first, second = rows(web_database, "errand")
    assert (first.kind, first.address, first.details["hour"]) == ("join", "new@example.org", 6)
    assert second.address == READER
    assert len(rows(web_database, "subscriber")) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@example.org", "interests": [{"name": "x"}]}, "/interests/0"),
        (
            {"email": "a@example.org", "interests": [{"name": "x", "query": "a AND"}]},
            "/interests/0/query",
        ),
        ({"email": "a@example.org", "state": "active"}, "/state"),
        ({"email": "a@example.org", "interests": [{"name": "x", "query": "a"}] * 2}, "/interests"),
    ],
)
def test_a_faulty_wish_to_join(operator: Program, body: Any, pointer: str) -> None:
    answer = operator.ask("POST", "/operator/subscribers", json=body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_one_address_is_not_asked_again_and_again(operator: Program) -> None:
    body = {"email": "new@example.org"}
    said = [operator.ask("POST", "/operator/subscribers", json=body).status_code for _ in range(6)]
    assert said == [202] * 5 + [429]


def test_suspended_and_resumed(operator: Program, post: Database, rooms: Rooms) -> None:
    here = "/operator/subscribers/11/suspension"
    for _ in range(2):
        answer = operator.ask("PUT", here, json={"reason": "they wrote to us"})
        assert (answer.json()["state"], answer.json()["state_reason"]) == (
            "suspended",
            "they wrote to us",
        )
    assert queued.states(post)[11] == "cancelled"
    for _ in range(2):
        assert operator.ask("DELETE", here).json()["state"] == "active"
    assert operator.ask("PUT", here, json={"reason": "a\nb"}).status_code == 422
    rooms.subscriptions.unsubscribe("reader11@example.org")
    answer = operator.ask("DELETE", here)
    assert answer.status_code == 409
    assert "--they-asked" not in answer.text
    assert reader(rooms, 11).state is SubscriberState.UNSUBSCRIBED


def test_everything_stored_is_handed_out_and_erased(
    operator: Program, mine: Program, rooms: Rooms
) -> None:
    found = operator.get("/operator/subscribers/1/export")
    assert found.headers["cache-control"] == "no-store"
    stored = found.json()["stored"]
    assert {"subscriber", "interest", "digest", "sent", "api_token"} <= stored.keys()
    assert mine.secret not in found.text
    assert operator.ask("DELETE", "/operator/subscribers/1").status_code == 422
    assert operator.ask("DELETE", "/operator/subscribers/1?confirm=x@y.org").status_code == 409
    gone = operator.ask("DELETE", f"/operator/subscribers/1?confirm={READER.upper()}")
    assert gone.status_code == 204
    assert operator.get("/operator/subscribers/1").status_code == 404
    assert mine.get("/me").status_code == 401
    assert rooms.subscriptions.is_suppressed(READER)


def test_their_link_is_sent_again(operator: Program, web_database: Database) -> None:
    assert operator.ask("POST", "/operator/subscribers/1/link").status_code == 202
    [errand] = rows(web_database, "errand")
    assert (errand.kind, errand.address) == ("link", READER)


def test_why_a_paper_was_sent(operator: Program) -> None:
    answer = operator.get("/operator/subscribers/1/explanation?paper=arXiv:2611.66666")
    assert answer.json() == {
        "sent": True,
        "headline": f"Sent to {READER}.",
        "steps": ["It was arXiv:2611.66666."],
    }


# --- the post -------------------------------------------------------------------------------------


def test_deliveries_are_seen_and_ordered(operator: Program, post: Database) -> None:
    queued.change(post, 12, state="refused", code=550, reply="5.1.1 nobody", settled_at=START)
    queued.change(post, 13, state="delivered", code=250, reply="ok", settled_at=START)
    waiting = [one["id"] for one in operator.all("/operator/outbox?limit=2")]
    assert waiting == [15, 14, 11]
    everything = [one["id"] for one in operator.all("/operator/deliveries?limit=2")]
    assert everything == [15, 14, 13, 12, 11]
    refused = operator.all("/operator/deliveries?state=refused&state=uncertain")
    assert [(one["id"], one["code"]) for one in refused] == [(12, 550)]
    theirs = operator.all("/operator/deliveries?subscriber=reader13@EXAMPLE.org")
    assert [one["id"] for one in theirs] == [13]
    shown = operator.get("/operator/deliveries/12").json()
    assert sorted(one["what"] for one in shown["log"]) == ["queued", "refused"]
    assert operator.get("/operator/deliveries/99").status_code == 404
    retried = operator.ask("POST", "/operator/deliveries/retry", json={"ids": [12, 13]})
    assert retried.json() == {"changed": 1}
    cancelled = operator.ask("POST", "/operator/deliveries/cancel", json={"states": ["queued"]})
    assert cancelled.json() == {"changed": 4}
    assert set(queued.states(post).values()) == {"cancelled", "delivered"}
    assert operator.ask("POST", "/operator/deliveries/retry", json={}).status_code == 422


def test_what_came_back(operator: Program, post: Database) -> None:
    earlier = START - timedelta(hours=1)
    BounceStore(post).add(
        [
            Bounce("a", DeliveryId(11), earlier, BounceKind.USER_UNKNOWN, "smtp", "550", "no"),
            Bounce("b", DeliveryId(12), earlier, BounceKind.MAILBOX_FULL, "smtp", "452", "full"),
            *(
                Bounce(f"c{n}", DeliveryId(n), START, BounceKind.DELAYED, "mailbox")
                for n in (13, 14, 15)
            ),
        ]
    )
    found = operator.all("/operator/bounces?limit=2")
    assert [one["delivery_id"] for one in found] == [15, 14, 13, 12, 11]
    assert [one["kind"] for one in operator.all("/operator/bounces?kind=mailbox_full")] == [
        "mailbox_full"
    ]
    mine = operator.all("/operator/bounces?subscriber=reader11@example.org")
    assert [one["status"] for one in mine] == ["550"]
    assert operator.get("/operator/bounces?subscriber=nobody").status_code == 422


def test_who_is_never_written_to(operator: Program, rooms: Rooms, post: Database) -> None:
    body = {"email": "reader11@example.org", "reason": "asked by phone"}
    said = [operator.ask("POST", "/operator/suppressions", json=body).json() for _ in range(2)]
    assert said == [{"changed": 1}, {"changed": 0}]
    assert reader(rooms, 11).state is SubscriberState.SUSPENDED
    for name in "abc":
        until = {"email": f"{name}@example.org", "expires_at": "2027-01-01T00:00:00+01:00"}
        assert operator.ask("POST", "/operator/suppressions", json=until).status_code == 200
    found = operator.all("/operator/suppressions?limit=1")
    assert len(found) == 4
    assert "example.org" not in str(found)
    assert {one["expires_at"] for one in found} == {None, "2026-12-31T23:00:00Z"}
    lift = {"email": "reader11@example.org"}
    said = [operator.ask("POST", "/operator/suppressions/lift", json=lift).json() for _ in "ab"]
    assert said == [{"changed": 1}, {"changed": 0}]
    for expires in (5, "soon", "2027-01-01T00:00:00"):
        faulty = {"email": "d@example.org", "expires_at": expires}
        assert operator.ask("POST", "/operator/suppressions", json=faulty).status_code == 422


# --- the work -------------------------------------------------------------------------------------


def test_how_it_stands(operator: Program, post: Database) -> None:
    status = operator.get("/operator/status").json()
    assert status["subscribers"] == {"active": 6}
    assert status["waiting"] == 5
    sources = {one["name"]: one for one in operator.all("/operator/sources")}
    assert sources == {one["name"]: one for one in status["sources"]}
    assert sources["cs.AI"]["verdict"] == "stale"


def test_what_was_run_and_asked(
    operator: Program, web_database: Database, clock: FrozenClock
) -> None:
    editions = EditionStore(web_database)
    for number in range(3):
        run = editions.begin_run(clock.tick(hours=1))
        if number < 2:
            editions.finish_run(run, clock(), {"digests": {"composed": number}})
    runs = operator.all("/operator/runs?limit=2")
    assert [one["finished_at"] is None for one in runs] == [True, False, False]
    assert [one["report"].get("digests") for one in runs[1:]] == [{"composed": 1}, {"composed": 0}]
    assert operator.get("/operator/runs/1").json()["fetches"] == []
    assert operator.get("/operator/runs/9").status_code == 404
    fetches = operator.all("/operator/fetches?limit=3")
    assert [one["id"] for one in fetches] == sorted((one["id"] for one in fetches), reverse=True)
    [stale] = operator.all("/operator/fetches?source=cs.AI")
    assert stale["detail"].startswith("Nothing but papers of earlier days")


def test_the_operator_s_token_is_nobody_s(operator: Program, web_database: Database) -> None:
    before = dump(web_database)["subscriber"]
    for method, path in (("GET", "/me"), ("DELETE", "/me?confirm=x@example.org")):
        assert operator.ask(method, path).status_code == 403
    assert dump(web_database)["subscriber"] == before
