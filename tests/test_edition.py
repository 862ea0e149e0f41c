"""Composing on both engines: who gets what, once, and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.edition import Composed, Composer
from digest.edition.composing import DECIDED_AT_ONCE
from digest.errors import ConfigError
from digest.ingest import ingest
from digest.matching.background import Background
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.lexical import LexicalScorer
from digest.matching.scoring import Scores
from digest.matching.static import static_embedder
from digest.matching.vectors import MemoryVectors
from digest.model import (
    Announcement,
    Cadence,
    Channel,
    Digest,
    DigestId,
    Fetched,
    Interest,
    Listing,
    PaperIds,
    Skip,
    Subscriber,
)
from digest.store.database import Database
from digest.store.editions import EditionStore
from digest.store.papers import PaperStore
from digest.store.subscribers import SubscriberStore
from digest.subscriptions.register import Subscriptions
from tests.builders import listing, paper
from tests.fakes import FrozenClock, ScriptedSource

KEYS = ("a-key-that-is-long-enough-to-sign-with",)
TABLES = SQLModel.metadata.tables


@dataclass
class World:
    """One installation with a clock that obeys."""

    database: Database
    clock: FrozenClock
    composer: Composer
    register: Subscriptions

    def announce(self, *listings: Listing, source: str = "arxiv", **fetched: Any) -> None:
        answer = Fetched(listings=listings, **fetched)
        ingest(
            [ScriptedSource(name=source, answers=[answer])],
            self.composer.papers,
            clock=self.clock,
            deadline=10,
        )

    def subscribe(self, email: str = "ada@example.org", **record: Any) -> Subscriber:
        usual = {
            "email": email,
            "cadence": "daily",
            "hour": 7,
            "interests": [{"name": "Lanterns", "query": "lantern"}],
        }
        return self.register.add(usual | record)

    def compose(self) -> Composed:
        return self.composer.compose(self.clock())

    def rows(self, table: str) -> Sequence[Any]:
        with self.database.read() as connection:
            statement = sa.select(TABLES[table]).order_by(*TABLES[table].primary_key.columns)
            return connection.execute(statement).all()

    def digests(self) -> list[Digest]:
        stored = self.composer.store.digests([DigestId(row.id) for row in self.rows("digest")])
        return [stored[number] for number in sorted(stored)]

    def settle(self, state: str, **columns: Any) -> None:
        with self.database.write() as connection:
            connection.execute(sa.update(TABLES["delivery"]).values(state=state, **columns))

    def titles(self, digest: Digest) -> list[str]:
        papers = self.composer.papers.papers(digest.paper_ids)
        return [papers[paper_id].title for paper_id in digest.paper_ids]


@pytest.fixture
def world(database: Database) -> World:
    clock = FrozenClock(datetime(2026, 11, 18, 5, 0, tzinfo=UTC))  # a Wednesday
    return World(database, clock, composer_for(database), register_for(database, clock))


def register_for(database: Database, clock: FrozenClock) -> Subscriptions:
    return Subscriptions(database, keys=KEYS, clock=clock)


def composer_for(database: Database, matcher: Matcher | None = None) -> Composer:
    return Composer(
        store=EditionStore(database),
        papers=PaperStore(database),
        subscribers=SubscriberStore(database),
        matcher=matcher or Matcher(LexicalScorer([paper()]), papers_a_day=100),
        routes=lambda subscriber: [(Channel.MAILBOX, subscriber.email)],
    )


def test_a_due_subscriber_gets_one_digest_with_one_delivery(world: World) -> None:
    world.subscribe()
    world.announce(listing(1), listing(2, title="Of something else", abstract="Nothing."))
    assert world.compose() == Composed()  # five o'clock: not due yet
    world.clock.tick(hours=2)
    assert world.compose().composed == 1
    assert world.compose() == Composed()
    (digest,) = world.digests()
    assert world.titles(digest) == ["Lanterns in fog, part 1"]
    assert digest.local_date == date(2026, 11, 18)
    assert digest.considered == 2
    (delivery,) = world.rows("delivery")
    assert (delivery.state, delivery.channel) == ("queued", "mailbox")
    assert delivery.address == "ada@example.org"
    assert world.rows("subscriber")[0].next_due_at == datetime(2026, 11, 19, 7, tzinfo=UTC)


def test_a_paper_is_sent_once_however_often_it_is_announced(world: World) -> None:
    world.subscribe()
    world.announce(listing(1))
    world.clock.tick(hours=2)
    world.compose()
    world.settle("delivered")
    world.clock.tick(days=1)
    world.announce(listing(1, source="huggingface", votes=90), source="huggingface")
    world.announce(listing(3))
    world.compose()
    assert [world.titles(digest) for digest in world.digests()] == [
        ["Lanterns in fog, part 1"],
        ["Lanterns in fog, part 3"],
    ]


def test_who_comes_back_is_not_sent_the_same_papers_again(world: World) -> None:
    someone = world.subscribe(cadence="weekdays")  # whose first digest reaches back three days
    world.announce(listing(1))
    world.clock.tick(hours=2)
    world.compose()
    world.settle("delivered")
    with world.database.write() as connection:
        table = TABLES["subscriber"]
        connection.execute(sa.update(table).where(table.c.id == someone.id).values(seen_upto=None))
    world.clock.tick(hours=20)
    world.announce(listing(2))
    world.clock.tick(hours=4)
    world.compose()
    assert world.titles(world.digests()[-1]) == ["Lanterns in fog, part 2"]


@pytest.mark.parametrize(
    ("announced", "reason"),
    [
        pytest.param([], Skip.NOTHING_NEW, id="nothing-new"),
        pytest.param(
            [listing(7, title="Of soil", abstract="Worms.")], Skip.NOTHING_MATCHED, id="no-match"
        ),
    ],
)
def test_silence_has_a_stored_reason(world: World, announced: list[Listing], reason: Skip) -> None:
    world.subscribe()
    world.clock.tick(hours=2)
    world.announce(*announced)
    assert dict(world.compose().skipped) == {reason: 1}
    (skip,) = world.rows("skip")
    assert skip.reason == reason.value
    assert skip.detail.startswith("arxiv: ")
    assert not world.rows("delivery")


def test_an_empty_digest_is_made_for_who_asked_for_it(world: World) -> None:
    world.subscribe(send_empty=True)
    world.announce()
    world.clock.tick(hours=2)
    assert world.compose().composed == 1
    assert world.digests()[0].sections == ()


def test_a_broken_interest_costs_only_itself(world: World) -> None:
    world.subscribe("one@example.org")
    both = [{"name": "Good", "query": "lantern"}, {"name": "Bad", "query": "fog"}]
    world.subscribe("two@example.org", interests=both)
    bad = [{"name": "Bad", "query": "fog"}]
    world.subscribe("three@example.org", interests=bad)
    with world.database.write() as connection:  # as an older version may have stored it
        table = TABLES["interest"]
        connection.execute(sa.update(table).where(table.c.name == "Bad").values(query="(fog AND"))
    world.announce(listing(1))
    world.clock.tick(hours=2)
    done = world.compose()
    assert done.composed == 2
    assert dict(done.skipped) == {Skip.PROFILE_BROKEN: 1}


def test_a_broken_profile_loses_nothing_once_it_is_mended(world: World) -> None:
    world.subscribe()
    with world.database.write() as connection:
        connection.execute(sa.update(TABLES["interest"]).values(query='"lantern'))
    world.announce(listing(1))
    world.clock.tick(hours=2)
    assert world.compose().composed == 0
    with world.database.write() as connection:
        connection.execute(sa.update(TABLES["interest"]).values(query="lantern"))
    world.clock.tick(days=1)
    world.announce(listing(2))
    world.compose()
    assert sorted(world.titles(world.digests()[0])) == [
        "Lanterns in fog, part 1",
        "Lanterns in fog, part 2",
    ]


def test_five_near_copies_do_not_fill_a_digest(database: Database, world: World) -> None:
    world.subscribe(limit=3, interests=[{"name": "Robots", "query": "robot"}])
    copied = "A gripper learns to hold unknown objects from tactile sensors in its robot fingers."
    world.announce(
        *(
            listing(number, title=f"{name} of grasping, a robot tale", abstract=copied)
            for number, name in enumerate(("Songs", "Limits", "Joys", "Costs", "Maps"), 1)
        ),
        listing(6, title="Robot soccer", abstract="Two teams of walking machines play in rain."),
        listing(7, title="A robot chemist", abstract="It mixes reagents and measures the yield."),
    )
    world.clock.tick(hours=2)
    embedder = static_embedder()
    scorer = HybridScorer(embedder, Background.of([paper()], embedder, store=MemoryVectors()))
    composer = composer_for(database, Matcher(scorer, papers_a_day=100))
    assert composer.compose(world.clock()).composed == 1
    titles = world.titles(world.digests()[0])
    assert {"Robot soccer", "A robot chemist"} < set(titles)
    assert len(titles) == 3


class TouchyScorer(LexicalScorer):
    """Fails on one statement, as a bug of ours might."""

    failure: Exception = ZeroDivisionError()

    def score(self, interests: Sequence[Interest], ready: Any) -> Scores:
        if any(interest.statement == "boom" for interest in interests):
            raise self.failure
        return super().score(interests, ready)


def test_a_fault_of_ours_is_stored_for_one_and_the_others_get_theirs(
    database: Database, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(4):
        world.subscribe(f"reader{number}@example.org")
    world.subscribe("boom@example.org", interests=[{"name": "Boom", "statement": "boom"}])
    world.announce(listing(1))
    world.clock.tick(hours=2)
    composer = composer_for(database, Matcher(TouchyScorer([paper()]), papers_a_day=100))
    done = composer.compose(world.clock())
    assert done.composed == 4
    assert dict(done.skipped) == {Skip.FAULT: 1}
    assert "ZeroDivisionError" in caplog.text


class AwayScorer(TouchyScorer):
    """Asks a model on another machine, which does not answer."""

    failure = ConfigError("matching.embedder", ["it does not answer"])


def test_while_the_model_is_away_who_is_due_stays_due(database: Database, world: World) -> None:
    world.subscribe(interests=[{"name": "Boom", "statement": "boom"}])
    world.announce(listing(1))
    world.clock.tick(hours=2)
    away = composer_for(database, Matcher(AwayScorer([paper()]), papers_a_day=100))
    with pytest.raises(ConfigError, match="it does not answer"):
        away.compose(world.clock())
    assert world.rows("skip") == []
    world.clock.tick(minutes=10)
    done = world.compose()
    assert done.composed + sum(done.skipped.values()) == 1


def test_a_first_digest_reaches_back_one_cadence_and_no_further(world: World) -> None:
    world.announce(listing(1))
    world.clock.tick(days=20)
    world.announce(listing(2))
    world.subscribe(cadence="daily")
    world.clock.tick(hours=2)
    world.compose()
    assert world.titles(world.digests()[0]) == ["Lanterns in fog, part 2"]


def test_after_downtime_one_digest_covers_the_gap(world: World) -> None:
    world.subscribe()
    for day in range(4):
        world.announce(listing(day + 1))
        world.clock.tick(days=1)
    world.clock.tick(hours=3)  # Sunday 08:00: four digests were missed
    assert world.compose().composed == 1
    (digest,) = world.digests()
    assert digest.local_date == date(2026, 11, 22)
    assert len(digest.paper_ids) == 4
    assert world.rows("subscriber")[0].next_due_at == datetime(2026, 11, 23, 7, tzinfo=UTC)


@pytest.mark.parametrize("state", ["queued", "deferred"])
def test_a_digest_nobody_got_is_carried_by_the_next(world: World, state: str) -> None:
    world.subscribe()
    world.announce(listing(1))
    world.clock.tick(hours=2)
    world.compose()
    world.settle(state)
    world.clock.tick(days=1)
    world.announce(listing(2))
    world.compose()
    old, new = world.rows("delivery")
    assert (old.state, new.state) == ("expired", "queued")
    assert sorted(world.titles(world.digests()[1])) == [
        "Lanterns in fog, part 1",
        "Lanterns in fog, part 2",
    ]


@pytest.mark.parametrize(
    ("state", "doubts"),
    [("delivered", 0), ("sending", 0), ("uncertain", 1), ("refused", 0), ("deferred", 1)],
)
def test_a_digest_that_may_have_left_is_not_repeated(world: World, state: str, doubts: int) -> None:
    world.subscribe()
    world.announce(listing(1))
    world.clock.tick(hours=2)
    world.compose()
    world.settle(state, doubts=doubts)
    world.clock.tick(days=1)
    world.announce(listing(2))
    world.compose()
    assert world.rows("delivery")[0].state == state
    assert world.titles(world.digests()[1]) == ["Lanterns in fog, part 2"]


def test_a_new_version_is_told_only_to_those_who_asked_and_were_sent_it(world: World) -> None:
    world.subscribe("plain@example.org")
    world.subscribe("keen@example.org", revisions=True)
    world.announce(listing(1))
    world.clock.tick(hours=2)
    world.compose()
    world.settle("delivered")
    world.clock.tick(days=1)
    revision = {"announcement": Announcement.REPLACEMENT, "version": 2}
    world.announce(listing(1, **revision), listing(9, **revision))
    done = world.compose()
    assert done.composed == 1
    (item,) = world.digests()[-1].sections[0].items
    assert item.revision
    assert world.titles(world.digests()[-1]) == ["Lanterns in fog, part 1"]


def test_no_interests_means_what_is_trending(world: World) -> None:
    world.subscribe(interests=[], limit=2)
    world.announce(
        listing(1, votes=3),
        listing(2, votes=80),
        listing(3, title="Kept by nobody", ids=PaperIds(doi="10.5555/three")),
    )
    world.clock.tick(hours=2)
    world.compose()
    (digest,) = world.digests()
    assert world.titles(digest) == ["Lanterns in fog, part 2", "Lanterns in fog, part 1"]


def test_the_caps_hold_and_what_was_left_out_is_counted(world: World) -> None:
    world.subscribe(limit=3)
    topics = ("harbours", "mines", "deserts", "forests", "glaciers", "tunnels", "islands", "caves")
    world.announce(*(listing(n, title=f"A lantern for {t}") for n, t in enumerate(topics, 1)))
    world.clock.tick(hours=2)
    world.compose()
    (digest,) = world.digests()
    assert len(digest.paper_ids) == 3
    assert digest.left_out == 5


def test_a_schedule_moved_to_later_today_gives_no_second_digest_today(world: World) -> None:
    world.subscribe()
    world.announce(listing(1))
    world.clock.tick(hours=2)
    world.compose()
    world.settle("delivered")
    world.register.edit("ada@example.org", {"hour": 9})
    world.clock.tick(hours=2)
    world.announce(listing(2))
    world.compose()
    assert len(world.digests()) == 1
    world.clock.tick(days=1)
    world.compose()
    assert world.titles(world.digests()[1]) == ["Lanterns in fog, part 2"]


@pytest.mark.parametrize("verb", ["pause", "unsubscribe"])
def test_who_is_away_gets_nothing(world: World, verb: str) -> None:
    world.subscribe()
    getattr(world.register, verb)("ada@example.org")
    world.announce(listing(1))
    world.clock.tick(hours=2)
    assert world.compose() == Composed()


def test_two_composers_at_once_make_one_digest_each(database: Database, world: World) -> None:
    for number in range(40):
        world.subscribe(f"reader{number}@example.org", cadence=Cadence.DAILY.value)
    world.announce(*(listing(n) for n in range(1, 6)))
    now = world.clock.tick(hours=2)
    composers = [composer_for(database) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda composer: composer.compose(now), composers))
    assert sum(one.composed for one in done) == 40
    assert len({row.subscriber_id for row in world.rows("digest")}) == 40
    assert len(world.rows("delivery")) == 40


class MeddlingScorer(LexicalScorer):
    """While the first window is matched, another process finds two of its papers to be one."""

    def __init__(self, meddle: Callable[[], None]) -> None:
        super().__init__([paper()])
        self._meddle = [meddle]

    def score(self, interests: Sequence[Interest], ready: Any) -> Scores:
        while self._meddle:
            self._meddle.pop()()
        return super().score(interests, ready)


def test_papers_that_become_one_meanwhile_are_composed_as_one(
    database: Database, world: World
) -> None:
    world.subscribe(interests=[{"name": "L", "query": "lantern", "statement": "lanterns"}])
    doi = PaperIds(doi="10.5555/fog")
    world.announce(listing(1), listing(2, title="A lantern by another name", ids=doi))
    world.clock.tick(hours=2)
    both = PaperIds(arxiv=listing(1).ids.arxiv, doi=doi.doi)
    scorer = MeddlingScorer(lambda: world.announce(listing(1, ids=both)))
    composer = composer_for(database, Matcher(scorer, papers_a_day=100))
    assert composer.compose(world.clock()).composed == 1
    (digest,) = world.digests()
    assert len(digest.paper_ids) == 1


def test_whoever_gets_control_in_between_may_write(database: Database, world: World) -> None:
    for number in range(30):
        world.subscribe(f"reader{number}@example.org")
    world.announce(*(listing(n) for n in range(1, 6)))
    now = world.clock.tick(hours=2)
    bits = [0]
    for done in replace(world.composer, batch=10).steps(now):
        bits = [*bits, 0] if done else [*bits[:-1], bits[-1] + 1]
        with database.write() as connection:  # would raise within a transaction, or wait for it
            connection.execute(sa.update(TABLES["subscriber"]).values(name=f"Reader {bits}"))
    assert len(world.rows("digest")) == 30
    assert min(bits[:3]) > 10 / DECIDED_AT_ONCE


@pytest.mark.parametrize("after", range(8))
def test_another_composer_in_between_makes_no_second_digest(
    database: Database, world: World, after: int
) -> None:
    """Between any two bits: when profiles are read, matched, decided about, stored."""
    for number in range(6):
        world.subscribe(f"reader{number}@example.org")
    world.announce(listing(1), listing(2))
    now = world.clock.tick(hours=2)
    steps = replace(world.composer, batch=4).steps(now)
    mine = [done for done in islice(steps, after) if done]
    theirs = composer_for(database).compose(now)
    mine += [done for done in steps if done]
    assert theirs.composed + sum(done.composed for done, _moved in mine) == 6
    assert len({row.subscriber_id for row in world.rows("digest")}) == 6
    assert Counter(row.papers for row in world.rows("sent")) == {"1,2": 6}


def test_what_was_sent_to_somebody_is_asked_again_once_they_are_locked(
    database: Database, world: World
) -> None:
    """When two papers become one, a reader turns out to have been sent what is in the window."""
    world.subscribe()
    world.announce(listing(1), listing(2))
    now = world.clock.tick(hours=2)
    world.compose()
    world.settle("delivered")
    world.announce(listing(3))
    sent = [row._asdict() for row in world.rows("sent")]
    with database.write() as connection:  # due again, for the same window as the first time
        connection.execute(sa.update(TABLES["digest"]).values(local_date=date(2026, 11, 17)))
        connection.execute(sa.update(TABLES["subscriber"]).values(seen_upto=None, next_due_at=now))
        connection.execute(sa.delete(TABLES["sent"]))
    steps = world.composer.steps(now)
    assert list(islice(steps, 3)) == [None] * 3  # read, matched, decided: for three papers
    with database.write() as connection:
        connection.execute(sa.insert(TABLES["sent"]), sent)
    assert [done.composed for done, _moved in filter(None, steps)] == [1]
    assert [world.titles(one) for one in world.digests()][1:] == [["Lanterns in fog, part 3"]]


def test_a_preview_stores_nothing(world: World) -> None:
    someone = world.subscribe()
    world.announce(listing(1))
    world.clock.tick(hours=2)
    digest, papers = world.composer.preview(someone, world.clock())
    assert [one.title for one in papers] == ["Lanterns in fog, part 1"]
    assert digest.paper_ids == tuple(one.id for one in papers)
    assert not world.rows("digest")
    assert not world.rows("sent")
