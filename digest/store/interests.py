"""Interests and the examples they learn from: rows to values and back.

An interest keeps its id as long as its name stays within one subscriber, so that digests, links and
feeds that name it go on meaning the same. Every function takes the caller's connection.

Many want the same: what defines an interest, apart from whose it is, is read as one text and taken
apart once; those that are alike share their values.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from digest.model import Combine, Example, Interest, InterestId, PaperId, SubscriberId
from digest.shelf import Maker
from digest.store import bulk
from digest.store.tables import ExampleRow, InterestRow, PaperAliasRow, PaperRow, table

_interest = table(InterestRow)
_example = table(ExampleRow)
_paper = table(PaperRow)
_alias = table(PaperAliasRow)


def as_text(column: sa.Column[Any]) -> sa.Label[str]:
    """A JSON column undecoded, for `texts`."""
    return sa.cast(column, sa.Text).label(column.name)


NONE: Final = "[]"  #: an empty list in a JSON column, as nearly every one is


def texts(stored: str) -> tuple[str, ...]:
    """The list in a JSON column."""
    return () if stored == NONE else tuple(json.loads(stored))


_READ: Final = """
    SELECT subscriber_id, position, id, daily_volume, CAST(PACKED(
        EXISTS (SELECT 1 FROM example WHERE example.interest_id = interest.id),
        name, query, statement, CAST(authors AS TEXT), "limit", combine, paused) AS TEXT)
    FROM interest WHERE subscriber_id IN ?
"""
_EXAMPLES: Final = """
    SELECT interest_id, title, abstract, positive, paper_id FROM example
    WHERE interest_id IN ? ORDER BY interest_id, id
"""
_KEPT: Final = 4096  #: definitions, twice this at most, of about 1 kB
_new: Final = partial(tuple.__new__, Interest)  # `_make` without counting


def read_interests(
    connection: sa.Connection, owners: Collection[SubscriberId]
) -> dict[SubscriberId, list[Interest]]:
    """The interests of these subscribers, each one's in their order."""
    found: dict[SubscriberId, list[Interest]] = defaultdict(list)
    learning: list[tuple[SubscriberId, int]] = []
    # Sorted here: SQLite would write out and read again whatever it sorts.
    for owner, _, id_, volume, told in sorted(bulk.query(connection, _READ, owners)):
        learns, begin, end = _defined[told]
        interests = found[owner]
        if learns:
            learning.append((owner, len(interests)))
        interests.append(_new((id_, *begin, volume, *end)))
    if learning:
        _give_examples(connection, found, learning)
    return found


def _define(packed: str) -> tuple[bool, tuple[Any, ...], tuple[Any, ...]]:
    """Whether there are examples; what stands before an interest's daily volume, and behind it."""
    learns, name, query, words, authors, limit, combine, paused = json.loads(packed)
    begin = name, query, words, (), texts(authors), limit
    return bool(learns), begin, (Combine(combine), bool(paused))


_defined: Final = Maker(_define, _KEPT)


def _give_examples(
    connection: sa.Connection,
    interests: Mapping[SubscriberId, list[Interest]],
    learning: Iterable[tuple[SubscriberId, int]],
) -> None:
    """To those in the places that are `learning`."""
    places = {interests[owner][place].id: (owner, place) for owner, place in learning}
    found: dict[InterestId, list[Example]] = defaultdict(list)
    for id_, title, abstract, positive, paper_id in bulk.query(connection, _EXAMPLES, places):
        found[id_].append(Example(title, abstract, bool(positive), paper_id))
    for id_, examples in found.items():
        owner, place = places[id_]
        one = interests[owner][place]
        interests[owner][place] = one._replace(examples=tuple(examples))


def insert_interests(
    connection: sa.Connection, interests: Iterable[tuple[SubscriberId, int, Interest]]
) -> None:
    """Store new interests, each with its owner and its position, and their examples."""
    entries = list(interests)
    if not entries:
        return
    statement = sa.insert(_interest).returning(_interest.c.id, sort_by_parameter_order=True)
    rows = [_row(*entry) for entry in entries]
    ids = connection.execute(statement, rows).scalars().all()
    _insert_examples(
        connection,
        [(id_, one) for id_, (_, _, it) in zip(ids, entries, strict=True) for one in it.examples],
    )


def replace_interests(
    connection: sa.Connection,
    owner: SubscriberId,
    stored: Sequence[Interest],
    wanted: Sequence[Interest],
) -> None:
    """Make `wanted` the owner's interests; one with a stored id, else name, changes that one."""
    pairs = _paired(stored, wanted)
    kept = {before.id for before, _, _ in pairs}
    _delete(connection, [one.id for one in stored if one.id not in kept])
    _free_names(connection, [before.id for before, _, after in pairs if before.name != after.name])
    for before, position, after in pairs:
        _change(connection, owner, before, position, after)
    taken = {position for _, position, _ in pairs}
    insert_interests(
        connection, [(owner, p, one) for p, one in enumerate(wanted) if p not in taken]
    )


def _paired(
    stored: Sequence[Interest], wanted: Sequence[Interest]
) -> list[tuple[Interest, int, Interest]]:
    by_id = {one.id: one for one in stored}
    by_name = {one.name: one for one in stored}
    pairs = ((by_id.get(it.id) or by_name.get(it.name), p, it) for p, it in enumerate(wanted))
    return [(before, position, after) for before, position, after in pairs if before is not None]


def _delete(connection: sa.Connection, ids: Collection[InterestId]) -> None:
    if ids:
        connection.execute(sa.delete(_interest).where(_interest.c.id.in_(ids)))


def _free_names(connection: sa.Connection, ids: Collection[InterestId]) -> None:
    """Two interests may swap names, and a name is unique at every instant."""
    for id_ in ids:
        statement = sa.update(_interest).where(_interest.c.id == id_)
        connection.execute(statement.values(name=f"(renamed {id_})"))


def _change(
    connection: sa.Connection, owner: SubscriberId, before: Interest, position: int, after: Interest
) -> None:
    statement = sa.update(_interest).where(_interest.c.id == before.id)
    connection.execute(statement.values(_row(owner, position, after)))
    if _told(before.examples) != _told(after.examples):
        connection.execute(sa.delete(_example).where(_example.c.interest_id == before.id))
        _insert_examples(connection, [(before.id, example) for example in after.examples])


def _told(examples: Sequence[Example]) -> list[tuple[str, str, bool]]:
    """What a person said; the paper an example was linked to is our own finding."""
    return [(one.title, one.abstract, one.positive) for one in examples]


def _insert_examples(
    connection: sa.Connection, examples: Sequence[tuple[InterestId, Example]]
) -> None:
    if not examples:
        return
    papers = _papers_titled(connection, {one.title for _, one in examples if one.paper_id is None})
    connection.execute(
        sa.insert(_example),
        [
            {
                "interest_id": interest,
                "paper_id": one.paper_id or papers.get(one.title),
                "title": one.title,
                "abstract": one.abstract,
                "positive": one.positive,
            }
            for interest, one in examples
        ],
    )


def _papers_titled(connection: sa.Connection, titles: Collection[str]) -> Mapping[str, PaperId]:
    if not titles:
        return {}
    statement = sa.select(_paper.c.title, _paper.c.id).where(_paper.c.title.in_(titles))
    return {title: PaperId(id_) for title, id_ in connection.execute(statement)}


def papers_by_key(connection: sa.Connection, keys: Collection[str]) -> dict[str, Example]:
    """The papers stored under these keys (`arxiv:…`, `doi:…`, `pmid:…`), as liked examples."""
    if not keys:
        return {}
    statement = (
        sa.select(_alias.c.key, _paper.c.title, _paper.c.abstract, _paper.c.id)
        .join(_paper, _paper.c.id == _alias.c.paper_id)
        .where(_alias.c.key.in_(keys))
    )
    return {
        key: Example(title, text, True, id_)
        for key, title, text, id_ in connection.execute(statement)
    }


def _row(owner: SubscriberId, position: int, interest: Interest) -> dict[str, Any]:
    return {
        "subscriber_id": owner,
        "position": position,
        "name": interest.name,
        "query": interest.query,
        "statement": interest.statement,
        "authors": list(interest.authors),
        "limit": interest.limit,
        "daily_volume": interest.daily_volume,
        "combine": interest.combine.value,
        "paused": interest.paused,
    }
