"""Any RSS 0.9x, 1.0 or 2.0, Atom or JSON Feed: a journal's, a laboratory's, a blog's.

Publishers put DOI, authors and abstract wherever they like; `entry_draft` looks in the places they
are known to use. It returns all the feed has: a feed's dates say when a paper appeared, not when
the feed listed it, so a window cannot be cut from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from digest.model import Links, PaperIds
from digest.sources.documents import read_document
from digest.sources.entries import Entry, read_entries
from digest.sources.jsonfeed import parse_json_feed
from digest.sources.reading import Draft, Reading, gather, ids_among, listed
from digest.sources.visits import PlaceSource
from digest.text import canonical_url, clean, safe_url, split_authors

_LABEL = re.compile(
    r"(?P<label>doi|authors?|author\(s\)|abstract|summary|source|publication date|published"
    r"|keywords|pmid)\s*:\s*(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_IMPRINT = re.compile(r"^.{0,120}\bPublished online:|^\[.{0,120}\] Published |^doi:", re.IGNORECASE)
_FORMATS = frozenset({"html", "xml", "pdf", "epub", "full text", "read more", "continue reading"})


class FeedSource(PlaceSource):
    """One feed."""

    kind = "feed"

    def parse(self, body: bytes, content_type: str = "") -> Reading:
        return parse_feed(body, source=self.name, content_type=content_type)


def parse_feed(body: bytes, *, source: str, content_type: str = "") -> Reading:
    """The listings of an RSS, RDF, Atom or JSON feed."""
    document = read_document(body, content_type)
    if isinstance(document, str):
        return Reading(fault=document)
    if document.shape == "json":
        return parse_json_feed(document.text, source=source)
    feed = read_entries(document)
    if isinstance(feed, str):
        return Reading(fault=feed)
    reading = gather(feed.entries, lambda entry: listed(entry_draft(entry), source), entry_name)
    return Reading(
        reading.listings,
        reading.entry_faults,
        complete=feed.whole,
        seen=reading.seen,
        skip_days=feed.skip_days,
    )


def entry_name(entry: Entry) -> str:
    return entry.title or entry.id or entry.link


def entry_draft(entry: Entry) -> Draft:
    """An entry whose publisher is not known."""
    body = read_body(max(entry.texts, key=len, default=""))
    authors = tuple(chain.from_iterable(split_authors(clean(name)) for name in entry.authors))
    return Draft(
        ids=entry_ids(entry, body.labels.get("doi", "")),
        title=entry.title,
        abstract=body.abstract,
        authors=[a for a in authors if "@" not in a]
        or split_authors(body.labels.get("author", "")),
        categories=entry.tags,
        announced_at=entry.published or entry.updated,
        published_at=entry.published or entry.updated,
        links=Links(abstract=canonical_url(entry_link(entry)), pdf=_pdf(entry)),
        note=body.note,
        markup=True,
    )


def entry_ids(entry: Entry, labelled: str = "") -> PaperIds:
    """Every identifier an entry gives, in the places publishers use."""
    link = entry_link(entry)
    extra = [entry.extra.get(n, "") for n in ("prism_doi", "arxiv_doi", "dc_identifier")]
    places = [*extra, entry.id, link, labelled]
    return ids_among(places, link)


def entry_link(entry: Entry) -> str:
    """The entry's own page."""
    alternates = [href for href, rel, _ in entry.links if rel in ("alternate", "")]
    places = [entry.link, *alternates, entry.id]
    return next((place for place in places if safe_url(place)), "")


def _pdf(entry: Entry) -> str | None:
    pdfs = (href for href, _, kind in entry.links if kind == "application/pdf")
    return next((url for href in pdfs if (url := safe_url(href))), None)


@dataclass(frozen=True, slots=True)
class Body:
    """An entry's text, taken apart: what it labels, what is abstract, where it was printed."""

    abstract: str
    labels: Mapping[str, str]
    note: str = ""


def read_body(markup: str) -> Body:
    """Paragraphs sorted by their labels ("DOI: …", "Authors: …", "Abstract: …")."""
    text = clean(re.sub(r"<br\s*/?>", "<p>", markup, flags=re.IGNORECASE), paragraphs=True)
    labels: dict[str, str] = {}
    plain: list[str] = []
    before: list[str] = []
    for paragraph in text.split("\n\n"):
        label = _LABEL.match(paragraph)
        if paragraph.lower() in ("abstract", "summary"):
            before, plain = plain, []
        elif label:
            name = label["label"].lower().removesuffix("(s)").removesuffix("s")
            if name in ("abstract", "summary"):
                before, plain = plain, [label["rest"]]
            else:
                labels.setdefault(name, label["rest"])
        elif _IMPRINT.match(paragraph):
            labels.setdefault("imprint", paragraph)
            labels.setdefault("doi", paragraph)
        elif paragraph.lower() not in _FORMATS:
            plain.append(paragraph)
    note = labels.get("imprint") or labels.get("source") or (before[0] if before else "")
    return Body("\n\n".join(plain).strip(), labels, note)
