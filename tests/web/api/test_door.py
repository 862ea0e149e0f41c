"""Who gets in: tokens, scopes, how often; and that looking changes nothing."""

from __future__ import annotations

import dataclasses
import logging

import pytest
from starlette.testclient import TestClient

from digest.access import OPERATORS
from digest.model import Scope
from digest.store.database import Database
from digest.web.api.door import NEEDED
from digest.web.app import create_app
from digest.web.rooms import ApiRates, Rooms
from tests.fakes import START, FrozenClock
from tests.web.api.conftest import Program, only
from tests.web.conftest import SITE
from tests.web.reading import dump, rows
from tests.web.seeds import READER

ONE_OF_EACH = {
    Scope.READ: ("GET", "/papers"),
    Scope.ME_READ: ("GET", "/me"),
    Scope.ME_WRITE: ("POST", "/me/unsubscribe"),
    Scope.OPERATOR_READ: ("GET", "/operator/status"),
    Scope.OPERATOR_WRITE: ("DELETE", "/operator/subscribers/1/suspension"),
}


@pytest.mark.parametrize("asked", Scope)
@pytest.mark.parametrize("had", Scope)
def test_no_scope_holds_another(client: TestClient, rooms: Rooms, asked: Scope, had: Scope) -> None:
    answer = only(client, rooms, had).ask(*ONE_OF_EACH[asked])
    if asked is had:
        assert answer.status_code == 200
        return
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"].endswith(f'insufficient_scope", scope="{asked}"')
    assert answer.json()["detail"] == f"The token lacks the scope {asked}."


@pytest.mark.parametrize("scope", Scope)
def test_without_a_token_only_the_archive_is_open(anybody: Program, scope: Scope) -> None:
    answer = anybody.ask(*ONE_OF_EACH[scope])
    if scope is Scope.READ:
        assert answer.status_code == 200
        assert "www-authenticate" not in answer.headers
        return
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer realm="paper-digest", scope="{scope}"'
    assert answer.json()["type"] == "https://papers.example.org/api/v1/docs#token-missing"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer pd_nonsense",
        "Bearer pd_" + "A" * 43,
        "Basic YWRhOnNlY3JldA==",
        "pd_" + "A" * 43,
        "Bearer " + "x" * 5000,
        "Bearer \xff",
    ],
)
def test_a_bad_token_opens_not_even_what_is_open(client: TestClient, header: str) -> None:
    headers = [(b"Authorization", header.encode("latin-1"))]
    for path in ("/papers", "/me"):
        answer = client.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].endswith('error="invalid_token"')


def test_the_scheme_is_spelt_in_any_case(mine: Program) -> None:
    assert mine.get("/me", headers={"Authorization": f"bearer {mine.secret}"}).status_code == 200


def test_a_token_ends_and_is_given_up(
    mine: Program, operator: Program, rooms: Rooms, clock: FrozenClock
) -> None:
    told = mine.get("/token").json()
    assert (told["name"], told["subscriber_id"]) == ("mine", 1)
    assert told["scopes"] == ["me:read", "me:write", "read"]
    assert mine.secret not in str(told)
    assert mine.ask("DELETE", "/token").status_code == 204
    assert mine.get("/me").status_code == 401
    assert operator.get("/token").json()["subscriber_id"] is None
    clock.tick(days=366)
    assert operator.get("/token").status_code == 401


def test_a_token_in_the_address_is_none(mine: Program, client: TestClient) -> None:
    for name in ("access_token", "token"):
        assert client.get(f"/api/v1/me?{name}={mine.secret}").status_code == 401


def test_a_secret_is_never_logged(mine: Program, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        mine.get("/me")
        mine.ask("PATCH", "/me", json={"hour": 99})
    assert mine.secret[8:] not in caplog.text


def test_another_site_can_do_nothing_with_a_visitor_s_browser(anybody: Program) -> None:
    """There is no cookie, and no answer may be read from another site."""
    strange = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = anybody.ask("POST", "/me/unsubscribe", headers=strange)
    assert answer.status_code == 401
    looked = anybody.get("/papers", headers=strange)
    for one in (answer, looked):
        assert "set-cookie" not in one.headers
        assert "access-control-allow-origin" not in one.headers
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["content-security-policy"].startswith("default-src 'none'")


# --- how often ------------------------------------------------------------------------------------


@pytest.fixture
def slow(rooms: Rooms) -> TestClient:
    rates = ApiRates(reads_per_minute=2, token_reads_per_minute=3, token_writes_per_minute=1)
    app = create_app(dataclasses.replace(rooms, api=rates))
    return TestClient(app, SITE.base_url, raise_server_exceptions=False)


def test_looking_has_a_pace(
    slow: TestClient, rooms: Rooms, clock: FrozenClock, web_database: Database
) -> None:
    before = dump(web_database)
    anybody = Program(slow)
    assert [anybody.get("/papers").status_code for _ in range(3)] == [200, 200, 429]
    clock.tick(seconds=20)
    answer = anybody.get("/papers")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "40"
    assert dump(web_database) == before
    clock.tick(seconds=40)
    assert anybody.get("/papers").status_code == 200
    mine = Program(slow, rooms.access.grant("mine", email=READER).secret)
    assert [mine.get("/papers").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_guessing_tokens_has_a_pace(slow: TestClient) -> None:
    guess = Program(slow, "pd_" + "A" * 43)
    assert [guess.get("/me").status_code for _ in range(3)] == [401, 401, 429]


def test_changing_is_counted_over_all_processes(slow: TestClient, rooms: Rooms) -> None:
    secret = rooms.access.grant("mine", email=READER).secret
    another = TestClient(slow.app, SITE.base_url)
    mutes: dict[str, list[str]] = {"muted_authors": [], "muted_words": []}
    assert Program(slow, secret).ask("PUT", "/me/mutes", json=mutes).status_code == 200
    answer = Program(another, secret).ask("PUT", "/me/mutes", json=mutes)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert Program(slow, secret).get("/me").status_code == 200


# --- looking changes nothing ----------------------------------------------------------------------


def _addresses(client: TestClient) -> list[str]:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    return [path.replace("{number}", "1") for path, known in paths.items() if "get" in known]


def test_a_scanner_that_looks_at_everything_changes_nothing(
    client: TestClient, web_database: Database
) -> None:
    before = dump(web_database)
    for path in _addresses(client):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = client.request(method, f"/api/v1{path}")
            assert answer.status_code in (200, 401, 405, 422), (method, path)
    assert dump(web_database) == before


def test_looking_with_a_token_leaves_the_hour_of_its_use_and_nothing_else(
    client: TestClient, rooms: Rooms, web_database: Database, clock: FrozenClock
) -> None:
    secrets = [
        rooms.access.grant("mine", email=READER).secret,
        rooms.access.grant("ours", OPERATORS).secret,
    ]
    before = dump(web_database)
    for secret in secrets:
        for path in _addresses(client):
            for method in ("GET", "HEAD"):
                Program(client, secret).ask(method, path)
                clock.tick(seconds=1)
    after = dump(web_database)
    assert {name for name in after if after[name] != before[name]} == {"api_token"}
    for row in rows(web_database, "api_token"):
        assert START <= row.last_used_at < clock()


def test_every_route_has_a_check(client: TestClient) -> None:
    """What is not meant for everybody says which scope it needs."""
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert all("security" in one for known in paths.values() for one in known.values())
    assert set(NEEDED.values()) == {None, *Scope}
