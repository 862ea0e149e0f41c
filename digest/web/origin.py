"""No other site may post in a reader's name: a guard by Origin and Sec-Fetch-Site, no cookie.

https://www.w3.org/TR/fetch-metadata/: every browser of the day sends Sec-Fetch-Site, but over plain
http only to the machine itself. Under our own `no-referrer` the Origin of a form is "null" there
(https://fetch.spec.whatwg.org/#origin-header), which is let pass where readers come by plain http.
A program that is no browser sends neither and has no reader's cookies to abuse.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.web.refusing import Refuse

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
#: One-click unsubscribe (RFC 8058) comes from mail programs: its signed token is the authority.
#: The calls of mail providers are signed by them.
#: The API takes its token from a header that no form can send.
EXEMPT: Final = ("/u/", "/api/", "/hooks/")


class SameOrigin:
    """Refuses what another site's page sends here; `base_url` is where readers come to."""

    def __init__(self, app: ASGIApp, *, base_url: str, refuse: Refuse) -> None:
        self._app = app
        self._base = urlsplit(base_url)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_ours(scope):
            response = self._refuse(scope, 403)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        if scope["method"] in SAFE_METHODS or scope["path"].startswith(EXEMPT):
            return True
        headers = Headers(scope=scope)
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        return self._is_own(headers.get("origin"), headers.get("host", ""))

    def _is_own(self, origin: str | None, host: str) -> bool:
        if origin is None:
            return True
        if origin == "null":
            return self._base.scheme == "http"
        return urlsplit(origin).netloc in (host, self._base.netloc)
