"""Feeds: papers as RSS 2.0, Atom (RFC 4287) or JSON Feed 1.1, the same bytes for the same papers.

Text comes in and is escaped here, once: a title is text, an entry's `html` is markup already made
of escaped text. No date is ever the moment of asking, so an unchanged feed keeps its tag.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode

import feedgenerator  # type: ignore[import-untyped]  # it ships no types

from digest.rendering.spans import line

_BEGINNING: Final = datetime(2024, 1, 1, tzinfo=UTC)  #: how old a feed without entries is
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_CREATOR: Final = "http://purl.org/dc/elements/1.1/"


class Format(StrEnum):
    """What a feed's address ends in."""

    ATOM = "atom"
    RSS = "rss"
    JSON = "json"


MEDIA_TYPES: Final = {
    Format.ATOM: "application/atom+xml",
    Format.RSS: "application/rss+xml",
    Format.JSON: "application/feed+json",
}
NAMES: Final = {Format.ATOM: "Atom", Format.RSS: "RSS", Format.JSON: "JSON Feed"}


def public_path(
    format: Format, *, source: str | None = None, category: str | None = None, text: str = ""
) -> str:
    """Where the public feed of a choice is, below the site's own address."""
    asked = {"source": source, "category": category, "q": text}
    query = urlencode({name: said for name, said in asked.items() if said})
    return f"/feeds/papers.{format}?{query}" if query else f"/feeds/papers.{format}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper. `id` is a URI that never changes, `html` safe markup, the rest plain text."""

    id: str
    url: str
    title: str
    html: str
    summary: str
    at: datetime
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed, newest entry first; `url` is its own whole address, `home` the page it is of.

    `hub`: who tells of news in it (https://www.w3.org/TR/websub/), if anybody.
    """

    title: str
    about: str
    url: str
    home: str
    publisher: str
    language: str
    entries: Sequence[Entry] = ()
    hub: str = ""

    @property
    def updated(self) -> datetime:
        return max((entry.at for entry in self.entries), default=_BEGINNING)


def draw(feed: Feed, format: Format) -> bytes:
    """The feed in UTF-8."""
    if format is Format.JSON:
        return json.dumps(_json(feed), ensure_ascii=False, indent=1).encode()
    made = (_Atom if format is Format.ATOM else _Rss)(
        title=_plain(feed.title),
        link=feed.home,
        description=_plain(feed.about),
        language=feed.language,
        author_name=_plain(feed.publisher),
        feed_url=feed.url,
        feed_guid=feed.url,
        updated=feed.updated,
        hub=feed.hub,
    )
    for entry in feed.entries:
        _add(made, entry, format)
    text: str = made.writeString("utf-8")
    return text.encode()


def _add(made: Any, entry: Entry, format: Format) -> None:
    made.add_item(
        title=_plain(entry.title),
        link=entry.url,
        description=_plain(entry.summary) if format is Format.RSS else None,
        content=entry.html,
        pubdate=entry.at,
        unique_id=entry.id,
        unique_id_is_permalink=False,
        authors=[_plain(name) for name in entry.authors],
        categories=[_plain(name) for name in entry.categories],
    )


# feedgenerator has no types, so its classes are Any to mypy.
class _Atom(feedgenerator.Atom1Feed):  # type: ignore[misc]  # untyped base
    """With every author named, its hub, and dated by its entries."""

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        if hub := self.feed["hub"]:
            handler.addQuickElement("link", "", {"rel": "hub", "href": hub})

    def latest_post_date(self) -> datetime:
        return _dated(self.feed)

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        for name in item["authors"]:
            handler.startElement("author", {})
            handler.addQuickElement("name", name)
            handler.endElement("author")


class _Rss(feedgenerator.Rss201rev2Feed):  # type: ignore[misc]  # untyped base
    """With the whole entry as `content:encoded`, its hub and every author, dated by its entries."""

    def add_root_elements(self, handler: Any) -> None:
        super().add_root_elements(handler)
        if hub := self.feed["hub"]:
            handler.addQuickElement("atom:link", "", {"rel": "hub", "href": hub})

    def latest_post_date(self) -> datetime:
        return _dated(self.feed)

    def rss_attributes(self) -> dict[str, str]:
        attributes: dict[str, str] = super().rss_attributes()
        return attributes | {"xmlns:content": _CONTENT, "xmlns:dc": _CREATOR}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        # A reader takes a description for HTML (RSS 2.0), so text is escaped once more for it.
        super().add_item_elements(handler, item | {"description": _as_html(item["description"])})
        for name in item["authors"]:
            handler.addQuickElement("dc:creator", name)
        handler.addQuickElement("content:encoded", item["content"])


def _json(feed: Feed) -> dict[str, Any]:
    """JSON Feed 1.1; titles are plain text there."""
    hubs = {"hubs": [{"type": "WebSub", "url": feed.hub}]} if feed.hub else {}
    return hubs | {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _plain(feed.title),
        "description": _plain(feed.about),
        "home_page_url": feed.home,
        "feed_url": feed.url,
        "language": feed.language,
        "authors": [{"name": _plain(feed.publisher)}],
        "items": [_json_item(entry) for entry in feed.entries],
    }


def _json_item(entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "title": _plain(entry.title),
        "content_html": entry.html,
        "summary": _plain(entry.summary),
        "date_published": entry.at.isoformat(),
    }
    if entry.authors:
        item["authors"] = [{"name": _plain(name)} for name in entry.authors]
    if entry.categories:
        item["tags"] = [_plain(name) for name in entry.categories]
    return item


def _dated(feed: dict[str, Any]) -> datetime:
    updated: datetime = feed["updated"]
    return updated


def _plain(text: str) -> str:
    """One line that XML 1.0 can carry."""
    return line(text)


def _as_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
