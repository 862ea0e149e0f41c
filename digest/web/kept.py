"""Pages that everybody looks at, drawn once between two fetches and kept packed in memory.

A kept page is named by all it is made of: its address, the language, whether it is compressed, the
day, the newest fetch, and for what was searched the index. So it is never wrong, only sometimes
drawn by each process for itself. Nothing private can be kept: only the archive's pages and answers
of the search are, each kind on a shelf of its own, and only when they say they are public. (The
papers like a paper may be those of the index of a moment ago.)
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.model import FetchId
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

    def names(self) -> tuple[_Name, ...]:
        """What every kept page was made of: its path first."""
        return (*self._pages, *self._answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _may_be_kept(scope):
            await self._app(scope, receive, send)
            return
        is_search = scope["path"] == _SEARCH
        shelf, most = (self._answers, ANSWERS) if is_search else (self._pages, self._most)
        version, name = await run_in_threadpool(self._name, scope)
        scope.setdefault("state", {})["version"] = version  # what draws the page need not ask again

        async def keep(start: Message, body: bytes) -> None:
            shelf[name] = start, body
            while len(shelf) > most:
                shelf.popitem(last=False)
            await _answer(send, start, body)

        if name in shelf:
            shelf.move_to_end(name)
            await _answer(send, *shelf[name])
        else:
            await self._app(scope, receive, whole(send, keep))

    def _name(self, scope: Scope) -> tuple[FetchId, _Name]:
        rooms, headers = self._desk.rooms, Headers(scope=scope)
        version = rooms.archive.version()
        edition = scope["path"] == _SEARCH and rooms.search.edition
        language = named(scope["query_string"].decode("latin-1"), rooms.languages)
        language = language or choose(headers.get("accept-language", ""), rooms.languages)
        is_packed = "gzip" in headers.get("accept-encoding", "")
        today = rooms.clock().date()
        page = scope["path"], scope["query_string"], language, is_packed
        return version, (*page, today, version, edition)


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
