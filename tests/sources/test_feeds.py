"""Journals, PubMed and JSON Feeds: every dialect to the same clean listing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest.model import PaperIds
from digest.sources.feed import FeedSource, parse_feed, read_body
from digest.sources.http import Fetcher, HttpOptions
from digest.sources.pubmed import PubmedSource, parse_pubmed
from digest.sources.visits import PlaceOptions
from tests.sources.documents import ATOM, JOURNAL_RSS, PUBMED_RSS, UNTIL, WEEK, json_feed


def rss(*items: str) -> bytes:
    return f"""<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"><channel><title>J</title>
    {"".join(items)}</channel></rss>""".encode()


def test_a_journal_without_guids_and_everything_in_its_html() -> None:
    (one,) = parse_feed(JOURNAL_RSS, source="fog").listings
    assert one.title == "Fog plants (Nebulaceae), a new family"
    assert one.ids == PaperIds(doi="10.1234/fog.18.1", url="https://fog.example/article/1/")
    assert one.authors == ("Ada Mirza", "Bo Lind")
    assert one.abstract == "Plants grow in fog."
    assert one.note == "Fog 18: 71-76"
    assert one.categories == ("Research Article",)
    assert one.announced_at == datetime(2025, 11, 17, 14, 0, 36, tzinfo=UTC)


def test_atom() -> None:
    (one,) = parse_feed(ATOM, source="lab").listings
    assert one.title == "A bright idea"
    assert one.abstract == "The whole of it.\n\nMore."
    assert one.authors == ("Ada Mirza", "Bo Lind")
    assert one.ids.keys() == ("url:https://lab.example/1",)
    assert one.links.pdf == "https://lab.example/1.pdf"
    assert one.announced_at == datetime(2025, 11, 19, 8, tzinfo=UTC)


def test_pubmed() -> None:
    (one,) = parse_pubmed(PUBMED_RSS, source="p").listings
    assert one.ids == PaperIds(
        doi="10.1234/jfog.12", pmid="40000001", url="https://pubmed.ncbi.nlm.nih.gov/40000001/"
    )
    assert one.authors == ("Ada Mirza", "Bo Lind")
    assert one.abstract == "BACKGROUND: Lamps.\n\nRESULTS: H₂O."
    assert one.note == "J Fog. 2025 Nov 1:12."
    assert one.links.abstract == "https://pubmed.ncbi.nlm.nih.gov/40000001/"


def test_pubmed_read_as_any_feed_gives_the_same_paper() -> None:
    (one,) = parse_feed(PUBMED_RSS, source="p").listings
    (two,) = parse_pubmed(PUBMED_RSS, source="p").listings
    assert (one.ids, one.title, one.authors) == (two.ids, two.title, two.authors)
    assert one.abstract == two.abstract


def test_pubmed_wants_a_saved_search() -> None:
    assert "Create RSS" in str(parse_pubmed(json_feed(), source="p").fault)


@pytest.mark.parametrize(
    ("item", "keys"),
    [
        pytest.param(
            "<link>https://arxiv.org/abs/2511.00001v2</link>", "arxiv:2511.00001", id="arxiv"
        ),
        pytest.param("<prism:doi>10.1234/A</prism:doi>", "doi:10.1234/a", id="prism"),
        pytest.param("<dc:identifier>doi:10.1234/A</dc:identifier>", "doi:10.1234/a", id="dc"),
        pytest.param("<guid>https://doi.org/10.1234/A</guid>", "doi:10.1234/a", id="guid"),
        pytest.param(
            "<description>&lt;p&gt;Published online: 1 May; doi:10.1234/A&lt;/p&gt;x</description>",
            "doi:10.1234/a",
            id="imprint",
        ),
    ],
)
def test_where_identifiers_hide(item: str, keys: str) -> None:
    (one,) = parse_feed(rss(f"<item><title>T</title>{item}</item>"), source="f").listings
    assert one.ids.keys()[0] == keys


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        pytest.param("<title>T</title>", "neither an identifier nor", id="no-link"),
        pytest.param(
            "<title>T</title><link>javascript:alert(1)</link>", "neither", id="javascript"
        ),
        pytest.param(
            "<title> &amp;nbsp; </title><link>https://x.org</link>", "no title", id="blank"
        ),
        pytest.param("<link>https://x.org</link>", "no title", id="no-title"),
    ],
)
def test_entries_that_cannot_be_papers(item: str, fault: str) -> None:
    good = "<item><title>Good</title><link>https://x.org/good</link></item>"
    reading = parse_feed(rss(f"<item>{item}</item>", good), source="f")
    assert [one.title for one in reading.listings] == ["Good"]
    assert fault in reading.entry_faults[0]


@pytest.mark.parametrize("date", ["", "<pubDate>soon</pubDate>", "<pubDate>31 Feb 99999</pubDate>"])
def test_no_date_is_no_date(date: str) -> None:
    item = f"<item><title>T</title><link>https://x.org</link>{date}</item>"
    (one,) = parse_feed(rss(item), source="f").listings
    assert one.announced_at is None


def test_nothing_of_an_entry_can_inject_markup() -> None:
    item = """<item><title>&lt;script&gt;alert(1)&lt;/script&gt;Lamp &lt;b onclick=x&gt;on</title>
    <link>https://x.org/"&gt;&lt;b&gt;</link><author>&lt;b&gt;Ada Mirza</author>
    <description>&lt;img src=x onerror=alert(1)&gt;Text \x07</description></item>"""
    (one,) = parse_feed(rss(item), source="f").listings
    assert one.title == "Lamp on"
    assert one.abstract == "Text"
    assert one.authors == ("Ada Mirza",)
    assert one.links.abstract == "https://x.org/%22%3E%3Cb%3E"


@pytest.mark.parametrize(
    ("markup", "abstract", "authors"),
    [
        ("Plain words.", "Plain words.", None),
        ("<b>Abstract:</b> The text.<br>Keywords: a, b", "The text.", None),
        (
            "Author(s): A. One and B. Two<br/>Words.<br/>[Fog 1, 2] Published May 1",
            "Words.",
            "A. One and B. Two",
        ),
        ("<p>Publication date: May</p><p>Source: Fog, 1</p><p>Author(s): A. One</p>", "", "A. One"),
        ("<p>Read more</p>", "", None),
        ("", "", None),
    ],
)
def test_read_body(markup: str, abstract: str, authors: str | None) -> None:
    body = read_body(markup)
    assert body.abstract == abstract
    assert body.labels.get("author") == authors


# --- JSON Feed ----------------------------------------------------------------------------------


def test_json_feed() -> None:
    item = {
        "id": "1",
        "url": "https://lab.example/1?utm_source=x",
        "external_url": "https://doi.org/10.1234/X",
        "title": "Lamps &amp; fog",
        "content_html": "<p>One.</p><p>Two.</p>",
        "date_published": "2025-11-19T08:00:00+01:00",
        "authors": [{"name": "Ada Mirza"}, {"url": "x"}, 5],
        "tags": ["light", 7],
        "attachments": [{"url": "https://lab.example/1.pdf", "mime_type": "application/pdf"}],
        "_extension": {"x": 1},
    }
    (one,) = parse_feed(json_feed(item), source="lab").listings
    assert one.ids == PaperIds(doi="10.1234/x", url="https://lab.example/1")
    assert one.title == "Lamps & fog"
    assert one.abstract == "One.\n\nTwo."
    assert one.authors == ("Ada Mirza",)
    assert one.categories == ("light",)
    assert one.announced_at == datetime(2025, 11, 19, 7, tzinfo=UTC)
    assert one.links.pdf == "https://lab.example/1.pdf"


def test_json_feed_1_0_has_one_author_and_plain_text() -> None:
    item = {
        "id": "https://lab.example/2",
        "title": "T",
        "content_text": "a <b> c",
        "author": {"name": "Bo"},
    }
    body = json_feed(item, version="https://jsonfeed.org/version/1")
    (one,) = parse_feed(body, source="lab").listings
    assert one.abstract == "a <b> c"
    assert one.authors == ("Bo",)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"version": "https://jsonfeed.org', "not well-formed JSON"),
        (b'{"version": "2"}', "no JSON Feed 1.x"),
        (b"[]", "no JSON Feed 1.x"),
        (json_feed()[:-3], "not well-formed JSON"),
    ],
)
def test_json_that_is_a_fault(body: bytes, words: str) -> None:
    assert words in str(parse_feed(body, source="f").fault)


def test_json_items_that_cannot_be_papers() -> None:
    items: list[dict[str, Any]] = [
        {},
        {"id": "x", "title": "T"},
        {"id": "https://x.org", "title": 1},
    ]
    reading = parse_feed(json_feed(*items), source="f")
    assert reading.listings == ()
    assert len(reading.entry_faults) == 3


# --- fetching -----------------------------------------------------------------------------------


def test_a_feed_is_asked_conditionally() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert "application/feed+json" in request.headers["accept"]
        if request.headers.get("if-modified-since") == "Wed":
            return httpx.Response(304)
        return httpx.Response(200, content=ATOM, headers={"Last-Modified": "Wed"})

    fetcher = Fetcher(HttpOptions(), transport=httpx.MockTransport(handle))
    source = FeedSource(PlaceOptions(name="lab", url="https://lab.example/feed"), fetcher)
    first = source.fetch(WEEK, {})
    again = source.fetch(WEEK, first.state)
    assert len(first.listings) == 1
    assert again.not_modified
    assert again.state == first.state


def test_a_document_that_cannot_be_read_is_asked_again_whole() -> None:
    """A validator of a truncated feed would hide the rest behind a 304."""
    cut = ATOM[:-20]

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=cut, headers={"ETag": '"1"'})

    fetcher = Fetcher(HttpOptions(), transport=httpx.MockTransport(handle))
    source = PubmedSource(PlaceOptions(name="p", url="https://p.example/rss"), fetcher)
    fetched = source.fetch(WEEK, {})
    assert not fetched.complete
    assert fetched.state == {}


def test_a_date_after_today_is_not_when_it_was_announced() -> None:
    item = "<item><title>T</title><link>https://x.org</link><pubDate>{}</pubDate></item>"
    body = rss(item.format("Mon, 01 Dec 2025 00:00:00 GMT"))
    fetcher = Fetcher(
        HttpOptions(), transport=httpx.MockTransport(lambda r: httpx.Response(200, content=body))
    )
    source = FeedSource(PlaceOptions(name="f", url="https://x.org/feed"), fetcher)
    (one,) = source.fetch(WEEK, {}).listings
    assert one.announced_at is None
    assert one.published_at is not None
    assert one.published_at > UNTIL


def test_local_files(tmp_path: Path) -> None:
    (tmp_path / "1.rss").write_bytes(JOURNAL_RSS)
    (tmp_path / "2.json").write_bytes(json_feed({"id": "https://x.org/1", "title": "T"}))
    (tmp_path / "3.html").write_bytes(b"<html>")
    fetcher = Fetcher()
    feed = FeedSource(PlaceOptions(name="f", path=tmp_path), fetcher).fetch(WEEK, {})
    assert len(feed.listings) == 2
    assert str(feed.fault).startswith("3.html is an HTML page")
    assert not feed.complete
    pubmed = PubmedSource(PlaceOptions(name="p", path=tmp_path / "1.rss"), fetcher)
    assert len(pubmed.fetch(WEEK, {}).listings) == 1
    fetcher.close()
