"""Feedback changes the next digest: through the register, the store and the real composer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.errors import UnknownPaper, UnknownSubscriber, UsageError
from digest.feedback import MOST, Feedback, Heard
from digest.matching.background import Background
from digest.matching.engine import Matcher
from digest.matching.hybrid import HybridScorer
from digest.matching.static import static_embedder
from digest.matching.vectors import MemoryVectors
from digest.model import Interest, Paper, PaperId
from digest.store.database import Database
from tests.builders import listing, paper
from tests.fakes import FrozenClock
from tests.test_edition import World, composer_for, register_for

ADA = "ada@example.org"
USUAL = (
    ("Graph networks for molecules", "We predict properties of molecules by message passing."),
    ("Robot grasping with touch", "A gripper learns to hold objects from tactile sensors."),
    ("Translation of rare languages", "Parallel sentences are few; we transfer from kin."),
    ("Threads on many cores", "Concurrent programs wait less with our locks."),
    ("Tumour growth in mice", "Mutations of a kinase drive growth; inhibitors slow it."),
)
SEA = "Ships saw the light of the lantern through fog at sea; waves and weather dimmed it."
STAGE = "Actors on the stage carried a lantern; the audience and the theatre stayed dark."


@pytest.fixture
def scorer() -> HybridScorer:
    """One for each database: it keeps vectors by paper id, and two databases share ids."""
    stream = [
        paper(n, title=f"{USUAL[n % 5][0]} {n}", abstract=f"{USUAL[n % 5][1]} Part {n % 7}.")
        for n in range(1000, 1300)
    ]
    embedder = static_embedder()
    return HybridScorer(embedder, Background.of(stream, embedder, store=MemoryVectors()))


@pytest.fixture
def world(database: Database, scorer: HybridScorer) -> World:
    clock = FrozenClock(datetime(2026, 11, 18, 5, 0, tzinfo=UTC))
    composer = composer_for(database, Matcher(scorer, papers_a_day=300))
    return World(database, clock, composer, register_for(database, clock))


@pytest.fixture
def feedback(world: World) -> Feedback:
    return Feedback(world.database, clock=world.clock)


def subscribe(world: World) -> None:
    world.subscribe(
        interests=[
            {"name": "Lanterns", "statement": "How the light of a lantern is seen"},
            {"name": "Bread", "query": "bread"},
        ]
    )


def morning(world: World) -> None:
    """The first digest: a lantern at sea, a lantern on the stage, and bread."""
    world.announce(
        listing(1, title="A lantern at sea", abstract=SEA),
        listing(2, title="A lantern on the stage", abstract=STAGE),
        listing(3, title="Bread", abstract="Loaves of rye."),
        *[listing(10 + n, title=title, abstract=text) for n, (title, text) in enumerate(USUAL)],
    )
    world.clock.tick(hours=2)
    world.compose()
    world.settle("delivered")


def next_titles(world: World) -> list[str]:
    """What the next morning's digest has of two further lanterns."""
    world.clock.tick(hours=22)
    world.announce(
        listing(21, title="Fog and waves", abstract=SEA.replace("lantern", "lamp")),
        listing(22, title="Actors in the dark", abstract=STAGE.replace("lantern", "lamp")),
        listing(23, title="Lantern makers", abstract="A lantern is made of glass and tin."),
    )
    world.clock.tick(hours=2)
    world.compose()
    return world.titles(world.digests()[-1])


def stored(world: World, title: str) -> Paper:
    number = next(row.id for row in world.rows("paper") if row.title == title)
    return world.composer.papers.papers([number])[number]


def interests(world: World) -> dict[str, Interest]:
    return {one.name: one for one in world.register.subscriber(ADA).interests}


Act = Callable[[World, Feedback], object]


def like_sea(world: World, feedback: Feedback) -> Heard:
    return feedback.hear(ADA, stored(world, "A lantern at sea"), liked=True)


def dislike_stage(world: World, feedback: Feedback) -> Heard:
    return feedback.hear(ADA, stored(world, "A lantern on the stage"), liked=False)


def mute_word(world: World, feedback: Feedback) -> object:
    return world.register.mute(ADA, words=["waves"])


def mute_author(world: World, feedback: Feedback) -> object:
    return world.register.mute(ADA, authors=["Ada Mirza"])


def changed_mind(world: World, feedback: Feedback) -> object:
    dislike_stage(world, feedback)
    return feedback.take_back(ADA, stored(world, "A lantern on the stage"))


@pytest.mark.parametrize(
    ("act", "without"),
    [
        pytest.param(dislike_stage, "Actors in the dark", id="down"),
        pytest.param(mute_word, "Fog and waves", id="mute-word"),
    ],
)
def test_the_next_digest_leaves_out_what_is_not_wanted(
    world: World, feedback: Feedback, act: Act, without: str
) -> None:
    subscribe(world)
    morning(world)
    act(world, feedback)
    titles = next_titles(world)
    assert without not in titles
    assert len(titles) == 2


@pytest.mark.parametrize(
    ("liked", "first"),
    [
        pytest.param("A lantern at sea", "Fog and waves", id="sea"),
        pytest.param("A lantern on the stage", "Actors in the dark", id="stage"),
    ],
)
def test_the_next_digest_puts_first_what_is_like_the_liked(
    world: World, feedback: Feedback, liked: str, first: str
) -> None:
    subscribe(world)
    morning(world)
    feedback.hear(ADA, stored(world, liked), liked=True)
    lamps = [title for title in next_titles(world) if title != "Lantern makers"]
    assert lamps[0] == first


def test_a_dislike_puts_last_what_is_like_it_where_only_words_are_asked(
    world: World, feedback: Feedback
) -> None:
    world.subscribe(interests=[{"name": "Lanterns", "query": "lantern OR lamp"}])
    morning(world)
    feedback.hear(ADA, stored(world, "A lantern at sea"), liked=False)
    titles = next_titles(world)
    assert titles[-1] == "Fog and waves"
    assert len(titles) == 3


def nothing(world: World, feedback: Feedback) -> None:
    """Says nothing."""


@pytest.mark.parametrize("act", [nothing, changed_mind])
def test_without_feedback_both_lanterns_come(world: World, feedback: Feedback, act: Act) -> None:
    subscribe(world)
    morning(world)
    act(world, feedback)
    assert {"Fog and waves", "Actors in the dark", "Lantern makers"} <= set(next_titles(world))


def test_a_muted_author_leaves_nothing_of_theirs(world: World, feedback: Feedback) -> None:
    subscribe(world)
    morning(world)
    mute_author(world, feedback)
    before = len(world.digests())
    world.clock.tick(hours=22)
    world.announce(listing(30, title="A lantern by Ada", abstract=SEA))
    world.clock.tick(hours=2)
    world.compose()
    assert len(world.digests()) == before


def test_the_interest_that_brought_a_paper_learns_from_it(world: World, feedback: Feedback) -> None:
    subscribe(world)
    morning(world)
    assert like_sea(world, feedback) == Heard(("Lanterns",))
    assert dislike_stage(world, feedback) == Heard(("Lanterns",))
    assert feedback.hear(ADA, stored(world, "Bread"), liked=True) == Heard(("Bread",))
    examples = [(one.title, one.positive) for one in interests(world)["Lanterns"].examples]
    assert examples == [("A lantern at sea", True), ("A lantern on the stage", False)]


def test_the_newest_word_counts(world: World, feedback: Feedback) -> None:
    subscribe(world)
    morning(world)
    like_sea(world, feedback)
    world.clock.tick(minutes=1)
    feedback.hear(ADA, stored(world, "A lantern at sea"), liked=False)
    assert [one.positive for one in interests(world)["Lanterns"].examples] == [False]
    (said,) = feedback.history(ADA)
    assert not said.liked
    feedback.take_back(ADA, stored(world, "A lantern at sea"))
    feedback.take_back(ADA, stored(world, "A lantern at sea"))
    assert interests(world)["Lanterns"].examples == ()
    assert feedback.history(ADA) == []


def test_a_paper_of_no_digest_teaches_who_is_named(world: World, feedback: Feedback) -> None:
    subscribe(world)
    world.announce(listing(40, title="A lamp from a search"))
    found = stored(world, "A lamp from a search")
    assert feedback.hear(ADA, found, liked=True) == Heard()
    assert feedback.hear(ADA, found, liked=True, interest="lanterns") == Heard(("Lanterns",))
    with pytest.raises(UsageError, match="no interest 'Ropes'"):
        feedback.hear(ADA, found, liked=True, interest="Ropes")
    world.register.remove_interest(ADA, "Bread")
    assert feedback.hear(ADA, found, liked=False) == Heard(("Lanterns",))


def test_examples_make_room_for_newer_ones(world: World, feedback: Feedback) -> None:
    examples = [{"title": f"Old {n}", "positive": n % 2 == 0} for n in range(MOST)]
    world.subscribe(interests=[{"name": "Lamps", "query": "lamp", "examples": examples}])
    world.announce(listing(41, title="A new lamp"))
    feedback.hear(ADA, stored(world, "A new lamp"), liked=False)
    kept = interests(world)["Lamps"].examples
    assert len(kept) == MOST
    assert (kept[0].title, kept[1].title, kept[-1].title) == ("Old 0", "Old 2", "A new lamp")


def test_strangers_and_lost_papers_are_told(world: World, feedback: Feedback) -> None:
    subscribe(world)
    with pytest.raises(UnknownPaper):
        feedback.hear(ADA, paper(999_999, id=PaperId(999_999)), liked=True)
    with pytest.raises(UnknownSubscriber, match="b…@example") as caught:
        feedback.history("bo@example.org")
    assert caught.value.mend
    assert world.rows("feedback") == []
