"""One source's listings become papers: read what they touch, fold, write the difference.

Keeps guarantee 4: a key belongs to one paper (`paper_alias`), and a repeated listing adds nothing.
Everything happens in the caller's one write transaction, which must hold the ingest lease: only
then do fetch ids become visible in the order they were given, and no two intakes fold at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from digest.model import FetchId, Listing
from digest.store.absorbing import absorb
from digest.store.folding import Fold
from digest.store.merging import TITLE_SPAN, announced_at, bucket_of, content_of, keys_of
from digest.store.rows import PAPER, SIGHTING, batches, content_from, paper_values
from digest.store.tables import PaperAliasRow, PaperVectorRow, table

_ALIAS: Final = table(PaperAliasRow)
_VECTOR: Final = table(PaperVectorRow)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a batch of listings added. A paper only ever seen as a new version is not a new one."""

    papers: int
    sightings: int


def known_keys(connection: sa.Connection, keys: Iterable[str]) -> dict[str, int]:
    """Those of `keys` that are some paper's, with that paper's id."""
    found: dict[str, int] = {}
    for some in batches(keys):
        rows = connection.execute(
            sa.select(_ALIAS.c.key, _ALIAS.c.paper_id).where(_ALIAS.c.key.in_(some))
        )
        found.update((row.key, row.paper_id) for row in rows)
    return found


def fold_listings(connection: sa.Connection, listings: Sequence[Listing], now: datetime) -> Fold:
    """Fold `listings` into the stored papers they belong to, in memory; writes nothing."""
    keys = [keys_of(listing.ids, listing.title) for listing in listings]
    owners = known_keys(connection, {key for some in keys for key in some})
    strangers = [
        listing
        for listing, some in zip(listings, keys, strict=True)
        if not any(key in owners for key in some)
    ]
    fold = Fold(now, owners=owners)
    _read(connection, fold, {*owners.values(), *_near_titles(connection, strangers, now)})
    for listing in listings:
        fold.add(listing)
    return fold


def write(connection: sa.Connection, fold: Fold, fetch_id: FetchId) -> None:
    """Write what the fold changed, as brought by fetch `fetch_id`."""
    for loser, winner in fold.absorbed.items():
        absorb(connection, winner=winner, loser=loser)
    _update(connection, fold)
    ids = _insert(connection, fold, fetch_id)
    aliases = [{"key": key, "paper_id": ids.get(id, id)} for key, id in fold.fresh_keys.items()]
    _insert_all(connection, _ALIAS, aliases)
    _insert_all(connection, SIGHTING, _sightings(fold, ids, fetch_id))


def count_fresh(fold: Fold) -> Counts:
    fresh = fold.fresh_sightings
    new = [id for id in fold.papers if id < 0]
    papers = sum(any(not one.announcement.is_revision for one in fresh[id].values()) for id in new)
    return Counts(papers, sum(map(len, fresh.values())))


def _near_titles(
    connection: sa.Connection, listings: Iterable[Listing], now: datetime
) -> Iterable[int]:
    """Recent papers whose titles begin like those of `listings`."""
    titles = {bucket_of(listing.title): listing for listing in listings}
    if not titles:
        return
    oldest = min(content_of(one, now).announced_on for one in titles.values()) - TITLE_SPAN
    for some in batches(titles):
        near = PAPER.c.title_key.in_(some), PAPER.c.announced_on >= oldest
        yield from connection.execute(sa.select(PAPER.c.id).where(*near)).scalars()


def _read(connection: sa.Connection, fold: Fold, ids: Iterable[int]) -> None:
    for some in batches(sorted(ids)):
        papers = sa.select(PAPER).where(PAPER.c.id.in_(some)).order_by(PAPER.c.id)
        for row in connection.execute(papers):
            fold.add_stored(row.id, content_from(row))
        columns = sa.select(
            SIGHTING.c.paper_id, SIGHTING.c.source, SIGHTING.c.announcement, SIGHTING.c.version
        )
        for id, *mark in connection.execute(columns.where(SIGHTING.c.paper_id.in_(some))):
            fold.marks[id].add((mark[0], mark[1], mark[2]))


def _update(connection: sa.Connection, fold: Fold) -> None:
    changed = fold.changed()
    if not changed:
        return
    rows = [{"row_id": id, **paper_values(fold.papers[id])} for id in changed]
    values: dict[str, Any] = {name: sa.bindparam(name) for name in rows[0] if name != "row_id"}
    update = sa.update(PAPER).where(PAPER.c.id == sa.bindparam("row_id")).values(values)
    connection.execute(update, rows)
    for some in batches(fold.reworded()):  # vectors of words that are no longer there
        connection.execute(sa.delete(_VECTOR).where(_VECTOR.c.paper_id.in_(some)))


def _insert(connection: sa.Connection, fold: Fold, fetch_id: FetchId) -> dict[int, int]:
    """Insert the papers that are not stored yet; their ids in the fold to their ids for good."""
    new = sorted((id for id in fold.papers if id < 0), reverse=True)
    if not new:
        return {}
    rows = [{"fetch_id": fetch_id, **paper_values(fold.papers[id])} for id in new]
    if connection.dialect.name == "postgresql":
        ids = _insert_reserved(connection, rows)
    else:
        statement = sa.insert(PAPER).returning(PAPER.c.id, sort_by_parameter_order=True)
        ids = connection.execute(statement, rows).scalars().all()
    return dict(zip(new, ids, strict=True))


def _insert_reserved(connection: sa.Connection, rows: list[dict[str, Any]]) -> Sequence[int]:
    """Insert with ids drawn beforehand: psycopg pipelines that, and it parses an INSERT of a
    thousand rows with RETURNING four times as slowly.
    """
    one = sa.func.nextval(sa.func.pg_get_serial_sequence("paper", "id"))
    several = sa.select(one).select_from(sa.func.generate_series(1, len(rows)))
    ids = connection.execute(several).scalars().all()
    _insert_all(connection, PAPER, [{"id": id, **row} for id, row in zip(ids, rows, strict=True)])
    return ids


def _sightings(fold: Fold, ids: dict[int, int], fetch_id: FetchId) -> list[dict[str, Any]]:
    return [
        {
            "paper_id": ids.get(id, id),
            "fetch_id": fetch_id,
            "source": source,
            "announcement": announcement,
            "version": version,
            "announced_at": announced_at(listing, fold.now),
        }
        for id, seen in fold.fresh_sightings.items()
        for (source, announcement, version), listing in seen.items()
    ]


def _insert_all(connection: sa.Connection, into: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(into), rows)
