"""Making one stored paper of two: whatever points at the loser points at the winner.

The loser's id lives on as the alias `paper:ID`, for it stands in stored digests, in what is known
to be sent, and in old links.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from digest.store.rows import PAPER, SIGHTING
from digest.store.sent_tables import SentPaperRow
from digest.store.tables import (
    ExampleRow,
    FeedbackRow,
    PaperAliasRow,
    PaperVectorRow,
    table,
)

_ALIAS: Final = table(PaperAliasRow)
_EXAMPLE: Final = table(ExampleRow)
_FEEDBACK: Final = table(FeedbackRow)
_SENT_PAPER: Final = table(SentPaperRow)
_VECTOR: Final = table(PaperVectorRow)


def absorb(connection: sa.Connection, *, winner: int, loser: int) -> None:
    """Move everything from paper `loser` to paper `winner` and delete `loser`'s row."""
    both = sa.select(PAPER.c.id).where(PAPER.c.id.in_((winner, loser))).order_by(PAPER.c.id)
    connection.execute(both.with_for_update())  # whoever stores a digest with one of them is done
    _keep_first_sightings(connection, winner, loser)
    _keep_newest_feedback(connection, winner, loser)
    _move_unless_there(connection, _SENT_PAPER, winner, loser, ())
    for plain in (_ALIAS, _EXAMPLE):
        _move(connection, plain, winner, loser)
    connection.execute(sa.insert(_ALIAS).values(key=f"paper:{loser}", paper_id=winner))
    connection.execute(sa.delete(_VECTOR).where(_VECTOR.c.paper_id.in_((winner, loser))))
    _keep_first_fetch(connection, winner, loser)
    connection.execute(sa.delete(PAPER).where(PAPER.c.id == loser))


def _move(connection: sa.Connection, of: sa.Table, winner: int, loser: int) -> None:
    connection.execute(sa.update(of).where(of.c.paper_id == loser).values(paper_id=winner))


def _move_unless_there(
    connection: sa.Connection, of: sa.Table, winner: int, loser: int, same: tuple[str, ...]
) -> None:
    """Move the rows that the winner has no like of; drop the others."""
    theirs = of.alias("theirs")
    alike = [theirs.c[name] == of.c[name] for name in same]
    there = sa.exists().where(theirs.c.paper_id == winner, *alike)
    connection.execute(sa.delete(of).where(of.c.paper_id == loser, there))
    _move(connection, of, winner, loser)


def _keep_first_sightings(connection: sa.Connection, winner: int, loser: int) -> None:
    """Of two like sightings the earlier fetch's: the later one brought nothing new."""
    theirs, ours = SIGHTING.alias("theirs"), SIGHTING
    alike = [theirs.c[name] == ours.c[name] for name in ("source", "announcement", "version")]
    late = sa.exists().where(
        theirs.c.paper_id == loser, theirs.c.fetch_id < ours.c.fetch_id, *alike
    )
    connection.execute(sa.delete(ours).where(ours.c.paper_id == winner, late))
    _move_unless_there(connection, SIGHTING, winner, loser, ("source", "announcement", "version"))


def _keep_newest_feedback(connection: sa.Connection, winner: int, loser: int) -> None:
    theirs, ours = _FEEDBACK.alias("theirs"), _FEEDBACK
    newer = sa.exists().where(
        theirs.c.paper_id == loser,
        theirs.c.subscriber_id == ours.c.subscriber_id,
        theirs.c.at > ours.c.at,
    )
    connection.execute(sa.delete(ours).where(ours.c.paper_id == winner, newer))
    _move_unless_there(connection, _FEEDBACK, winner, loser, ("subscriber_id",))


def _keep_first_fetch(connection: sa.Connection, winner: int, loser: int) -> None:
    first = sa.select(sa.func.min(PAPER.c.fetch_id)).where(PAPER.c.id.in_((winner, loser)))
    connection.execute(
        sa.update(PAPER).where(PAPER.c.id == winner).values(fetch_id=first.scalar_subquery())
    )
