"""The back-test says what the real matcher would have found, day by day."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from digest.backtest import Backtest, Backtester, Beyond
from digest.errors import UsageError
from digest.ingest import ingest
from digest.matching.background import Background
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.static import static_embedder
from digest.model import Combine, Example, Fetched, Field, Mutes, Paper, PaperId
from digest.searching import Searcher
from digest.searching.staging import Setting
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore
from digest.store.vectors import StoredVectors
from tests.builders import interest, listing
from tests.fakes import START, FrozenClock, ScriptedSource

TODAY = START.date()  # a Friday: the background ends on Sunday the 15th
TOPICS = (
    ("graph networks for molecules", "We predict properties of molecules with message passing."),
    ("robot grasping with touch", "A gripper learns to hold objects from tactile sensors."),
    ("translation of rare languages", "Parallel sentences are few; we transfer from kin."),
    ("locks for many threads", "Threads on many cores wait less with our locks."),
    ("tumour growth in mice", "Mutations of a kinase drive growth; inhibitors slow it."),
    ("lanterns in sea fog", "How far the light of a lantern reaches over water."),
)
FILLERS = ("study", "of", "a", "method", "result", "bound", "theory", "trial")
MUTED = Mutes(words=("theory",), authors=("Bo Lind",))
DAYS = 24


@pytest.fixture(scope="module")
def archive(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Some weeks of papers in a database, and everything that reads it."""
    path = tmp_path_factory.mktemp("archive") / "digest.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    chance = random.Random(3)
    listings = []
    for number in range(1, 12 * DAYS + 1):
        title, abstract = TOPICS[number % 6]
        words = " ".join(
            chance.choices(
                ["study", "of", "a", "method", "result", "bound", "theory", "trial"], k=4
            )
        )
        listings.append(
            listing(
                number,
                title=f"{title.capitalize()} {words} {number}",
                abstract=f"{abstract} Part {number % 11} is a {words}.",
                authors=("Ada Mirza",) if number % 13 == 0 else (f"Author {number}", "Bo Lind"),
                announced_at=START - timedelta(days=number % DAYS),
                votes=number % 5 or None,
            )
        )
    source = ScriptedSource(answers=[Fetched(listings=tuple(listings))])
    ingest([source], PaperStore(database), clock=FrozenClock(), deadline=30)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def searcher(archive: Database) -> Searcher:
    return Searcher(
        SearchableStore(archive),
        PaperStore(archive),
        embedder=static_embedder(),
        vectors=StoredVectors(archive),
    )


@pytest.fixture(scope="module")
def backtester(archive: Database, searcher: Searcher) -> Backtester:
    return Backtester(searcher, setting(archive))


def setting(database: Database, *, words_alone: bool = False) -> Setting:
    return Setting(
        SearchableStore(database),
        PaperStore(database),
        embedder=None if words_alone else static_embedder(),
        background_days=30,
        daily_volume=2.0,
    )


def stored(database: Database) -> list[Paper]:
    ids = [PaperId(one) for one in SearchableStore(database).ids().tolist()]
    return list(PaperStore(database).papers(ids).values())


def real(database: Database, searcher: Searcher) -> Matcher:
    """The matcher of today's digests."""
    monday = TODAY - timedelta(days=TODAY.weekday())
    papers = stored(database)
    usual = [one for one in papers if one.announced_on < monday]
    embedder, vectors = static_embedder(), StoredVectors(database)
    background = Background.of(usual, embedder, store=vectors)
    background.frequencies = searcher.index().frame.frequencies
    scorer = HybridScorer(embedder, background, store=vectors)
    return Matcher(scorer, papers_a_day=12, default_volume=2.0)


EXAMPLES = tuple(Example(*topic) for topic in (TOPICS[5], TOPICS[1]))


@pytest.mark.parametrize(
    ("wanted", "mutes"),
    [
        pytest.param({"query": "lantern OR robot"}, Mutes(), id="keywords"),
        pytest.param({"query": "", "statement": "light of lanterns at sea"}, Mutes(), id="words"),
        pytest.param({"query": "", "examples": EXAMPLES}, Mutes(), id="examples"),
        pytest.param(
            {"query": "lantern -study", "statement": "light in fog"}, Mutes(), id="exclusion"
        ),
        pytest.param(
            {"query": "lantern", "statement": "light in fog", "combine": Combine.ALL},
            Mutes(),
            id="both",
        ),
        pytest.param({"query": "", "authors": ("Ada Mirza",)}, Mutes(), id="author"),
        pytest.param({"query": "lantern"}, MUTED, id="mutes"),
    ],
)
def test_it_finds_what_the_real_matcher_finds(
    archive: Database,
    searcher: Searcher,
    backtester: Backtester,
    wanted: dict[str, Any],
    mutes: Mutes,
) -> None:
    one = interest(**wanted)
    tried = backtester.run(one, until=TODAY, days=10, mutes=mutes, limit=50)
    window = [it for it in stored(archive) if it.announced_on > TODAY - timedelta(days=10)]
    (found,) = real(archive, searcher).prepare(window).match([one], mutes=[mutes])
    assert tried.matched == len(found.papers) > 0
    picks = [pick for day in tried.days for pick in day.picks]
    scores = dict(zip(found.papers, found.scores, strict=True))
    assert {pick.paper.id for pick in picks} <= scores.keys()
    expected = [scores[pick.paper.id] for pick in picks]
    assert np.allclose([pick.score for pick in picks], expected, atol=1e-3)
    assert sum(day.announced for day in tried.days) == len(window)


def lamps(backtester: Backtester, **options: Any) -> Backtest:
    asked = interest(query="", statement="light of lanterns at sea")
    given: dict[str, Any] = {"until": TODAY, "days": 10, "limit": 12}
    return backtester.run(asked, **given | options)


def test_each_day_is_there_and_capped(backtester: Backtester) -> None:
    tried = lamps(backtester, days=14, limit=1)
    assert [day.day for day in tried.days] == [TODAY - timedelta(days=n) for n in range(13, -1, -1)]
    assert all(len(day.picks) <= 1 for day in tried.days)
    assert any(day.matched > 1 for day in tried.days)
    assert tried.sent == sum(len(day.picks) for day in tried.days)
    assert tried.a_day == pytest.approx(tried.sent / 14)


def test_an_interest_s_own_limit_counts(backtester: Backtester) -> None:
    one = interest(query="molecules OR lantern", limit=1)
    tried = backtester.run(one, until=TODAY, days=5, limit=12)
    assert tried.limit == 1
    assert max(len(day.picks) for day in tried.days) == 1


def test_one_that_rests_is_tried_as_if_it_woke(backtester: Backtester) -> None:
    one = interest(query="molecules OR lantern")
    resting = interest(query="molecules OR lantern", id=one.id, paused=True)
    awake = backtester.run(one, until=TODAY, days=5)
    assert backtester.run(resting, until=TODAY, days=5) == awake
    assert awake.sent


def test_what_is_shown_says_why(backtester: Backtester) -> None:
    pick = next(pick for day in lamps(backtester).days for pick in day.picks)
    assert pick.share is not None
    assert pick.reasons.percentile == pick.share
    assert {"lanterns", "light"} <= {hit.term for hit in pick.reasons.hits}
    exact = backtester.run(interest(query="title:lanterns"), until=TODAY, days=10)
    hits = {hit.field for day in exact.days for pick in day.picks for hit in pick.reasons.hits}
    assert hits == {Field.TITLE}


def test_borderline_papers_lie_on_both_sides_of_the_threshold(backtester: Backtester) -> None:
    tried = lamps(backtester)
    assert tried.threshold is not None
    for one in tried.borderline:
        assert one.pick.share is not None
        assert one.inside is (one.pick.share <= tried.threshold + 1e-6)
    shares = [one.pick.share for one in tried.borderline]
    assert shares == sorted(shares, key=lambda share: share or 0.0)
    assert tried.borderline


def test_the_threshold_for_a_volume_gives_that_volume(backtester: Backtester) -> None:
    first = next(one for one in lamps(backtester).volumes if one.wanted == 1)
    assert first.setting is not None
    asked = interest(query="", statement="light of lanterns at sea", daily_volume=first.setting)
    again = backtester.run(asked, until=TODAY, days=10, limit=100)
    assert again.threshold == pytest.approx(first.threshold, abs=1e-3)
    assert 8 <= again.matched <= 13  # of ten days


def test_volumes_out_of_reach_say_why(backtester: Backtester) -> None:
    asked = interest(query="molecules", statement="light of lanterns at sea")
    volumes = {one.wanted: one.beyond for one in backtester.run(asked, until=TODAY).volumes}
    assert volumes[1] is Beyond.KEYWORDS
    assert volumes[20] is Beyond.SCARCE


def test_keywords_alone_have_no_threshold(backtester: Backtester) -> None:
    tried = backtester.run(interest(query="lantern"), until=TODAY, days=5)
    assert (tried.threshold, tried.borderline, tried.volumes) == (None, (), ())


def test_a_broken_query_is_told_and_the_rest_is_tried(backtester: Backtester) -> None:
    asked = interest(query="lantern AND (", statement="light of lanterns at sea")
    tried = backtester.run(asked, until=TODAY, days=10)
    assert tried.fault is not None
    assert tried.matched > 0


def test_by_words_alone(archive: Database) -> None:
    searcher = Searcher(
        SearchableStore(archive),
        PaperStore(archive),
        embedder=None,
        vectors=StoredVectors(archive),
    )
    tried = lamps(Backtester(searcher, setting(archive, words_alone=True)))
    titles = [pick.paper.title for day in tried.days for pick in day.picks]
    assert titles
    assert all("Lanterns" in title for title in titles)


def test_days_without_papers_are_no_fault(backtester: Backtester) -> None:
    tried = lamps(backtester, until=date(2030, 1, 1))
    assert (tried.sent, tried.matched, tried.a_day) == (0, 0, 0.0)


@pytest.mark.parametrize("days", [0, -1, 1000])
def test_a_span_that_cannot_be_is_refused(backtester: Backtester, days: int) -> None:
    with pytest.raises(UsageError):
        lamps(backtester, days=days)


def test_json_is_plain(backtester: Backtester) -> None:
    shown = lamps(backtester).to_json()
    assert shown["sent"] == sum(len(day["sent"]) for day in shown["days"])
    assert shown["days"][0].keys() == {"date", "announced", "matched", "sent"}
    assert {"id", "key", "title", "link", "score", "percentile", "inside"} == shown["borderline"][
        0
    ].keys()
