"""When something is not as it should be: a plain page that says what, and what to do about it.

The world's faults only; what a program asked for (below /api/) it gets as problem+json (RFC 9457).
No message holds a token, an address or a trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from digest.errors import DigestError, StoreBusy, TokenError, UnknownPaper, UnknownSubscriber
from digest.rendering.language import message
from digest.web.headers import dress
from digest.web.visit import Desk, Visit


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    text: str


_WORDS: Final = {
    400: Words(
        message("That could not be read"),
        message("The address or the form holds something that is not expected there."),
    ),
    403: Words(
        message("That came from another site"),
        message("For your safety a form is only taken from a page of this site. Open it again."),
    ),
    404: Words(
        message("There is no such page"),
        message("The link may be old, or cut short on its way. Try the search, or today’s papers."),
    ),
    405: Words(
        message("That is not how this page is used"),
        message("Open the page in a browser and use its button."),
    ),
    413: Words(
        message("That is too much at once"),
        message("What you sent is larger than this site takes. Shorten it and try again."),
    ),
    429: Words(
        message("Too many in too short a time"),
        message("Wait a little and try again. Nothing you typed has been kept or lost here."),
    ),
    500: Words(
        message("Something went wrong here"),
        message("It is our fault, and it has been written down. Try again in a moment."),
    ),
    503: Words(
        message("Busy for a moment"),
        message("Nothing was lost. Try again in a moment."),
    ),
}
_INVALID_LINK: Final = Words(
    message("This link does not open anything"),
    message("It may be too old, or cut short on its way. Ask for a new one with your address."),
)


def add_faults(app: FastAPI) -> None:
    """Answer every fault with a page."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(DigestError, _ours)
    app.add_exception_handler(Exception, _unexpected)


def refuse(scope: Scope, status: int) -> Response:
    """The page with which a guard says no."""
    return _page(Request(scope), status)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _page(request, error.status_code, headers=error.headers)


def _unreadable(request: Request, _error: Exception) -> Response:
    return _page(request, 400)


def _ours(request: Request, error: Exception) -> Response:
    match error:
        case TokenError() | UnknownSubscriber():
            return _page(request, 404, words=_INVALID_LINK)
        case UnknownPaper():
            return _page(request, 404)
        case StoreBusy():
            return _page(request, 503, headers={"Retry-After": "5"})
        case _:
            raise error


def _unexpected(request: Request, _error: Exception) -> Response:
    """The server's outermost layer asks for this, beyond the reach of every guard."""
    desk: Desk = request.app.state.desk
    response = _page(request, 500)
    dress(MutableHeaders(raw=response.raw_headers), secure=is_secure(desk))
    return response


def is_secure(desk: Desk) -> bool:
    return desk.rooms.site.base_url.startswith("https://")


def _page(
    request: Request,
    status: int,
    *,
    words: Words | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    told = words or _WORDS.get(status) or _WORDS[500 if status >= 500 else 400]
    visit = Visit(request, request.app.state.desk)
    if request.url.path.startswith("/api/"):
        response: Response = _problem(status, told)
    else:
        response = visit.private("web/fault.html.j2", status=status, title=told.title, fault=told)
    response.headers.update(headers or {})
    return response


def _problem(status: int, told: Words) -> Response:
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JSONResponse(
        content | {"detail": told.text}, status, media_type="application/problem+json"
    )
