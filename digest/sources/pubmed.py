"""PubMed: a saved search, read from the RSS feed that its "Create RSS" button gives.

The guid is `pubmed:ID`, links carry raw spaces and trackers, and the whole abstract stands in
content:encoded between the citation and a line with PMID and DOI.
"""

from __future__ import annotations

import re
from itertools import chain

from digest.model import Links
from digest.sources.documents import read_document
from digest.sources.entries import Entry, read_entries
from digest.sources.feed import entry_ids, entry_link, entry_name
from digest.sources.reading import Draft, Reading, gather, listed
from digest.sources.visits import PlaceSource
from digest.text import canonical_url, clean, split_authors

_TAIL = re.compile(r"^PMID:\s*\d+.*$")
_EMPTY = re.compile(r"^(?:ABSTRACT|NO ABSTRACT|\.{3})$")
_DOI_AND_AFTER = re.compile(r"\s*\bdoi:\s.*$", re.IGNORECASE)


class PubmedSource(PlaceSource):
    """One saved search."""

    kind = "pubmed"

    def parse(self, body: bytes, content_type: str = "") -> Reading:
        return parse_pubmed(body, source=self.name, content_type=content_type)


def parse_pubmed(body: bytes, *, source: str, content_type: str = "") -> Reading:
    """The listings of a saved search's RSS."""
    document = read_document(body, content_type)
    if isinstance(document, str):
        return Reading(fault=document)
    if document.shape != "xml":
        return Reading(fault="is JSON, not the RSS of a saved search. Use its “Create RSS” link.")
    feed = read_entries(document)
    if isinstance(feed, str):
        return Reading(fault=feed)
    reading = gather(feed.entries, lambda entry: listed(_draft(entry), source), entry_name)
    return Reading(reading.listings, reading.entry_faults, complete=feed.whole, seen=reading.seen)


def _draft(entry: Entry) -> Draft:
    citation, abstract = _body(entry.texts)
    authors = chain.from_iterable(split_authors(clean(name)) for name in entry.authors)
    return Draft(
        ids=entry_ids(entry, citation),
        title=entry.title,
        abstract=abstract,
        authors=tuple(authors),
        categories=entry.tags,
        announced_at=entry.published or entry.updated,
        published_at=entry.published or entry.updated,
        links=Links(abstract=canonical_url(entry_link(entry))),
        note=_DOI_AND_AFTER.sub("", citation),
    )


def _body(texts: tuple[str, ...]) -> tuple[str, str]:
    """Citation and abstract; the plain description has a shortened abstract only."""
    full = next((text for text in texts if "<" in text), "")
    if not full:
        return "", next(iter(texts), "")
    citation, *rest = [*clean(full, paragraphs=True).split("\n\n")]
    kept = [part for part in rest if not _TAIL.match(part) and not _EMPTY.match(part)]
    return citation, "\n\n".join(kept)
