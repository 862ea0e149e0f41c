"""How listings become one paper: pure rules, field by field, nothing of SQL.

`join` folds what is newly known into what was known. But for votes and comments (the newest number
counts) and the order of categories, the result does not depend on the order of arrival: each field
is a greatest element under a fixed ranking. So any sources, in any order, give the same papers.

    title, abstract, note   the newest version's words; at one version the longest
    authors                 the longest list
    identifiers, links      all kinds filled in; of two of a kind the better known host's
    announced, published    the earliest
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from digest.model import Links, Listing, PaperIds
from digest.text import same_title, share_author, title_key

#: how long after its first announcement a paper may still be joined by its title alone
TITLE_SPAN: Final = timedelta(days=90)

_LARGEST: Final = 2**31 - 1  #: what PostgreSQL's INTEGER holds
_HOSTS: Final = ("arxiv.org", "doi.org", "www.biorxiv.org", "www.medrxiv.org")
_PREPRINT_DOIS: Final = ("10.48550/", "10.1101/", "10.64898/")
_VERSION_END: Final = re.compile(r"[./]v?\d{1,2}$")  #: `…/v2` of Research Square, `….3` of eLife
_BUCKET: Final = 24  #: leading characters of the title's key that near-equal titles must share


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a paper; from one listing, or from all so far. Version 0: none given."""

    ids: PaperIds
    title: str
    announced_on: date
    links: Links
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published_at: datetime | None = None
    version: int = 0
    votes: int | None = None
    comments: int | None = None
    submitter: str | None = None
    organisation: str | None = None
    note: str = ""

    @property
    def key(self) -> str:
        """The natural key: arXiv id, else DOI, else PMID, else URL, else the title itself."""
        return keys_of(self.ids, self.title)[0]


def keys_of(ids: PaperIds, title: str) -> tuple[str, ...]:
    """Every key a listing is known by, strongest first; its title where it brings no other."""
    return ids.keys() or (f"title:{title_key(title)}",)


@lru_cache(maxsize=16_384)
def bucket_of(title: str) -> str:
    """What the titles of one work have in common, so that an index finds them."""
    return title_key(title)[:_BUCKET]


def announced_at(listing: Listing, now: datetime) -> datetime:
    """When it was announced: never in the future, whatever the source says."""
    return now if listing.announced_at is None else min(listing.announced_at, now)


def content_of(listing: Listing, now: datetime) -> Content:
    return Content(
        ids=listing.ids,
        title=listing.title,
        announced_on=announced_at(listing, now).astimezone(UTC).date(),
        links=listing.links,
        abstract=listing.abstract,
        authors=listing.authors,
        categories=listing.categories,
        published_at=listing.published_at,
        version=listing.version or 0,
        votes=listing.votes,
        comments=listing.comments,
        submitter=listing.submitter,
        organisation=listing.organisation,
        note=listing.note,
    )


def unstorable(listing: Listing) -> str | None:
    """Why a listing cannot be stored, or None. Sources give clean values; this is the last gate."""
    if not listing.title.strip():
        return "it has no title"
    if any(text is not None and _is_dirty(text) for text in _texts(listing)):
        return "its text holds characters that no database stores"
    for number in (listing.version, listing.votes, listing.comments):
        if number is not None and not 0 <= number <= _LARGEST:
            return f"the number {number} makes no sense"
    for instant in (listing.announced_at, listing.published_at):
        if instant is not None and instant.tzinfo is None:
            return "a date of it has no time zone"
    return None


def join(known: Content, fresh: Content) -> Content:
    """`known` with what `fresh` adds; the very same object where that is nothing."""
    joined = Content(
        ids=_join_ids(known.ids, fresh.ids),
        title=_newest(known, fresh, known.title, fresh.title),
        announced_on=min(known.announced_on, fresh.announced_on),
        abstract=_newest(known, fresh, known.abstract, fresh.abstract),
        authors=max(known.authors, fresh.authors, key=_fullness),
        categories=tuple(dict.fromkeys(known.categories + fresh.categories)),
        links=_join_links(known.links, fresh.links),
        published_at=min(filter(None, (known.published_at, fresh.published_at)), default=None),
        version=max(known.version, fresh.version),
        votes=known.votes if fresh.votes is None else fresh.votes,
        comments=known.comments if fresh.comments is None else fresh.comments,
        submitter=_longest(known.submitter, fresh.submitter),
        organisation=_longest(known.organisation, fresh.organisation),
        note=_newest(known, fresh, known.note, fresh.note),
    )
    return known if joined == known else joined


def may_be_one(known: Content, fresh: Content) -> bool:
    """Whether two works of near-equal title are one: an author in common, no contradicting id."""
    return (
        same_title(known.title, fresh.title)
        and share_author(known.authors, fresh.authors)
        and not contradict(known.ids, fresh.ids)
    )


def contradict(one: PaperIds, other: PaperIds) -> bool:
    """Whether the strongest identifier that both have says that they are two works.

    Of two DOIs only those of one registrant say so: a preprint's and its journal's differ always.
    """
    for a, b in ((one.arxiv, other.arxiv), (one.pmid, other.pmid)):
        if a and b:
            return a != b
    return bool(one.doi and other.doi) and _are_two_works(one.doi or "", other.doi or "")


def _are_two_works(one: str, other: str) -> bool:
    one, other = _VERSION_END.sub("", one), _VERSION_END.sub("", other)
    same_registrant = one.split("/")[0] == other.split("/")[0]
    return same_registrant and one != other


def _newest(known: Content, fresh: Content, old: str, new: str) -> str:
    if old == new:
        return old
    return max(
        (bool(old), known.version, len(old), old), (bool(new), fresh.version, len(new), new)
    )[3]


def _fullness(authors: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
    return len(authors), sum(map(len, authors)), authors


def _longest(one: str | None, other: str | None) -> str | None:
    return max(one, other, key=lambda text: (len(text or ""), text or ""))


def _join_ids(one: PaperIds, other: PaperIds) -> PaperIds:
    if one == other:
        return one
    return PaperIds(
        arxiv=min(filter(None, (one.arxiv, other.arxiv)), default=None),
        doi=_better_doi(one.doi, other.doi),
        pmid=min(filter(None, (one.pmid, other.pmid)), default=None),
        url=_better_link(one.url, other.url),
    )


def _better_doi(one: str | None, other: str | None) -> str | None:
    """A journal's DOI rather than a preprint server's."""
    found = filter(None, (one, other))
    return min(found, key=lambda doi: (doi.startswith(_PREPRINT_DOIS), doi), default=None)


def _join_links(one: Links, other: Links) -> Links:
    if one == other:
        return one
    return Links(
        abstract=_better_link(one.abstract, other.abstract),
        pdf=_better_link(one.pdf, other.pdf),
        discussion=_better_link(one.discussion, other.discussion),
    )


def _better_link(one: str | None, other: str | None) -> str | None:
    """The lasting address: a well-known host's, else the shorter."""
    if one == other or other is None:
        return one
    return other if one is None else min(one, other, key=_link_rank)


def _link_rank(link: str) -> tuple[int, int, str]:
    host = urlsplit(link).hostname
    return _HOSTS.index(host) if host in _HOSTS else len(_HOSTS), len(link), link


def _texts(listing: Listing) -> Iterable[str | None]:
    ids, links = listing.ids, listing.links
    yield from (listing.source, listing.title, listing.abstract, listing.note, listing.submitter)
    yield from (listing.organisation, *ids.keys(), links.abstract, links.pdf, links.discussion)
    yield from listing.authors
    yield from listing.categories


def _is_dirty(text: str) -> bool:
    """A NUL (PostgreSQL refuses it) or half a surrogate pair (no encoding has it)."""
    if text.isascii():
        return "\0" in text
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)
