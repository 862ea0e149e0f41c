"""Answers that need not be sent again: HEAD without a body, and 304 for a page someone has.

A page's tag is its bytes, so it is right whatever the page was made of. Only what is public, or
kept by its owner, is tagged; it is small and sent whole, so holding one in memory is no burden.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD as it would GET, without the body (RFC 9110 §9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def headless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, headless)


class NotModified:
    """Answers 304 to who has the page already (RFC 9110 §15.4.5)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = Headers(scope=scope).get("if-none-match") if scope["type"] == "http" else None
        if not known:
            await self._app(scope, receive, send)
            return
        is_known = False

        async def spared(message: Message) -> None:
            nonlocal is_known
            if message["type"] == "http.response.start":
                is_known = has_tag(known, Headers(raw=message["headers"]).get("etag"))
                message = _unmodified(message) if is_known else message
            elif is_known:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, spared)


class Tagged:
    """Gives every page that is kept its tag. It is weak: the page compressed is the same page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return

        async def tagged(start: Message, body: bytes) -> None:
            headers = MutableHeaders(raw=start["headers"])
            headers.setdefault("ETag", f'W/"{hashlib.sha256(body).hexdigest()[:20]}"')
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(scope, receive, whole(send, tagged, worth=is_kept))


def is_public(start: Message) -> bool:
    return _is_kept(start, "public")


def is_kept(start: Message) -> bool:
    """By anybody, or by its owner who asks each time whether it is still so."""
    return _is_kept(start, ("public", "private, no-cache"))


def _is_kept(start: Message, by: str | tuple[str, ...]) -> bool:
    cache = Headers(raw=start["headers"]).get("cache-control", "")
    return bool(start["status"] == 200 and cache.startswith(by))


def whole(
    send: Send,
    take: Callable[[Message, bytes], Awaitable[None]],
    *,
    worth: Callable[[Message], bool] = is_public,
) -> Send:
    """A `send` that hands a page over when all of it is there, if it is worth it."""
    start: Message | None = None
    body: list[bytes] = []

    async def gathering(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and worth(message):
            start = message
        elif start is None:
            await send(message)
        else:
            body.append(message.get("body", b""))
            if not message.get("more_body", False):
                await take(start, b"".join(body))

    return gathering


def _unmodified(start: Message) -> Message:
    unsaid = (b"content-length", b"content-type", b"content-encoding")
    headers = [pair for pair in start["headers"] if pair[0].lower() not in unsaid]
    return {**start, "status": 304, "headers": headers}


def has_tag(known: str, tag: str | None) -> bool:
    """Whether an If-None-Match names the tag, compared weakly (RFC 9110 §13.1.2)."""
    tags = [one.strip().removeprefix("W/") for one in known.split(",")]
    return tag is not None and ("*" in tags or tag.removeprefix("W/") in tags)
