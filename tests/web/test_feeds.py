"""Feeds as they are fetched: found, read, asked for again, and closed when they are revoked."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import feedparser
import pytest
from starlette.testclient import TestClient

from digest.rendering.spans import line
from digest.store.archive import Span, Wanted
from digest.tokens import Purpose
from digest.web.feeds import MOST
from digest.web.rooms import Rooms
from tests.web.conftest import SITE
from tests.web.seeds import HOSTILE, READER, TODAY

PUBLIC = "/feeds/papers.{}"
MEDIA_TYPES = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}
ENDINGS = tuple(MEDIA_TYPES)


def own(rooms: Rooms, *, generation: int | None = None) -> str:
    """The reader's feed, without its ending."""
    reader = rooms.subscribers.find(READER)
    assert reader is not None
    now = reader.feed_generation if generation is None else generation
    return f"/feed/{rooms.tokens.sign(Purpose.FEED, reader.id, now)}"


def entries(client: TestClient, url: str) -> list[Any]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    read = feedparser.parse(answer.content)
    assert not read.bozo
    return list(read.entries)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("is_own", [False, True], ids=["public", "private"])
def test_each_format_says_what_it_is_and_where(
    client: TestClient, rooms: Rooms, ending: str, is_own: bool
) -> None:
    path = f"{own(rooms)}.{ending}" if is_own else PUBLIC.format(ending)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPES[ending]
    assert SITE.base_url + path in answer.text


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("is_own", [False, True], ids=["public", "private"])
def test_who_has_a_feed_is_not_sent_it_again(
    client: TestClient, rooms: Rooms, ending: str, is_own: bool
) -> None:
    path = f"{own(rooms)}.{ending}" if is_own else PUBLIC.format(ending)
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_whole_list_has_every_paper_once_newest_first(client: TestClient) -> None:
    found = entries(client, "/feeds/papers.atom")
    ids = [one.id for one in found]
    dates = [one.updated for one in found]
    assert 10 < len(ids) <= MOST
    assert len(set(ids)) == len(ids)
    assert dates == sorted(dates, reverse=True)
    assert all(re.fullmatch(r"tag:papers\.example\.org,2024:paper/\d+", one) for one in ids)


@pytest.mark.parametrize(
    "query",
    [{"source": "bioRxiv"}, {"category": "cs.CL"}, {"source": "arXiv", "category": "cs.CL"}],
    ids=lambda query: "+".join(query),
)
def test_a_narrowed_feed_is_all_of_its_papers_and_no_others(
    client: TestClient, rooms: Rooms, query: dict[str, str]
) -> None:
    answer = client.get("/feeds/papers.rss", params=query)
    found = [int(one.id.rpartition("/")[2]) for one in feedparser.parse(answer.content).entries]
    span = Span(TODAY - timedelta(days=30), TODAY)
    wanted = rooms.archive.listed(
        Wanted(span, source=query.get("source"), category=query.get("category")), limit=MOST
    ).ids
    assert found == list(wanted)
    for paper in rooms.papers.papers(wanted).values():
        assert query.get("source") in (None, *paper.sources)
        assert query.get("category") in (None, *paper.categories)


@pytest.mark.parametrize(("query", "some"), [("owls", True), ("zzzzzz", False)])
def test_a_query_has_a_feed(client: TestClient, rooms: Rooms, query: str, some: bool) -> None:
    found = {one.title for one in entries(client, f"/feeds/papers.atom?q={query}")}
    assert bool(found) is some
    results = rooms.search.search(query, limit=MOST)
    assert len(found) == results.total


def test_a_query_that_cannot_be_read_is_refused(client: TestClient) -> None:
    assert client.get("/feeds/papers.atom?q=owls+AND+%28graph").status_code == 400
    assert client.get("/feeds/papers.xml").status_code == 400


def test_no_markup_of_a_title_or_an_abstract_is_markup(client: TestClient) -> None:
    html = client.get("/feeds/papers.json?q=owls").json()["items"][0]["content_html"]
    assert "<script" not in html
    assert "<img" not in html
    assert HOSTILE in unescape(html)
    assert "javascript:" not in html


def test_a_private_feed_is_what_the_mail_showed(client: TestClient, rooms: Rooms) -> None:
    (stored,) = rooms.editions.digests(rooms.changing.issues(_reader(rooms))).values()
    papers = rooms.papers.papers(stored.paper_ids)
    found = client.get(f"{own(rooms)}.json").json()["items"]
    assert [one["title"] for one in found] == [
        line(papers[id].title) for id in stored.paper_ids if id in papers
    ]
    assert found[0]["id"].startswith("tag:papers.example.org,2024:digest/1/paper/")


def test_a_private_feed_gives_nobody_else_a_hand(client: TestClient, rooms: Rooms) -> None:
    answer = client.get(f"{own(rooms)}.atom")
    assert not re.search(r"/[pufd]/[\w-]+\.[\w-]{27}", answer.text)
    assert READER not in answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "noindex" in answer.headers["x-robots-tag"]


def test_an_interest_has_a_feed_of_its_own(client: TestClient, rooms: Rooms) -> None:
    reader = rooms.subscribers.find(READER)
    assert reader is not None
    mine = entries(client, f"{own(rooms)}/{reader.interests[0].id}.atom")
    whole = entries(client, f"{own(rooms)}.atom")
    assert {one.id for one in mine} < {one.id for one in whole}
    assert client.get(f"{own(rooms)}/999.atom").status_code == 404


def test_renewed_addresses_close_the_old_ones(client: TestClient, rooms: Rooms) -> None:
    old = f"{own(rooms)}.rss"
    rooms.changing.renew_feeds(_reader(rooms))
    assert client.get(old).status_code == 404
    assert client.get(f"{own(rooms)}.rss").status_code == 200


def test_a_token_for_something_else_opens_no_feed(client: TestClient, rooms: Rooms) -> None:
    other = rooms.tokens.sign(Purpose.PREFERENCES, _reader(rooms))
    short = rooms.tokens.sign(Purpose.FEED, _reader(rooms))
    for token in (other, short, "x", f"{'A' * 20}.{'B' * 27}"):
        assert client.get(f"/feed/{token}.atom").status_code == 404


def test_every_feed_offered_can_be_read(client: TestClient) -> None:
    html = client.get("/feeds").text
    offered = [unescape(one) for one in re.findall(r'href="(/feeds/papers[^"]*)"', html)]
    assert len(set(offered)) >= 12
    for one in sorted(set(offered)):
        assert client.get(one).status_code == 200, one


@pytest.mark.parametrize("page", ["/", "/search?q=owls", "/feeds"])
def test_pages_tell_a_feed_reader_where_the_feed_is(client: TestClient, page: str) -> None:
    told = re.findall(r'<link rel="alternate" type="([^"]+)"', client.get(page).text)
    assert set(told) >= {kind.partition(";")[0] for kind in MEDIA_TYPES.values()}


def _reader(rooms: Rooms) -> Any:
    reader = rooms.subscribers.find(READER)
    assert reader is not None
    return reader.id
