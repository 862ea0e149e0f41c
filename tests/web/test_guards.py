"""What stands around every page: headers, origins, bodies, proxies, tags, faults and the log."""

from __future__ import annotations

import dataclasses
import gzip
import logging
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from digest.errors import StoreBusy, StoreError, UnknownSubscriber
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.app import create_app
from digest.web.headers import CONTENT_SECURITY_POLICY
from digest.web.limiting import Limit, admit
from digest.web.log import masked
from digest.web.proxies import behind, client_key
from digest.web.rooms import Rooms
from digest.web.visit import Visiting
from tests.fakes import FrozenClock
from tests.web.conftest import SITE, make_rooms

EVERYWHERE = ("/", "/nope", "/fails", "/static/nothing.css", "/robots.txt", "/healthz")


@pytest.fixture
def app(rooms: Rooms) -> FastAPI:
    """The pages, and some routes that read bodies and fail."""
    app = create_app(rooms)

    async def take(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    async def whoever(visit: Visiting) -> PlainTextResponse:
        return PlainTextResponse(visit.client)

    def fail(kind: str = "") -> None:
        known = {"busy": StoreBusy("it is busy"), "who": UnknownSubscriber("nobody")}
        raise known.get(kind, StoreError("a full@address.example and a secret"))

    def count(visit: Visiting) -> PlainTextResponse:
        admit(visit, "count", visit.client, Limit(2, timedelta(minutes=5)))
        return PlainTextResponse("counted")

    app.add_api_route("/count", count, methods=["POST"])
    for path in ("/take", "/u/{token}/take", "/api/take"):
        app.add_api_route(path, take, methods=["POST"])
    app.add_api_route("/who", whoever)
    app.add_api_route("/fails", fail)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(
        app, SITE.base_url, follow_redirects=False, raise_server_exceptions=False
    ) as client:
        yield client


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_is_dressed(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert "set-cookie" not in headers


def test_plain_http_promises_no_https(rooms: Rooms) -> None:
    site = dataclasses.replace(SITE, base_url="http://localhost:8000")
    with TestClient(create_app(dataclasses.replace(rooms, site=site))) as client:
        assert "strict-transport-security" not in client.get("/").headers


def test_private_pages_are_kept_nowhere(client: TestClient, rooms: Rooms) -> None:
    for path in (f"/d/{rooms.tokens.sign(Purpose.DIGEST, 1)}", "/nope", "/healthz"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "noindex" in headers["x-robots-tag"]


# --- whose form it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="no browser"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, 200, id="our own page"),
        pytest.param({"Sec-Fetch-Site": "none"}, 200, id="typed in"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="a neighbour"),
        pytest.param(
            {"Sec-Fetch-Site": "cross-site", "Origin": SITE.base_url}, 403, id="the newer word wins"
        ),
        pytest.param({"Origin": SITE.base_url}, 200, id="old browser, our page"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="old browser, another site"),
        pytest.param({"Origin": "https://papers.example.org.evil.example"}, 403, id="look-alike"),
        pytest.param({"Origin": "null"}, 403, id="hidden origin over https"),
    ],
)
def test_only_our_own_pages_post(client: TestClient, headers: dict[str, str], status: int) -> None:
    answer = client.post("/take", content=b"x", headers=headers)
    assert answer.status_code == status
    assert (status == 200) == (answer.text == "1")


def test_a_hidden_origin_is_usual_over_plain_http(rooms: Rooms) -> None:
    site = dataclasses.replace(SITE, base_url="http://localhost:8000")
    with TestClient(create_app(dataclasses.replace(rooms, site=site))) as client:
        assert client.post("/search", headers={"Origin": "null"}).status_code == 405
        assert client.post("/search", headers={"Origin": "http://evil"}).status_code == 403


@pytest.mark.parametrize("path", ["/u/a-token/take", "/api/take"])
def test_mail_programs_and_programs_may_post(client: TestClient, path: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}
    assert client.post(path, content=b"xy", headers=headers).text == "2"


# --- bodies -------------------------------------------------------------------------------------


def _pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * 65_536


def test_a_body_is_capped_by_its_word_and_by_itself(client: TestClient) -> None:
    assert client.post("/take", content=b"x" * 262_144).text == "262144"
    assert client.post("/take", content=b"x" * 262_145).status_code == 413
    assert client.post("/take", content=_pieces(4)).text == "262144"
    assert client.post("/take", content=_pieces(5)).status_code == 413
    assert client.post("/take", headers={"Content-Length": "-1"}).status_code == 400


# --- proxies ------------------------------------------------------------------------------------

NETWORKS = (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("198.51.100.7", "", "198.51.100.7", id="directly"),
        pytest.param("198.51.100.7", "192.0.2.1", "198.51.100.7", id="a stranger's word"),
        pytest.param("10.0.0.1", "192.0.2.1", "192.0.2.1", id="our proxy"),
        pytest.param("10.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1", id="forged in front"),
        pytest.param("10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1", id="two of ours"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="said nothing"),
        pytest.param("10.0.0.1", "unknown", "10.0.0.1", id="said nonsense"),
        pytest.param("::1", "2001:db8::5", "2001:db8::5", id="IPv6"),
        pytest.param("10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1", id="IPv4 in IPv6"),
        pytest.param("testclient", "192.0.2.1", "testclient", id="no address"),
    ],
)
def test_who_is_asking(peer: str, forwarded: str, client: str) -> None:
    assert behind(peer, forwarded, NETWORKS) == client


@pytest.mark.parametrize(
    ("host", "key"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("", "")],
)
def test_a_household_is_one_client(host: str, key: str) -> None:
    assert client_key(host) == key


def test_the_proxy_is_believed_where_it_is_ours(web_database: Database, clock: FrozenClock) -> None:
    rooms = make_rooms(web_database, clock, trusted_proxies=("10.0.0.0/8",))
    app = create_app(rooms)

    async def whoever(visit: Visiting) -> PlainTextResponse:
        return PlainTextResponse(visit.client)

    app.add_api_route("/who", whoever)
    headers = {"X-Forwarded-For": "192.0.2.1"}
    for peer, client in (("10.1.1.1", "192.0.2.1"), ("198.51.100.7", "198.51.100.7")):
        with TestClient(app, client=(peer, 50000)) as browser:
            assert browser.get("/who", headers=headers).text == client


# --- answers that need not be sent again ---------------------------------------------------------


def test_a_public_page_is_sent_once(client: TestClient) -> None:
    first = client.get("/")
    assert first.headers["cache-control"].startswith("public")
    assert "Accept-Language" in first.headers["vary"]
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/", headers={"If-None-Match": 'W/"other"'}).status_code == 200
    assert client.get("/?tab=new").headers["etag"] != first.headers["etag"]


def test_pages_are_compressed(client: TestClient) -> None:
    with client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == client.get("/").content
    assert len(packed) < len(client.get("/").content) / 3


@pytest.mark.parametrize("path", ["/", "/nope", "/paper/1", "/static/nothing.css", "/readyz"])
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    head, get = client.head(path, headers=plain), client.get(path, headers=plain)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers == get.headers


def test_static_files_are_kept_for_ever(client: TestClient, app: FastAPI) -> None:
    assets = app.state.desk.assets
    for name in assets.names():
        answer = client.get(assets.path(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert len(client.get(assets.path("digest.css")).content) < 20_000
    assert client.get("/static/digest.css").status_code == 404
    assert client.get("/static/..%2fweb%2fbase.html.j2").status_code == 404


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nope", 404, "There is no such page"),
        ("/paper/0", 400, "could not be read"),
        ("/paper/99999", 404, "There is no such page"),
        ("/paper/9999999999999999999999", 400, "could not be read"),
        ("/papers/2026-02-30", 404, "There is no such page"),
        ("/papers/0000-W00", 404, "There is no such page"),
        ("/?tab=nothing", 400, "could not be read"),
        ("/d/not-a-token", 404, "does not open anything"),
        ("/take", 405, "not how this page is used"),
        ("/fails", 500, "Something went wrong here"),
        ("/fails?kind=busy", 503, "Busy for a moment"),
        ("/fails?kind=who", 404, "does not open anything"),
    ],
)
def test_a_fault_is_a_page_with_a_mend(
    client: TestClient, path: str, status: int, says: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert says in answer.text
    assert "<header" in answer.text
    assert "secret" not in answer.text
    assert "address.example" not in answer.text


def test_programs_get_problems(client: TestClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_too_many_are_told_when_to_come_back(client: TestClient) -> None:
    assert [client.post("/count").status_code for _ in range(3)] == [200, 200, 429]
    answer = client.post("/count")
    assert answer.headers["retry-after"] == "300"
    assert "Wait a little" in answer.text


# --- the log ------------------------------------------------------------------------------------


def test_no_token_is_logged(
    client: TestClient, rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    token = rooms.tokens.sign(Purpose.DIGEST, 1)
    with caplog.at_level(logging.INFO, "digest"):
        assert client.get(f"/d/{token}?q=secret").status_code == 200
    (record,) = [one for one in caplog.records if one.name == "digest.web.log"]
    assert record.getMessage().startswith("GET /d/… 200 ")
    assert token not in caplog.text
    assert "secret" not in caplog.text


def test_a_logged_path_stays_one_short_line() -> None:
    assert masked("/papers/2026-11-20") == "/papers/2026-11-20"
    assert "\n" not in masked("/a\nFake: line")
    assert len(masked("/" + "a" * 5000)) <= 200
