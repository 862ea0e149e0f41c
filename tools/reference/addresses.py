"""docs/reference/addresses.md: every address that the pages answer, read from their routers."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from fastapi.routing import APIRoute

from digest.web.app import PAGES
from digest.web.desk.routers import DESK

_HEAD: Final = """# Addresses

Every address of an installation, below `site.base_url`. GET and HEAD change nothing anywhere;
what changes something is a POST from a page of our own. `{token}` is a signed link: good for one
purpose, and compared in constant time. Addresses with one are neither stored by browsers nor shown
to search engines.

Programs use the [API](api.md) below `/api/v1`.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    for router in (*PAGES, *DESK):
        routes = [route for route in router.routes if isinstance(route, APIRoute)]
        for module, own in groupby(routes, key=lambda route: route.endpoint.__module__):
            name = module.rpartition(".")[2].replace("_", " ").capitalize()
            parts.append(f"## {'Desk: ' if router in DESK else ''}{name}\n")
            parts.append(f"{_sentence(sys.modules[module].__doc__)}\n")
            parts.append("| method | address | what it is |\n|---|---|---|")
            parts += [row for route in own for row in _rows(route)]
            parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _rows(route: APIRoute) -> Iterator[str]:
    path = re.sub(r":\w+\}", "}", route.path)
    told = _sentence(inspect.getdoc(route.endpoint))
    for method in sorted(route.methods or ()):
        yield f"| {method} | `{path}` | {told} |"


def _sentence(text: str | None) -> str:
    """The first paragraph as a reader wants it: without what only a caller needs to know."""
    line = re.sub(r"\s+", " ", (text or "").strip().partition("\n\n")[0])
    line = re.sub(r"; raises \w+|(?<=[.?]) (Pure|Words)\b.*$", "", line).strip()
    return line.replace("|", "\\|")
