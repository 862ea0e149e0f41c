"""Feeds as they are fetched: found, read, asked for again, and closed when they are revoked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from typing import Any

import feedparser
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from digest.hub import topics
from digest.rendering.spans import line
from digest.store.archive import Span, Wanted
from digest.store.database import Database
from digest.tokens import Purpose
from digest.web.app import create_app
from digest.web.feeds import MOST
from digest.web.rooms import Rooms
from tests.fakes import START
from tests.web.conftest import SITE
from tests.web.seeds import HOSTILE, READER, TODAY, listings, remember

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


@pytest.mark.parametrize("query", ["", "?source=arXiv", "?category=cs.CL", "?q=owls"])
def test_a_feed_somebody_has_is_not_even_drawn(
    client: TestClient, rooms: Rooms, web_database: Database, query: str
) -> None:
    path = PUBLIC.format("atom") + query
    tag = client.get(path).headers["etag"]
    with watching(web_database) as statements:
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert len(statements) <= 1
    other = client.get(path, headers={"If-None-Match": 'W/"something else"'})
    assert other.status_code == 200


def test_news_give_a_feed_another_tag(
    client: TestClient, rooms: Rooms, web_database: Database
) -> None:
    kinds = ("", "?q=owls")
    before = [client.get(PUBLIC.format("rss") + one).headers["etag"] for one in kinds]
    remember(web_database, listings()[:1], at=START + timedelta(hours=1))
    rooms.search.refresh()
    for path, tag in zip(kinds, before, strict=True):
        answer = client.get(PUBLIC.format("rss") + path, headers={"If-None-Match": tag})
        assert (answer.status_code, answer.headers["etag"] != tag) == (200, True)


def test_no_two_feeds_share_a_tag(client: TestClient) -> None:
    paths = [PUBLIC.format(one) + q for one in ENDINGS for q in ("", "?source=arXiv", "?q=arXiv")]
    assert len({client.get(one).headers["etag"] for one in paths}) == len(paths)


@contextmanager
def watching(database: Database) -> Iterator[list[str]]:
    """Every statement that is run meanwhile."""
    seen: list[str] = []

    def see(*arguments: Any) -> None:
        seen.append(arguments[2])

    engine = database.engine
    sa.event.listen(engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", see)


# --- WebSub -------------------------------------------------------------------------------------


HUB = "https://hub.example.org/?a=1&b=2"


@pytest.fixture
def told(rooms: Rooms) -> Iterator[TestClient]:
    """The same pages, with a hub."""
    with TestClient(create_app(dataclasses.replace(rooms, hub=HUB)), SITE.base_url) as client:
        yield client


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("query", ["", "?source=arXiv"])
def test_a_feed_names_its_hub(told: TestClient, ending: str, query: str) -> None:
    path = PUBLIC.format(ending) + query
    answer = told.get(path)
    whole = SITE.base_url + path
    assert answer.headers["link"] == f'<{HUB}>; rel="hub", <{whole}>; rel="self"'
    if ending == "json":
        assert answer.json()["hubs"] == [{"type": "WebSub", "url": HUB}]
        assert answer.json()["feed_url"] == whole
    else:
        links = {one.rel: one.href for one in feedparser.parse(answer.content).feed.links}
        assert (links["hub"], links["self"]) == (HUB, whole)


@pytest.mark.parametrize("query", ["?q=owls", "?category=cs.CL"])
def test_a_feed_of_which_no_hub_is_told_names_none(told: TestClient, query: str) -> None:
    answer = told.get(PUBLIC.format("atom") + query)
    assert "link" not in answer.headers
    assert "hub.example.org" not in answer.text


def test_what_the_hub_is_told_are_the_feeds_own_names(told: TestClient) -> None:
    for topic in topics(SITE.base_url, ["arXiv", "Hugging Face"]):
        answer = told.get(topic.removeprefix(SITE.base_url))
        assert f"<{topic}>" in answer.headers["link"]


def test_no_private_feed_names_a_hub(told: TestClient, rooms: Rooms) -> None:
    assert "hub.example.org" not in told.get(f"{own(rooms)}.atom").text


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
