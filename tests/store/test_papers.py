"""Listings go in, papers come out: the merging, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.errors import UnknownPaper
from digest.model import (
    Announcement,
    FetchId,
    Links,
    Listing,
    Paper,
    PaperId,
    PaperIds,
    PastFetch,
    SourceNote,
    SubscriberId,
    Verdict,
)
from digest.store.database import Database
from digest.store.leases import Lease, LeaseLost
from digest.store.papers import Fetch, PaperStore, Remembered, SourceMemory, current_ids
from digest.store.sent import sent_before
from digest.store.sent_tables import SentPaperRow, SentRow
from digest.store.tables import (
    DigestRow,
    ExampleRow,
    FeedbackRow,
    InterestRow,
    PaperVectorRow,
    SubscriberRow,
    table,
)
from tests.builders import arxiv_id, listing
from tests.fakes import START

NEW, CROSS, REVISED = Announcement.NEW, Announcement.CROSS, Announcement.REPLACEMENT


@pytest.fixture
def store(database: Database) -> PaperStore:
    return PaperStore(database)


@pytest.fixture
def lease(store: PaperStore) -> Lease:
    lease = store.lease("this test")
    assert lease.acquire()
    return lease


@pytest.fixture
def give(store: PaperStore, lease: Lease) -> Any:
    """Remember listings as one fetch."""

    def remember(*listings: Listing, at: datetime = START, **fields: Any) -> Remembered:
        source = listings[0].source if listings else "arxiv"
        known: dict[str, Any] = {"kind": source, "verdict": Verdict.FRESH, "memory": SourceMemory()}
        fetch = Fetch(**{"source": source, "at": at, **known, **fields})
        return store.remember(fetch, listings, lease)

    return remember


def everything(store: PaperStore) -> tuple[Paper, ...]:
    return store.window(FetchId(0), store.latest_fetch()).papers


def only(store: PaperStore) -> Paper:
    (paper,) = everything(store)
    return paper


def hf(number: int, **fields: Any) -> Listing:
    fields = {"source": "huggingface", "version": None, "votes": 3, "comments": 1, **fields}
    return listing(number, **fields)


def journal(**fields: Any) -> Listing:
    defaults: dict[str, Any] = {
        "source": "journal",
        "ids": PaperIds(doi="10.1000/lantern.1"),
        "title": "Lanterns in Fog, Part 7",
        "version": None,
        "categories": (),
        "links": Links(abstract="https://journal.example/lantern/1"),
    }
    return listing(7, **defaults | fields)


def test_a_new_listing_becomes_a_paper(store: PaperStore, give: Any) -> None:
    given = listing(1, votes=4, comments=2, submitter="ada", organisation="Fog Lab", note="9 pages")
    assert give(given) == Remembered(FetchId(1), new_papers=1, new_sightings=1)
    paper = only(store)
    assert paper.key == f"arxiv:{arxiv_id(1)}"
    assert (paper.title, paper.abstract, paper.authors) == (
        given.title,
        given.abstract,
        given.authors,
    )
    assert (paper.categories, paper.ids, paper.links) == (given.categories, given.ids, given.links)
    assert (paper.votes, paper.comments, paper.submitter) == (4, 2, "ada")
    assert (paper.organisation, paper.note, paper.version) == ("Fog Lab", "9 pages", 1)
    assert paper.announced_on == START.date()
    assert [(s.source, s.announcement, s.version) for s in paper.sightings] == [("arxiv", NEW, 1)]


def test_a_repeated_listing_adds_nothing_but_newer_votes(store: PaperStore, give: Any) -> None:
    give(hf(1, votes=3))
    assert give(hf(1, votes=9)) == Remembered(FetchId(2), new_papers=0, new_sightings=0)
    assert only(store).votes == 9
    assert store.window(FetchId(1), FetchId(2)).papers == ()


JOINED = [
    pytest.param(listing(7), hf(7), id="by arXiv id"),
    pytest.param(
        listing(7, ids=PaperIds(arxiv=arxiv_id(7), doi="10.1000/x")),
        journal(ids=PaperIds(doi="10.1000/x"), title="Another name altogether"),
        id="by DOI",
    ),
    pytest.param(journal(ids=PaperIds(pmid="77")), journal(ids=PaperIds(pmid="77")), id="by PMID"),
    pytest.param(
        journal(ids=PaperIds(url="https://a.example/1"), title="One name for it"),
        journal(ids=PaperIds(url="https://a.example/1"), title="Quite another name"),
        id="by address",
    ),
    pytest.param(listing(7), journal(), id="by title and author"),
    pytest.param(listing(7), journal(title="Lanterns in fog: part 7."), id="by near-equal title"),
    pytest.param(listing(7), listing(7, version=2, announcement=REVISED), id="a new version"),
    pytest.param(
        journal(ids=PaperIds(), title="No identifier at all"),
        journal(ids=PaperIds(), title="No identifier at all", source="other"),
        id="by title alone without identifiers",
    ),
]


@pytest.mark.parametrize(("one", "other"), JOINED)
@pytest.mark.parametrize("together", [True, False], ids=["one fetch", "two fetches"])
def test_one_work_is_one_paper(
    store: PaperStore, give: Any, one: Listing, other: Listing, together: bool
) -> None:
    for some in [(one, other)] if together else [(other,), (one,)]:
        give(*some)
    assert set(only(store).sources) == {one.source, other.source}


APART = [
    pytest.param(listing(7), listing(8, title=listing(7).title), id="two arXiv ids"),
    pytest.param(listing(7), journal(authors=("Someone Else",)), id="no author in common"),
    pytest.param(listing(7), journal(title="Lanterns in fog, part 8"), id="other number"),
    pytest.param(
        journal(), journal(ids=PaperIds(doi="10.1000/lantern.rest")), id="two DOIs of a journal"
    ),
    pytest.param(
        listing(7, ids=PaperIds(arxiv=arxiv_id(7), doi="10.1000/x")),
        listing(8, ids=PaperIds(arxiv=arxiv_id(8), doi="10.1000/x")),
        id="two arXiv ids under one DOI",
    ),
    pytest.param(
        journal(ids=PaperIds(pmid="1", url="https://a.example/"), title="The first of two"),
        journal(ids=PaperIds(pmid="2", url="https://a.example/"), title="And the second"),
        id="two PMIDs at one address",
    ),
    pytest.param(
        listing(7), journal(announced_at=START - timedelta(days=200)), id="long after the other"
    ),
]


@pytest.mark.parametrize(("one", "other"), APART)
@pytest.mark.parametrize("together", [True, False], ids=["one fetch", "two fetches"])
def test_two_works_stay_two_papers(
    store: PaperStore, give: Any, one: Listing, other: Listing, together: bool
) -> None:
    for some in [(one, other)] if together else [(one,), (other,)]:
        give(*some)
    assert len(everything(store)) == 2


def test_a_listing_that_links_two_papers_makes_them_one(
    store: PaperStore, give: Any, database: Database
) -> None:
    give(listing(7, title="As the preprint is called"))
    give(journal(title="As the journal calls it"))
    first, second = everything(store)
    link = journal(
        source="index", title="x" * 30, ids=PaperIds(arxiv=arxiv_id(7), doi="10.1000/lantern.1")
    )
    assert give(link) == Remembered(FetchId(3), new_papers=0, new_sightings=1)
    paper = only(store)
    assert paper.id == first.id
    assert paper.sources == ("arxiv", "journal", "index")
    assert store.papers([second.id, first.id]) == {second.id: paper, first.id: paper}
    assert store.find("10.1000/lantern.1") == store.find(str(second.id)) == paper


def test_three_papers_can_become_one_in_one_fetch(store: PaperStore, give: Any) -> None:
    ids = PaperIds(arxiv=arxiv_id(7), doi="10.1000/lantern.1", pmid="77")
    give(journal(ids=PaperIds(pmid="77"), title="As the index calls it", source="index"))
    give(journal(title="As the journal calls it"))
    give(listing(7, title="As the preprint is called"), hf(7, ids=ids))
    assert set(only(store).sources) == {"index", "journal", "arxiv", "huggingface"}
    assert only(store).key == f"arxiv:{arxiv_id(7)}"


def test_papers_made_one_keep_what_points_at_them(
    store: PaperStore, give: Any, database: Database
) -> None:
    give(listing(7, title="As the preprint is called"))
    give(journal(title="As the journal calls it"))
    first, second = (paper.id for paper in everything(store))
    with database.write() as connection:
        for row in _readers_of(first, second):
            connection.execute(
                sa.insert(table(type(row))).values(row.model_dump(exclude_unset=True))
            )
    give(journal(source="index", ids=PaperIds(arxiv=arxiv_id(7), doi="10.1000/lantern.1")))
    with database.read() as connection:
        kept = connection.execute(sa.text("SELECT paper_id FROM sent_paper"))
        assert list(map(tuple, kept)) == [(first,)]
        assert sent_before(connection, [first], [SubscriberId(1), SubscriberId(2)]) == {
            1: {first: 1},
            2: {first: 2},
        }
        said = connection.execute(
            sa.text("SELECT subscriber_id, paper_id, verdict FROM feedback ORDER BY 1")
        )
        assert [tuple(row) for row in said] == [(1, first, "down"), (2, first, "up")]
        assert connection.scalar(sa.text("SELECT paper_id FROM example")) == first
        assert connection.scalar(sa.text("SELECT count(*) FROM paper_vector")) == 0


def _readers_of(first: int, second: int) -> Iterator[SQLModel]:
    for n in (1, 2):
        who: dict[str, Any] = {"email": f"r{n}@example.org", "state": "active", "cadence": "daily"}
        yield SubscriberRow(id=n, created_at=START, **who)
        issue: dict[str, Any] = {"fetch_after": 0, "fetch_upto": 1, "papers": 1, "document": {}}
        yield DigestRow(id=n, subscriber_id=n, local_date=START.date(), composed_at=START, **issue)
    yield SentPaperRow(paper_id=second)
    for n, packed in ((1, f"{first},{second}"), (2, f"{first},{second},v2")):
        yield SentRow(subscriber_id=n, fetch_upto=2, digest_id=n, papers=packed)
    later = START + timedelta(days=1)
    yield FeedbackRow(subscriber_id=1, paper_id=first, verdict="up", at=START)
    yield FeedbackRow(subscriber_id=1, paper_id=second, verdict="down", at=later)
    yield FeedbackRow(subscriber_id=2, paper_id=second, verdict="up", at=START)
    yield InterestRow(id=1, subscriber_id=1, name="fog")
    yield ExampleRow(interest_id=1, paper_id=second, title="Fog")
    for paper in (first, second):
        yield PaperVectorRow(paper_id=paper, model="m", data=b"")


def test_a_newer_version_revises_the_words(store: PaperStore, give: Any) -> None:
    give(listing(7, title="The first title", abstract="A long first abstract."))
    give(listing(7, title="New", abstract="Short.", version=2, announcement=REVISED))
    give(listing(7, title="The first title of all", abstract="A longer abstract, but late."))
    paper = only(store)
    assert (paper.title, paper.abstract, paper.version) == ("New", "Short.", 2)
    assert [(s.announcement, s.version) for s in paper.sightings] == [(NEW, 1), (REVISED, 2)]


def test_vectors_of_words_that_changed_are_forgotten(
    store: PaperStore, give: Any, database: Database
) -> None:
    give(listing(7), listing(8))
    vectors = [{"paper_id": paper.id, "model": "m", "data": b""} for paper in everything(store)]
    with database.write() as connection:
        connection.execute(sa.insert(table(PaperVectorRow)), vectors)
    give(listing(7, version=2, abstract="Another abstract"), listing(8, votes=3))
    with database.read() as connection:
        left = connection.execute(sa.text("SELECT paper_id FROM paper_vector")).scalars().all()
    assert left == [store.find(arxiv_id(8)).id]


def test_richer_words_and_missing_parts_are_filled_in(store: PaperStore, give: Any) -> None:
    give(hf(7, abstract="", authors=("Ada Mirza",), links=Links(discussion="https://hf.example/7")))
    give(listing(7, published_at=START - timedelta(days=3), note="12 pages"))
    give(journal(abstract="Longer by far. " * 9, published_at=START - timedelta(days=9)))
    paper = only(store)
    assert paper.abstract == listing(7).abstract
    assert paper.authors == listing(7).authors
    assert paper.links == Links(
        abstract=f"https://arxiv.org/abs/{arxiv_id(7)}", discussion="https://hf.example/7"
    )
    assert paper.ids == PaperIds(arxiv=arxiv_id(7), doi="10.1000/lantern.1")
    assert (paper.votes, paper.note) == (3, "12 pages")
    assert paper.published_at == START - timedelta(days=9)


ANNOUNCED = [
    pytest.param([START - timedelta(days=2), START], date(2026, 11, 18), id="the earliest"),
    pytest.param([START + timedelta(days=30), None], date(2026, 11, 20), id="never in the future"),
    pytest.param([None, START - timedelta(days=1)], date(2026, 11, 19), id="today if unknown"),
]


@pytest.mark.parametrize(("instants", "expected"), ANNOUNCED)
def test_a_paper_is_dated_by_its_announcement(
    store: PaperStore, give: Any, instants: list[datetime | None], expected: date
) -> None:
    for instant in instants:
        give(listing(7, announced_at=instant))
    assert only(store).announced_on == expected
    assert all(sighting.announced_at <= START for sighting in only(store).sightings)


def test_a_window_tells_new_papers_from_new_versions(store: PaperStore, give: Any) -> None:
    give(listing(1), listing(2))
    give(listing(1, version=2, announcement=REVISED), listing(3, announcement=CROSS))
    give(listing(4, version=5, announcement=REVISED))
    first, second, third, fourth = (store.find(arxiv_id(n)).id for n in (1, 2, 3, 4))
    window = store.window(FetchId(1), FetchId(2))
    assert [paper.id for paper in window.papers] == [first, third]
    assert window.revised == {first}
    whole = store.window(FetchId(0), FetchId(3))
    assert [paper.id for paper in whole.papers] == [first, second, third, fourth]
    assert whole.revised == {fourth}


def test_a_paper_known_only_by_a_new_version_is_no_new_paper(give: Any) -> None:
    assert give(listing(4, version=5, announcement=REVISED)).new_papers == 0


FOUND = [
    "2511.00007",
    " arXiv:2511.00007v3 ",
    "https://arxiv.org/pdf/2511.00007v1",
    "https://huggingface.co/papers/2511.00007",
    "10.1000/LANTERN.1",
    "https://doi.org/10.1000/lantern.1",
    "PMID: 77",
    "https://journal.example/lantern/1?utm_source=x",
    "1",
]


@pytest.mark.parametrize("text", FOUND)
def test_a_paper_is_found_in_any_spelling(store: PaperStore, give: Any, text: str) -> None:
    url = "https://journal.example/lantern/1"
    give(listing(7, ids=PaperIds(arxiv_id(7), "10.1000/lantern.1", "77", url)), listing(8))
    assert store.find(text).title == listing(7).title


@pytest.mark.parametrize("text", ["", "2511.99999", "lanterns", "0", "99", "9" * 40, "10.1000/x"])
def test_an_unknown_paper_is_named(store: PaperStore, give: Any, text: str) -> None:
    give(listing(7))
    with pytest.raises(UnknownPaper, match="No stored paper"):
        store.find(text)


def test_fetches_are_counted_and_dated(store: PaperStore, give: Any) -> None:
    assert store.latest_fetch() == 0
    for hours in range(3):
        give(listing(hours), at=START + timedelta(hours=hours))
    assert store.latest_fetch() == 3
    assert store.fetch_before(START) == 0
    assert store.fetch_before(START + timedelta(hours=1)) == 1
    assert store.fetch_before(START + timedelta(days=1)) == 3


def test_a_source_is_remembered(store: PaperStore, give: Any) -> None:
    assert store.source_memory("arxiv") == SourceMemory()
    kept = SourceMemory({"etag": '"7"'}, START, 2)
    give(listing(1), memory=kept, verdict=Verdict.STALE)
    give(hf(1), verdict=Verdict.FRESH)
    give(verdict=Verdict.BROKEN, at=START + timedelta(hours=1), memory=kept)
    assert store.source_memory("arxiv") == kept
    assert store.history("arxiv", since=START) == (
        PastFetch(START + timedelta(hours=1), Verdict.BROKEN, 0, 0),
        PastFetch(START, Verdict.STALE, 1, 1),
    )
    assert len(store.history("arxiv", since=START + timedelta(minutes=1))) == 1
    assert store.latest_verdicts() == (
        SourceNote("arxiv", Verdict.BROKEN),
        SourceNote("huggingface", Verdict.FRESH),
    )


def test_known_keys_are_told_from_new_ones(store: PaperStore, give: Any) -> None:
    give(listing(1), listing(2))
    asked = {f"arxiv:{arxiv_id(n)}" for n in range(1, 1200)}
    assert store.known_keys(asked) == {f"arxiv:{arxiv_id(1)}", f"arxiv:{arxiv_id(2)}"}


def test_who_lost_the_lease_cannot_commit(store: PaperStore, give: Any, database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE lease SET holder = 'another'"))
    with pytest.raises(LeaseLost):
        give(listing(1))
    assert store.latest_fetch() == 0


def test_papers_asked_for_by_unknown_ids_are_left_out(store: PaperStore, give: Any) -> None:
    give(listing(1))
    (paper,) = everything(store)
    assert store.papers([PaperId(99), paper.id, paper.id]) == {paper.id: paper}
    assert store.papers([]) == {}


def test_what_one_fault_spoils_is_not_half_stored(store: PaperStore, give: Any) -> None:
    with pytest.raises(Exception, match=r"surrogates|encode"):
        give(listing(1), replace(listing(2), title="half a \ud800 pair"))
    assert everything(store) == ()
    assert store.latest_fetch() == 0


def test_ids_are_followed_to_where_papers_went(
    store: PaperStore, give: Any, database: Database
) -> None:
    give(listing(7, title="As the preprint is called"), listing(8))
    give(journal(title="As the journal calls it"))
    first, other, second = (paper.id for paper in everything(store))
    give(journal(source="index", ids=PaperIds(arxiv=arxiv_id(7), doi="10.1000/lantern.1")))
    with database.write() as connection:
        there = current_ids(connection, [first, other, second, PaperId(99)])
    assert there == {first: first, other: other, second: first}


def test_papers_are_listed_by_the_day_of_their_announcement(store: PaperStore, give: Any) -> None:
    days = [START - timedelta(days=n) for n in range(4)]
    give(*(listing(n, announced_at=day) for n, day in enumerate(days)))
    give(hf(2, announced_at=days[2]))
    since, until = days[2].date(), days[1].date()
    assert [paper.title for paper in store.announced(since, until)] == [
        listing(1).title,
        listing(2).title,
    ]
    (seen,) = store.announced(since, until, source="huggingface")
    assert seen.title == listing(2).title
    assert len(store.announced(since, until, limit=1)) == 1
