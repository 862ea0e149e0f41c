"""What was sent to whom: written with the digest, asked before the next one, kept for ever.

Keeps "the same paper never twice to one subscriber" (4), with who composes: what is written here,
and what is read to be left out, is so in the transaction that holds the subscriber's lock, and
moves their window on; so two composers never decide about one subscriber from the same past. The
windows of a subscriber do not overlap, and of what a window has in common with earlier ones,
papers announced again or never asked for before, it is asked here what was sent already. Of one
digest's own papers none may be in it twice; that is refused.

Papers that became one: rows keep the number they were written with. Whoever asks for a paper asks
for all that became it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from digest.model import DigestId, PaperId, SubscriberId
from digest.store import bulk
from digest.store.database import insert_into
from digest.store.packing import holds, unpack
from digest.store.sent_tables import SentPaperRow, SentRow, table

_sent: Final = table(SentRow)
_sent_paper: Final = table(SentPaperRow)
_AT_ONCE: Final = 50  #: subscribers, whose rows of years may have to be looked through

_BECAME: Final = """
    SELECT key, paper_id FROM paper_alias WHERE paper_id IN ? AND substr(key, 1, 6) = 'paper:'
"""
_SINCE: Final = "SELECT min(fetch_id) FROM paper WHERE id IN ?"
#: Nothing is in a digest of before it was brought; and by the key alone.
_TOLD: Final = """
    SELECT subscriber_id, digest_id, papers FROM sent
    WHERE subscriber_id IN ? AND fetch_upto >= ?
"""
#: By the keys of both.
_NEWEST: Final = """
    SELECT sent.papers FROM digest JOIN sent
    ON sent.subscriber_id = digest.subscriber_id AND sent.fetch_upto = digest.fetch_upto
    AND sent.digest_id = digest.id
    WHERE digest.id > (SELECT coalesce(max(id), 0) FROM digest) - ?
"""


def once_called(connection: sa.Connection, papers: Collection[PaperId]) -> dict[PaperId, PaperId]:
    """These papers and all that became one of them, each with the one it is now."""
    became = bulk.query(connection, _BECAME, papers)
    return {PaperId(int(key[6:])): paper for key, paper in became} | {one: one for one in papers}


def store_sent(
    connection: sa.Connection, papers: Collection[PaperId], rows: Mapping[str, Sequence[Any]]
) -> None:
    """Add rows of `sent`, column by column; `papers` are those in them that may be new to it.

    In order, so that two who add the same wait for one another and never in a circle.
    """
    if papers:
        statement = insert_into(connection, _sent_paper).on_conflict_do_nothing()
        connection.execute(statement, [{"paper_id": paper} for paper in sorted(papers)])
    bulk.insert(connection, _sent, rows)


def forget_sent(
    connection: sa.Connection, digests: Collection[DigestId], of: Collection[SubscriberId]
) -> None:
    """What these digests of these subscribers told of is free again."""
    theirs = bulk.among(connection, _sent.c.subscriber_id, of)
    connection.execute(
        sa.delete(_sent).where(theirs, bulk.among(connection, _sent.c.digest_id, digests))
    )


def sent_before(
    connection: sa.Connection, papers: Collection[PaperId], to: Collection[SubscriberId]
) -> dict[SubscriberId, dict[PaperId, int]]:
    """Which of `papers` each of `to` was sent, with the newest version sent."""
    found: dict[SubscriberId, dict[PaperId, int]] = {one: {} for one in to}
    if not papers or not to:
        return found
    names = once_called(connection, papers)
    for owner, _, packed in _rows(connection, names, papers, to):
        theirs = found[owner]
        for paper, version in unpack(packed):
            asked = names.get(paper)
            if asked is not None:
                theirs[asked] = max(version, theirs.get(asked, 0))
    return found


def digests_with(
    connection: sa.Connection, subscriber: SubscriberId, paper: PaperId
) -> tuple[list[DigestId], Collection[PaperId]]:
    """Which digests told a subscriber of a paper, and what it may be called in them.

    Some of them may have been purged.
    """
    names = once_called(connection, [paper])
    rows = _rows(connection, names, [paper], [subscriber])
    return [digest for _, digest, _ in rows], names.keys()


def told_by_newest(connection: sa.Connection, count: int) -> Counter[PaperId]:
    """How many of so many newest digests told of each paper."""
    rows = bulk.query(connection, _NEWEST, count)
    return Counter(paper for (packed,) in rows for paper, _ in unpack(packed))


def _rows(
    connection: sa.Connection,
    names: Collection[PaperId],
    papers: Collection[PaperId],
    to: Collection[SubscriberId],
) -> Iterator[tuple[SubscriberId, DigestId, str]]:
    """The rows that hold any of `names`, which are what `papers` are and were called."""
    ((since,),) = bulk.query(connection, _SINCE, papers)
    if since is None:
        return
    wanted, owners = frozenset(map(str, names)), list(to)
    for begin in range(0, len(owners), _AT_ONCE):
        some = owners[begin : begin + _AT_ONCE]
        for owner, digest_id, packed in bulk.query(connection, _TOLD, some, since):
            if holds(packed, wanted):
                yield owner, digest_id, packed
