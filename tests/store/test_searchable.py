"""What search reads of the store in bulk."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ingest import ingest
from digest.model import Fetched, PaperId
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore
from digest.store.vectors import StoredVectors
from tests.builders import listing
from tests.fakes import FrozenClock, ScriptedSource


@pytest.fixture
def store(database: Database) -> SearchableStore:
    """Twelve papers, of which the third has no vectors, and some have those of two models."""
    listings = tuple(listing(number, title=f"Lantern {number}") for number in range(1, 13))
    source = ScriptedSource(answers=[Fetched(listings=listings)])
    ingest([source], PaperStore(database), clock=FrozenClock(), deadline=20)
    store, vectors = SearchableStore(database), StoredVectors(database)
    known = [PaperId(one) for one in store.ids().tolist()]
    vectors.save("m", {one: np.full((2, 4), one, np.float32) for one in known if one != known[2]})
    vectors.save("other", {one: np.zeros((1, 4), np.float32) for one in known[:5]})
    return store


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([], id="none"),
        pytest.param(list(range(12)), id="a run"),
        pytest.param([0, 1, 3, 4, 5, 6], id="nearly a run"),
        pytest.param([11, 0, 5], id="some, in any order"),
    ],
)
def test_vectors_are_those_of_the_papers_asked_for(
    store: SearchableStore, places: list[int]
) -> None:
    every = store.ids().tolist()
    asked = [every[place] for place in places]
    expected = {one: np.full((2, 4), one, np.float16).tobytes() for one in asked if one != every[2]}
    assert store.vectors("m", asked) == expected
    firsts = {one: data[:8] for one, data in expected.items()}
    assert store.firsts("m", asked, 8) == firsts


def test_titles_are_those_of_the_papers_asked_for(store: SearchableStore) -> None:
    every = store.ids().tolist()
    assert store.titles([]) == {}
    assert sorted(store.titles(every[2:4]).values()) == ["Lantern 3", "Lantern 4"]
