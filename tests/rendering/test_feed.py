"""Feeds by the rules of RSS 2.0, RFC 4287 and JSON Feed 1.1, and as a feed reader reads them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest

from digest.rendering.feed import Entry, Feed, Format, draw

ATOM = "{http://www.w3.org/2005/Atom}"
XML = "{http://www.w3.org/XML/1998/namespace}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
LATER = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
EARLIER = datetime(2026, 11, 19, tzinfo=UTC)
HOSTILE = "1 < 2 & <script>hurt()</script> ]]> \x00\x0b\x1b\ud800\ufffe\u202eend"
SHOWN = "1 < 2 & <script>hurt()</script> ]]> end"
FEED = Feed(
    title="Owls & others",
    about="What is new of owls.",
    url="https://papers.example.org/feeds/papers.atom?source=a&q=owls",
    home="https://papers.example.org/",
    publisher="Lab Reading Group",
    language="pt-BR",
    entries=(
        Entry(
            id="tag:papers.example.org,2024:paper/2",
            url="https://papers.example.org/paper/2/owls?a=1&b=2",
            title=HOSTILE,
            html="<p>Owls &lt;see&gt; &amp; hear</p>",
            summary=HOSTILE,
            at=LATER,
            authors=("Ada Mirza", HOSTILE),
            categories=("cs.CL", HOSTILE),
        ),
        Entry(
            id="tag:papers.example.org,2024:paper/1",
            url="https://papers.example.org/paper/1",
            title="Larks at dawn",
            html="<p>Larks</p>",
            summary="Larks",
            at=EARLIER,
        ),
    ),
)
EMPTY = replace(FEED, entries=())


def xml(feed: Feed, format: Format) -> ElementTree.Element:
    return ElementTree.fromstring(draw(feed, format))


def text(element: ElementTree.Element, path: str) -> str:
    found = element.find(path)
    assert found is not None, path
    assert found.text, path
    return found.text


def test_rss_has_what_the_specification_requires() -> None:
    root = xml(FEED, Format.RSS)
    channel = root.find("channel")
    assert channel is not None
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    assert text(channel, "title") == FEED.title
    assert text(channel, "link") == FEED.home
    assert text(channel, "description") == FEED.about
    assert text(channel, "language") == "pt-BR"
    assert parsedate_to_datetime(text(channel, "lastBuildDate")) == LATER
    own = channel.find(f"{ATOM}link")
    assert own is not None
    assert (own.get("rel"), own.get("href")) == ("self", FEED.url)


def test_an_rss_item_is_dated_named_and_no_permalink() -> None:
    first, second = xml(FEED, Format.RSS).iter("item")
    guid = first.find("guid")
    assert guid is not None
    assert (guid.get("isPermaLink"), guid.text) == ("false", FEED.entries[0].id)
    assert text(first, "pubDate") == "Fri, 20 Nov 2026 06:30:00 +0000"  # RFC 822, four-digit year
    assert text(second, "pubDate") == "Thu, 19 Nov 2026 00:00:00 +0000"
    assert text(first, "link") == FEED.entries[0].url
    assert [one.text for one in first.iter(CREATOR)] == ["Ada Mirza", SHOWN]
    assert [one.text for one in first.iter("category")] == ["cs.CL", SHOWN]
    assert first.find("author") is None, "in RSS that is a mail address"


def test_atom_has_what_the_specification_requires() -> None:
    root = xml(FEED, Format.ATOM)
    assert root.tag == f"{ATOM}feed"
    assert root.get(f"{XML}lang") == "pt-BR"
    assert text(root, f"{ATOM}id") == FEED.url
    assert text(root, f"{ATOM}title") == FEED.title
    assert text(root, f"{ATOM}updated") == "2026-11-20T06:30:00+00:00"
    assert text(root, f"{ATOM}author/{ATOM}name") == FEED.publisher
    links = {one.get("rel"): one.get("href") for one in root.findall(f"{ATOM}link")}
    assert links == {"self": FEED.url, "alternate": FEED.home}


def test_an_atom_entry_is_dated_named_and_linked() -> None:
    first, second = xml(FEED, Format.ATOM).iter(f"{ATOM}entry")
    assert text(first, f"{ATOM}id") == FEED.entries[0].id
    assert text(first, f"{ATOM}published") == text(first, f"{ATOM}updated")
    assert text(second, f"{ATOM}updated") == "2026-11-19T00:00:00+00:00"
    assert [one.text for one in first.iter(f"{ATOM}name")] == ["Ada Mirza", SHOWN]
    assert [one.get("term") for one in first.iter(f"{ATOM}category")] == ["cs.CL", SHOWN]
    content = first.find(f"{ATOM}content")
    assert content is not None
    assert (content.get("type"), content.text) == ("html", FEED.entries[0].html)


def test_json_feed_has_what_the_specification_requires() -> None:
    found: dict[str, Any] = json.loads(draw(FEED, Format.JSON))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert found["title"] == FEED.title
    assert (found["feed_url"], found["home_page_url"]) == (FEED.url, FEED.home)
    first, second = found["items"]
    assert first["id"] == FEED.entries[0].id
    assert first["title"] == SHOWN
    assert first["content_html"] == FEED.entries[0].html
    assert first["date_published"] == "2026-11-20T06:30:00+00:00"
    assert first["authors"] == [{"name": "Ada Mirza"}, {"name": SHOWN}]
    assert "authors" not in second, "an empty list is not allowed to say nothing"


def test_text_is_escaped_once_for_xml_and_once_more_where_html_is_expected() -> None:
    item = next(xml(FEED, Format.RSS).iter("item"))
    assert text(item, "title") == SHOWN
    assert text(item, "description").startswith("1 &lt; 2 &amp; &lt;script&gt;")
    assert text(item, CONTENT) == FEED.entries[0].html
    entry = next(xml(FEED, Format.ATOM).iter(f"{ATOM}entry"))
    assert text(entry, f"{ATOM}title") == SHOWN


@pytest.mark.parametrize("format", Format)
def test_no_control_character_is_left(format: Format) -> None:
    told = draw(FEED, format).decode("utf-8", "strict")
    assert not {it for it in told if ord(it) < 0x20 and it not in "\n\t"}
    assert not set("\ufffe\u202e") & set(told)


@pytest.mark.parametrize("format", [Format.ATOM, Format.RSS])
@pytest.mark.parametrize("feed", [FEED, EMPTY], ids=["full", "empty"])
def test_a_feed_reader_finds_nothing_wrong(feed: Feed, format: Format) -> None:
    read = feedparser.parse(draw(feed, format))
    assert not read.bozo
    assert read.version == {"atom": "atom10", "rss": "rss20"}[format]
    assert [one.id for one in read.entries] == [one.id for one in feed.entries]
    assert all("<script" not in one.content[0].value for one in read.entries)


@pytest.mark.parametrize("format", Format)
def test_an_empty_feed_is_the_same_whenever_it_is_asked_for(format: Format) -> None:
    assert draw(EMPTY, format) == draw(EMPTY, format)
    assert EMPTY.updated == datetime(2024, 1, 1, tzinfo=UTC)
