"""How commands speak: results on standard output, everything else on standard error.

With `--json`, standard output holds one JSON value and nothing else. Data is never read as markup.
NO_COLOR is honoured (by rich), and a table that goes into a pipe is not cut to a screen's width.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:  # rich costs a tenth of a second, which `--json` and `--help` need not pay
    from rich.console import Console, RenderableType

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

_PIPE_WIDTH: Final = 4000


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    FAULT = 1  #: of ours or of the set-up
    USAGE = 2  #: wrong usage or configuration
    PARTLY = 3  #: done, but a source, a digest, a delivery or a line failed


def say(text: str = "") -> None:
    """One line of result."""
    typer.echo(text)


def say_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def warn(text: str) -> None:
    """One line about the work, on standard error."""
    typer.echo(text, err=True)


def show(renderable: RenderableType) -> None:
    """A table or text of rich, on standard output."""
    console().print(renderable)


def console() -> Console:
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False, markup=False)
    return Console(highlight=False, markup=False, width=_PIPE_WIDTH)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table without lines; columns whose name begins with # are numbers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        numeric = name.startswith("#")
        table.add_column(name.lstrip("#"), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    show(table)


def moment(at: datetime | None) -> str:
    """An instant for people, in UTC and to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 paper`, `2 papers`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return moment(value) if isinstance(value, datetime) else str(value)


def _plain(value: Any) -> str:
    """What JSON has no word for."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
