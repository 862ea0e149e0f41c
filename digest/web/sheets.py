"""Every page's template, and exactly the names it gets: what an operator's own version may use.

`Templates.check` holds a template against these; a test holds the shipped ones against them.
"""

from __future__ import annotations

from typing import Final

#: `_` says a text, `_n` one for a number, `_s` one with values; `asset` finds a static file.
COMMON: Final = frozenset({"site", "links", "asset", "language", "_", "_n", "_s", "query", "title"})


def _sheet(*names: str) -> frozenset[str]:
    return COMMON | frozenset(names)


CONTEXT: Final[dict[str, frozenset[str]]] = {
    "web/base.html.j2": COMMON,
    "web/parts.html.j2": COMMON,
    "web/archive.html.j2": _sheet(
        "canonical", "previous", "following", "counted", "is_empty", "health", "tabs", "narrowed",
        "groups", "others", "cards", "more", "days", "is_first",
    ),
    "web/paper.html.j2": _sheet(
        "canonical", "card", "day", "authors", "authors_left", "abstract", "note", "categories",
        "actions", "identifiers", "seen", "published", "version", "similar",
    ),
    "web/search.html.j2": _sheet("question", "outcome", "orders", "sources", "categories"),
    "web/digest.html.j2": _sheet("frame", "sections", "actions", "day", "left_out"),
    "web/sources.html.j2": _sheet("sources"),
    "web/fault.html.j2": _sheet("fault"),
}  # fmt: skip
