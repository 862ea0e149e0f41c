"""One HTTP post to an address that others chose: guarded, bounded, and honest about its end.

The connection goes through `digest.network`: public addresses only unless allowed, one deadline for
everything. No redirects, no cookies, no proxy or credentials from the environment, and no log line:
the address is a secret, and httpx's own client would write it into the log.

`leaving` is called when there is a connection and the request is about to go out. What is lost
before all of it was written did not arrive, for an incomplete body is no request; what is lost
afterwards may have (guarantee 2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from digest import __version__
from digest.delivery.replies import one_line
from digest.network import NotPublic, WireTransport, any_address, deadline, is_public

USER_AGENT: Final = f"paper-digest/{__version__}"
_WHY: Final = 160  #: characters; such errors name a host at most, and no path
_READ: Final = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer. `written`: the whole post had gone out. `private`: it was not even tried."""

    why: str
    written: bool = False
    private: bool = False


@dataclass(slots=True)
class _Progress:
    """How far one request got, as httpcore tells it."""

    leaving: Callable[[], None]
    is_leaving: bool = False
    is_written: bool = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started" and not self.is_leaving:
            self.leaving()
            self.is_leaving = True
        elif event == "http11.send_request_body.complete":
            self.is_written = True


class Poster:
    """Posts for one sender, or its threads, keeping connections between posts."""

    def __init__(
        self, *, allow_private: bool = False, timeout: float = 20.0, reads: int = _READ
    ) -> None:
        """`reads`: bytes of an answer that are looked at."""
        self._allowed = any_address if allow_private else is_public
        self._timeout = timeout
        self._reads = reads
        self._transport: WireTransport | None = None
        self._making = threading.Lock()

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        leaving: Callable[[], None],
        within: float | None = None,
    ) -> Answer | Lost:
        """Post once, `within` fewer seconds than usual; whatever `leaving` raises is raised, and
        then nothing has left."""
        progress = _Progress(leaving)
        try:
            request = self._request(url, body, headers, progress)
            with deadline(time.monotonic() + min(self._timeout, within or self._timeout)):
                return self._answer(request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            return _lost(error, progress)

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def _request(
        self, url: str, body: bytes, headers: Mapping[str, str], progress: _Progress
    ) -> httpx.Request:
        steps = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        own = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        return httpx.Request(
            "POST",
            url,
            content=body,
            headers=own | dict(headers),
            extensions={"timeout": steps, "trace": progress},
        )

    def _answer(self, request: httpx.Request) -> Answer:
        with self._making:
            if self._transport is None:
                self._transport = WireTransport(allowed=self._allowed)
        response = self._transport.handle_request(request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, _beginning(response, self._reads))


def _beginning(response: httpx.Response, most: int) -> bytes:
    """The first bytes of the body; the status counts even where they are cut off."""
    found = b""
    try:
        for piece in response.iter_raw():
            found += piece
            if len(found) >= most:
                break
    except httpx.TransportError:
        return found[:most]
    finally:
        response.close()
    return found[:most]


def _lost(error: Exception, progress: _Progress) -> Lost:
    if isinstance(error.__cause__, NotPublic):
        return Lost("leads to a private address", private=True)
    if isinstance(error, httpx.InvalidURL):
        return Lost("is no web address", private=True)
    if isinstance(error, httpx.TimeoutException):
        why = "no answer in time" if progress.is_written else "could not be reached in time"
    elif progress.is_leaving:
        why = "the connection was lost"
    else:
        why = f"could not be reached: {one_line(str(error))[:_WHY]}"
    return Lost(why, written=progress.is_written)
