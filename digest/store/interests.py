"""Interests and the examples they learn from: rows to values and back.

An interest keeps its id as long as its name stays within one subscriber, so that digests, links and
feeds that name it go on meaning the same. Every function takes the caller's connection.

Many want the same. So every subscriber has a note (`subscriber.wants`): of each interest its id and
a key that stands for all the rest of it but its examples. A definition is read once for everybody
who has its key, and those that are alike share their values. A key is made of what the rows say and
never stands for anything else; and however a row is changed, the database strikes out the note, so
that nobody is taken at an old word.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from itertools import starmap
from operator import add, itemgetter
from typing import Any, Final

import sqlalchemy as sa

from digest.model import Combine, Example, Interest, InterestId, PaperId, SubscriberId
from digest.shelf import Maker
from digest.store import bulk
from digest.store.database import Database
from digest.store.tables import (
    ExampleRow,
    InterestRow,
    PaperAliasRow,
    PaperRow,
    SubscriberRow,
    table,
)

_interest = table(InterestRow)
_example = table(ExampleRow)
_paper = table(PaperRow)
_alias = table(PaperAliasRow)
_subscriber = table(SubscriberRow)


def as_text(column: sa.Column[Any]) -> sa.Label[str]:
    """A JSON column undecoded, for `texts`."""
    return sa.cast(column, sa.Text).label(column.name)


NONE: Final = "[]"  #: an empty list in a JSON column, as nearly every one is


def texts(stored: str) -> tuple[str, ...]:
    """The list in a JSON column."""
    return () if stored == NONE else tuple(json.loads(stored))


_READ: Final = """
    SELECT subscriber_id, position, id,
        EXISTS (SELECT 1 FROM example WHERE example.interest_id = interest.id),
        name, query, statement, CAST(authors AS TEXT), "limit", daily_volume, combine, paused
    FROM interest WHERE subscriber_id IN ?
"""
_EXAMPLES: Final = """
    SELECT interest_id, title, abstract, positive, paper_id FROM example
    WHERE interest_id IN ? ORDER BY interest_id, id
"""
_UNNOTED: Final = "SELECT id FROM subscriber WHERE wants IS NULL ORDER BY id LIMIT ?"
_ORDER: Final = itemgetter(0, 1, 2)  #: owner, position, id
_KEY_BYTES: Final = 15  #: 20 letters
_NOTED: Final = 1000  #: subscribers a transaction
KEPT: Final = 4096  #: definitions, twice this at most, of about 1 kB
_LEARNS: Final = "+"  #: behind the key of an interest with examples; no key has it in itself
_new: Final = partial(tuple.__new__, Interest)  # `_make` without counting

Definition = tuple[Any, ...]  #: an interest's fields behind its id, in their order


def read_interests(
    connection: bulk.Asked, notes: Mapping[SubscriberId, str | None]
) -> dict[SubscriberId, tuple[Interest, ...]]:
    """The interests of these subscribers, each one's in their order; `notes` as `note` wrote them.

    A note of definitions that are known is all it takes. Whoever has none, or wants what nobody
    wanted before, is read in full.
    """
    found: dict[SubscriberId, tuple[Interest, ...]] = {}
    learning: list[SubscriberId] = []
    unknown: list[SubscriberId] = []
    for owner, note in notes.items():
        if note is None:
            unknown.append(owner)
            continue
        told = note.split()
        try:
            ids, definitions = zip(map(int, told[::2])), map(_known.__getitem__, told[1::2])
            each = starmap(add, zip(ids, definitions, strict=True))
            found[owner] = tuple(map(_new, each))
        except (KeyError, ValueError):
            unknown.append(owner)
            continue
        if _LEARNS in note:
            learning.append(owner)
    if unknown:
        for owner, rows in _read(connection, unknown).items():
            found[owner] = tuple([_new((id_, *_learn(told, learns))) for id_, learns, told in rows])
            if any(learns for _, learns, _ in rows):
                learning.append(owner)
    if learning:
        _give_examples(connection, found, learning)
    return found


def note(connection: sa.Connection, owners: Collection[SubscriberId]) -> None:
    """Write down with each of `owners` what they want: their interests' ids and definitions' keys.

    Triggers of the database strike out a note when anything that it says of is changed.
    """
    rows = _read(connection, owners)
    notes = {
        owner: " ".join(f"{id_} {_key(definition, learns)}" for id_, learns, definition in wanted)
        for owner, wanted in rows.items()
    }
    bulk.update(connection, _subscriber, {"wants": list(notes.values())}, of=list(notes))


def note_all(database: Database) -> None:
    """Write the notes that are missing: struck out by hand, or never written.

    Whoever is being changed at this moment is left for the next time.
    """
    while True:
        with database.write() as connection:
            alone = "" if connection.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"
            owners = [owner for (owner,) in bulk.query(connection, _UNNOTED + alone, _NOTED)]
            note(connection, owners)
        if len(owners) < _NOTED:
            return


def _read(
    connection: bulk.Asked, owners: Collection[SubscriberId]
) -> dict[SubscriberId, list[tuple[InterestId, bool, Definition]]]:
    """Everybody's interests: id, whether there are examples, and what defines it."""
    found: dict[SubscriberId, list[tuple[InterestId, bool, Definition]]] = {it: [] for it in owners}
    # Sorted here: SQLite would write out and read again whatever it sorts.
    rows = sorted(bulk.query(connection, _READ, owners), key=_ORDER)
    for owner, _, id_, learns, *told in rows:
        found[owner].append((id_, bool(learns), _define(*told)))
    return found


def _define(
    name: str,
    query: str,
    statement: str,
    authors: str,
    limit: int | None,
    volume: float | None,
    combine: str,
    paused: bool | int,
) -> Definition:
    followed = texts(authors)
    return name, query, statement, (), followed, limit, volume, Combine(combine), bool(paused)


def _key(definition: Definition, learns: bool) -> str:
    """The same for the same definition, and for no other."""
    told = json.dumps(definition).encode()
    key = urlsafe_b64encode(blake2b(told, digest_size=_KEY_BYTES).digest()).decode()
    return key + _LEARNS if learns else key


def _learn(definition: Definition, learns: bool) -> Definition:
    """The one value for all who want it, known by its key from now on."""
    key = _key(definition, learns)
    known = _known.find(key)
    return _known.keep(key, definition) if known is None else known


def _unheard_of(key: str) -> Definition:
    raise KeyError(key)


_known: Final = Maker(_unheard_of, KEPT)


def _give_examples(
    connection: bulk.Asked,
    interests: dict[SubscriberId, tuple[Interest, ...]],
    learning: Iterable[SubscriberId],
) -> None:
    """To the interests of those who are `learning`."""
    theirs = {owner: interests[owner] for owner in learning}
    ids = [one.id for wanted in theirs.values() for one in wanted]
    found: dict[InterestId, list[Example]] = defaultdict(list)
    for id_, title, abstract, positive, paper_id in bulk.query(connection, _EXAMPLES, ids):
        found[id_].append(Example(title, abstract, bool(positive), paper_id))
    for owner, wanted in theirs.items():
        interests[owner] = tuple(
            [
                one._replace(examples=tuple(found[one.id])) if one.id in found else one
                for one in wanted
            ]
        )


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
    note(connection, [owner])


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
