"""When something is not as it should be: application/problem+json (RFC 9457), with the mend.

A problem's `type` is an address on the documentation's page that says what it means. `errors` names
each place that is wrong: a JSON Pointer (RFC 6901) into the body, or a parameter by its name; for a
keyword query also the column. No message holds a token, a secret or a full address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest.config.phrases import clause
from digest.errors import (
    DigestError,
    InvalidSubscriber,
    QuerySyntaxError,
    StoreBusy,
    TokenError,
    UnknownPaper,
    UnknownSubscriber,
    UsageError,
)

MEDIA_TYPE: Final = "application/problem+json"
DOCS: Final = "/api/v1/docs"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of problem is: its name in the `type`, its status, and what is told of it."""

    name: str
    status: int
    title: str
    says: str


class Kind(Enum):
    """The closed list of problems."""

    UNREADABLE = Meaning(
        "unreadable", 400, "The request cannot be read", "The body is no JSON, or no text at all."
    )
    NO_TOKEN = Meaning(
        "token-missing",
        401,
        "A token is needed",
        "Send it as `Authorization: Bearer pd_…`.",
    )
    INVALID_TOKEN = Meaning(
        "token-invalid",
        401,
        "The token opens nothing",
        "It is misspelt, over or revoked. Ask whoever gave it to you for a new one.",
    )
    SCOPE = Meaning(
        "scope-missing",
        403,
        "The token may not do this",
        "It lacks the scope that the answer names.",
    )
    NOT_FOUND = Meaning(
        "not-found", 404, "There is no such thing", "Or there is, and it is not this token's."
    )
    METHOD = Meaning(
        "method-not-allowed", 405, "That is not how this is used", "`Allow` names what is."
    )
    CONFLICT = Meaning(
        "conflict",
        409,
        "That does not go together with how things stand",
        "The detail says what is in the way. Sending the same again will not help.",
    )
    TOO_LARGE = Meaning("too-large", 413, "That is too much at once", "A body may have 256 KiB.")
    INVALID = Meaning(
        "invalid",
        422,
        "Something in the request is not as it must be",
        "`errors` names each place and what is wrong there.",
    )
    QUERY = Meaning(
        "invalid-query",
        422,
        "The keyword query cannot be read",
        "`errors` names the place, the column in the query (from 1), and the mend.",
    )
    TOO_MANY = Meaning(
        "too-many-requests",
        429,
        "Too many in too short a time",
        "`Retry-After` says how many seconds to wait.",
    )
    FAULT = Meaning("fault", 500, "Something went wrong here", "It is our fault and written down.")
    BUSY = Meaning("busy", 503, "Busy for a moment", "Nothing was lost. Try again in a moment.")


_BY_STATUS: Final = {kind.value.status: kind for kind in reversed(Kind)}


class Wrong(BaseModel):
    """One place that is wrong."""

    detail: Annotated[
        str, Field(description="What is wrong there.", examples=["must be more than 0, not -1"])
    ]
    pointer: Annotated[
        str | None, Field(description="JSON Pointer into the body.", examples=["/daily_volume"])
    ] = None
    parameter: Annotated[
        str | None, Field(description="Name of a parameter of the path or query.")
    ] = None
    column: Annotated[int | None, Field(description="In a keyword query: where, from 1.")] = None
    mend: Annotated[str | None, Field(description="How to mend it, where that is known.")] = None


class Problem(BaseModel):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "https://papers.example.org/api/v1/docs#invalid",
                    "title": "Something in the request is not as it must be",
                    "status": 422,
                    "detail": "limit: must be at most 100, not 1000.",
                    "errors": [{"parameter": "limit", "detail": "must be at most 100, not 1000"}],
                }
            ]
        }
    )
    type: str = Field(description="What kind of problem, as an address that explains it.")
    title: str = Field(description="The kind in words; the same for every problem of the type.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong this time, and the mend.")
    errors: list[Wrong] = Field(default=[], description="Each place that is wrong.")


class Trouble(DigestError):
    """Raised where a request cannot be answered as it wishes."""

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or kind.value.says)
        self.kind = kind
        self.detail = detail or kind.value.says
        self.errors = errors
        self.headers = headers


def wrong_parameter(name: str, detail: str) -> Trouble:
    wrong = Wrong(parameter=name, detail=detail)
    return Trouble(Kind.INVALID, f"{name}: {detail.rstrip('?')}.", errors=[wrong])


def wrong_body(pointer: str, detail: str) -> Trouble:
    wrong = Wrong(pointer=pointer, detail=detail)
    return Trouble(Kind.INVALID, f"{pointer}: {detail}.", errors=[wrong])


def wrong_query(error: QuerySyntaxError, *, pointer: str = "", parameter: str = "") -> Trouble:
    """A keyword query that cannot be read, with where it stands."""
    wrong = Wrong(
        pointer=pointer or None,
        parameter=parameter or None,
        detail=error.message,
        column=error.column,
        mend=error.mend or None,
    )
    return Trouble(Kind.QUERY, str(error), errors=[wrong])


def add_problems(api: FastAPI, base_url: str) -> None:
    """Answer every fault of the API with a problem."""
    docs = f"{base_url}{DOCS}"

    def told(_request: Request, error: Exception) -> Response:
        return _answer(_trouble(error), docs)

    for kind in (Trouble, HTTPException, RequestValidationError, DigestError, Exception):
        api.add_exception_handler(kind, told)


def _answer(trouble: Trouble, docs: str) -> Response:
    meaning = trouble.kind.value
    problem = Problem(
        type=f"{docs}#{meaning.name}",
        title=meaning.title,
        status=meaning.status,
        detail=trouble.detail,
        errors=list(trouble.errors),
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        meaning.status,
        headers=dict(trouble.headers or {}),
        media_type=MEDIA_TYPE,
    )


def _trouble(error: Exception) -> Trouble:
    match error:
        case Trouble():
            return error
        case RequestValidationError():
            return _unreadable(error)
        case HTTPException():
            kind = _BY_STATUS.get(error.status_code) or _BY_STATUS[_like(error.status_code)]
            return Trouble(kind, headers=error.headers)
        case _:
            return _ours(error)


def _like(status: int) -> int:
    return 500 if status >= 500 else 400


def _ours(error: Exception) -> Trouble:
    """A fault of the stories. A mend that speaks of commands is left out: nobody here has them."""
    match error:
        case QuerySyntaxError():
            return wrong_query(error)
        case InvalidSubscriber():
            return _invalid(error)
        case UnknownPaper() | UnknownSubscriber() | TokenError():
            return Trouble(Kind.NOT_FOUND)
        case UsageError():
            return Trouble(Kind.CONFLICT, error.message)
        case StoreBusy():
            return Trouble(Kind.BUSY, headers={"Retry-After": "5"})
        case _:
            return Trouble(Kind.FAULT)


def _invalid(error: InvalidSubscriber) -> Trouble:
    if error.faults:
        errors = [Wrong(pointer=pointer, detail=detail) for pointer, detail in error.faults]
        return Trouble(Kind.INVALID, error.message, errors=errors)
    name, colon, rest = error.message.partition(": ")
    if not (colon and name.isidentifier()):
        return Trouble(Kind.CONFLICT, error.message)
    wrong = Wrong(pointer=f"/{name}", detail=rest.rstrip("."))
    return Trouble(Kind.INVALID, error.message, errors=[wrong])


def _unreadable(error: RequestValidationError) -> Trouble:
    """What the framework found wrong with parameters and body."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Trouble(Kind.UNREADABLE, "The body is not the JSON that it should be.")
    errors = [_wrong(fault) for fault in faults]
    lines = [f"{one.parameter or one.pointer or 'body'}: {one.detail}" for one in errors]
    return Trouble(Kind.INVALID, f"{'; '.join(lines)}.", errors=errors)


def _wrong(fault: Any) -> Wrong:
    where, *place = fault["loc"]
    told = _WORDS.get(fault["type"]) or clause(fault)
    if where == "body":
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
        return Wrong(pointer=pointer, detail=told)
    return Wrong(parameter=str(place[0]) if place else str(where), detail=told)


_WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object, sent as application/json",
    "dict_type": "must be an object",
    "list_type": "must be an array",
    "string_pattern_mismatch": "is not written as it must be",
    "string_type": "must be a string",
    "date_from_datetime_parsing": "must be a date such as 2026-12-01",
    "date_parsing": "must be a date such as 2026-12-01",
    "date_type": "must be a date such as 2026-12-01",
}
