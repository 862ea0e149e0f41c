"""The lines that digests share: stored with the first digests that name them, read with any.

A digest and the lines it names are committed together, so there is never one without the others,
and a line is never changed: whoever has read it may keep it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from digest.model import Digest
from digest.store import bulk
from digest.store.documents import Line
from digest.store.line_tables import LineRow, table
from digest.store.reading import Reading, Stored
from digest.store.tables import DigestRow

_line: Final = table(LineRow)
_digest: Final = table(DigestRow)

#: Of a digest's row, what a `Stored` is made of.
STORED: Final = (
    sa.cast(_digest.c.document, sa.Text),
    _digest.c.id,
    _digest.c.subscriber_id,
    _digest.c.local_date,
    _digest.c.composed_at,
)
_READ: Final = "SELECT id, text FROM digest_line WHERE id IN ?"


def line_numbers(connection: sa.Connection) -> Iterator[int]:
    """For the new lines of this transaction."""
    return bulk.numbers(connection, _line)


def store_lines(connection: sa.Connection, lines: Sequence[Line]) -> None:
    """Add new lines, which have their numbers from `line_numbers`."""
    columns: dict[str, Sequence[Any]] = {
        "id": [line.number for line in lines],
        "at": bulk.all_stored(connection, [line.at for line in lines]),
        "text": [line.text for line in lines],
    }
    bulk.insert(connection, _line, columns)


def read_digests(
    connection: sa.Connection, stored: Sequence[Stored], reading: Reading
) -> list[Digest]:
    """Digests whose rows were read in this transaction, in their order."""
    return reading.digests(stored, partial(_fetch, connection))


def _fetch(connection: sa.Connection, numbers: Collection[int]) -> dict[int, str]:
    return dict(tuple(row) for row in bulk.query(connection, _READ, list(numbers)))
