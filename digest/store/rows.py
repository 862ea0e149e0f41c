"""Between the rows of a paper and the values made of them; one place for both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from digest.model import Announcement, Links, Paper, PaperId, PaperIds, Sighting
from digest.store.merging import Content, bucket_of
from digest.store.tables import PaperRow, SightingRow, table

PAPER: Final = table(PaperRow)
SIGHTING: Final = table(SightingRow)
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


def paper_from(row: sa.Row[Any], sightings: Sequence[Sighting]) -> Paper:
    return Paper(
        id=PaperId(row.id),
        key=row.key,
        title=row.title,
        abstract=row.abstract,
        authors=tuple(row.authors),
        categories=tuple(row.categories),
        ids=_ids(row),
        links=_links(row),
        announced_on=row.announced_on,
        published_at=row.published_at,
        version=row.version,
        votes=row.votes,
        comments=row.comments,
        submitter=row.submitter,
        organisation=row.organisation,
        note=row.note,
        sightings=tuple(sightings),
    )


def sighting_from(row: sa.Row[Any]) -> Sighting:
    kind = Announcement(row.announcement)
    return Sighting(row.source, kind, row.announced_at, row.version or None)


def _ids(row: sa.Row[Any]) -> PaperIds:
    return PaperIds(row.arxiv, row.doi, row.pmid, row.url)


def _links(row: sa.Row[Any]) -> Links:
    return Links(row.abstract_url, row.pdf_url, row.discussion_url)
