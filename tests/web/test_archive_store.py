"""The archive's lists and counts, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from digest.model import Listing, PaperId
from digest.store.archive import ArchiveStore, Label, Listed, Order, Span, Wanted, month, week
from digest.store.database import Database
from digest.store.papers import PaperStore
from tests.builders import listing
from tests.fakes import START
from tests.web import seeds

TODAY = START.date()
YESTERDAY = TODAY - timedelta(days=1)


def on(day: date, number: int, **fields: object) -> Listing:
    at = START - (TODAY - day)
    return listing(number, announced_at=at, **{"votes": None, **fields})


LISTINGS = (
    on(YESTERDAY, 1, votes=9, categories=("cs.CL",)),
    on(TODAY, 2, categories=("cs.CL", "cs.LG")),
    on(TODAY, 3, votes=5, categories=("50%_off",)),
    on(TODAY, 4, votes=5, categories=("cs.CLX", 'say "hi"')),
    on(TODAY, 5, votes=11, categories=()),
    on(TODAY, 5, votes=12, categories=(), source="huggingface", version=None),
)


@pytest.fixture
def archive(database: Database) -> ArchiveStore:
    seeds.remember(database, LISTINGS)
    return ArchiveStore(database)


def numbers(database: Database, listed: Listed) -> list[int]:
    """Which of LISTINGS, by the number in their titles."""
    found = PaperStore(database).papers(listed.ids)
    return [int(found[id].title.rsplit(" ", 1)[1]) for id in listed.ids]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(Wanted(Span.of(TODAY), Order.TRENDING), [5, 4, 3, 2], id="trending"),
        pytest.param(Wanted(Span.of(TODAY), Order.NEW), [5, 4, 3, 2], id="new"),
        pytest.param(Wanted(Span.of(YESTERDAY)), [1], id="another day"),
        pytest.param(Wanted(Span(YESTERDAY, TODAY)), [5, 4, 3, 2, 1], id="two days, new"),
        pytest.param(
            Wanted(Span(YESTERDAY, TODAY), Order.TRENDING), [5, 1, 4, 3, 2], id="two, trending"
        ),
        pytest.param(Wanted(Span.of(TODAY), source="huggingface"), [5], id="source"),
        pytest.param(Wanted(Span.of(TODAY), source="nobody"), [], id="unknown source"),
        pytest.param(Wanted(Span.of(TODAY), category="cs.CL"), [2], id="category, whole"),
        pytest.param(Wanted(Span.of(TODAY), category="50%_off"), [3], id="category, wildcards"),
        pytest.param(Wanted(Span.of(TODAY), category="50%%off"), [], id="no wildcards"),
        pytest.param(Wanted(Span.of(TODAY), category='say "hi"'), [4], id="category, quoted"),
        pytest.param(Wanted(Span.of(TODAY), after="not ours"), [5, 4, 3, 2], id="hostile cursor"),
        pytest.param(
            Wanted(Span.of(TODAY), after="9" * 18 + ".1"), [5, 4, 3, 2], id="cursor of year 9999"
        ),
    ],
)
def test_what_is_listed(
    database: Database, archive: ArchiveStore, wanted: Wanted, expected: list[int]
) -> None:
    assert sorted(numbers(database, archive.listed(wanted, limit=10))) == sorted(expected)
    assert archive.count(wanted) == len(expected)
    if wanted.order is Order.TRENDING:
        assert numbers(database, archive.listed(wanted, limit=10)) == expected


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("limit", [1, 2, 4, 5])
def test_pages_follow_one_another(archive: ArchiveStore, order: Order, limit: int) -> None:
    span = Span(YESTERDAY, TODAY)
    whole = archive.listed(Wanted(span, order), limit=10)
    assert whole.next is None
    assert _walked(archive, Wanted(span, order), limit) == list(whole.ids)


def _walked(archive: ArchiveStore, wanted: Wanted, limit: int) -> list[PaperId]:
    found: list[PaperId] = []
    cursor: str | None = None
    while True:
        page = archive.listed(Wanted(wanted.span, wanted.order, after=cursor), limit=limit)
        found += page.ids
        if (cursor := page.next) is None:
            return found


def test_the_counts(archive: ArchiveStore) -> None:
    counts = archive.counts(Span(YESTERDAY, TODAY))
    assert (counts.total, counts.voted) == (5, 4)
    assert counts.sources == (("arxiv", 5), ("huggingface", 1))
    categories = archive.categories(Span(YESTERDAY, TODAY))
    assert categories[0] == ("cs.CL", 2)
    assert dict(categories)['say "hi"'] == 1
    assert counts.days == ((TODAY, 4), (YESTERDAY, 1))
    assert archive.counts(Span.of(date(2020, 1, 1))).total == 0


def test_the_counts_are_kept_until_a_fetch_brings_more(
    database: Database, archive: ArchiveStore
) -> None:
    before = archive.counts(Span.of(TODAY))
    assert archive.counts(Span.of(TODAY)) is before
    seeds.remember(database, [on(TODAY, 6)])
    assert archive.counts(Span.of(TODAY)).total == before.total + 1


def test_the_leaders_of_every_label(database: Database, archive: ArchiveStore) -> None:
    def leading(label: Label, each: int) -> dict[str, list[int]]:
        found = archive.leaders(Span(YESTERDAY, TODAY), label, each=each)
        return {name: numbers(database, Listed(ids)) for name, ids in found.items()}

    assert leading(Label.SOURCE, 2) == {"arxiv": [5, 1], "huggingface": [5]}
    assert leading(Label.CATEGORY, 3)["cs.CL"] == [1, 2]


def test_the_days_around(archive: ArchiveStore) -> None:
    assert archive.newest_day(upto=TODAY) == TODAY
    assert archive.newest_day(upto=YESTERDAY) == YESTERDAY
    assert archive.newest_day(upto=date(2020, 1, 1)) is None
    assert archive.day_before(TODAY) == YESTERDAY
    assert archive.day_after(YESTERDAY, upto=TODAY) == TODAY
    assert archive.day_after(YESTERDAY, upto=YESTERDAY) is None


def test_the_sources_as_they_were_last_asked(archive: ArchiveStore) -> None:
    found = {one.source: one for one in archive.sources()}
    assert {name: one.verdict.value for name, one in found.items()} == {
        "arxiv": "fresh",
        "cs.AI": "stale",
        "huggingface": "fresh",
    }
    assert found["arxiv"].last_success_at == START
    assert found["cs.AI"].last_success_at is None


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        pytest.param(week(2026, 47), "2026-11-16", "2026-11-22", id="week"),
        pytest.param(week(2026, 53), "2026-12-28", "2027-01-03", id="week over new year"),
        pytest.param(month(2026, 2), "2026-02-01", "2026-02-28", id="february"),
        pytest.param(month(2026, 12), "2026-12-01", "2026-12-31", id="december"),
    ],
)
def test_weeks_and_months(span: Span, first: str, last: str) -> None:
    assert [span.first.isoformat(), span.last.isoformat()] == [first, last]


@pytest.mark.parametrize("make", [lambda: week(2027, 53), lambda: month(2026, 13)])
def test_there_is_no_such_week_or_month(make: Callable[[], Span]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()
