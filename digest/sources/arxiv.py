"""arXiv: what was announced today from its RSS feed, what that may have missed from its API.

    feed -> (missed a day? a category stale? feed down?) -> API over the window -> merge

The feed holds one day's announcements and says how each was announced; all categories are asked for
in one request. The API knows no announcement type and no announcement date, so both are inferred
(primary category; `arxiv_calendar`). Parsing is in `arxiv_entries`; turns of one request in three
seconds are kept by `pacing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from digest.model import Fetched, Listing, Window
from digest.sources.arxiv_calendar import feed_day, has_feed, missed_days
from digest.sources.arxiv_entries import Policy, parse_arxiv
from digest.sources.http import Fetcher
from digest.sources.reading import Reading, merge
from digest.sources.visits import Visit, read_files

FEED = "https://rss.arxiv.org"
API = "https://export.arxiv.org/api/query"

_FEED_MOST = 2000  #: entries, at which arXiv cuts its feeds
_PAGE = 500  #: entries of one API page; larger ones time out on arXiv's side
_LOOK_BACK_MOST = 10_000  #: entries; beyond, arXiv asks for its bulk data instead
_BACKFILL_MOST = 30_000  #: the API refuses to go further
#: A paper announced after a long weekend was submitted up to this long before.
_BEFORE_ANNOUNCEMENT = timedelta(days=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArxivOptions:
    """`url` replaces the feed's host (or is the whole feed's address); then the API is asked only
    when `api_url` is given too, because a mirror of the one is no mirror of the other.
    """

    name: str
    categories: Sequence[str] = ()
    cross_lists: bool = True
    replacements: bool = False
    url: str | None = None
    api_url: str | None = None
    path: Path | None = None

    @property
    def feed_address(self) -> str:
        base = (self.url or FEED).rstrip("/")
        whole = "/rss/" in base or "/atom/" in base
        return base if whole else f"{base}/rss/{'+'.join(self.categories)}"

    @property
    def api_address(self) -> str | None:
        return self.api_url or (API if self.url is None else None)


class ArxivSource:
    """A set of arXiv categories."""

    kind = "arxiv"
    Options = ArxivOptions

    def __init__(self, options: ArxivOptions, fetcher: Fetcher) -> None:
        self._options = options
        self._fetcher = fetcher
        self._policy = Policy(
            categories=tuple(options.categories),
            cross_lists=options.cross_lists,
            replacements=options.replacements,
        )

    @property
    def name(self) -> str:
        return self._options.name

    def fetch(self, window: Window, state: Mapping[str, str]) -> Fetched:
        if self._options.path is not None:
            return merge(read_files(self._options.path, self.parse), until=window.until)
        visit = Visit(self._fetcher, state)
        feed = visit.read(self._options.feed_address, self.parse)
        marks = _marks(feed, self._options.categories, state)
        readings = [feed]
        if self._options.api_address and _looks_back(feed, state, window):
            readings += _unseen(self._pages(visit, window, _LOOK_BACK_MOST), feed)
        day = feed_day(window.until)
        holiday = not has_feed(day) or day.weekday() in feed.skip_days
        remembered = {**visit.state, **marks, "visited": window.until.isoformat()}
        return replace(merge(readings, remembered, until=window.until), holiday=holiday)

    def backfill(self, window: Window) -> Fetched:
        """Everything announced in a past window, from the API; may take minutes."""
        if not self._options.api_address:
            fault = f"{self.name}: back-filling needs the API; put its address under api_url."
            return Fetched(fault=fault)
        pages = self._pages(Visit(self._fetcher, {}), window, _BACKFILL_MOST)
        return merge(pages, until=window.until)

    def parse(self, body: bytes, content_type: str = "") -> Reading:
        return parse_arxiv(body, source=self.name, policy=self._policy, content_type=content_type)

    def _pages(self, visit: Visit, window: Window, most: int) -> list[Reading]:
        """The API's pages, newest first, down to the last or to `most` entries."""
        pages: list[Reading] = []
        start = 0
        while start < most:
            url = f"{self._options.api_address}?{_query(self._options.categories, window, start)}"
            page = visit.read(url, self.parse, conditional=False)
            if not page.seen and start < (page.total or 0):
                page = replace(page, complete=False)  # the API gives empty pages when it is busy
            pages.append(_inside(page, window, most))
            start += page.seen
            if page.fault or not page.seen or start >= (page.total or 0):
                break
        return pages


def _query(categories: Sequence[str], window: Window, start: int) -> str:
    """The API's query for papers submitted in time for the window's announcements."""
    names = [f"cat:{c}" if "." in c else f"cat:{c} OR cat:{c}.*" for c in categories]
    since, until = window.since - _BEFORE_ANNOUNCEMENT, window.until
    span = f"[{since.astimezone(UTC):%Y%m%d%H%M} TO {until.astimezone(UTC):%Y%m%d%H%M}]"
    return urlencode(
        {
            "search_query": f"({' OR '.join(names)}) AND submittedDate:{span}",
            "start": start,
            "max_results": _PAGE,
            "sortBy": "submittedDate",
            "sortOrder": "descending",
        }
    )


def _looks_back(feed: Reading, state: Mapping[str, str], window: Window) -> bool:
    """Whether the feed alone may have missed something announced inside the window."""
    visited = _instant(state.get("visited", ""))
    if visited is None or feed.fault or state.get("stale") or feed.seen >= _FEED_MOST:
        return True
    return missed_days(visited, window.until) > 0


def _marks(feed: Reading, categories: Sequence[str], state: Mapping[str, str]) -> dict[str, str]:
    """A fingerprint for each category's papers, and which categories show yesterday's again.

    arXiv's feeds have gone stale for one category under a fresh date; the next visit looks back.
    """
    if feed.not_modified:
        kept = {name: value for name, value in state.items() if name.startswith("ids ")}
        return kept
    marks: dict[str, str] = {}
    stale: list[str] = []
    for category in categories:
        mark = _fingerprint(category, feed.listings)
        if mark and mark == state.get(f"ids {category}"):
            stale.append(category)
        if mark:
            marks[f"ids {category}"] = mark
    return {**marks, "stale": " ".join(stale)} if stale else marks


def _fingerprint(category: str, listings: Sequence[Listing]) -> str:
    """A short hash of the ids in one category; "" for none."""
    prefix = f"{category}."
    ids = sorted(
        str(each.ids.arxiv)
        for each in listings
        if any(c == category or c.startswith(prefix) for c in each.categories)
    )
    return hashlib.sha256(" ".join(ids).encode()).hexdigest()[:16] if ids else ""


def _inside(page: Reading, window: Window, most: int) -> Reading:
    """The page's papers whose announcement falls into the window, and the total to match."""
    kept = tuple(
        each
        for each in page.listings
        if each.announced_at is None or window.since <= each.announced_at < window.until
    )
    return replace(
        page,
        listings=kept,
        left_out=page.left_out + len(page.listings) - len(kept),
        total=None if page.total is None else min(page.total, most),
    )


def _unseen(pages: Sequence[Reading], feed: Reading) -> list[Reading]:
    """The pages without the feed's own papers: the feed knows how they were announced."""
    known = {each.ids.arxiv for each in feed.listings}
    unseen: list[Reading] = []
    for page in pages:
        kept = tuple(each for each in page.listings if each.ids.arxiv not in known)
        gone = len(page.listings) - len(kept)
        unseen.append(replace(page, listings=kept, left_out=page.left_out + gone, total=None))
    return unseen


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
