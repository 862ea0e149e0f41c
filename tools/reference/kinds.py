"""What a key of the configuration may hold, in words: read from the models' annotations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from digest.config import kinds, post, sources

_NAMED: Final = {
    kinds.Address: "e-mail address",
    kinds.Zone: "time zone, such as `Europe/Lisbon`",
    kinds.WebAddress: "address that begins with http:// or https://",
    kinds.BaseAddress: "address that begins with https:// (http:// on this machine only)",
    kinds.DatabaseUrl: "`sqlite:///FILE` or `postgresql://…`; a secret",
    kinds.EmbedderName: "name of an embedder",
    kinds.SecondStageName: "`auto`, `off`, or the name of an embedder",
    kinds.Weekday: "`monday` … `sunday`, or 0 to 6",
    kinds.SecretKeys: "list of texts of at least 32 characters; secrets",
    kinds.Networks: "list of addresses or networks, such as `10.0.0.0/8`",
    post.Rates: "rates, such as `10/second 500/day`",
    post.BounceAddress: "e-mail address, at most 10 characters before the @",
    post.Command: "list: a program and its arguments",
    sources.ArxivCategory: "arXiv category",
}
_PLAIN: Final = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    SecretStr: "text; a secret",
}


def kind_of(field: FieldInfo) -> str:
    """What `field` may hold: "whole number, 1 to 50"."""
    return _told(field.annotation, list(field.metadata))


def _told(annotation: Any, marks: list[Any]) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if named := _named(annotation, marks):
        return named
    if origin is Annotated:
        return _told(inner[0], [*_flat(annotation.__metadata__), *marks])
    if origin in (Union, UnionType):
        return _told(next(one for one in inner if one is not NoneType), marks)
    if origin is Literal:
        return " or ".join(f"`{one!r}`".replace("'", '"') for one in inner)
    if origin is list:
        return _list(inner[0])
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(f'`"{one.value}"`' for one in annotation)
    if origin is not None:  # a Mapping
        return f"table of {_told(inner[1], [])}"
    return ", ".join(filter(None, (_PLAIN[annotation], _bounds(marks))))


def _list(inner: Any) -> str:
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return "list of tables with the same keys"
    return {"text": "list of texts", "arXiv category": "list of arXiv categories"}[_told(inner, [])]


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    """The marks, with those that a Field() holds in its place."""
    for mark in marks:
        yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)


def _named(annotation: Any, marks: list[Any]) -> str:
    """The kind whose every check is among these; the one with most of them is the most exact."""
    checks = {getattr(mark, "func", None) for mark in marks} - {None}
    if checks and get_origin(annotation) is list:
        checks |= _checks(get_args(annotation)[0])
    fitting = [
        (len(own), told)
        for kind, told in _NAMED.items()
        if (own := _checks(kind)) and own <= checks
    ]
    return max(fitting)[1] if fitting else ""


def _checks(kind: Any) -> set[Any]:
    found = {getattr(mark, "func", None) for mark in getattr(kind, "__metadata__", ())}
    for inner in get_args(kind):
        if get_origin(inner) is not None:
            found |= _checks(inner)
    return found - {None}


def _bounds(marks: list[Any]) -> str:
    low = next((mark.ge for mark in marks if isinstance(mark, Ge)), None)
    above = next((mark.gt for mark in marks if isinstance(mark, Gt)), None)
    high = next((mark.le for mark in marks if isinstance(mark, Le)), None)
    below = next((mark.lt for mark in marks if isinstance(mark, Lt)), None)
    longest = next((mark.max_length for mark in marks if isinstance(mark, MaxLen)), None)
    shortest = next((mark.min_length for mark in marks if isinstance(mark, MinLen)), None)
    said = []
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    said += [f"at least {low:,}"] if low is not None else []
    said += [f"more than {above:,}"] if above is not None else []
    said += [f"at most {high:,}"] if high is not None else []
    said += [f"less than {below:,}"] if below is not None else []
    said += [f"at least {shortest}"] if shortest is not None else []
    said += [f"at most {longest} characters"] if longest is not None else []
    return ", ".join(said)
