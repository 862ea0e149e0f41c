"""A library becomes an interest with examples, in one transaction, on both engines."""

from __future__ import annotations

import pytest

from digest.errors import UnknownSubscriber, UsageError
from digest.importing import Importer, Work, Works
from digest.importing.libraries import choose
from digest.ingest import ingest
from digest.model import Example, Fetched, PaperIds
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.subscriptions import Subscriptions
from tests.builders import listing
from tests.fakes import FrozenClock, ScriptedSource

ADA = "ada@example.org"
KEYS = ("a-key-that-is-long-enough-to-sign-with",)


@pytest.fixture
def register(database: Database) -> Subscriptions:
    found = Subscriptions(database, keys=KEYS, clock=FrozenClock())
    found.add({"email": ADA})
    return found


@pytest.fixture
def importer(database: Database, register: Subscriptions) -> Importer:
    listings = (
        listing(1, title="Lanterns in sea fog", abstract="How far they shine."),
        listing(2, title="Café lamps", abstract="Of the street.", authors=("Cy Rao",)),
        listing(
            3, ids=PaperIds(doi="10.1000/rope"), title="Ropes", abstract="Knots.", authors=("D E",)
        ),
    )
    source = ScriptedSource(answers=[Fetched(listings=listings)])
    ingest([source], PaperStore(database), clock=FrozenClock(), deadline=10)
    return Importer(database, register)


def examples(register: Subscriptions, name: str) -> list[tuple[str, str]]:
    (found,) = [one for one in register.subscriber(ADA).interests if one.name == name]
    return [(one.title, one.abstract) for one in found.examples]


def test_works_that_are_stored_bring_their_abstracts(
    importer: Importer, register: Subscriptions
) -> None:
    library = Works(
        (
            Work("Lanterns in Sea Fog!", arxiv="2511.00001", year=2025),
            Work("CAFE LAMPS", year=2024),
            Work("Ropes, a draft", doi="10.1000/rope", year=2023),
            Work("Unheard of", "With its own abstract.", year=2022),
            Work("Unheard of and bare", year=2021),
        )
    )
    taken = importer.take(ADA, "My papers", library)
    assert (taken.works, taken.examples, taken.known, taken.with_abstract) == (5, 5, 3, 4)
    assert examples(register, "My papers") == [
        ("Lanterns in sea fog", "How far they shine."),
        ("Café lamps", "Of the street."),
        ("Ropes", "Knots."),
        ("Unheard of", "With its own abstract."),
        ("Unheard of and bare", ""),
    ]


def test_importing_again_adds_only_what_is_new(importer: Importer, register: Subscriptions) -> None:
    importer.take(ADA, "Mine", Works((Work("One"), Work("Two"))))
    again = importer.take(ADA, "mine", Works((Work("two."), Work("Three"))))
    assert (again.interest, again.examples) == ("Mine", 1)
    assert [title for title, _ in examples(register, "Mine")] == ["One", "Two", "Three"]
    with pytest.raises(UsageError, match="no example"):
        importer.take(ADA, "Mine", Works((Work("ONE"),)))


def test_a_dry_run_stores_nothing(importer: Importer, register: Subscriptions) -> None:
    taken = importer.take(ADA, "Mine", Works((Work("One"),)), dry_run=True)
    assert taken.titles == ("One",)
    assert register.subscriber(ADA).interests == ()


def test_examples_keep_the_interest_s_other_wishes(
    importer: Importer, register: Subscriptions
) -> None:
    register.add_interest(
        ADA, {"name": "Mine", "query": "lamp", "examples": [{"title": "Not", "positive": False}]}
    )
    importer.take(ADA, "Mine", Works((Work("One"),)))
    (interest,) = register.subscriber(ADA).interests
    assert interest.query == "lamp"
    assert interest.examples == (Example("Not", positive=False), Example("One"))


def test_nothing_to_take_is_told(importer: Importer) -> None:
    with pytest.raises(UsageError, match="line 3: broken"):
        importer.take(ADA, "Mine", Works((), ("line 3: broken",)))
    with pytest.raises(UnknownSubscriber):
        importer.take("bo@example.org", "Mine", Works((Work("One"),)))


@pytest.mark.parametrize(
    ("works", "most", "titles"),
    [
        pytest.param(
            [Work("A", year=1), Work("B", year=3), Work("C", year=2)], 2, "BC", id="newest"
        ),
        pytest.param([Work("A"), Work("B"), Work("C")], 9, "ABC", id="in-order"),
        pytest.param([Work("A", doi="10.1/x"), Work("B", doi="10.1/x")], 9, "A", id="same-doi"),
        pytest.param([Work("A", arxiv="1"), Work("a!", doi="10.1/y")], 9, "A", id="same-title"),
        pytest.param(
            [Work("A", arxiv="1"), Work("B", arxiv="1", doi="2"), Work("C", doi="2")],
            9,
            "A",
            id="chain",
        ),
    ],
)
def test_each_work_once_the_newest_first(works: list[Work], most: int, titles: str) -> None:
    assert "".join(one.title for one in choose(works, most=most)) == titles
