"""The one polite HTTP client: conditional, patient, bounded, and closed to private addresses.

    get -> attempts -> hops (redirects) -> one request -> body under the cap

The world's faults come back as `Fault`, never as exceptions. Each request: http(s) only on every
hop, at most five redirects, connect/read time-outs and one deadline for the whole answer, a cap on
the decompressed body, its host's turn (`pacing`), public addresses only (`digest.network`). No
cookies, no proxy or credentials from the environment. What the bytes mean is for the parsers.
"""

from __future__ import annotations

import random
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from digest import __version__
from digest.clock import Clock, system_clock
from digest.network import NotPublic, WireTransport, any_address, deadline, is_public
from digest.sources.inflate import TooLarge, Undecodable, inflate
from digest.sources.pacing import INTERVALS, Pacer
from digest.text import shorten

_LONGEST_WAIT = 86_400.0  #: seconds of a Retry-After that are believed
_REDIRECTS = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The client's bounds; all times in seconds.

    `contact` goes into the User-Agent, so that a source's operator can reach ours. `total_timeout`
    bounds one `get` with its retries and redirects, without the wait for the host's turn.
    """

    contact: str = ""
    connect_timeout: float = 10.0
    read_timeout: float = 20.0
    total_timeout: float = 60.0
    max_bytes: int = 15 * 1024 * 1024
    max_redirects: int = 5
    retries: int = 2
    allow_private_addresses: bool = False
    proxy: str | None = None
    intervals: Mapping[str, float] = field(default_factory=lambda: dict(INTERVALS))

    @property
    def user_agent(self) -> str:
        contact = re.sub(r"[^\x20-\x7e]|[()]", "", self.contact).strip()
        return f"paper-digest/{__version__}" + (f" (+{contact})" if contact else "")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: 2xx with its body, or 304 without. Header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    url: str

    @property
    def not_modified(self) -> bool:
        return self.status == 304


@dataclass(frozen=True, slots=True)
class Fault:
    """No usable answer: a sentence with place and mend, and whether trying later may help."""

    message: str
    unreachable: bool = False
    retry_after: float | None = None  #: seconds
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Moved:
    location: str


@dataclass(slots=True)
class _Budget:
    """The deadline of one `get`; waiting for a turn moves it."""

    ends: float


class Fetcher:
    """One for the whole run, shared by all sources' threads; `close` ends what still waits."""

    def __init__(
        self,
        options: HttpOptions = HttpOptions(),
        *,
        transport: httpx.BaseTransport | None = None,
        now: Clock = system_clock,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._options = options
        self._closing = threading.Event()
        self._now = now
        self._clock = clock
        self._sleep = sleep or self._closing.wait
        self._jitter = jitter
        self._pacer = Pacer(options.intervals, clock=clock, sleep=self._sleep)
        self._transport = transport or WireTransport(
            allowed=any_address if options.allow_private_addresses else is_public,
            proxy=options.proxy,
        )
        self._headers = {"User-Agent": options.user_agent, "Accept-Encoding": "gzip, deflate"}
        self._timeout = httpx.Timeout(options.read_timeout, connect=options.connect_timeout)

    def close(self) -> None:
        """Connections are cut, waits end, and later requests come back as faults."""
        self._closing.set()
        self._transport.close()

    def get(
        self, url: str, *, accept: str = "*/*", validators: Mapping[str, str] | None = None
    ) -> Response | Fault:
        """The answer of `url`. `validators` are `etag` and `last_modified` of an earlier one."""
        headers = {"Accept": accept, **_conditions(validators or {})}
        budget = _Budget(self._clock() + self._options.total_timeout)
        for attempt in range(self._options.retries + 1):
            answer = self._follow(url, headers, budget)
            pause = _pause(answer, attempt, self._jitter())
            last = attempt == self._options.retries
            if pause is None or last or self._clock() + pause >= budget.ends:
                break
            self._sleep(pause)
        return answer

    def _follow(self, url: str, headers: dict[str, str], budget: _Budget) -> Response | Fault:
        address = url
        for _ in range(self._options.max_redirects + 1):
            answer = self._once(address, headers, budget)
            if not isinstance(answer, _Moved):
                return answer
            address = answer.location
        most = self._options.max_redirects
        return Fault(f"{place(url)}: more than {most} redirects. Put the final address under url.")

    def _once(
        self, address: str, headers: dict[str, str], budget: _Budget
    ) -> Response | Fault | _Moved:
        url = _parsed(address)
        if isinstance(url, Fault):
            return url
        with self._pacer.turn(url.host) as waited:
            budget.ends += waited
            if self._closing.is_set():
                return Fault(f"{place(address)}: the run ended before its turn came.", True)
            try:
                with deadline(budget.ends), self._exchange(url, headers) as response:
                    return self._receive(response)
            except (httpx.TransportError, OSError) as error:
                return _connection_fault(address, error, over=self._clock() >= budget.ends)

    @contextmanager
    def _exchange(self, url: httpx.URL, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """One request over the bare transport: no client's cookies, redirects or environment."""
        request = httpx.Request(
            "GET",
            url,
            headers={**self._headers, **_login(url), **headers},
            extensions={"timeout": self._timeout.as_dict()},
        )
        response = self._transport.handle_request(request)
        response.request = request
        try:
            yield response
        finally:
            response.close()

    def _receive(self, response: httpx.Response) -> Response | Fault | _Moved:
        url = str(response.url)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code == 304:
            return Response(304, b"", headers, url)
        if response.status_code in _REDIRECTS and "location" in headers:
            return _joined(response.url, headers["location"])
        if not response.is_success:
            wait = retry_after(headers.get("retry-after", ""), self._now)
            return _status_fault(url, response.status_code, wait)
        return self._body(response, headers)

    def _body(self, response: httpx.Response, headers: dict[str, str]) -> Response | Fault:
        url, cap = str(response.url), self._options.max_bytes
        large = f"{place(url)}: more than {_size(cap)}, which no listing needs; nothing was read."
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:18]) > cap:
            return Fault(large)
        try:
            body = inflate(*_raw(response), cap)
        except TooLarge:
            return Fault(large)
        except Undecodable as error:
            return Fault(f"{place(url)}: {error}; the next run tries again.")
        return Response(response.status_code, body, headers, url)


def _raw(response: httpx.Response) -> tuple[Iterable[bytes], str]:
    """The body as it comes off the wire, and its encoding; one made in memory has been read."""
    if response.is_stream_consumed:
        return [response.content], ""
    return response.iter_raw(), response.headers.get("content-encoding", "")


def place(url: str) -> str:
    """Host and path, for a message: a query may hold somebody's key."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return shorten(url.partition("?")[0], 80)
    return shorten(f"{parts.host}{parts.path}".rstrip("/"), 120)


def retry_after(value: str, now: Clock = system_clock) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3), capped at a day."""
    value = value.strip()
    if value.isdecimal():
        return min(float(value[:9]), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max((at - now()).total_seconds(), 0.0), _LONGEST_WAIT)


def _pause(answer: Response | Fault, attempt: int, jitter: float) -> float | None:
    """Seconds until the next attempt; None: another attempt would not help.

    2^attempt seconds, times a factor in [0.5, 1.5), unless the other side named a time.
    """
    if isinstance(answer, Response) or not answer.unreachable:
        return None
    if answer.retry_after is not None:
        return answer.retry_after + jitter
    return float(2**attempt) * (0.5 + jitter)


def _conditions(validators: Mapping[str, str]) -> dict[str, str]:
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
    values = {name: validators.get(key, "") for name, key in pairs}
    return {
        name: value
        for name, value in values.items()
        if value.isascii() and value.isprintable() and value
    }


def _login(url: httpx.URL) -> dict[str, str]:
    """Basic authentication, for feeds whose address carries a login."""
    if not url.username:
        return {}
    word = b64encode(f"{url.username}:{url.password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {word}"}


def _parsed(address: str) -> httpx.URL | Fault:
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        return Fault(f"{place(address)}: this is no address. Write it as https://host/path.")
    if url.scheme not in ("http", "https") or not url.host:
        return Fault(f"{place(address)}: only http and https addresses are fetched.")
    return url


def _joined(url: httpx.URL, location: str) -> _Moved | Fault:
    try:
        return _Moved(str(url.join(location)))
    except (httpx.InvalidURL, ValueError):
        return Fault(f"{place(str(url))}: redirects to what is no address.")


def _status_fault(url: str, status: int, wait: float | None) -> Fault:
    later = status in _LATER
    mends = {
        401: "It wants a login; put the feed's public address under url.",
        403: "It refuses this client; ask its operator, or use its API.",
        404: "Check the address under url.",
        410: "The feed was closed for good; remove this source.",
        429: "It asks for fewer requests; the next run tries again.",
    }
    mend = mends.get(
        status, "The next run tries again." if later else "Check the address under url."
    )
    return Fault(f"{place(url)}: answered with status {status}. {mend}", later, wait, status)


def _connection_fault(address: str, error: Exception, *, over: bool) -> Fault:
    if isinstance(error.__cause__, NotPublic):
        mend = "Set allow_private_addresses = true if this is meant."
        return Fault(f"{place(address)}: {error}. {mend}")
    if over:
        reason = "the answer did not end in time"
    elif isinstance(error, httpx.TimeoutException):
        reason = "no answer in time"
    elif isinstance(error, httpx.ConnectError):
        reason = f"no connection ({shorten(str(error), 100)})"
    else:
        reason = f"the connection broke ({shorten(str(error) or type(error).__name__, 100)})"
    return Fault(f"{place(address)}: {reason}. The next run tries again.", unreachable=True)


def _size(count: int) -> str:
    return f"{count // 1024**2} MiB" if count >= 1024**2 else f"{count} bytes"
