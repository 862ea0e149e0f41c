"""A subscriber's own program: what it reads and changes, and that it never reaches another's."""

from __future__ import annotations

from typing import Any

import pytest

from digest.model import DigestId, SubscriberState
from digest.store.database import Database
from digest.store.editions import EditionStore
from digest.tokens import Purpose
from digest.web.rooms import Rooms
from tests.fakes import FrozenClock
from tests.web.api.conftest import OTHER, Program
from tests.web.reading import dump, reader, rows
from tests.web.seeds import READER

WISH = {"name": "Owls", "statement": "how owls see at dusk", "query": "owl* OR dusk"}


# --- the profile ----------------------------------------------------------------------------------


def test_the_profile_is_read_and_changed(mine: Program, rooms: Rooms) -> None:
    before = mine.get("/me").json()
    assert (before["email"], before["interests"], before["state"]) == (READER, 1, "active")
    changes = {"cadence": "weekly", "weekday": "friday", "hour": 6, "timezone": "Europe/Lisbon"}
    after = mine.ask("PATCH", "/me", json=changes).json()
    assert after == before | changes | {"next_due_at": after["next_due_at"]}
    assert after["next_due_at"] != before["next_due_at"]
    assert reader(rooms).schedule.weekday == 4
    assert mine.ask("PATCH", "/me", json={}).json() == after


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"hour": 24}, "/hour", "at most 23"),
        ({"hour": "7"}, "/hour", "whole number"),
        ({"mail": 1}, "/mail", "true or false"),
        ({"timezone": "Mars/Base"}, "/timezone", "Unknown time zone"),
        ({"cadence": "hourly"}, "/cadence", "must be one of"),
        ({"language": "tlh"}, "/language", "must be one of en"),
        ({"muted_words": ["ok", ""]}, "/muted_words/1", "at least 1"),
        ({"name": "a\nb"}, "/name", "one line"),
        ({"houre": 7}, "/houre", "unknown"),
        ({"state": "active"}, "/state", "unknown"),
        ({"email": "new@example.org"}, "/email", "unknown"),
        ({"hour": None}, "/hour", "whole number"),
        (["hour"], "", "must be an object"),
    ],
)
def test_a_mistake_is_told_by_its_place(
    mine: Program, web_database: Database, changes: Any, pointer: str, detail: str
) -> None:
    mine.get("/me")  # its hour of use is written
    before = dump(web_database)["subscriber"]
    answer = mine.ask("PATCH", "/me", json=changes)
    assert answer.status_code == 422
    [wrong] = answer.json()["errors"]
    assert wrong["pointer"] == pointer
    assert detail in wrong["detail"]
    assert dump(web_database)["subscriber"] == before


def test_every_mistake_is_told_at_once(mine: Program) -> None:
    changes = {"hour": 24, "timezone": 5, "color": "red"}
    errors = mine.ask("PATCH", "/me", json=changes).json()["errors"]
    assert sorted(one["pointer"] for one in errors) == ["/color", "/hour", "/timezone"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b'{"hour": }', 400), (b"\xff\xfe", 400), (b"null", 422), (b"", 422)],
)
def test_what_is_no_json_is_unreadable(mine: Program, body: bytes, status: int) -> None:
    json = {"Content-Type": "application/json"}
    answer = mine.ask("PATCH", "/me", content=body, headers=json)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_has_an_end(mine: Program) -> None:
    json = {"Content-Type": "application/json"}
    answer = mine.ask("PATCH", "/me", content=b" " * 262_145, headers=json)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_is_no_json(mine: Program, rooms: Rooms) -> None:
    """What another site's form could send is not taken for a body."""
    answer = mine.ask("PUT", "/me/pause", data={"until": ""})
    assert answer.status_code == 422
    assert reader(rooms).state is SubscriberState.ACTIVE


def test_mutes_are_set_and_added_to(mine: Program) -> None:
    first = {"muted_authors": ["Ada Mirza"], "muted_words": ["blockchain"]}
    assert mine.ask("PUT", "/me/mutes", json=first).json() == first
    more = {"muted_authors": ["ada mirza", "Bo Lind"], "muted_words": []}
    both = mine.ask("POST", "/me/mutes", json=more).json()
    assert both["muted_authors"] == ["Ada Mirza", "Bo Lind"]
    assert mine.ask("POST", "/me/mutes", json=more).json() == both == mine.get("/me/mutes").json()
    assert mine.ask("PUT", "/me/mutes", json=first).json() == first


# --- interests ------------------------------------------------------------------------------------


def test_interests_are_made_changed_and_let_go(mine: Program) -> None:
    answer = mine.ask("POST", "/me/interests", json=WISH)
    assert answer.status_code == 201
    made = answer.json()
    assert mine.get(answer.headers["location"]).json() == made
    assert made == {"id": made["id"], "examples": [], "authors": [], "limit": None} | {
        "daily_volume": None,
        "combine": "any",
        "paused": False,
        **WISH,
    }
    here = f"/me/interests/{made['id']}"
    changed = mine.ask("PATCH", here, json={"daily_volume": 3, "paused": True}).json()
    assert changed == made | {"daily_volume": 3, "paused": True}
    for _ in range(2):  # a second time is the same
        replaced = mine.ask("PUT", here, json={"name": "Bats", "query": "bat*"}).json()
        assert (replaced["id"], replaced["paused"]) == (made["id"], False)
        assert replaced["statement"] == ""
    assert [one["name"] for one in mine.all("/me/interests")] == [
        "Retrieval and its readers",
        "Bats",
    ]
    assert [mine.ask("DELETE", here).status_code for _ in range(2)] == [204, 204]
    assert mine.get(here).status_code == 404
    assert mine.ask("PUT", here, json=WISH).status_code == 404


@pytest.mark.parametrize(
    ("wish", "pointer", "column"),
    [
        ({"name": "x", "query": "owls AND (graph"}, "/query", 10),
        ({"name": "x", "query": 'title:"open'}, "/query", 7),
        ({"name": "x", "query": "NOT owls"}, "/query", 5),
        ({"name": "x"}, "", None),
        ({"query": "owls"}, "/name", None),
        ({"name": "Retrieval and its readers", "query": "owls"}, "/name", None),
        ({"name": "x", "query": "owls", "daily_volume": -1}, "/daily_volume", None),
        ({"name": "x", "examples": [{"title": ""}]}, "/examples/0/title", None),
    ],
)
def test_a_faulty_wish_names_the_place(
    mine: Program, wish: dict[str, Any], pointer: str, column: int | None
) -> None:
    answer = mine.ask("POST", "/me/interests", json=wish)
    assert answer.status_code == 422
    [wrong] = answer.json()["errors"]
    assert (wrong.get("pointer", ""), wrong.get("column")) == (pointer, column)
    assert len(mine.all("/me/interests")) == 1


def test_an_interest_is_tried_before_and_after_it_is_saved(
    mine: Program, web_database: Database
) -> None:
    mine.get("/me")
    before = dump(web_database)
    tried = mine.ask("POST", "/me/backtest?days=7", json={"name": "x", "query": "retriev*"}).json()
    assert len(tried["days"]) == 7
    assert tried["sent"] == sum(len(day["sent"]) for day in tried["days"]) > 0
    after = dump(web_database)
    assert {name for name in after if after[name] != before[name]} == {"rate"}
    saved = mine.ask("POST", "/me/interests/1/backtest?days=7").json()
    assert saved["interest"] == "Retrieval and its readers"
    answer = mine.ask("POST", "/me/backtest", json={"name": "x", "query": "a AND"})
    assert answer.json()["errors"][0]["column"]
    assert mine.ask("POST", "/me/interests/1/backtest?days=1000").status_code == 422


# --- digests and feedback -------------------------------------------------------------------------


def test_a_digest_is_the_stored_document(mine: Program, rooms: Rooms) -> None:
    [issue] = mine.all("/me/digests")
    digest = mine.get(f"/me/digests/{issue['id']}").json()
    assert {key: digest[key] for key in issue} == issue
    stored = rooms.editions.digests([DigestId(1)])[DigestId(1)]
    assert [
        item["paper"]["id"] for section in digest["sections"] for item in section["items"]
    ] == list(stored.paper_ids)
    reasons = digest["sections"][0]["items"][0]["reasons"]
    assert reasons["percentile"] == 0.01
    assert reasons["hits"][0]["field"] == "title"
    assert digest["notes"] == [{"source": "cs.AI", "verdict": "stale"}]
    assert digest["page"].endswith(f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}")


def test_a_word_on_a_paper_teaches_and_is_taken_back(mine: Program, rooms: Rooms) -> None:
    paper = mine.get("/me/digests/1").json()["sections"][0]["items"][0]["paper"]
    here = f"/me/feedback/{paper['id']}"
    for _ in range(2):
        heard = mine.ask("PUT", here, json={"verdict": "up"}).json()
        assert heard == {"verdict": "up", "taught": ["Retrieval and its readers"]}
    [example] = mine.get("/me/interests/1").json()["examples"]
    assert (example["title"], example["positive"]) == (paper["title"], True)
    assert mine.ask("PUT", here, json={"verdict": "down"}).json()["verdict"] == "down"
    [said] = mine.all("/me/feedback")
    assert (said["paper"]["id"], said["verdict"]) == (paper["id"], "down")
    assert [mine.ask("DELETE", here).status_code for _ in range(2)] == [204, 204]
    assert mine.all("/me/feedback") == []
    assert reader(rooms).interests[0].examples == ()


def test_what_was_said_comes_page_by_page(mine: Program) -> None:
    ids = [one["id"] for one in mine.get("/papers?limit=5").json()["items"]]
    for id in ids:
        assert mine.ask("PUT", f"/me/feedback/{id}", json={"verdict": "up"}).status_code == 200
    said = mine.all("/me/feedback?limit=2")
    assert [one["paper"]["id"] for one in said] == ids[::-1]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/me/feedback/99999", {"verdict": "up"}, 404),
        ("/me/feedback/1", {"verdict": "sideways"}, 422),
        ("/me/feedback/1", {"verdict": "up", "interest": "Nothing of mine"}, 409),
    ],
)
def test_a_word_that_cannot_be(mine: Program, path: str, body: Any, status: int) -> None:
    assert mine.ask("PUT", path, json=body).status_code == status


# --- resting, leaving, taking one's data ----------------------------------------------------------


def test_resting_and_coming_back(mine: Program, rooms: Rooms) -> None:
    for _ in range(2):
        rests = mine.ask("PUT", "/me/pause", json={"until": "2026-12-24"}).json()
        assert (rests["state"], rests["paused_until"]) == ("paused", "2026-12-24T00:00:00Z")
    assert mine.ask("PUT", "/me/pause", json={}).json()["paused_until"] is None
    for _ in range(2):
        assert mine.ask("DELETE", "/me/pause").json()["state"] == "active"
    [wrong] = mine.ask("PUT", "/me/pause", json={"until": "2026-11-20"}).json()["errors"]
    assert wrong == {"pointer": "/until", "detail": "the date is past"}
    for until in (0, "soon", "2026-02-30"):
        assert mine.ask("PUT", "/me/pause", json={"until": until}).status_code == 422


def test_unsubscribing_is_at_once_and_can_be_undone(mine: Program) -> None:
    for _ in range(2):
        assert mine.ask("POST", "/me/unsubscribe").json()["state"] == "unsubscribed"
    assert mine.ask("PUT", "/me/pause", json={}).status_code == 409
    assert mine.ask("DELETE", "/me/pause").json()["state"] == "active"


def test_a_token_does_not_undo_what_the_operator_did(mine: Program, rooms: Rooms) -> None:
    rooms.subscriptions.suspend(READER, reason="bounces")
    for method in ("PUT", "DELETE"):
        answer = mine.ask(method, "/me/pause", json={})
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("Mail to this address was stopped")
    assert reader(rooms).state is SubscriberState.SUSPENDED


def test_feeds_have_addresses_that_can_be_renewed(mine: Program) -> None:
    before = mine.all("/me/feeds")
    assert [one["interest_id"] for one in before] == [None, 1]
    assert mine.get(before[0]["json_feed"]).json()["items"]
    after = mine.ask("POST", "/me/feeds/renewal").json()["items"]
    assert mine.get(before[0]["atom"]).status_code == 404
    assert mine.get(after[1]["atom"]).status_code == 200


def test_another_address_is_asked_first(
    mine: Program, rooms: Rooms, web_database: Database
) -> None:
    answer = mine.ask("POST", "/me/address", json={"email": "New@Example.ORG"})
    assert answer.status_code == 202
    [errand] = rows(web_database, "errand")
    assert (errand.address, errand.kind, errand.subscriber_id) == ("New@example.org", "change", 1)
    assert reader(rooms).email == READER
    for email in ("nobody", READER, "a@b\r\nBcc: c@example.org"):
        [wrong] = mine.ask("POST", "/me/address", json={"email": email}).json()["errors"]
        assert wrong["pointer"] == "/email"


def test_all_of_ones_data(mine: Program) -> None:
    found = mine.get("/me/export").json()
    assert found["subscriber"]["email"] == READER
    assert len(found["digests"][0]["papers"]) == 5


def test_being_forgotten_is_meant(mine: Program, rooms: Rooms) -> None:
    assert mine.ask("DELETE", "/me").status_code == 422
    assert mine.ask("DELETE", "/me?confirm=other@example.org").status_code == 409
    assert mine.ask("DELETE", f"/me?confirm={READER}").status_code == 204
    assert mine.get("/me").status_code == 401
    assert rooms.subscriptions.is_suppressed(READER)


# --- nobody else's --------------------------------------------------------------------------------


def test_nobody_reaches_another_s_things(
    mine: Program, theirs: Program, web_database: Database, rooms: Rooms
) -> None:
    own = theirs.get("/me/interests").json()["items"][0]
    assert mine.get(f"/me/interests/{own['id']}").status_code == 404
    wish = {"name": "Taken over", "query": "owls"}
    here = f"/me/interests/{own['id']}"
    for method in ("PUT", "PATCH"):
        assert mine.ask(method, here, json=wish).status_code == 404
    assert mine.ask("POST", f"{here}/backtest").status_code == 404
    assert mine.ask("DELETE", here).status_code == 204  # theirs is none of mine
    assert theirs.get(here).json() == own
    assert theirs.get("/me/digests").json()["items"] == []
    assert theirs.get("/me/digests/1").status_code == 404
    assert mine.ask("DELETE", f"/me?confirm={OTHER}").status_code == 409
    assert READER not in theirs.get("/me/export").text
    assert theirs.all("/me/feedback") == []
    for path in ("/operator/subscribers", "/operator/subscribers/1", "/operator/deliveries"):
        assert theirs.get(path).status_code == 403


def test_what_one_changes_leaves_the_other_as_they_were(
    mine: Program, theirs: Program, rooms: Rooms
) -> None:
    before = reader(rooms, 2)
    mutes = {"muted_authors": ["Ada Mirza"], "muted_words": []}
    for method, path, body in (
        ("PATCH", "/me", {"hour": 3, "cadence": "daily"}),
        ("POST", "/me/interests", WISH | {"name": "Mine"}),
        ("PUT", "/me/mutes", mutes),
        ("PUT", "/me/feedback/1", {"verdict": "up"}),
        ("POST", "/me/feeds/renewal", None),
        ("POST", "/me/unsubscribe", None),
    ):
        assert mine.ask(method, path, json=body).is_success, path
    assert reader(rooms, 2) == before
    assert theirs.get("/me").json()["state"] == "active"


def test_cursors_of_another_open_nothing(
    mine: Program, theirs: Program, clock: FrozenClock, web_database: Database
) -> None:
    """A cursor is a place in an order, and the token says whose list it is in."""
    for id in (1, 2, 3):
        mine.ask("PUT", f"/me/feedback/{id}", json={"verdict": "up"})
    following = mine.get("/me/feedback?limit=1").json()["next"]
    assert theirs.get(following).json()["items"] == []
    assert EditionStore(web_database).digests([DigestId(1)])
