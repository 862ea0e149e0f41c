"""arXiv's documents, parsed: the RSS or Atom feed of announcements, and the API's Atom. Pure.

The feed names an entry `oai:arXiv.org:ID`, puts all authors into one dc:creator and announcement
type and abstract into one summary; the API answers a bad query with an entry titled "Error".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from digest.model import Announcement, Links, Listing, PaperIds
from digest.sources.arxiv_calendar import announced_after
from digest.sources.documents import read_document
from digest.sources.entries import Entry, FeedDocument, read_entries
from digest.sources.reading import Draft, Reading, gather, listed
from digest.text import arxiv_id, clean, doi, shorten, split_authors

_PREFIX = re.compile(
    r"\s*arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which announcements a source wants. `categories` tell the API's cross-lists from new ones."""

    categories: tuple[str, ...] = ()
    cross_lists: bool = True
    replacements: bool = False

    def wants(self, announcement: Announcement) -> bool:
        if announcement.is_revision:
            return self.replacements and (
                self.cross_lists or announcement is Announcement.REPLACEMENT
            )
        return self.cross_lists or announcement is Announcement.NEW

    def is_own(self, category: str) -> bool:
        """Whether a primary category is one of ours, or of an archive of ours (`cs`)."""
        return not self.categories or any(
            category == own or category.startswith(f"{own}.") for own in self.categories
        )


def parse_arxiv(
    body: bytes, *, source: str, policy: Policy = Policy(), content_type: str = ""
) -> Reading:
    """The listings of a feed or of a page of the API's answer."""
    document = read_document(body, content_type)
    if isinstance(document, str):
        return Reading(fault=document)
    if document.shape != "xml":
        return Reading(fault="is JSON, not arXiv's RSS or Atom. Check the address under url.")
    feed = read_entries(document)
    if isinstance(feed, str):
        return Reading(fault=feed)
    if fault := _error(feed):
        return Reading(fault=fault)
    reading = gather(feed.entries, lambda entry: _listing(entry, source, policy), _name)
    return Reading(
        reading.listings,
        reading.entry_faults,
        complete=feed.whole,
        seen=reading.seen,
        left_out=reading.left_out,
        total=feed.total,
        skip_days=feed.skip_days,
    )


def _error(feed: FeedDocument) -> str | None:
    """The API's complaint, which comes as a feed with one entry."""
    for entry in feed.entries[:1]:
        if entry.title.strip() == "Error" and ("/api/errors" in entry.id or not arxiv_id(entry.id)):
            said = shorten(clean(" ".join(entry.texts)) or "no reason given", 200)
            return f"answered with an error: {said}. Check the categories of this source."
    return None


def _name(entry: Entry) -> str:
    return entry.id or entry.title


def _listing(entry: Entry, source: str, policy: Policy) -> Listing | str | None:
    found = arxiv_id(entry.id) or arxiv_id(entry.link)
    if found is None:
        return "has no arXiv id"
    name, version = found
    summary = max(entry.texts, key=len, default="")
    prefix = _PREFIX.match(summary)
    said = entry.extra.get("arxiv_announce_type") or (prefix["type"] if prefix else "")
    categories = _categories(entry)
    announcement = _announcement(said, categories, policy)
    if not policy.wants(announcement):
        return None
    draft = Draft(
        ids=PaperIds(arxiv=name, doi=doi(entry.extra.get("arxiv_doi", ""))),
        title=entry.title,
        abstract=summary[prefix.end() :] if prefix else summary,
        authors=_authors(entry),
        categories=categories,
        announcement=announcement,
        version=version,
        announced_at=entry.published if said else _announced(entry),
        published_at=None if said else entry.published,
        links=Links(f"https://arxiv.org/abs/{name}", f"https://arxiv.org/pdf/{name}"),
        note=_note(entry),
        markup=False,
    )
    return listed(draft, source)


def _announcement(said: str, categories: tuple[str, ...], policy: Policy) -> Announcement:
    """As the feed says; the API says nothing, there the primary category comes first."""
    try:
        return Announcement(said.strip().lower())
    except ValueError:
        own = not categories or policy.is_own(categories[0])
        return Announcement.NEW if own else Announcement.CROSS


def _announced(entry: Entry) -> datetime | None:
    return announced_after(entry.published) if entry.published else None


def _authors(entry: Entry) -> tuple[str, ...]:
    """One string with all names in the feed, one name an element in the API."""
    if len(entry.authors) == 1:
        return split_authors(clean(entry.authors[0], markup=False))
    return entry.authors


def _categories(entry: Entry) -> tuple[str, ...]:
    """The primary category first, as the feed has it anyway."""
    primary = entry.extra.get("arxiv_primary_category", "")
    named = [primary] if primary else []
    return tuple(dict.fromkeys([*named, *entry.tags]))


def _note(entry: Entry) -> str:
    places = ("arxiv_comment", "arxiv_journal_ref", "arxiv_journal_reference")
    return next((entry.extra[place] for place in places if entry.extra.get(place)), "")
