"""The contract: /api/v1/openapi.json (OpenAPI 3.1), written from the routes and what they check.

Which scope an operation needs, and with which problems it can answer, is read off the route itself,
so the document cannot promise anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

import digest
from digest.model import Scope, Site
from digest.web.api.door import NEEDED
from digest.web.api.problems import MEDIA_TYPE, Kind, Problem
from digest.web.headers import PUBLIC
from digest.web.visit import Visiting

router = APIRouter(include_in_schema=False)

Operation = dict[str, Any]
_SCHEMAS: Final = "#/components/schemas/"
_METHODS: Final = ("get", "put", "post", "patch", "delete")
_GENERIC: Final = re.compile(r"\bPage_([A-Za-z]+)_")  #: what pydantic calls a Page of something
_BEARER: Final = "bearer"

TAGS: Final = {
    "Papers": "The archive and search, open to everybody.",
    "Me": "A subscriber's own profile. The token says whose.",
    "Interests": "What a subscriber wants, and what it would have brought.",
    "Digests": "What they were sent, and why.",
    "Feedback": "What they say of papers, which teaches their interests.",
    "Channels": "Where their digest is posted besides the mail.",
    "Feeds": "Their private feed addresses.",
    "Token": "The token that is sent.",
    "Operator: subscribers": "Everybody who gets a digest. Operator's tokens only.",
    "Operator: post": "Deliveries, what came back, who is never written to.",
    "Operator: work": "How it stands, what was run, how the sources answered.",
}
SCOPES: Final = {
    Scope.READ: "Papers, search and sources, as everybody may, at the token's own rate.",
    Scope.ME_READ: "Read a subscriber's own profile, interests, digests and the rest.",
    Scope.ME_WRITE: "Change these.",
    Scope.OPERATOR_READ: "Read what the operator sees.",
    Scope.OPERATOR_WRITE: "Act as the operator.",
}
_ABOUT: Final = (
    "Everything the pages do, for programs. Papers, search and sources need no token;"
    " everything else takes `Authorization: Bearer pd_…`. Lists come a page at a time:"
    " follow `next` until it is null. Faults are `application/problem+json` (RFC 9457)."
)


@router.get("/")
def index(visit: Visiting) -> dict[str, str]:
    """Where everything is."""
    here = f"{visit.rooms.site.base_url}/api/v1"
    return {
        "name": visit.rooms.site.name,
        "version": digest.__version__,
        "documentation": f"{here}/docs",
        "contract": f"{here}/openapi.json",
    }


@router.get("/openapi.json")
def show(visit: Visiting) -> Response:
    """The document."""
    contract: Contract = visit.request.app.state.contract
    return Response(contract.text, headers={"Cache-Control": PUBLIC}, media_type="application/json")


class Contract:
    """The document of one installation, written when it is first asked for."""

    def __init__(self, routers: Sequence[APIRouter], site: Site) -> None:
        self._routers = routers
        self._site = site

    @cached_property
    def document(self) -> dict[str, Any]:
        return write(self._routers, self._site)

    @cached_property
    def text(self) -> str:
        return json.dumps(self.document, ensure_ascii=False)


def write(routers: Sequence[APIRouter], site: Site) -> dict[str, Any]:
    """The whole document."""
    routes = [one for each in routers for one in each.routes if isinstance(one, APIRoute)]
    document = get_openapi(
        title=f"{site.name}: API",
        version="1",
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        servers=[{"url": f"{site.base_url}/api/v1"}],
    )
    needed = {(one.path_format, method): one for one in routes for method in one.methods or ()}
    for path, operations in document["paths"].items():
        for method in operations:
            _complete(operations[method], needed[path, method.upper()])
    _components(document["components"])
    named: dict[str, Any] = json.loads(_GENERIC.sub(r"\1Page", json.dumps(document)))
    return named


def _complete(operation: Operation, route: APIRoute) -> None:
    """Add who may, and how it can fail."""
    operation["operationId"] = route.name
    scope, is_asked = _scope(route.dependant)
    if is_asked:
        own: list[dict[str, list[str]]] = [{_BEARER: [scope] if scope else []}]
        operation["security"] = [*([{}] if scope is Scope.READ else []), *own]
    responses = {code: it for code, it in operation["responses"].items() if code != "422"}
    for kind in _kinds(operation, has_path="{" in route.path_format, scope=scope):
        responses.setdefault(str(kind.value.status), {"$ref": _place(kind.value.status)})
    operation["responses"] = responses


def _scope(dependant: Dependant) -> tuple[Scope | None, bool]:
    """The scope the route's check asks for, and whether there is a check at all."""
    for call in _calls(dependant):
        if call in NEEDED:
            return NEEDED[call], True
    return None, False


def _calls(dependant: Dependant) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)


def _kinds(operation: Operation, *, has_path: bool, scope: Scope | None) -> Iterator[Kind]:
    yield from (Kind.INVALID_TOKEN, Kind.SCOPE, Kind.TOO_MANY, Kind.BUSY, Kind.FAULT)
    if has_path or (scope is not None and scope.is_personal) or "parameters" in operation:
        yield Kind.NOT_FOUND
    if "requestBody" in operation:
        yield from (Kind.UNREADABLE, Kind.TOO_LARGE, Kind.CONFLICT)
    elif scope in (Scope.ME_WRITE, Scope.OPERATOR_WRITE):
        yield Kind.CONFLICT
    if "parameters" in operation or "requestBody" in operation:
        yield Kind.INVALID


def _place(status: int) -> str:
    return f"#/components/responses/Problem{status}"


def _components(components: dict[str, Any]) -> None:
    schemas = components["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, told = models_json_schema([(Problem, "serialization")], ref_template=f"{_SCHEMAS}{{model}}")
    components["schemas"] = dict(sorted({**schemas, **told["$defs"]}.items()))
    components["responses"] = {
        f"Problem{kind.value.status}": _response(kind) for kind in reversed(Kind)
    }
    components["securitySchemes"] = {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "pd_…",
            "description": "Scopes: "
            + "; ".join(f"`{scope}`: {text.rstrip('.')}" for scope, text in SCOPES.items())
            + ".",
        }
    }


def _response(kind: Kind) -> dict[str, Any]:
    headers = {
        401: {"WWW-Authenticate": "Which scheme and scope (RFC 6750 §3)."},
        403: {"WWW-Authenticate": "Which scope is lacking (RFC 6750 §3)."},
        429: {"Retry-After": "Seconds to wait."},
        503: {"Retry-After": "Seconds to wait."},
    }.get(kind.value.status, {})
    response: dict[str, Any] = {
        "description": kind.value.title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}},
    }
    if headers:
        response["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return response
