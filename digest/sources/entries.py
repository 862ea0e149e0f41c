"""Feeds of every XML kind, by feedparser, as plain entries: the wire shape ends here.

Only text from `documents` goes in: decoded, well-formed or small, without entity declarations.
feedparser's own sanitizer is off, because everything passes `text.clean` and is text, not HTML.
"""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import feedparser

from digest.sources.documents import Document

_SKIPPED = re.compile(r"<skipDays>(.{0,2000}?)</skipDays>", re.DOTALL | re.IGNORECASE)
_LONGEST = 100_000  #: characters of one field
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Entry:
    """One item or entry, raw: strings as the feed wrote them, still to be cleaned.

    `extra` holds what extensions add, by feedparser's names (`arxiv_announce_type`, `prism_doi`).
    """

    id: str = ""
    title: str = ""
    link: str = ""
    links: tuple[tuple[str, str, str], ...] = ()  #: href, rel, type
    texts: tuple[str, ...] = ()  #: summary and contents
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedDocument:
    entries: tuple[Entry, ...] = ()
    title: str = ""
    skip_days: frozenset[int] = frozenset()  #: weekdays (Monday 0) on which nothing is announced
    total: int | None = None  #: how many there are in all, where the answer is a page of a search
    whole: bool = True


#: What feedparser itself stumbles with over feeds put together wrongly, instead of saying "bozo".
_STUMBLES = (LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)


def read_entries(document: Document) -> FeedDocument | str:
    """The entries of an XML feed, or what is wrong with it."""
    stream = io.BytesIO(document.text.encode("utf-8"))
    try:
        parsed = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    except _STUMBLES as error:
        said = f"{type(error).__name__}: {error}"[:100]
        return f"is put together so that no feed reader follows ({said}). Tell its publisher."
    feed: dict[str, Any] = dict(parsed["feed"])
    return FeedDocument(
        entries=tuple(_entry(dict(entry)) for entry in parsed["entries"]),
        title=_text(feed.get("title")),
        skip_days=_skip_days(document.text),
        total=_count(feed.get("opensearch_totalresults")),
        whole=document.whole,
    )


def _entry(raw: dict[str, Any]) -> Entry:
    contents = [_text(content.get("value")) for content in _dicts(raw.get("content"))]
    return Entry(
        id=_text(raw.get("id")),
        title=_text(raw.get("title")),
        link=_text(raw.get("link")),
        links=tuple(_link(link) for link in _dicts(raw.get("links"))),
        texts=tuple(text for text in (_text(raw.get("summary")), *contents) if text),
        authors=_authors(raw),
        tags=tuple(term for tag in _dicts(raw.get("tags")) if (term := _text(tag.get("term")))),
        published=_instant(raw.get("published_parsed")),
        updated=_instant(raw.get("updated_parsed")),
        extra={name: text for name in raw if "_" in name and (text := _extra(raw[name]))},
    )


def _authors(raw: dict[str, Any]) -> tuple[str, ...]:
    names = [_text(author.get("name")) for author in _dicts(raw.get("authors"))]
    return tuple(name for name in names if name) or tuple(filter(None, [_text(raw.get("author"))]))


def _link(link: dict[str, Any]) -> tuple[str, str, str]:
    return _text(link.get("href")), _text(link.get("rel")), _text(link.get("type"))


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""


def _extra(value: object) -> str:
    """An extension's text, or its `term` where it is an empty element with attributes."""
    return _text(value.get("term")) if isinstance(value, dict) else _text(value)


def _count(value: object) -> int | None:
    text = _text(value).strip()
    return int(text) if text.isdecimal() and len(text) < 12 else None


def _dicts(value: object) -> list[dict[str, Any]]:
    return (
        [dict(each) for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    )


def _instant(value: object) -> datetime | None:
    """feedparser gives UTC as a struct_time, and sometimes one that no calendar has."""
    if not isinstance(value, tuple):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _skip_days(text: str) -> frozenset[int]:
    found = _SKIPPED.search(text[:20_000])
    names = re.findall(r"[a-z]+day", found[1].lower()) if found else []
    return frozenset(_DAYS.index(name) for name in names if name in _DAYS)
