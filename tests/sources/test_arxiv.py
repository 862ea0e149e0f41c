"""arXiv: its feed and its API read, and when the second is asked after the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from digest.model import Announcement, Window
from digest.sources.arxiv import ArxivOptions, ArxivSource
from digest.sources.arxiv_calendar import announced_after, has_feed, missed_days
from digest.sources.arxiv_entries import Policy, parse_arxiv
from digest.sources.http import Fetcher, HttpOptions
from tests.sources.documents import (
    UNTIL,
    WEEK,
    arxiv_api,
    arxiv_api_entry,
    arxiv_api_error,
    arxiv_atom,
    arxiv_item,
    arxiv_rss,
)

ALL = Policy(replacements=True)


def test_an_item_of_the_feed() -> None:
    item = arxiv_item(
        "2511.00007",
        title=r"$\alpha$-lanterns &amp; fog: 100% of \emph{it}",
        how="cross",
        version=1,
        categories=("cs.LG", "cs.CL"),
        authors="Ada Mirza, Bo Lind (Oslo), Cleo Vane",
    )
    reading = parse_arxiv(arxiv_rss(item), source="cs", policy=ALL)
    (listing,) = reading.listings
    assert listing.title == "α-lanterns & fog: 100% of it"
    assert listing.ids.keys() == ("arxiv:2511.00007",)
    assert listing.announcement is Announcement.CROSS
    assert listing.version == 1
    assert listing.authors == ("Ada Mirza", "Bo Lind", "Cleo Vane")
    assert listing.categories == ("cs.LG", "cs.CL")
    assert listing.abstract == "We measure how far a lantern shines."
    assert listing.announced_at == datetime(2025, 11, 20, 5, tzinfo=UTC)
    assert listing.links.pdf == "https://arxiv.org/pdf/2511.00007"
    assert reading.skip_days == {5, 6}


def test_the_atom_spelling_of_the_feed() -> None:
    reading = parse_arxiv(arxiv_atom("2511.00001", "2511.00002"), source="cs")
    assert [one.ids.arxiv for one in reading.listings] == ["2511.00001", "2511.00002"]
    assert reading.listings[0].abstract == "Fog."
    assert reading.listings[0].announcement is Announcement.CROSS


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        pytest.param(Policy(), ["new", "cross"], id="usual"),
        pytest.param(Policy(cross_lists=False), ["new"], id="no-cross-lists"),
        pytest.param(ALL, ["new", "cross", "replace", "replace-cross"], id="everything"),
        pytest.param(
            Policy(cross_lists=False, replacements=True), ["new", "replace"], id="own-versions"
        ),
    ],
)
def test_policy(policy: Policy, kept: list[str]) -> None:
    hows = ["new", "cross", "replace", "replace-cross"]
    items = [arxiv_item(f"2511.0000{n}", how=how) for n, how in enumerate(hows, start=1)]
    reading = parse_arxiv(arxiv_rss(*items), source="cs", policy=policy)
    assert [one.announcement.value for one in reading.listings] == kept
    assert (reading.seen, reading.left_out) == (4, 4 - len(kept))


def test_an_entry_of_the_api() -> None:
    extra = """<arxiv:comment>12 pages</arxiv:comment><arxiv:doi>10.1234/ABC</arxiv:doi>"""
    page = arxiv_api(arxiv_api_entry("2511.00009", version=2, also=("cs.LG",), extra=extra))
    (listing,) = parse_arxiv(page, source="cs", policy=Policy(categories=("cs.CL",))).listings
    assert listing.title == "Lanterns at sea, 2511.00009"
    assert listing.abstract == "Hard-wrapped words.\n\nA second paragraph."
    assert listing.ids.keys() == ("arxiv:2511.00009", "doi:10.1234/abc")
    assert listing.version == 2
    assert listing.categories == ("cs.CL", "cs.LG")
    assert listing.announcement is Announcement.NEW
    assert listing.authors == ("Ada Mirza", "Bo Lind, Jr.")
    assert listing.note == "12 pages"
    assert listing.announced_at == datetime(2025, 11, 19, 1, tzinfo=UTC)
    assert listing.published_at == datetime(2025, 11, 18, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("own", "announcement"),
    [(("cs.CL",), "new"), (("cs",), "new"), (("cs.LG",), "cross"), (("c",), "cross"), ((), "new")],
)
def test_the_api_tells_cross_lists_by_the_primary_category(
    own: tuple[str, ...], announcement: str
) -> None:
    page = arxiv_api(arxiv_api_entry("2511.00009", primary="cs.CL", also=("cs.LG",)))
    (listing,) = parse_arxiv(page, source="cs", policy=Policy(categories=own)).listings
    assert listing.announcement.value == announcement


def test_old_ids_lose_their_subject_class() -> None:
    (listing,) = parse_arxiv(arxiv_api(arxiv_api_entry("math.GT/0309136")), source="m").listings
    assert listing.ids.arxiv == "math/0309136"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(
            arxiv_api_error("incorrect id"), "answered with an error: incorrect id", id="error"
        ),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"{}", "is JSON", id="json"),
        pytest.param(b"<!DOCTYPE html><html>", "HTML page", id="html"),
    ],
)
def test_documents_that_are_faults(body: bytes, words: str) -> None:
    reading = parse_arxiv(body, source="cs")
    assert words in str(reading.fault)
    assert reading.listings == ()


def test_an_empty_feed_is_no_fault() -> None:
    for body in (arxiv_rss(), arxiv_api(), arxiv_atom()):
        reading = parse_arxiv(body, source="cs")
        assert (reading.fault, reading.seen) == (None, 0)


def test_bad_entries_are_named_and_skipped() -> None:
    bad = [arxiv_item("2511.00001", title=" "), "<item><title>No id</title></item>"]
    reading = parse_arxiv(arxiv_rss(*bad, arxiv_item("2511.00003")), source="cs")
    assert len(reading.listings) == 1
    assert reading.entry_faults == (
        "entry 1 (oai:arXiv.org:2511.00001v1) has no title",
        "entry 2 (No id) has no arXiv id",
    )


# --- the calendar -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("submitted", "announced"),
    [
        ("2025-11-17T18:59", "2025-11-18T01:00"),  # Monday 13:59 Eastern: Monday evening
        ("2025-11-17T19:00", "2025-11-19T01:00"),  # Monday 14:00: Tuesday evening
        ("2025-11-20T19:30", "2025-11-24T01:00"),  # Thursday 14:30: Sunday evening
        ("2025-11-21T18:00", "2025-11-24T01:00"),  # Friday 13:00: Sunday evening
        ("2025-11-21T20:00", "2025-11-25T01:00"),  # Friday 15:00: Monday evening
        ("2025-11-23T12:00", "2025-11-25T01:00"),  # Sunday: Monday evening
        ("2025-07-01T17:59", "2025-07-02T00:00"),  # summer time
    ],
)
def test_announced_after(submitted: str, announced: str) -> None:
    at = datetime.fromisoformat(submitted).replace(tzinfo=UTC)
    assert announced_after(at) == datetime.fromisoformat(announced).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "missed"),
    [
        ("2025-11-19T06:00", "2025-11-20T06:00", 0),
        ("2025-11-18T06:00", "2025-11-20T06:00", 1),
        ("2025-11-21T06:00", "2025-11-24T06:00", 0),  # a weekend
        ("2025-11-21T06:00", "2025-11-25T06:00", 1),
        ("2025-11-20T06:00", "2025-11-20T09:00", 0),
        ("2025-11-20T06:00", "2025-11-01T09:00", 0),
    ],
)
def test_missed_days(since: str, until: str, missed: int) -> None:
    first, last = (datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (since, until))
    assert missed_days(first, last) == missed


def test_feeds_change_on_weekdays() -> None:
    monday = datetime(2025, 11, 17, tzinfo=UTC).date()
    days = [has_feed(monday + timedelta(days=n)) for n in range(7)]
    assert days == [True] * 5 + [False] * 2


# --- fetching -----------------------------------------------------------------------------------


class World:
    """arXiv's two hosts, as a function of the request."""

    def __init__(self, feed: bytes, api: Callable[[int], bytes] | None = None) -> None:
        self.feed = feed
        self.api = api
        self.asked: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        if request.url.host == "rss.arxiv.org":
            if request.headers.get("if-none-match") == '"1"':
                return httpx.Response(304)
            return httpx.Response(200, content=self.feed, headers={"ETag": '"1"'})
        if self.api is None:
            return httpx.Response(500)
        return httpx.Response(200, content=self.api(int(request.url.params["start"])))

    @property
    def hosts(self) -> list[str]:
        return [url.host for url in self.asked]


def source(world: World, **options: object) -> ArxivSource:
    fetcher = Fetcher(HttpOptions(retries=0, intervals={}), transport=httpx.MockTransport(world))
    fields = {"name": "arXiv", "categories": ("cs.CL", "cs.AI"), **options}
    return ArxivSource(ArxivOptions(**fields), fetcher)  # type: ignore[arg-type]


VISITED = {"visited": (UNTIL - timedelta(days=1)).isoformat()}


def test_a_usual_day_asks_the_feed_only_and_all_categories_at_once() -> None:
    world = World(arxiv_rss(arxiv_item()))
    fetched = source(world).fetch(WEEK, VISITED)
    assert [str(url) for url in world.asked] == ["https://rss.arxiv.org/rss/cs.CL+cs.AI"]
    assert len(fetched.listings) == 1
    assert fetched.complete
    assert fetched.fault is None
    assert not fetched.holiday


def test_an_unchanged_feed_costs_a_304() -> None:
    world = World(arxiv_rss(arxiv_item()))
    first = source(world).fetch(WEEK, VISITED)
    again = source(world).fetch(WEEK, first.state)
    assert again.not_modified
    assert again.listings == ()
    assert {k: v for k, v in again.state.items() if k != "visited"} == {
        k: v for k, v in first.state.items() if k != "visited"
    }


def test_other_categories_are_another_address_and_send_no_validator() -> None:
    world = World(arxiv_rss(arxiv_item()))
    state = source(world).fetch(WEEK, VISITED).state
    assert not source(world, categories=("math.CO",)).fetch(WEEK, state).not_modified


@pytest.mark.parametrize(
    ("state", "looks"),
    [
        pytest.param({}, True, id="first-visit"),
        pytest.param(VISITED, False, id="yesterday"),
        pytest.param({"visited": (UNTIL - timedelta(days=2)).isoformat()}, True, id="missed-a-day"),
        pytest.param(VISITED | {"stale": "cs.AI"}, True, id="a-category-was-stale"),
        pytest.param({"visited": "yesterday"}, True, id="unreadable-state"),
    ],
)
def test_when_it_looks_back(state: dict[str, str], looks: bool) -> None:
    world = World(arxiv_rss(arxiv_item()), lambda start: arxiv_api())
    source(world).fetch(WEEK, state)
    assert ("export.arxiv.org" in world.hosts) is looks


def test_looking_back_adds_what_the_feed_no_longer_shows() -> None:
    feed = arxiv_rss(arxiv_item("2511.00001", how="cross"))
    entries = [arxiv_api_entry("2511.00001"), arxiv_api_entry("2511.00002")]
    early = arxiv_api_entry("2511.00003", published="2025-11-09T12:00:00Z")
    world = World(feed, lambda start: arxiv_api(*entries, early))
    fetched = source(world).fetch(WEEK, {})
    found = {one.ids.arxiv: one.announcement.value for one in fetched.listings}
    assert found == {"2511.00001": "cross", "2511.00002": "new"}
    assert fetched.complete
    assert fetched.expected is None
    query = parse_qs(urlsplit(str(world.asked[1])).query)
    assert query["search_query"] == [
        "(cat:cs.CL OR cat:cs.AI) AND submittedDate:[202511080600 TO 202511200600]"
    ]


def pages(count: int, size: int, *, empty_from: int | None = None) -> Callable[[int], bytes]:
    def page(start: int) -> bytes:
        last = start if empty_from is not None and start >= empty_from else min(start + size, count)
        entries = [arxiv_api_entry(f"2511.{n:05}") for n in range(start, last)]
        return arxiv_api(*entries, total=count, start=start)

    return page


def test_the_api_is_paged_to_the_end() -> None:
    world = World(arxiv_rss(), pages(7, 3))
    fetched = source(world).fetch(WEEK, {})
    assert len(fetched.listings) == 7
    assert fetched.complete
    assert [url.params.get("start") for url in world.asked] == [None, "0", "3", "6"]


def test_an_empty_page_before_the_end_is_incomplete() -> None:
    world = World(arxiv_rss(), pages(7, 3, empty_from=3))
    fetched = source(world).fetch(WEEK, {})
    assert len(fetched.listings) == 3
    assert not fetched.complete


def test_a_feed_that_fails_is_replaced_by_the_api_and_stays_incomplete() -> None:
    world = World(b"<html>maintenance</html>", pages(2, 5))
    fetched = source(world).fetch(WEEK, VISITED)
    assert len(fetched.listings) == 2
    assert not fetched.complete
    assert "HTML page" in str(fetched.fault)
    assert str(fetched.fault).startswith("rss.arxiv.org/rss/cs.CL+cs.AI")


def test_an_api_that_fails_leaves_the_feed_and_says_so() -> None:
    fetched = source(World(arxiv_rss(arxiv_item()))).fetch(WEEK, {})
    assert len(fetched.listings) == 1
    assert not fetched.complete
    assert "export.arxiv.org" in str(fetched.fault)


def test_a_category_that_shows_yesterday_again_is_remembered() -> None:
    def feed(ai: str, cl: str) -> bytes:
        return arxiv_rss(
            arxiv_item(ai, categories=("cs.AI",)), arxiv_item(cl, categories=("cs.CL",))
        )

    world = World(feed("2511.00001", "2511.00002"))
    state = dict(source(world).fetch(WEEK, VISITED).state)
    world.feed = feed("2511.00003", "2511.00002")
    state = {k: v for k, v in state.items() if not k.startswith("etag")}
    assert source(world).fetch(WEEK, state).state["stale"] == "cs.CL"


@pytest.mark.parametrize(
    ("until", "holiday"),
    [
        ("2025-11-20T06:00", False),
        ("2025-11-22T06:00", True),
        ("2025-11-24T02:00", True),  # still Sunday in New York
        ("2025-11-24T06:00", False),
    ],
)
def test_weekends_are_holidays(until: str, holiday: bool) -> None:
    at = datetime.fromisoformat(until).replace(tzinfo=UTC)
    window = Window(at - timedelta(days=7), at)
    state = {"visited": (at - timedelta(hours=12)).isoformat()}
    assert source(World(arxiv_rss())).fetch(window, state).holiday is holiday


def test_a_mirror_of_the_feed_is_no_mirror_of_the_api() -> None:
    asked: list[str] = []

    def mirror(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=arxiv_rss(arxiv_item()))

    fetcher = Fetcher(HttpOptions(), transport=httpx.MockTransport(mirror))
    options = ArxivOptions(name="x", categories=("cs.CL",), url="http://127.0.0.1:9/")
    ArxivSource(options, fetcher).fetch(WEEK, {})
    ArxivSource(replace(options, url="http://127.0.0.1:9/rss/all"), fetcher).fetch(WEEK, {})
    assert asked == ["http://127.0.0.1:9/rss/cs.CL", "http://127.0.0.1:9/rss/all"]
    refused = ArxivSource(options, fetcher).backfill(WEEK)
    assert "api_url" in str(refused.fault)


def test_backfill_asks_the_api_for_a_past_window() -> None:
    world = World(b"", pages(4, 3))
    fetched = source(world).backfill(WEEK)
    assert len(fetched.listings) == 4
    assert fetched.expected == 4
    assert set(world.hosts) == {"export.arxiv.org"}


def test_a_local_file_or_directory_may_hold_either_format(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(arxiv_rss(arxiv_item("2511.00001")))
    (tmp_path / "b.atom").write_bytes(arxiv_api(arxiv_api_entry("2511.00002"), total=999))
    (tmp_path / ".hidden").write_bytes(b"no")
    world = World(b"")
    fetched = source(world, path=tmp_path).fetch(WEEK, {})
    assert [one.ids.arxiv for one in fetched.listings] == ["2511.00001", "2511.00002"]
    assert fetched.expected is None
    assert world.asked == []
    one = source(world, path=tmp_path / "a.xml").fetch(WEEK, {})
    assert len(one.listings) == 1


def test_a_path_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    for path in (tmp_path / "none.xml", tmp_path):
        fetched = source(World(b""), path=path).fetch(WEEK, {})
        assert str(path) in str(fetched.fault)
        assert "path" in str(fetched.fault)
