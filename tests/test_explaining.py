"""Why a paper was in a digest, and why not, from a real store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.explaining import Answer, explain
from digest.matching.background import Background
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.static import static_embedder
from digest.matching.vectors import MemoryVectors
from digest.store.covering import CoveringStore
from digest.store.database import Database
from tests.builders import listing
from tests.fakes import FrozenClock
from tests.test_edition import World, composer_for, register_for


@pytest.fixture
def world(sqlite_database: Database) -> World:
    clock = FrozenClock(datetime(2026, 11, 18, 5, 0, tzinfo=UTC))
    return World(
        sqlite_database, clock, composer_for(sqlite_database), register_for(sqlite_database, clock)
    )


def ask(world: World, title: str) -> Answer:
    (someone,) = world.register.profiles(world.register.ids())
    number = next(row.id for row in world.rows("paper") if row.title == title)
    (paper,) = world.composer.papers.papers([number]).values()
    return explain(
        someone,
        paper,
        store=CoveringStore(world.database),
        papers=world.composer.papers,
        matcher=world.composer.matcher,
    )


def morning(world: World) -> None:
    world.subscribe(
        limit=1,
        interests=[{"name": "Lanterns", "query": "lantern NOT tunnel"}],
        muted_authors=["Bo Muted"],
    )
    world.announce(
        listing(1, title="A lantern", votes=9),
        listing(2, title="Another lantern, farther away"),
        listing(3, title="A lantern in a tunnel"),
        listing(4, title="Of worms", abstract="They dig."),
        listing(5, title="Lantern of a muted author", authors=("Bo Muted",)),
    )
    world.clock.tick(hours=2)


@pytest.mark.parametrize(
    ("title", "sent", "lines"),
    [
        pytest.param(
            "A lantern",
            True,
            ["Sent in the digest of 2026-11-18.", "“Lanterns”: matches.", "    Found: lantern."],
            id="sent",
        ),
        pytest.param(
            "Another lantern, farther away",
            False,
            [
                "Not sent on 2026-11-18: it matched, and other papers took the places.",
                "That digest held 1 paper; the limit is 1, and 1 more had matched.",
            ],
            id="no-room",
        ),
        pytest.param(
            "A lantern in a tunnel", False, ["    Excluded by the query: tunnel."], id="excluded"
        ),
        pytest.param(
            "Of worms",
            False,
            [
                "Not sent on 2026-11-18: it matched none of the interests.",
                "    The keyword query is false.",
            ],
            id="no-match",
        ),
        pytest.param("Lantern of a muted author", False, ["    Muted: Bo Muted."], id="muted"),
    ],
)
def test_every_decision_is_told(world: World, title: str, sent: bool, lines: list[str]) -> None:
    morning(world)
    world.compose()
    answer = ask(world, title)
    assert answer.sent is sent
    assert set(lines) <= set(answer)


def test_before_the_digest_it_is_said_to_be_coming(world: World) -> None:
    morning(world)
    assert ask(world, "A lantern").headline.startswith("Not sent yet")


def test_a_skipped_digest_is_named(world: World) -> None:
    morning(world)
    world.register.edit("ada@example.org", {"interests": [{"name": "Rye", "query": "rye"}]})
    world.compose()
    assert "Its window brought no digest (nothing_matched)." in ask(world, "Of worms").steps


def test_on_a_thin_day_what_is_not_like_the_interest_stays_out(sqlite_database: Database) -> None:
    embedder = static_embedder()
    scorer = HybridScorer(embedder, Background.of([], embedder, store=MemoryVectors()))
    clock = FrozenClock(datetime(2026, 11, 18, 5, 0, tzinfo=UTC))
    composer = composer_for(sqlite_database, Matcher(scorer, papers_a_day=5))
    world = World(sqlite_database, clock, composer, register_for(sqlite_database, clock))
    asked = {"name": "Clinic", "statement": "Retrieval for clinical questions"}
    world.subscribe(interests=[asked])
    world.announce(
        listing(1, title="Of worms", abstract="They dig in wet soil and ask no questions."),
        listing(2, title="Retrieval of clinical notes", abstract="Doctors ask clinical questions."),
    )
    world.clock.tick(hours=2)
    world.compose()
    assert world.titles(world.digests()[0]) == ["Retrieval of clinical notes"]
    told = [line for line in ask(world, "Of worms") if "like the interest in itself" in line]
    assert len(told) == 1
    assert told[0].endswith("2.4 are wanted: not enough.")


def test_each_part_of_a_score_is_told(sqlite_database: Database) -> None:
    embedder = static_embedder()
    scorer = HybridScorer(embedder, Background.of([], embedder, store=MemoryVectors()))
    clock = FrozenClock(datetime(2026, 11, 18, 5, 0, tzinfo=UTC))
    composer = composer_for(sqlite_database, Matcher(scorer, papers_a_day=100))
    world = World(sqlite_database, clock, composer, register_for(sqlite_database, clock))
    liked = [{"title": "Lanterns at sea", "abstract": "Ships see the light of a lantern."}]
    world.subscribe(
        interests=[
            {"name": "Stated", "statement": "the light of lanterns"},
            {"name": "Liked", "examples": liked},
        ]
    )
    world.announce(listing(1, title="A lantern", abstract="Its light is seen."))
    told = [line for line in ask(world, "A lantern") if "Likeness by part" in line]
    assert len(told) == 2
    assert "words +" in told[0]
    assert "nearest sentence +" in told[0]
    assert "like the nearest example +" in told[1]


def test_a_reader_of_what_is_trending_is_told_the_place(world: World) -> None:
    world.subscribe(limit=1, interests=[])
    world.announce(
        listing(1, title="A lantern", votes=9), listing(2, title="Of worms", abstract="They dig.")
    )
    world.clock.tick(hours=2)
    world.compose()
    assert "It was listed there under “Trending”." in ask(world, "A lantern").steps
    answer = ask(world, "Of worms")
    assert answer.headline.startswith("Not sent on 2026-11-18: other papers had more votes")
    assert (
        "Trending: place 2 of 2 in that window, with no votes and 1 of the sources;"
        " at most 1 are listed."
    ) in answer.steps


def test_a_near_copy_of_what_was_listed_is_named(world: World) -> None:
    world.subscribe()
    first = "A lantern seen from many ships in thick fog at night"
    world.announce(
        listing(1, title=first, votes=9),
        listing(2, title=f"{first}, again", authors=("Cy Rao",), abstract="Another lantern."),
    )
    world.clock.tick(hours=2)
    world.compose()
    told = f"Of papers with nearly the same title one is listed: “{first}”."
    assert told in ask(world, f"{first}, again").steps
    assert told not in ask(world, first).steps


def test_an_example_of_their_own_and_a_section_s_limit_are_told(world: World) -> None:
    world.subscribe(
        interests=[{"name": "Lanterns", "query": "lantern", "limit": 1, "examples": ["A lantern"]}]
    )
    world.announce(
        listing(1, title="A lantern"),
        listing(2, title="Lantern light", votes=9),
        listing(3, title="Far lanterns of the coast", authors=("Cy Rao",)),
    )
    world.clock.tick(hours=2)
    world.compose()
    own = "    It is one of this interest's own examples, and nobody is sent those."
    assert own in ask(world, "A lantern").steps
    limit = "“Lanterns” gives at most 1 paper to a digest."
    assert limit in ask(world, "Far lanterns of the coast").steps


def test_a_paused_interest_matches_nothing(world: World) -> None:
    world.subscribe(interests=[{"name": "Lanterns", "query": "lantern", "paused": True}])
    world.announce(listing(1, title="A lantern"))
    world.clock.tick(hours=2)
    world.compose()
    answer = ask(world, "A lantern")
    assert "“Lanterns”: paused." in answer.steps
    assert not any("more had matched" in line for line in answer)
