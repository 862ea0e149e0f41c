"""JSON Feed 1.0 and 1.1 (https://jsonfeed.org/version/1.1), which feedparser does not read.

Pure: text in, listings out. Tolerant of missing and unknown keys, as the format asks.
"""

from __future__ import annotations

from digest.model import Links
from digest.sources.documents import MOST_ENTRIES, read_json
from digest.sources.reading import Draft, Reading, gather, ids_among, listed
from digest.sources.values import Wire, as_instant, as_list, as_object, as_objects, as_text
from digest.text import canonical_url, clean, safe_url, split_authors


def parse_json_feed(text: str, *, source: str) -> Reading:
    """The listings of a JSON Feed."""
    feed = read_json(text)
    if feed is None:
        return Reading(fault="is not well-formed JSON; it may have broken off.")
    version = as_text(as_object(feed).get("version"))
    if "jsonfeed.org/version/1" not in version:
        return Reading(fault="is JSON, but no JSON Feed 1.x. Put the feed's own address under url.")
    items = as_objects(as_object(feed).get("items"))
    reading = gather(items[:MOST_ENTRIES], lambda item: listed(_draft(item), source), _name)
    whole = len(items) <= MOST_ENTRIES
    return Reading(reading.listings, reading.entry_faults, complete=whole, seen=reading.seen)


def _name(item: Wire) -> str:
    return as_text(item.get("title")) or as_text(item.get("id"))


def _draft(item: Wire) -> Draft:
    places = [as_text(item.get(key)) for key in ("url", "id", "external_url")]
    link = next((place for place in places if safe_url(place)), "")
    markup, plain = as_text(item.get("content_html")), as_text(item.get("content_text"))
    return Draft(
        ids=ids_among(places, link),
        title=as_text(item.get("title")),
        abstract=markup or plain or as_text(item.get("summary")),
        authors=_authors(item),
        categories=[as_text(tag) for tag in as_list(item.get("tags"))],
        announced_at=as_instant(item.get("date_published"))
        or as_instant(item.get("date_modified")),
        published_at=as_instant(item.get("date_published")),
        links=Links(abstract=canonical_url(link), pdf=_pdf(item)),
        markup=bool(markup),
    )


def _authors(item: Wire) -> list[str]:
    people = [*as_objects(item.get("authors")), as_object(item.get("author"))]
    return [each for person in people for each in split_authors(clean(as_text(person.get("name"))))]


def _pdf(item: Wire) -> str | None:
    for attachment in as_objects(item.get("attachments")):
        if as_text(attachment.get("mime_type")) == "application/pdf":
            return safe_url(as_text(attachment.get("url")))
    return None
