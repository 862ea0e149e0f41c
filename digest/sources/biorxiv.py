"""bioRxiv and medRxiv: their API, cursor by cursor to the end, or their RDF feeds.

https://api.biorxiv.org/details/{server}/{from}/{to}/{cursor}: each answer says how many there are
in all. Every version of a preprint is an entry of its own; a version after the first is a
replacement. The feeds stand on connect.*, because www.* is behind a wall for programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import chain
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from digest.model import Announcement, Fetched, Links, Listing, PaperIds, Window
from digest.sources.documents import read_document, read_json
from digest.sources.entries import Entry, read_entries
from digest.sources.feed import entry_draft, entry_name
from digest.sources.http import Fetcher
from digest.sources.reading import Draft, Reading, gather, listed, merge
from digest.sources.values import Wire, as_count, as_instant, as_object, as_objects, as_text
from digest.sources.visits import JSON, Visit, read_files
from digest.text import clean, doi, fold, split_authors

API = "https://api.biorxiv.org"

_MOST_PAGES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprintOptions:
    """`categories` are subject areas ("genomics", "cell biology"); none means all."""

    name: str
    via: Literal["api", "feed"] = "api"
    categories: Sequence[str] = ()
    replacements: bool = False
    url: str | None = None
    path: Path | None = None


class BiorxivSource:
    """bioRxiv."""

    kind = "biorxiv"
    server = "biorxiv"
    Options = PreprintOptions

    def __init__(self, options: PreprintOptions, fetcher: Fetcher) -> None:
        self._options = options
        self._fetcher = fetcher
        self._subjects = frozenset(map(_subject, options.categories))

    @property
    def name(self) -> str:
        return self._options.name

    def fetch(self, window: Window, state: Mapping[str, str]) -> Fetched:
        if self._options.path is not None:
            return merge(read_files(self._options.path, self.parse), until=window.until)
        visit = Visit(self._fetcher, state)
        by_api = self._options.via == "api"
        readings = self._pages(visit, window) if by_api else self._feeds(visit)
        return merge(readings, visit.state, until=window.until)

    def backfill(self, window: Window) -> Fetched:
        """Everything posted in a past window, from the API."""
        return merge(self._pages(Visit(self._fetcher, {}), window), until=window.until)

    def parse(self, body: bytes, content_type: str = "") -> Reading:
        return parse_preprints(
            body,
            source=self.name,
            server=self.server,
            subjects=self._subjects,
            replacements=self._options.replacements,
            content_type=content_type,
        )

    def _pages(self, visit: Visit, window: Window) -> list[Reading]:
        since, until = (at.astimezone(UTC).date() for at in (window.since, window.until))
        base = (self._options.url or API).rstrip("/")
        pages: list[Reading] = []
        cursor = 0
        while len(pages) < _MOST_PAGES:
            url = f"{base}/details/{self.server}/{since}/{until}/{cursor}/json"
            page = visit.read(url, self.parse, accept=JSON, conditional=False)
            pages.append(page)
            cursor += page.seen
            if page.fault or not page.seen or cursor >= (page.total or 0):
                break
        return pages

    def _feeds(self, visit: Visit) -> list[Reading]:
        if self._options.url:
            return [visit.read(self._options.url, self.parse)]
        base = f"https://connect.{self.server}.org/{self.server}_xml.php?subject="
        return [
            visit.read(base + quote(each), self.parse) for each in sorted(self._subjects) or ["all"]
        ]


class MedrxivSource(BiorxivSource):
    """medRxiv: the same house, another server."""

    kind = "medrxiv"
    server = "medrxiv"


def parse_preprints(
    body: bytes,
    *,
    source: str,
    server: str = "biorxiv",
    subjects: frozenset[str] = frozenset(),
    replacements: bool = False,
    content_type: str = "",
) -> Reading:
    """The listings of one page of the API, or of an RDF feed."""
    document = read_document(body, content_type)
    if isinstance(document, str):
        return Reading(fault=document)
    if document.shape == "xml":
        feed = read_entries(document)
        if isinstance(feed, str):
            return Reading(fault=feed)
        found = gather(feed.entries, lambda e: listed(_feed_draft(e, server), source), entry_name)
        return Reading(found.listings, found.entry_faults, complete=feed.whole, seen=found.seen)
    answer = as_object(read_json(document.text))
    message = next(iter(as_objects(answer.get("messages"))), {})
    wires = as_objects(answer.get("collection"))
    if fault := _fault(answer, message, wires):
        return Reading(fault=fault)

    def read(wire: Wire) -> Listing | str | None:
        if subjects and _subject(as_text(wire.get("category"))) not in subjects:
            return None
        if not replacements and _version(wire) > 1:
            return None
        return listed(_draft(wire, server), source)

    found = gather(wires, read, lambda wire: as_text(wire.get("doi")) or as_text(wire.get("title")))
    return Reading(
        found.listings,
        found.entry_faults,
        seen=found.seen,
        left_out=found.left_out,
        total=as_count(message.get("total")),
    )


def _fault(answer: Wire, message: Wire, wires: Sequence[Wire]) -> str | None:
    """What is wrong with an answer of the API; "no posts found" is an answer like any other."""
    if "collection" not in answer and "messages" not in answer:
        return "is not the API's JSON; it may have broken off. The next run tries again."
    status = as_text(message.get("status")).lower()
    if wires or status in ("", "ok") or "no posts" in status:
        return None
    return f"answered with {status[:100]!r}. The next run tries again."


def _draft(wire: Wire, server: str) -> Draft:
    name = doi(as_text(wire.get("doi")))
    version = _version(wire)
    page = f"https://www.{server}.org/content/{name}v{version}" if name else None
    journal = as_text(wire.get("published"))
    return Draft(
        ids=PaperIds(doi=name),
        title=as_text(wire.get("title")),
        abstract=as_text(wire.get("abstract")),
        authors=split_authors(clean(as_text(wire.get("authors")))),
        categories=[as_text(wire.get("category"))],
        announcement=Announcement.REPLACEMENT if version > 1 else Announcement.NEW,
        version=version,
        announced_at=as_instant(wire.get("date")),
        published_at=None if version > 1 else as_instant(wire.get("date")),
        links=Links(abstract=page, pdf=f"{page}.full.pdf" if page else None),
        organisation=as_text(wire.get("author_corresponding_institution")),
        note=f"Published as {journal}" if doi(journal) else "",
    )


def _feed_draft(entry: Entry, server: str) -> Draft:
    """A feed's entry; its authors stand in one dc:creator as `FAMILY, F., FAMILY, F.`."""
    draft = entry_draft(entry)
    name = draft.ids.doi
    page = f"https://www.{server}.org/content/{name}v1" if name else None
    authors = chain.from_iterable(split_authors(clean(each)) for each in entry.authors)
    return Draft(
        ids=PaperIds(doi=name, url=None if name else draft.ids.url),
        title=draft.title,
        abstract=draft.abstract,
        authors=tuple(authors),
        categories=[*entry.tags, entry.extra.get("prism_section", "")],
        announced_at=draft.announced_at,
        published_at=draft.published_at,
        links=Links(
            abstract=page or draft.links.abstract, pdf=f"{page}.full.pdf" if page else None
        ),
    )


def _version(wire: Wire) -> int:
    return as_count(wire.get("version")) or 1


def _subject(name: str) -> str:
    """One spelling for a subject area: `Cell Biology` and `cell-biology` are `cell_biology`."""
    return "_".join(fold(name).replace("-", " ").replace("_", " ").split())
