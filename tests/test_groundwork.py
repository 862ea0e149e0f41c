"""The groundwork: what composing needs of every paper, worked out as soon as it is stored."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from digest.config.sections import MatchingSection
from digest.config.summaries import SummariesSection
from digest.groundwork import Groundwork
from digest.ingest import ingest
from digest.likeness import STEP, Likeness
from digest.matching.background import FREQUENCIES, MEAN, WORDS
from digest.matching.base import Vectors
from digest.matching.hybrid import HybridScorer
from digest.matching.static import static_embedder
from digest.model import Interest, Paper, SubscriberState
from digest.store.calibrations import CalibrationRecords, CalibrationRow
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.subscribers import insert
from digest.store.tables import table
from digest.summaries.rounds import Summaries, makers
from tests import builders
from tests.fakes import FrozenClock, ScriptedSource

ABSTRACT = (
    "Lanterns stand in many harbours, and in fog they are all that a pilot has to go by. "
    "We present a lantern that changes its colour with the thickness of the fog, so that its "
    "distance can be read from afar. "
    "On two winters of crossings, pilots who had it turned earlier and came less close to rocks."
)


def groundwork(database: Database, *, stop: Event | None = None, **matching: Any) -> Groundwork:
    stop = stop or Event()
    settings = MatchingSection(**{"second_stage": "off", **matching})
    summaries = Summaries(SummariesSection(), database, stop=stop)
    return Groundwork(Likeness(settings, database), summaries, stop)


def bring(database: Database, clock: FrozenClock, count: int, **fields: Any) -> None:
    fields = {"abstract": ABSTRACT, "announced_at": clock(), **fields}
    listings = [builders.listing(None, **fields) for _ in range(count)]
    ingest([ScriptedSource(answers=[listings])], PaperStore(database), clock=clock, deadline=60)


def papers(database: Database, clock: FrozenClock) -> list[Paper]:
    store = PaperStore(database, makers=makers(SummariesSection()))
    day = clock().date()
    found = store.announced(day - timedelta(days=90), day)
    return list(store.papers([one.id for one in found]).values())


def test_composing_finds_vectors_and_sentences(database: Database, clock: FrozenClock) -> None:
    bring(database, clock, 3)
    laid = groundwork(database)
    assert len(laid.likeness.fresh(clock().date())) == 3
    laid.lay(clock)
    assert laid.likeness.missing() == []
    assert [bool(one.summary) for one in papers(database, clock)] == [True] * 3


def test_the_words_of_a_background_are_counted_once_a_week(
    database: Database, clock: FrozenClock
) -> None:
    bring(database, clock, 210, announced_at=clock() - timedelta(days=8))
    likeness = groundwork(database).likeness
    records = CalibrationRecords(database)
    for _ in range(2):
        groundwork(database).lay(clock)
        scorer = likeness.scorer(likeness.background(clock().date()))
        assert isinstance(scorer, HybridScorer)
        assert records.load(scorer.id, [FREQUENCIES]) != {}
        records.save(scorer.id + "else", {})  # forgets what was counted …
        groundwork(database).lay(clock)
        assert records.load(scorer.id, [FREQUENCIES]) == {}  # … and nobody counts it anew
        clock.tick(days=7)


def test_papers_that_nobody_is_sent_now_are_left_as_they_are(
    database: Database, clock: FrozenClock
) -> None:
    bring(database, clock, 2, announced_at=clock() - timedelta(days=60))
    laid = groundwork(database)
    laid.lay(clock)
    assert len(laid.likeness.missing()) == 2


def test_what_was_cut_short_is_gone_on_with(database: Database, clock: FrozenClock) -> None:
    bring(database, clock, STEP + 5)
    stop = Event()
    cut_short = groundwork(database, stop=stop)
    likeness = cut_short.likeness
    likeness.embed(likeness.missing()[:STEP], progress=lambda done: None)
    stop.set()
    cut_short.lay(clock)
    assert len(likeness.missing()) == 5
    groundwork(database).lay(clock)
    assert likeness.missing() == []


def test_a_model_that_is_away_keeps_nobody(
    database: Database, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    bring(database, clock, 2)
    laid = groundwork(database, embedder="bert:/nowhere")
    with caplog.at_level(logging.WARNING):
        laid.lay(clock)
    assert "embedded when they are needed" in caplog.text
    assert all(one.summary for one in papers(database, clock))


def test_by_words_alone_there_is_nothing_to_embed(database: Database, clock: FrozenClock) -> None:
    bring(database, clock, 1)
    groundwork(database, embedder="lexical").lay(clock)
    assert groundwork(database).likeness.missing() != []


def measured(database: Database) -> int:
    """Interests whose scores are known, by what they say."""
    kept = table(CalibrationRow)
    statement = sa.select(sa.func.count()).where(
        kept.c.content.not_in((FREQUENCIES, MEAN, WORDS)), ~kept.c.content.startswith("statement ")
    )
    with database.read() as connection:
        return int(connection.execute(statement).scalar_one())


def says(number: int, statement: str, **fields: Any) -> Interest:
    return builders.interest(number, name=f"Interest {number}", statement=statement, **fields)


def subscribe(database: Database, number: int, *interests: Interest, **fields: Any) -> None:
    with database.write() as connection:
        insert(connection, [builders.subscriber(number, interests=interests, **fields)])


def test_what_interests_scores_mean_is_measured_before_anybody_is_due(
    database: Database, clock: FrozenClock
) -> None:
    bring(database, clock, 210, announced_at=clock() - timedelta(days=8))
    subscribe(database, 1, says(1, "pilots in fog"), says(2, "owls at dusk", paused=True))
    subscribe(database, 2, says(3, "pilots in fog"), says(4, "", query="lantern"))
    subscribe(database, 3, says(5, "tides"), state=SubscriberState.UNSUBSCRIBED)
    groundwork(database).lay(clock)
    assert measured(database) == 1
    subscribe(database, 4, says(6, "harbour lights"))
    clock.tick(hours=1)
    groundwork(database).lay(clock)
    assert measured(database) == 2


def test_interests_are_measured_anew_with_the_week(database: Database, clock: FrozenClock) -> None:
    bring(database, clock, 210, announced_at=clock() - timedelta(days=8))
    subscribe(database, 1, says(1, "pilots in fog"))
    groundwork(database).lay(clock)
    CalibrationRecords(database).save("another scorer", {})  # forgets what was measured …
    groundwork(database).lay(clock)
    assert measured(database) == 0  # … and nobody measures it anew
    clock.tick(days=7)
    groundwork(database).lay(clock)
    assert measured(database) == 1


def test_measuring_that_was_cut_short_is_done_again(database: Database, clock: FrozenClock) -> None:
    bring(database, clock, 210, announced_at=clock() - timedelta(days=8))
    subscribe(database, 1, says(1, "pilots in fog"))
    stop = Event()
    stop.set()
    groundwork(database, stop=stop).lay(clock)
    assert measured(database) == 0
    groundwork(database).lay(clock)
    assert measured(database) == 1


class Choking:
    """An Embedder that fails at one statement."""

    id, dimensions = static_embedder().id, static_embedder().dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        if "a bone" in texts:
            raise ValueError("it choked")
        return static_embedder().embed(texts)


class Odd(Likeness):
    embedder = Choking()  # what a model of one's own may be like


def test_an_interest_that_cannot_be_measured_costs_no_ingest(
    database: Database, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    bring(database, clock, 210, announced_at=clock() - timedelta(days=8))
    subscribe(database, 1, says(1, "a bone"))
    for number in range(2, 503):  # more than are measured together
        subscribe(database, number, says(number, "pilots in fog"))
    laid = groundwork(database)
    replace(laid, likeness=Odd(laid.likeness.settings, database)).lay(clock)
    assert "it choked" in caplog.text
    assert measured(database) == 1
    assert all(one.summary for one in papers(database, clock))
