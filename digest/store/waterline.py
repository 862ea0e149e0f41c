"""The waterline: how far the database had come, remembered outside of it, next to the spool.

    spool/waterline.json     {"<identity>": <the highest digest number ever given out>}

Keeps guarantee 2 where the database itself cannot: an old copy put back knows nothing of what was
sent since. A database that stands below the line, or that `digest restore` or `digest move` has
marked, composes and sends nothing until the operator has said what is to become of the gap.
Numbers come from the engine's own counter, which no removal and no purge lowers.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import datetime
from pathlib import Path
from typing import Final

from digest.errors import StoreError
from digest.store.database import Database
from digest.store.marks import Mark, MarkStore
from digest.store.numbers import level

HALTED: Final = "halted"  #: the mark of a database that must not send before it is looked at
_FILE: Final = "waterline.json"
_MEND: Final = (
    "Say what is to become of what was sent since: `digest restore --accept forward` sends none of"
    " it again, `digest restore --accept again` may send it twice."
)


class Halted(StoreError):
    """This database is an old copy, or was moved elsewhere: nothing is composed or sent from it."""


def check(database: Database, spool: Path, now: datetime) -> None:
    """Raise Halted for a database that must not send yet; else raise the line to where it is."""
    marks = MarkStore(database)
    if mark := marks.get(HALTED):
        raise Halted(f"{database.place} {_why(mark)}; it sends nothing yet.", mend=_MEND)
    line, reached = read(spool, marks.identity(now)), highest(database)
    if reached < line:
        raise Halted(
            f"{database.place} has gone back: it knows digests up to {reached},"
            f" and {line} were made already. It is an old copy, and sends nothing yet.",
            mend=_MEND,
        )
    if reached > line:
        write(spool, marks.identity(now), reached)


def read(spool: Path, identity: str) -> int:
    """The line of one installation; 0 where none was drawn."""
    try:
        lines = json.loads((spool / _FILE).read_text("utf-8"))
        return int(lines.get(identity, 0))
    except (OSError, ValueError, AttributeError, TypeError):
        return 0


def write(spool: Path, identity: str, reached: int) -> None:
    """Draw the line, whole or not at all."""
    spool.mkdir(parents=True, exist_ok=True)
    draft = spool / f".{_FILE}.{os.getpid()}-{threading.get_ident()}"
    draft.write_text(json.dumps({identity: reached}), "utf-8")
    draft.replace(spool / _FILE)


def highest(database: Database) -> int:
    """The highest digest number ever given out here."""
    with database.read() as connection:
        return level(connection, "digest")


def _why(mark: Mark) -> str:
    why = mark.detail.get("why", "was put back from a copy")
    return f"{why} at {mark.at:%Y-%m-%d %H:%M} UTC"
