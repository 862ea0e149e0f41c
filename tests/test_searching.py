"""Searching a real store, as it grows, changes and shrinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import SQLModel

from digest.errors import QuerySyntaxError
from digest.ingest import ingest
from digest.matching.static import static_embedder
from digest.model import Fetched, Field, Listing
from digest.searching import Order, Results, Searcher, searcher
from digest.searching.keeping import Keeper
from digest.searching.selecting import first
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.purging import Keep, purge
from digest.store.searchable import SearchableStore
from digest.store.tables import FetchRow, PaperRow, table
from digest.store.vectors import StoredVectors
from tests.builders import listing
from tests.fakes import START, FrozenClock, ScriptedSource

SUBJECTS = {
    "A lantern in thick fog": "We measure how far the light of lanterns reaches at sea.",
    "Retrieval of medical literature": "Dense vectors find clinical trials for a question.",
    "Bread from rye": "Sourdough fermentation and the crumb of loaves.",
    "Tunnels under rivers": "Boring machines and the pressure of water on tunnel walls.",
    "Graph neural networks": "Message passing between the atoms of molecules.",
}
Announce = Callable[..., None]


@pytest.fixture
def announce(database: Database) -> Announce:
    clock = FrozenClock()

    def announce(*listings: Listing, source: str = "arxiv") -> None:
        answer = Fetched(listings=listings)
        clock.tick(hours=1)
        scripted = ScriptedSource(name=source, answers=[answer])
        ingest([scripted], PaperStore(database), clock=clock, deadline=10)

    return announce


def subjects(first: int = 1, **fields: Any) -> list[Listing]:
    pairs = enumerate(SUBJECTS.items(), first)
    return [listing(n, title=title, abstract=text, **fields) for n, (title, text) in pairs]


def searcher_of(
    database: Database, *, words_alone: bool = False, snapshot: Path | None = None
) -> Searcher:
    return Searcher(
        SearchableStore(database),
        PaperStore(database),
        embedder=None if words_alone else static_embedder(),
        vectors=StoredVectors(database),
        snapshot=snapshot,
    )


def titles(results: Results) -> list[str]:
    return [one.paper.title for one in results.found]


@pytest.mark.parametrize("words_alone", [False, True], ids=["hybrid", "words-alone"])
@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("lanterns", "A lantern in thick fog", id="word"),
        pytest.param("how far does light reach in fog?", "A lantern in thick fog", id="question"),
        pytest.param('"message passing"', "Graph neural networks", id="phrase"),
        pytest.param("title:bread", "Bread from rye", id="field"),
        pytest.param("water (pressure, walls)", "Tunnels under rivers", id="prose"),
    ],
)
def test_what_was_asked_for_comes_first(
    database: Database, announce: Announce, text: str, first: str, words_alone: bool
) -> None:
    announce(*subjects())
    assert titles(searcher_of(database, words_alone=words_alone).search(text))[0] == first


def test_meaning_finds_what_no_word_does(database: Database, announce: Announce) -> None:
    oncology = listing(9, title="Oncology drugs", abstract="For patients with carcinoma.")
    announce(*subjects(), oncology, *[listing(n, abstract="Of rain.") for n in range(10, 40)])
    found = searcher_of(database).search("cancer therapy")
    assert titles(found)[0] == "Oncology drugs"
    assert found.found[0].reasons.percentile is not None


def test_a_query_meant_as_one_gives_nothing_else(database: Database, announce: Announce) -> None:
    announce(*subjects())
    assert titles(searcher_of(database).search('"thick fog" OR author:nobody')) == [
        "A lantern in thick fog"
    ]
    with pytest.raises(QuerySyntaxError, match="never closed"):
        searcher_of(database).search('title:fog AND (light OR "dark"')


def test_an_exclusion_always_wins(database: Database, announce: Announce) -> None:
    announce(*subjects())
    assert "A lantern in thick fog" not in titles(searcher_of(database).search("light -lantern"))


def test_reasons_say_where_the_words_stand(database: Database, announce: Announce) -> None:
    announce(*subjects())
    best = searcher_of(database).search("lanterns at sea").found[0]
    marked = {
        (one.field, (best.paper.title, best.paper.abstract)[one.field is Field.ABSTRACT])[1][
            one.start : one.end
        ]
        for one in best.reasons.hits
    }
    assert marked == {"lantern", "lanterns", "sea"}


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        pytest.param({"source": "hf"}, {12}, id="source"),
        pytest.param({"category": "q-bio.NC"}, {13}, id="category"),
        pytest.param({"category": "cs"}, {11, 12}, id="part-of-category"),
        pytest.param({"since": date(2026, 11, 20)}, {11, 12}, id="since"),
        pytest.param({"until": date(2026, 11, 19)}, {13}, id="until"),
        pytest.param({"source": "nowhere"}, set(), id="unknown"),
    ],
)
def test_a_search_can_be_narrowed(
    database: Database, announce: Announce, narrowed: dict[str, Any], expected: set[int]
) -> None:
    announce(listing(11, title="Lamps, one"))
    announce(listing(12, source="hf", title="Lamps again", authors=("Cy Rao",)), source="hf")
    earlier = START - timedelta(days=2)
    biology = {"categories": ("q-bio.NC",), "authors": ("Di",)}
    announce(listing(13, title="Third lamps", announced_at=earlier, **biology))
    for text in ("lamps", "title:lamps"):
        found = searcher_of(database).search(text, **narrowed)
        assert {int(one.paper.key[-2:]) for one in found.found} == expected
        assert found.total == len(expected)


def test_pages_and_orders(database: Database, announce: Announce) -> None:
    for number in range(1, 8):
        announce(
            listing(
                number,
                title=f"Lamps number {number} {'of glass ' * number}",
                votes=number * 7 % 5,
                announced_at=START - timedelta(days=number),
            )
        )
    search = searcher_of(database).search
    for order in Order:
        whole = titles(search("lamps", order=order, limit=50))
        pages = [titles(search("lamps", order=order, limit=3, offset=at)) for at in (0, 3, 6)]
        assert whole == [title for page in pages for title in page]
        assert len(whole) == 7
    by_date = search("lamps", order=Order.DATE).found
    assert [one.paper.announced_on for one in by_date] == sorted(
        (one.paper.announced_on for one in by_date), reverse=True
    )
    votes = [one.paper.votes or 0 for one in search("lamps", order=Order.VOTES).found]
    assert votes == sorted(votes, reverse=True)


def test_an_empty_archive_finds_nothing(database: Database) -> None:
    assert searcher_of(database).search("lamps") == Results()
    assert searcher_of(database).search("?!") == Results()


def test_what_is_new_is_found_after_a_refresh(database: Database, announce: Announce) -> None:
    search = searcher_of(database)
    announce(*subjects())
    assert search.search("title:lighthouse").total == 0
    announce(listing(50, title="A lighthouse"))
    announce(listing(1, title="A lighthouse, once a lantern", version=2))
    search.refresh()
    assert set(titles(search.search("title:lighthouse"))) == {
        "A lighthouse",
        "A lighthouse, once a lantern",
    }
    assert search.search('title:"thick fog"').total == 0


def test_many_small_changes_are_merged(database: Database, announce: Announce) -> None:
    search = searcher_of(database)
    announce(*subjects())
    for number in range(60, 70):
        announce(listing(number, title=f"Beacon {number}"))
        search.refresh()
        assert search.search("title:beacon").total == number - 59
    assert search.search("title:bread").total == 1


def test_what_has_gone_is_not_found(database: Database, announce: Announce) -> None:
    announce(*subjects())
    search = searcher_of(database)
    assert search.search("title:bread").total == 1
    with database.write() as connection:
        connection.execute(sa.delete(table(PaperRow)).where(table(PaperRow).c.title.like("Bread%")))
    assert search.search("title:bread").found == []
    announce(listing(70, title="Something else"))
    search.refresh()
    assert search.search("title:bread").total == 0


def test_what_was_purged_leaves_the_index_without_another_fetch(
    database: Database, announce: Announce
) -> None:
    announce(*subjects())
    search = searcher_of(database)
    total = search.search("title:bread").total
    assert purge(database, Keep(papers_days=1), START + timedelta(days=100))["papers"] > 1
    search.refresh()
    assert total > 0
    assert search.search("title:bread").total == 0


def test_a_snapshot_of_before_a_purge_finds_nothing_that_has_gone(
    database: Database, announce: Announce, tmp_path: Path
) -> None:
    announce(*(listing(n, title=f"Beacon {n}", authors=(f"A {n}",)) for n in range(600)))
    before = searcher_of(database, words_alone=True, snapshot=tmp_path / "snapshot")
    assert before.search("title:beacon").total == 600
    assert (tmp_path / "snapshot").exists()
    purge(database, Keep(papers_days=1), START + timedelta(days=100))
    after = searcher_of(database, words_alone=True, snapshot=tmp_path / "snapshot")
    assert after.search("title:beacon").total == 0


def test_the_index_catches_up_beside_the_questions(
    database: Database, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searcher, "LOOK_EVERY", 0.0)
    announce(*subjects())
    search = searcher_of(database)
    search.search("lamps")
    announce(listing(50, title="A lighthouse"))
    for _ in range(200):
        if search.search("title:lighthouse").total:
            break
        search.wait()
    assert titles(search.search("title:lighthouse")) == ["A lighthouse"]


def test_what_is_kept_up_is_only_read_by_questions(
    database: Database, announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searcher, "LOOK_EVERY", 0.0)
    announce(*subjects())
    search, stop = searcher_of(database), Event()
    keeping = Thread(target=search.keep, args=(stop,))
    keeping.start()
    try:
        search.search("lamps")
        kept = vectors(database)
        assert kept == len(SUBJECTS)
        announce(listing(50, title="A lighthouse"))
        for _ in range(20):
            search.search("title:lighthouse")
        assert vectors(database) == kept
        search.nudge()
        for _ in range(500):
            if search.search("title:lighthouse").total:
                break
            sleep(0.01)
        assert titles(search.search("title:lighthouse")) == ["A lighthouse"]
        assert vectors(database) == kept + 1
    finally:
        stop.set()
        search.nudge()
        keeping.join(10)
    assert not keeping.is_alive()


def vectors(database: Database) -> int:
    with database.read() as connection:
        count = sa.select(sa.func.count()).select_from(SQLModel.metadata.tables["paper_vector"])
        return int(connection.execute(count).scalar_one())


def test_many_may_ask_at_once(database: Database, announce: Announce) -> None:
    announce(*subjects())
    search = searcher_of(database)
    found: list[list[str]] = []
    threads = [
        Thread(target=lambda: found.append(titles(search.search("light of lanterns at sea"))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(one == found[0] for one in found)


def test_similar_papers_are_near_and_never_itself(database: Database, announce: Announce) -> None:
    others = [
        listing(n, title=f"Report {n}", abstract=f"The accounts of year {n}, audited.")
        for n in range(100, 400)
    ]
    twin = listing(
        99, title="Lanterns seen through fog", abstract="How the light of a lantern fades at sea."
    )
    announce(*subjects(), twin, *others)
    store = PaperStore(database)
    search = searcher_of(database)
    near = search.similar(store.find("2511.00001"), limit=3)
    assert near[0].title == "Lanterns seen through fog"
    assert all(one.title != "A lantern in thick fog" for one in near)
    unstored = replace(store.find("2511.00001"), id=store.find("2511.00001").id.__class__(10**6))
    assert search.similar(unstored, limit=1)[0].title == "A lantern in thick fog"


# --- snapshots ----------------------------------------------------------------------------------


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A snapshot's place, for an archive small enough for a test."""
    monkeypatch.setattr("digest.searching.keeping.FEW", 2)
    return tmp_path / "folder" / "search.npz"


def test_a_snapshot_saves_reading_everything(
    database: Database, announce: Announce, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(*subjects())
    before = searcher_of(database, snapshot=kept).search("light of lanterns")
    assert kept.exists()
    monkeypatch.setattr(Keeper, "_everything", None)
    again = searcher_of(database, snapshot=kept)
    assert again.search("light of lanterns") == before
    announce(listing(50, title="A lighthouse"))
    again.refresh()
    assert titles(again.search("title:lighthouse")) == ["A lighthouse"]


@pytest.mark.parametrize("damage", ["torn", "empty", "other-database"])
def test_a_snapshot_that_does_not_fit_is_none(
    database: Database, announce: Announce, kept: Path, damage: str
) -> None:
    announce(*subjects())
    searcher_of(database, snapshot=kept).refresh()
    if damage == "torn":
        kept.write_bytes(kept.read_bytes()[:5000])
    elif damage == "empty":
        kept.write_bytes(b"")
    else:
        with database.write() as connection:
            connection.execute(sa.update(table(FetchRow)).values(at=START - timedelta(days=900)))
    assert titles(searcher_of(database, snapshot=kept).search("title:bread")) == ["Bread from rye"]


def test_a_place_that_cannot_be_written_is_no_fault(
    database: Database, announce: Announce, kept: Path
) -> None:
    announce(*subjects())
    kept.parent.write_text("a file where a folder should be")
    assert searcher_of(database, snapshot=kept).search("title:bread").total == 1


@pytest.mark.parametrize("limit", [1, 2, 5, 9, 100])
def test_a_page_is_the_beginning_of_everything(
    database: Database, announce: Announce, limit: int
) -> None:
    announce(*(one for first in (1, 11, 21, 31) for one in subjects(first)))
    search = searcher_of(database, words_alone=True)
    everything = [one.paper.id for one in search.search("of OR the OR a", limit=1000).found]
    assert len(everything) == 20
    for offset in range(0, 20, limit):
        page = search.search("of OR the OR a", limit=limit, offset=offset)
        assert [one.paper.id for one in page.found] == everything[offset : offset + limit]
        assert page.total == 20


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.5000001, 3.0, -np.inf])), st.integers(1, 20))
def test_the_first_are_those_of_sorting_all(given_: list[float], count: int) -> None:
    values = np.array(given_, np.float32)
    assert first(values, count).tolist() == np.argsort(-values, kind="stable")[:count].tolist()


@pytest.mark.parametrize("count", [1, 20, 500, 4_000])
@pytest.mark.parametrize("kind", ["many values", "few values", "the best where nobody samples"])
def test_the_first_of_very_many_are_those_of_sorting_all(kind: str, count: int) -> None:
    values = np.random.default_rng(count).standard_normal(30_000).astype(np.float32)
    if kind == "few values":
        values = np.round(values)
    elif kind != "many values":
        values[::16] += 10  # what is sampled says nothing of the others
        values[1::16] -= 10
    assert first(values, count).tolist() == np.argsort(-values, kind="stable")[:count].tolist()


def test_marks_are_where_the_text_says_though_the_index_is_older(
    database: Database, announce: Announce
) -> None:
    announce(listing(1, title="Owls at night", abstract="Seen from the mill."))
    search = searcher_of(database, words_alone=True)
    assert sorted(marks(search, "owls night")) == ["Owls", "night"]
    announce(listing(1, title="A night of owls", abstract="Seen.", version=2))
    assert sorted(marks(search, "owls night")) == ["night", "owls"]
    announce(listing(1, title="Owls", abstract="Seen.", version=3))
    assert marks(search, "owls night") == ["Owls"]


def marks(search: Searcher, text: str) -> list[str]:
    [found] = search.search(text).found
    return [found.paper.title[hit.start : hit.end] for hit in found.reasons.hits]
