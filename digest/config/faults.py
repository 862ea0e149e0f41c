"""What pydantic found wrong, as lines an operator can act on: `key: what is wrong and the mend`.

Pure. No value of a key is repeated except numbers and choices, for a key may hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from digest.config.phrases import clause
from digest.config.settings import NESTING, PREFIX, Settings
from digest.config.sources import OWN_KINDS

_MISSING = {
    "site.secret_keys": "`digest init` makes one",
    "site.operator_email": "the address people and the program write to when something is wrong",
}


def sentences(error: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    """One line for each fault, in the order of the sections."""
    return [f"{_key(fault['loc'], raw)}: {_what(fault)}" for fault in error.errors()]


def unknown_section(name: str) -> str:
    """What to say of a top-level name (file or environment) that is no section."""
    return _unknown(name, Settings)


def _key(location: tuple[int | str, ...], raw: Mapping[str, Any]) -> str:
    if location[:1] == ("sources",) and len(location) > 1 and isinstance(location[1], int):
        rest = [str(part) for part in location[2:] if isinstance(part, str)]
        rest = rest[1:] if rest and rest[0] in (*OWN_KINDS, "other") else rest
        return ".".join([_source(location[1], raw), *rest])
    return ".".join(str(part) for part in location if isinstance(part, str))


def _source(index: int, raw: Mapping[str, Any]) -> str:
    table = raw["sources"][index]
    name = table.get("name") if isinstance(table, Mapping) else None
    return f"sources ({name})" if isinstance(name, str) and name else f"sources (no. {index + 1})"


def _what(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "missing":
            return _missing(fault["loc"])
        case "extra_forbidden":
            return _unknown(str(fault["loc"][-1]), _model_at(fault["loc"][:-1]))
        case "union_tag_invalid":
            return _unknown_kind(str(fault["ctx"]["tag"]))
        case "union_tag_not_found":
            return f"kind is missing; it is one of {', '.join(OWN_KINDS)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be a section with keys of its own, not a value"
    return clause(fault)


def _missing(location: tuple[int | str, ...]) -> str:
    key = ".".join(map(str, location))
    if "sources" in location:
        return "is missing"
    variable = PREFIX + NESTING.join(str(part).upper() for part in location)
    told = f"is missing; set it in the file or as {variable}"
    return f"{told} ({_MISSING[key]})" if key in _MISSING else told


def _unknown_kind(kind: str) -> str:
    near = get_close_matches(kind, OWN_KINDS, n=1)
    mend = f"did you mean {near[0]!r}?" if near else f"it is one of {', '.join(OWN_KINDS)}"
    return f"kind {kind!r} is unknown; {mend}"


def _unknown(name: str, model: type[BaseModel]) -> str:
    near = get_close_matches(name, model.model_fields, n=1, cutoff=0.6)
    if near:
        return f"is unknown; did you mean {near[0]}?"
    elsewhere = [section for section, inner in _sections() if name in inner.model_fields]
    elsewhere += [section for section, _ in _sections() if _resembles(name, section)]
    if elsewhere:
        return f"is unknown here; did you mean {' or '.join(dict.fromkeys(elsewhere))}?"
    return f"is unknown; known here: {', '.join(model.model_fields)}"


def _resembles(name: str, section: str) -> bool:
    return bool(get_close_matches(name, [section.strip("[]").rpartition(".")[2]], cutoff=0.7))


def _sections(model: type[BaseModel] = Settings, place: str = "") -> Iterator[tuple[str, Any]]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield f"[{place}{name}]", info.annotation
            yield from _sections(info.annotation, f"{place}{name}.")
    if model is Settings:
        yield from (("[[sources]]", inner) for inner in OWN_KINDS.values())


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Settings
    for part in location:
        if part in OWN_KINDS and model is Settings:
            model = OWN_KINDS[str(part)]
        elif isinstance(part, str) and part != "sources":
            inner = model.model_fields[part].annotation
            assert isinstance(inner, type)
            model = inner
    return model
