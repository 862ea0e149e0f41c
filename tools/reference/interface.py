"""docs/reference/api.md: every operation of the API, read from the contract that it publishes."""

from __future__ import annotations

from typing import Final

from digest.model import Site
from digest.web.api.application import ROUTERS
from digest.web.api.contract import SCOPES, write
from digest.web.api.handbook import Operation, groups
from digest.web.api.problems import Kind

_HEAD: Final = """# API

Below `/api/v1` of an installation. Its own page `/api/v1/docs` says what each operation takes and
answers; `/api/v1/openapi.json` is the contract for machines (OpenAPI 3.1).
[How to use it](../how-to/api.md).
"""
_SITE: Final = Site(
    name="Paper Digest",
    base_url="https://digest.example.org",
    identity="",
    operator_email="you@example.org",
    from_address="you@example.org",
)


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, "## Scopes\n", "| scope | allows |\n|---|---|"]
    parts += [f"| `{scope.value}` | {said} |" for scope, said in SCOPES.items()]
    for group in groups(write(ROUTERS, _SITE)):
        parts += [f"\n## {group.name}\n", f"{group.says}\n"]
        parts += ["| method | path | what it does | scope |\n|---|---|---|---|"]
        parts += [_row(one) for one in group.operations]
    parts += ["\n## Problems\n", "| kind | status | meaning |\n|---|---|---|"]
    parts += [f"| `{one.value.name}` | {one.value.status} | {one.value.says} |" for one in Kind]
    return "\n".join(parts) + "\n"


def _row(one: Operation) -> str:
    scope = {"": "none", "any": "any token"}.get(one.scope, f"`{one.scope}`")
    return f"| {one.method} | `{one.path}` | {one.summary} | {scope} |"
