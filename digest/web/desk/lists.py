"""Lists that go on: so many rows a page, continued from where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pydantic import BeforeValidator

#: A choice of a form that was left open is no choice.
Open: Final = BeforeValidator(lambda chosen: chosen or None)
Row = TypeVar("Row")
ROWS: Final = 50  #: a page


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """One page; `more` leads to the next, "" on the last."""

    rows: tuple[Row, ...]
    more: str = ""


def listed(found: Sequence[Row], more: Callable[[Row], str], *, rows: int = ROWS) -> Listed[Row]:
    """A page of what was found, which is one row more than fits where there is another page."""
    fitting = tuple(found[:rows])
    return Listed(fitting, more(fitting[-1]) if len(found) > rows else "")
