"""Pages that everybody looks at, drawn once between two fetches and kept packed in memory.

A kept page is named by all it is made of: its address, the language, whether it is compressed, the
day, the newest fetch, and for what was searched the index. So it is never wrong, only sometimes
drawn by each process for itself. Nothing private can be kept: only the archive's pages and answers
of the search are, each kind on a shelf of its own, and only when they say they are public. (The
papers like a paper may be those of the index of a moment ago, and where a thread keeps the index an
answer is as old as that is.)

No more questions are worked on at once than there are processors: side by side each would only be
slower, and all of them together too.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.model import FetchId
from digest.searching import processors
from digest.web.answers import whole
from digest.web.languages import choose, named
from digest.web.visit import Desk

MOST: Final = 1500  #: pages, some 10 kB each
ANSWERS: Final = 300  #: of the search, the latest
_LONGEST: Final = 200  #: characters of a query; longer ones nobody asks for twice
_PLACES: Final = ("/papers/", "/paper/")
_PAGES: Final = ("/", "/sources")
_SEARCH: Final = "/search"

_Name = tuple[object, ...]
_Shelf = OrderedDict[_Name, tuple[Message, bytes]]


class KeptPages:
    """Answers from memory where it can."""

    def __init__(self, app: ASGIApp, *, desk: Desk, most: int = MOST) -> None:
        self._app = app
        self._desk = desk
        self._most = most
        self._pages: _Shelf = OrderedDict()
        self._answers: _Shelf = OrderedDict()
        self._turns = anyio.Semaphore(processors())

    def names(self) -> tuple[_Name, ...]:
        """What every kept page was made of: its path first."""
        return (*self._pages, *self._answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _may_be_kept(scope):
            await self._app(scope, receive, send)
            return
        is_search = scope["path"] == _SEARCH
        shelf, most = (self._answers, ANSWERS) if is_search else (self._pages, self._most)
        version, edition = await self._standing(is_search)
        name = self._name(scope, version, edition)
        scope.setdefault("state", {})["version"] = version  # what draws the page need not ask again

        async def keep(start: Message, body: bytes) -> None:
            shelf[name] = start, body
            while len(shelf) > most:
                shelf.popitem(last=False)
            await _answer(send, start, body)

        if name in shelf:
            shelf.move_to_end(name)
            await _answer(send, *shelf[name])
        elif is_search:
            await self._in_turn(scope, receive, whole(send, keep))
        else:
            await self._app(scope, receive, whole(send, keep))

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work on a question when it is its turn; who takes the answer slowly delays nobody."""
        is_mine = True

        def leave() -> None:
            nonlocal is_mine
            if is_mine:
                is_mine = False
                self._turns.release()

        async def leaving(message: Message) -> None:
            leave()
            await send(message)

        await self._turns.acquire()
        try:
            await self._app(scope, receive, leaving)
        finally:
            leave()

    async def _standing(self, is_search: bool) -> tuple[FetchId, int]:
        """The newest fetch, and for a question the index: without asking the store if it can."""
        rooms = self._desk.rooms
        if is_search and (known := rooms.search.standing) is not None:
            return known
        return await run_in_threadpool(
            lambda: (rooms.archive.version(), rooms.search.edition if is_search else 0)
        )

    def _name(self, scope: Scope, version: FetchId, edition: int) -> _Name:
        rooms, headers = self._desk.rooms, Headers(scope=scope)
        language = named(scope["query_string"].decode("latin-1"), rooms.languages)
        language = language or choose(headers.get("accept-language", ""), rooms.languages)
        is_packed = "gzip" in headers.get("accept-encoding", "")
        today = rooms.clock().date()
        page = scope["path"], scope["query_string"], language, is_packed
        return (*page, today, version, edition)


def _may_be_kept(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and len(scope["query_string"]) <= _LONGEST
        and (scope["path"] in (*_PAGES, _SEARCH) or scope["path"].startswith(_PLACES))
    )


async def _answer(send: Send, start: Message, body: bytes) -> None:
    # Outer layers add headers to the list they are given; the kept one stays as it was.
    await send({**start, "headers": list(start["headers"])})
    await send({"type": "http.response.body", "body": body})
