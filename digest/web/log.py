"""One line a request, without what a log must not keep: tokens, queries, addresses."""

from __future__ import annotations

import logging
import re
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

#: A signed token, and the one path whose last part is somebody's words.
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{20,}")
_LONGEST: Final = 200


class RequestLog:
    """Logs method, path without secrets, status and time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            took = round((perf_counter() - began) * 1000)
            line = f"{scope['method']} {masked(scope['path'])} {status} {took} ms"
            log.info(line, extra={"action": "web.request"})


def masked(path: str) -> str:
    """The path with every token replaced, on one line."""
    return _SECRET.sub("…", path.encode("unicode_escape").decode("ascii"))[:_LONGEST]
