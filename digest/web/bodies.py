"""How much a request may carry: refused by its own word if it gives one, else once over."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.bounces.webhooks import LONGEST
from digest.web.refusing import Refuse

MOST: Final = 256 * 1024  #: bytes; the longest query and statement fit several times
#: What may be larger: mail providers tell of many events in one call.
LARGER: Final = {"/hooks/": LONGEST}


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
        most = self._most_for(scope["path"])
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            response = self._refuse(scope, 413 if length.isdecimal() else 400)
            await response(scope, receive, send)
            return
        await self._app(scope, _counted(receive, most), send)

    def _most_for(self, path: str) -> int:
        larger = [most for start, most in LARGER.items() if path.startswith(start)]
        return max([self._most, *larger])


def _counted(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413)  # inside the routes, where it becomes a page
        return message

    return counting
