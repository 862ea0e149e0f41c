"""What the index makes of papers for the digests' scorer is what their texts would have given."""

from __future__ import annotations

import numpy as np
import pytest

from digest.ingest import ingest
from digest.matching.background import Background
from digest.matching.hybrid import HybridScorer
from digest.matching.static import static_embedder
from digest.model import Example, Fetched, Interest, InterestId, Paper, PaperId
from digest.searching.batches import Known, background_of, batch_of
from digest.searching.halves import HalfVectors
from digest.searching.index import Index
from digest.searching.keeping import Keeper
from digest.store.database import Database
from digest.store.papers import PaperStore
from digest.store.searchable import SearchableStore
from digest.store.vectors import StoredVectors
from tests.builders import listing
from tests.fakes import FrozenClock, ScriptedSource
from tests.test_searching_words import WORDS

STATEMENT = "graph networks of α-synuclein and cats"


@pytest.fixture(params=[60, 280], ids=["young", "grown"])
def papers(request: pytest.FixtureRequest, sqlite_database: Database) -> list[Paper]:
    """Stored papers, fewer or more than a background needs to be trusted."""
    chance = np.random.default_rng(7)
    listings = []
    for number in range(1, request.param + 1):
        words = chance.choice(WORDS, 30).tolist()
        sentence = " ".join(words[5:17]).capitalize() + ". " + " ".join(words[17:]).capitalize()
        title = f"{' '.join(words[:5])} number {number}"
        listings.append(listing(number, title=title, abstract=sentence))
    store = PaperStore(sqlite_database)
    source = ScriptedSource(answers=[Fetched(listings=tuple(listings))])
    ingest([source], store, clock=FrozenClock(), deadline=20)
    ids = [PaperId(one) for one in SearchableStore(sqlite_database).ids().tolist()]
    return list(store.papers(ids).values())


@pytest.fixture
def index(sqlite_database: Database, papers: list[Paper]) -> Index:
    store, vectors = SearchableStore(sqlite_database), StoredVectors(sqlite_database)
    return Keeper(store, static_embedder(), vectors, None).renewed(None, lambda done, total: None)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"statement": STATEMENT}, id="statement"),
        pytest.param({"likes": 2}, id="examples"),
        pytest.param({"likes": 6, "dislikes": 2}, id="learned"),
        pytest.param({"statement": STATEMENT, "likes": 4, "dislikes": 1}, id="all"),
    ],
)
def test_scores_are_the_digests_own(
    sqlite_database: Database, papers: list[Paper], index: Index, asked: dict[str, object]
) -> None:
    embedder, vectors = static_embedder(), StoredVectors(sqlite_database)
    half = len(papers) * 3 // 4
    usual, window = papers[:half], papers[half - 10 :]
    interest = wanted(papers, **asked)
    expected = Background.of(usual, embedder, store=vectors)
    expected.frequencies = index.frame.frequencies  # the one thing that is the archive's
    batch = expected.prepare(window, embedder, vectors)
    theirs = HybridScorer(embedder, expected).score([interest], batch)
    stored = SearchableStore(sqlite_database).vectors
    background = background_of(
        index, rows(index, usual), embedder, lambda ids: stored(embedder.id, ids), features=True
    )
    inside = rows(index, window)
    known = Known.at(index, inside)
    halves = HalfVectors.read(known.ids, lambda ids: stored(embedder.id, ids), embedder.dimensions)
    made = batch_of(index, inside, known, background, halves)
    ours = HybridScorer(embedder, background).score([interest], made)
    assert np.allclose(ours.values, theirs.values, atol=2e-4)
    assert np.allclose(np.log(ours.share), np.log(theirs.share), atol=2e-3)


def wanted(papers: list[Paper], **asked: object) -> Interest:
    likes, dislikes = int(str(asked.get("likes", 0))), int(str(asked.get("dislikes", 0)))
    examples = [Example(one.title, one.abstract) for one in papers[5 : 5 + likes]]
    examples += [Example(one.title, one.abstract, False) for one in papers[20 : 20 + dislikes]]
    statement = str(asked.get("statement", ""))
    return Interest(InterestId(1), "mine", statement=statement, examples=tuple(examples))


def rows(index: Index, papers: list[Paper]) -> np.ndarray:
    return np.array([index.rows[one.id] for one in papers])
