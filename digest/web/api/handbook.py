"""The documentation's page: the contract as HTML of our own, without a script or another's host.

It is in English, as the contract is; the frame around it is in the visitor's language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.web.api.contract import SCOPES, Contract
from digest.web.api.problems import Kind, Meaning
from digest.web.visit import Visiting

router = APIRouter(include_in_schema=False)

Schema = Mapping[str, Any]
_JSON: Final = "application/json"
_RANGE: Final = (
    ("minimum", "from {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "to {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("maxItems", "at most {}"),
)
_UNTOLD: Final = 2**53  #: bounds beyond this are the machine's and tell nobody anything


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one key of an object."""

    name: str
    kind: str  #: what it may hold, in words
    schema: str  #: the object it is of, for a link; "" for none
    is_needed: bool
    says: str
    place: str = ""  #: path or query


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be done."""

    id: str
    method: str
    path: str
    summary: str
    says: str
    scope: str
    parameters: Sequence[Field]
    body: str
    answer: str
    status: str


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together."""

    name: str
    says: str
    operations: Sequence[Operation]


@dataclass(frozen=True, slots=True)
class Object:
    """One shape of JSON object, or a closed list of words."""

    name: str
    says: str
    fields: Sequence[Field]
    words: Sequence[str]


@router.get("/docs")
def show(visit: Visiting) -> Response:
    """Everything the API can do."""
    contract: Contract = visit.request.app.state.contract
    document = contract.document
    rates = visit.rooms.api
    return visit.public(
        "web/api.html.j2",
        title="API",
        base=f"{visit.rooms.site.base_url}/api/v1",
        groups=list(groups(document)),
        objects=list(objects(document)),
        scopes=[(scope.value, text) for scope, text in SCOPES.items()],
        problems=_problems(),
        rates=rates,
    )


def groups(document: Schema) -> Iterator[Group]:
    """The operations by what they are about."""
    for tag in document["tags"]:
        found = [
            _operation(path, method, one)
            for path, operations in document["paths"].items()
            for method, one in operations.items()
            if tag["name"] in one["tags"]
        ]
        yield Group(tag["name"], tag["description"], found)


def objects(document: Schema) -> Iterator[Object]:
    for name, schema in document["components"]["schemas"].items():
        needed = schema.get("required", ())
        fields = [
            _field(key, one, is_needed=key in needed)
            for key, one in schema.get("properties", {}).items()
        ]
        yield Object(name, schema.get("description", ""), fields, schema.get("enum", ()))


def _problems() -> list[Meaning]:
    return [kind.value for kind in Kind]


def _operation(path: str, method: str, one: Schema) -> Operation:
    status = next(code for code in one["responses"] if code.startswith("2"))
    return Operation(
        id=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        says=one.get("description", ""),
        scope=_scope(one.get("security", ())),
        parameters=[_parameter(it) for it in one.get("parameters", ())],
        body=_name(one.get("requestBody", {}).get("content", {})),
        answer=_name(one["responses"][status].get("content", {})),
        status=status,
    )


def _scope(security: Sequence[Mapping[str, Sequence[str]]]) -> str:
    """The scope that is needed, "any" for any token, "" for none."""
    if not security or {} in security:
        return ""
    return next(iter(security[0].get("bearer", ())), "any")


def _name(content: Schema) -> str:
    return _last(content.get(_JSON, {}).get("schema", {}).get("$ref", ""))


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _parameter(one: Schema) -> Field:
    schema = {**one["schema"], "description": one.get("description", "")}
    return _field(one["name"], schema, is_needed=one.get("required", False), place=one["in"])


def _field(name: str, schema: Schema, *, is_needed: bool, place: str = "") -> Field:
    kind, of = _kind(schema)
    if "default" in schema and schema["default"] not in (None, "", [], False):
        kind += f"; {schema['default']} unless said otherwise"
    return Field(name, kind, of, is_needed, schema.get("description", ""), place)


def _kind(schema: Schema) -> tuple[str, str]:
    """What it may hold in words, and the object's name in it."""
    if "$ref" in schema:
        return _last(schema["$ref"]), _last(schema["$ref"])
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"]]
        return " or ".join(text for text, _ in kinds), next((of for _, of in kinds if of), "")
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"])), ""
    if schema.get("type") == "array":
        text, of = _kind(schema.get("items", {}))
        return ", ".join([f"array of {text}", *_bounds(schema)]), of
    named = schema.get("format") or schema.get("type") or "any value"
    return ", ".join([str(named), *_bounds(schema)]), ""


def _bounds(schema: Schema) -> Iterator[str]:
    for key, words in _RANGE:
        bound = schema.get(key)
        if bound is not None and abs(bound) < _UNTOLD:
            yield words.format(f"{bound:g}")
