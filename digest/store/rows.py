"""Between the rows of a paper and the values made of them; one place for both directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from digest.model import Announcement, Links, Paper, PaperId, PaperIds, Sighting
from digest.store import bulk
from digest.store.interests import texts
from digest.store.merging import Content, bucket_of
from digest.store.tables import PaperRow, SightingRow, table

PAPER: Final = table(PaperRow)
SIGHTING: Final = table(SightingRow)
_COLUMNS: Final = (
    *("id", "key", "title", "abstract", "authors", "categories", "arxiv", "doi", "pmid", "url"),
    *("abstract_url", "pdf_url", "discussion_url", "announced_on", "published_at", "version"),
    *("votes", "comments", "submitter", "organisation", "note"),
)
_SEEN: Final = ("paper_id", "source", "announcement", "announced_at", "version")
_labels: Final = lru_cache(maxsize=4096)(texts)  #: papers share their categories
_KINDS: Final = {kind.value: kind for kind in Announcement}  #: faster than the enum's call
_BATCH: Final = 500  #: values in one IN (…)

T = TypeVar("T")


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """`values` in pieces that one IN (…) can hold."""
    rest = iter(values)
    while piece := list(islice(rest, _BATCH)):
        yield piece


def paper_values(content: Content) -> dict[str, Any]:
    """The columns of a paper's row, but for its id and fetch."""
    ids, links = content.ids, content.links
    return {
        "key": content.key,
        "title": content.title,
        "title_key": bucket_of(content.title),
        "abstract": content.abstract,
        "authors": list(content.authors),
        "categories": list(content.categories),
        "arxiv": ids.arxiv,
        "doi": ids.doi,
        "pmid": ids.pmid,
        "url": ids.url,
        "abstract_url": links.abstract,
        "pdf_url": links.pdf,
        "discussion_url": links.discussion,
        "announced_on": content.announced_on,
        "published_at": content.published_at,
        "version": content.version or None,
        "votes": content.votes,
        "comments": content.comments,
        "submitter": content.submitter,
        "organisation": content.organisation,
        "note": content.note,
    }


def content_from(row: sa.Row[Any]) -> Content:
    return Content(
        ids=_ids(row),
        title=row.title,
        announced_on=row.announced_on,
        links=_links(row),
        abstract=row.abstract,
        authors=tuple(row.authors),
        categories=tuple(row.categories),
        published_at=row.published_at,
        version=row.version or 0,
        votes=row.votes,
        comments=row.comments,
        submitter=row.submitter,
        organisation=row.organisation,
        note=row.note,
    )


def read_papers(connection: bulk.Asked, ids: Iterable[int]) -> dict[PaperId, Paper]:
    """The papers of `ids` with all their sightings, in the order of their ids."""
    found: dict[PaperId, Paper] = {}
    when = bulk.instants(connection)
    for some in batches(sorted(ids)):
        sightings: dict[int, list[Sighting]] = defaultdict(list)
        for id_, source, kind, at, version in bulk.select(
            connection, SIGHTING, _SEEN, of=some, by="paper_id", order=("id",)
        ):
            told = when(at)
            assert told is not None
            sightings[id_].append(Sighting(source, _KINDS[kind], told, version or None))
        for row in bulk.select(connection, PAPER, _COLUMNS, of=some, order=("id",)):
            found[PaperId(row[0])] = _paper(row, sightings[row[0]], when)
    return found


def _paper(
    row: Sequence[Any], sightings: Sequence[Sighting], when: Callable[[Any], datetime | None]
) -> Paper:
    return Paper(
        id=PaperId(row[0]),
        key=row[1],
        title=row[2],
        abstract=row[3],
        authors=texts(row[4]),
        categories=_labels(row[5]),
        ids=PaperIds(*row[6:10]),
        links=Links(*row[10:13]),
        announced_on=bulk.day(row[13]),
        published_at=when(row[14]),
        version=row[15],
        votes=row[16],
        comments=row[17],
        submitter=row[18],
        organisation=row[19],
        note=row[20],
        sightings=tuple(sightings),
    )


def _ids(row: sa.Row[Any]) -> PaperIds:
    return PaperIds(row.arxiv, row.doi, row.pmid, row.url)


def _links(row: sa.Row[Any]) -> Links:
    return Links(row.abstract_url, row.pdf_url, row.discussion_url)
