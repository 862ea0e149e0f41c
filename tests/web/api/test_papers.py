"""Papers and search as JSON: the same as the pages show, narrowed, page by page."""

from __future__ import annotations

from datetime import date

import pytest

from digest.store.archive import Span
from digest.web.rooms import Rooms
from tests.web.api.conftest import Program
from tests.web.seeds import HOSTILE, TODAY


def test_the_archive_page_by_page(anybody: Program, rooms: Rooms) -> None:
    for order in ("new", "trending"):
        whole = anybody.all(f"/papers?when=2026-11&order={order}&limit=100")
        small = anybody.all(f"/papers?when=2026-11&order={order}&limit=7")
        assert [one["id"] for one in small] == [one["id"] for one in whole]
        assert len({one["id"] for one in whole}) == len(whole)
        assert len(whole) == rooms.archive.counts(Span(date(2026, 11, 1), TODAY)).total
    votes = [one["votes"] or 0 for one in whole]
    assert votes == sorted(votes, reverse=True)


def test_a_page_says_where_the_next_is(anybody: Program) -> None:
    answer = anybody.get("/papers?limit=2&source=arXiv&when=2026-W47")
    following = answer.json()["next"]
    assert answer.headers["link"] == f'<{following}>; rel="next"'
    assert following.startswith("https://papers.example.org/api/v1/papers?limit=2&source=arXiv&")
    assert {one["id"] for one in anybody.get(following).json()["items"]}.isdisjoint(
        one["id"] for one in answer.json()["items"]
    )


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("when=2026-11-20", "2026-11-20", "2026-11-20"),
        ("when=2026-W47", "2026-11-16", "2026-11-22"),
        ("when=2026-11", "2026-11-01", "2026-11-30"),
        ("since=2026-11-19", "2026-11-19", "2026-11-20"),
        ("until=2026-11-19", "2026-10-21", "2026-11-19"),
        ("since=2026-11-17&until=2026-11-18", "2026-11-17", "2026-11-18"),
        ("", "2026-10-22", "2026-11-20"),
        ("since=2027-01-01", "2027-01-01", "2027-01-01"),
    ],
)
def test_the_days_asked_for(anybody: Program, query: str, first: str, last: str) -> None:
    counts = anybody.get(f"/counts?{query}").json()
    assert (counts["since"], counts["until"]) == (first, last)
    listed = anybody.all(f"/papers?{query}")
    assert len(listed) == counts["papers"]
    assert all(first <= one["announced_on"] <= last for one in listed)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("when=2026-13", "when"),
        ("when=yesterday", "when"),
        ("when=2026-11-20&since=2026-11-19", "when"),
        ("since=2026-11-20&until=2026-11-19", "since"),
        ("since=2020-01-01", "since"),
        ("since=soon", "since"),
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("order=best", "order"),
        ("source=%00", "source"),
        ("soruce=arXiv", "soruce"),
    ],
)
def test_a_mistake_is_told_by_its_name(anybody: Program, query: str, name: str) -> None:
    answer = anybody.get(f"/papers?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    [wrong] = answer.json()["errors"]
    assert wrong["parameter"] == name
    assert wrong["detail"]


def test_narrowed_by_source_and_category(anybody: Program) -> None:
    counts = anybody.get("/counts?when=2026-11").json()
    for kind, key in (("source", "sources"), ("category", "categories")):
        one = counts[key][0]
        found = anybody.all(f"/papers?when=2026-11&{kind}={one['name']}")
        assert len(found) == one["papers"] > 0
    assert sum(day["papers"] for day in counts["days"]) == counts["papers"]


def test_one_paper_with_its_sightings(anybody: Program, rooms: Rooms) -> None:
    found = anybody.all("/papers?when=2026-11&source=arXiv")
    listed = next(one for one in found if len(one["sightings"]) > 1)
    paper = anybody.get(f"/papers/{listed['id']}").json()
    assert paper == listed
    assert paper["links"]["page"].startswith("https://papers.example.org/paper/")
    key = paper["ids"]["arxiv"]
    for spelling in (key, f"https://arxiv.org/abs/{key}v3", f"arXiv:{key}", str(paper["id"])):
        assert anybody.get("/papers/find", params={"key": spelling}).json() == paper
    similar = anybody.get(f"/papers/{paper['id']}/similar?limit=3").json()["items"]
    assert paper["id"] not in [one["id"] for one in similar]


@pytest.mark.parametrize("path", ["/papers/99999", "/papers/99999/similar", "/papers/find?key=x"])
def test_what_is_not_there_is_a_404(anybody: Program, path: str) -> None:
    answer = anybody.get(path)
    assert answer.status_code == 404
    assert answer.json()["title"] == "There is no such thing"


def test_hostile_text_is_text_and_hostile_links_are_none(anybody: Program) -> None:
    answer = anybody.get("/papers/find?key=2611.66666")
    paper = answer.json()
    assert HOSTILE in paper["title"]
    assert paper["links"]["abstract"] is None
    assert paper["links"]["pdf"] == "https://example.org/a%20pdf?%3Cx%3E"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_search_says_why_and_goes_on(anybody: Program, rooms: Rooms) -> None:
    answer = anybody.get("/search?q=retriev*&limit=3").json()
    assert answer["total"] == rooms.search.search("retriev*").total
    [first, *_] = answer["items"]
    hit = first["reasons"]["hits"][0]
    text = first["paper"][hit["field"]]
    assert text[hit["start"] : hit["end"]].lower().startswith("retriev")
    assert first["reasons"]["says"]
    found = anybody.all("/search?q=retriev*&limit=3")
    assert len({one["paper"]["id"] for one in found}) == answer["total"]
    by_date = anybody.all("/search?q=retriev*&order=date&source=arXiv&since=2026-11-18")
    days = [one["paper"]["announced_on"] for one in by_date]
    assert days == sorted(days, reverse=True)
    assert min(days) >= "2026-11-18"


def test_a_query_that_cannot_be_read_has_its_column_and_mend(anybody: Program) -> None:
    answer = anybody.get("/search", params={"q": "owls AND (graph"})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("#invalid-query")
    [wrong] = answer.json()["errors"]
    assert (wrong["parameter"], wrong["column"]) == ("q", 10)
    assert "Add a )" in wrong["mend"]


def test_search_has_an_end(anybody: Program) -> None:
    assert anybody.get("/search?q=zzzzzz").json() == {"items": [], "next": None, "total": 0}
    assert anybody.get("/search?q=owls&cursor=WzEwMDBd").status_code == 422
    assert anybody.get("/search?q=").status_code == 422


def test_the_sources_are_told_with_their_health(anybody: Program) -> None:
    found = {one["name"]: one for one in anybody.get("/sources").json()["items"]}
    assert found["arXiv"]["verdict"] == "fresh"
    assert found["cs.AI"]["verdict"] == "stale"
    assert found["cs.AI"]["says"].startswith("Nothing but papers of earlier days")


# --- answers that need not be sent again ----------------------------------------------------------


def test_what_is_not_new_is_not_sent_again(anybody: Program, mine: Program) -> None:
    for program, path, cache in (
        (anybody, "/papers", "public, max-age=60"),
        (mine, "/papers", "private, no-cache"),
        (mine, "/me", "private, no-cache"),
    ):
        first = program.get(path)
        assert first.headers["cache-control"] == cache
        assert "Authorization" in first.headers["vary"]
        again = program.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for path in ("/me/feeds", "/me/export"):
        assert mine.get(path).headers["cache-control"] == "no-store"


def test_head_is_get_without_a_body(anybody: Program) -> None:
    head, get = anybody.ask("HEAD", "/papers"), anybody.get("/papers")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
