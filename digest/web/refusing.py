"""The one verb that guards share: saying no with a page that says why."""

from __future__ import annotations

from typing import Protocol

from starlette.responses import Response
from starlette.types import Scope


class Refuse(Protocol):
    def __call__(self, scope: Scope, status: int, /) -> Response: ...
