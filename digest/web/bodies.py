"""How much a request may carry: refused by its own word if it gives one, else once over."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.web.refusing import Refuse

MOST: Final = 256 * 1024  #: bytes; the longest query and statement fit several times


class SmallBodies:
    """Refuses bodies beyond `most` bytes."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse, most: int = MOST) -> None:
        self._app = app
        self._refuse = refuse
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most:
            response = self._refuse(scope, 413 if length.isdecimal() else 400)
            await response(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        seen = 0

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise HTTPException(413)  # inside the routes, where it becomes a page
            return message

        return counting
