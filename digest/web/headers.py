"""What every answer says to the browser: run nothing that is not ours, tell nobody where you were.

Keeps guarantee 7 in pages. A page is private (`no-store`, `noindex`) unless it says that it is
public, so a forgotten header never leaves a token in a cache.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_A_YEAR: Final = 31_536_000  #: seconds
PRIVATE: Final = "no-store"
PUBLIC: Final = "public, max-age=60"
FOREVER: Final = f"public, max-age={_A_YEAR}, immutable"


def dress(headers: MutableHeaders, *, secure: bool) -> None:
    """Give an answer everything it must carry and has not said itself."""
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    if secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={_A_YEAR}")
    headers.setdefault("Cache-Control", PRIVATE)
    if PRIVATE in headers["Cache-Control"]:
        headers.setdefault("X-Robots-Tag", "noindex, nofollow")


class SafeHeaders:
    """Dresses every answer; `secure` when readers come by https."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                dress(MutableHeaders(scope=message), secure=self._secure)
            await send(message)

        await self._app(scope, receive, dressed if scope["type"] == "http" else send)
