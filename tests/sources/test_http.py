"""The polite client's manners: what it asks, how often, how much it takes, when it gives up."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from digest.sources.http import Fault, Fetcher, HttpOptions, Response, place, retry_after
from digest.sources.inflate import TooLarge, Undecodable, inflate

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
URL = "https://feeds.example/new?key=secret"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Stream(httpx.SyncByteStream):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece


def client(
    handle: Callable[[httpx.Request], httpx.Response], time: Time | None = None, **options: object
) -> Fetcher:
    time = time or Time()
    return Fetcher(
        HttpOptions(**options),  # type: ignore[arg-type]
        transport=httpx.MockTransport(handle),
        now=lambda: NOW,
        clock=time,
        sleep=time.sleep,
        jitter=lambda: 0.5,
    )


def test_a_login_in_the_address_goes_to_that_host_only() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            return httpx.Response(302, headers={"Location": "https://other.example/"})
        return httpx.Response(200, content=b"x")

    client(handle).get("https://me:pa%3Ass@feeds.example/")
    assert seen[0].headers["authorization"] == "Basic bWU6cGE6c3M="
    assert seen[0].headers["host"] == "feeds.example"
    assert "authorization" not in seen[1].headers


def scripted(*answers: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    left = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found

    return handle


def test_it_says_who_it_is_and_keeps_no_cookies() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, headers={"Set-Cookie": "id=1"}, content=b"x")

    fetcher = client(handle, contact="https://d.example; mailto:op@d.example\r\nX: y")
    fetcher.get(URL)
    fetcher.get(URL, accept="application/json")
    assert seen[0].headers["user-agent"].startswith("paper-digest/")
    assert "mailto:op@d.example" in seen[0].headers["user-agent"]
    assert "\n" not in seen[0].headers["user-agent"]
    assert seen[1].headers["accept"] == "application/json"
    assert "cookie" not in seen[1].headers


def test_validators_go_out_and_304_comes_back() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        same = request.headers.get("if-none-match") == '"v1"'
        since = request.headers.get("if-modified-since")
        return httpx.Response(304 if same and since == "Mon" else 200, content=b"")

    fetcher = client(handle)
    answer = fetcher.get(URL, validators={"etag": '"v1"', "last_modified": "Mon"})
    assert isinstance(answer, Response)
    assert answer.not_modified
    again = fetcher.get(URL, validators={"etag": 'bad"\n', "last_modified": ""})
    assert isinstance(again, Response)
    assert not again.not_modified


@pytest.mark.parametrize(
    ("failures", "slept"),
    [
        pytest.param([httpx.Response(503)], [1.0], id="503"),
        pytest.param([httpx.Response(429), httpx.Response(502)], [1.0, 2.0], id="back-off"),
        pytest.param([httpx.ConnectError("no")], [1.0], id="no-connection"),
        pytest.param([httpx.Response(503, headers={"Retry-After": "7"})], [7.5], id="retry-after"),
    ],
)
def test_passing_faults_are_tried_again(
    failures: list[httpx.Response | Exception], slept: list[float]
) -> None:
    time = Time()
    answer = client(scripted(*failures, httpx.Response(200, content=b"ok")), time).get(URL)
    assert isinstance(answer, Response)
    assert time.slept == slept


@pytest.mark.parametrize(
    ("failure", "unreachable", "wait"),
    [
        pytest.param(httpx.Response(404), False, None, id="404"),
        pytest.param(httpx.Response(403), False, None, id="403"),
        pytest.param(httpx.Response(410), False, None, id="410"),
        pytest.param(
            httpx.Response(429, headers={"Retry-After": "3600"}),
            True,
            3600.0,
            id="later-than-we-wait",
        ),
    ],
)
def test_some_faults_are_final(
    failure: httpx.Response, unreachable: bool, wait: float | None
) -> None:
    time = Time()
    answer = client(scripted(failure), time).get(URL)
    assert isinstance(answer, Fault)
    assert (answer.unreachable, answer.retry_after) == (unreachable, wait)
    assert answer.status == failure.status_code
    assert time.slept == []
    assert answer.message.startswith("feeds.example/new:")
    assert "secret" not in answer.message


def test_it_gives_up_after_the_last_retry() -> None:
    time = Time()
    answer = client(lambda request: httpx.Response(503), time, retries=2).get(URL)
    assert isinstance(answer, Fault)
    assert answer.unreachable
    assert len(time.slept) == 2


def test_retries_stay_inside_the_deadline() -> None:
    time = Time()
    answer = client(lambda request: httpx.Response(503), time, retries=9, total_timeout=4).get(URL)
    assert isinstance(answer, Fault)
    assert sum(time.slept) < 4


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_at_most_five_redirects(hops: int, arrives: bool) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        n = int(request.url.params["n"])
        if n == hops:
            return httpx.Response(200, content=b"here")
        return httpx.Response(302, headers={"Location": f"/?n={n + 1}"})

    answer = client(handle).get("https://a.example/?n=0")
    assert isinstance(answer, Response) is arrives
    if isinstance(answer, Response):
        assert answer.url == f"https://a.example/?n={hops}"


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "gopher://a.example/", "javascript:1", "http://", "http://[::"],
)
def test_a_redirect_out_of_http_is_refused(location: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert (request.url.scheme, request.url.host) == ("https", "feeds.example")
        first = request.url.path == "/new"
        return httpx.Response(301 if first else 404, headers={"Location": location})

    answer = client(handle).get(URL)
    assert isinstance(answer, Fault)
    assert not answer.unreachable


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example/", "nonsense", "", "http://[::"]
)
def test_only_http_is_fetched(url: str) -> None:
    answer = client(scripted()).get(url)
    assert isinstance(answer, Fault)


def bomb(size: int) -> bytes:
    return gzip.compress(b"\0" * size, 9)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"Content-Encoding": "gzip"}, bomb(200_000), id="gzip-bomb"),
        pytest.param({"Content-Encoding": "deflate"}, zlib.compress(b"\0" * 200_000), id="deflate"),
        pytest.param({}, b"x" * 100_001, id="plain"),
        pytest.param({"Content-Length": "99999999999"}, b"x", id="announced"),
        pytest.param({"Content-Encoding": "gzip, gzip"}, gzip.compress(bomb(9)), id="chain"),
        pytest.param({"Content-Encoding": "br"}, b"x", id="not-asked-for"),
        pytest.param({"Content-Encoding": "gzip"}, b"no gzip at all", id="a-lie"),
        pytest.param({"Content-Encoding": "gzip"}, bomb(90)[:-9], id="cut-off"),
    ],
)
def test_bodies_that_are_refused(headers: dict[str, str], body: bytes) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=Stream(iter([body])))

    answer = client(handle, max_bytes=100_000).get(URL)
    assert isinstance(answer, Fault)
    assert not answer.unreachable
    assert "feeds.example" in answer.message


def test_a_body_without_end_is_left_at_the_cap() -> None:
    stream = Stream(iter(lambda: b"x" * 1000, b""))
    answer = client(lambda r: httpx.Response(200, stream=stream), max_bytes=10_000).get(URL)
    assert isinstance(answer, Fault)
    assert stream.taken < 20


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", b"hello"),
        ("identity", b"hello"),
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("x-gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0)),
        ("gzip", gzip.compress(b"hello", mtime=0) + b"\0\0\0"),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", zlib.compress(b"hello")[2:-4]),
        ("gzip", b""),
    ],
)
def test_inflate_in_any_pieces(encoding: str, body: bytes) -> None:
    expected = b"hello" if body else b""
    for size in (1, 3, 1000):
        pieces = [body[n : n + size] for n in range(0, len(body), size)]
        if encoding == "x-gzip" and size == 1:
            continue  # a second member's mark needs two bytes
        assert inflate(pieces, encoding, 5) == expected


def test_inflate_minds_its_cap_to_the_byte() -> None:
    assert inflate([bomb(1000)], "gzip", 1000) == b"\0" * 1000
    with pytest.raises(TooLarge):
        inflate([bomb(1001)], "gzip", 1000)
    with pytest.raises(Undecodable):
        inflate([b"\x1f\x8b\x08"], "gzip", 1000)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("999999999999", 86_400.0),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("Mon, 02 Mar 2099 11:00:00 GMT", 86_400.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(value, lambda: NOW) == seconds


def test_place_names_no_secret() -> None:
    assert place("https://me:pass@x.example/feed?token=1") == "x.example/feed"
    assert "token" not in place("http://[::?token=1")
