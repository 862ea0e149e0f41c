"""Lexical likeness: BM25 by its formula, shares by the background, words that tell."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from digest.matching.lexical import LexicalScorer
from digest.matching.lexicon import Lexicon, Occurring, WordIndex, words_of
from digest.matching.stems import stems
from digest.model import Example, Field, Interest, Paper
from tests import builders

TOPICS = {
    "tide": "Tides and currents push the harbour water through narrow channels at night.",
    "moss": "Moss grows on shaded stone where spores find moisture and little light.",
    "lamp": "Lamps with a steady flame let keepers measure the range of a lighthouse.",
    "bird": "Gulls nest on cliffs and defend their eggs against curious ravens.",
}


def background(copies: int = 25) -> list[Paper]:
    return [
        builders.paper(number, title=f"On {word} {number}", abstract=text)
        for number, (word, text) in enumerate(list(TOPICS.items()) * copies, start=1000)
    ]


def by_the_book(query: set[str], texts: list[tuple[str, str]], at: int) -> float:
    """BM25, k1 1.2, b 0.75, title twice, written out slowly."""
    documents = [Counter(stems(title) * 2 + stems(abstract)) for title, abstract in texts]
    mean = sum(one.total() for one in documents) / len(documents)
    total = 0.0
    for word in query:
        holders = sum(word in one for one in documents)
        rarity = math.log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
        often = documents[at][word]
        norm = 1.2 * (1 - 0.75 + 0.75 * documents[at].total() / mean)
        total += rarity * often * 2.2 / (often + norm)
    return total


def indexed(texts: list[tuple[str, str]]) -> WordIndex:
    words = [words_of(*text) for text in texts]
    return Lexicon.of(words).index(words)


def test_bm25_is_the_formula() -> None:
    texts = [(one.title, one.abstract) for one in background(3)] + [("Moss lamp", "moss moss tide")]
    queries = [{"moss", "lamp"}, {"tide", "water", "unheardof"}, set(stems(TOPICS["bird"]))]
    index = indexed(texts)
    scores = np.array([index.score(sorted(query)) for query in queries])
    expected = [[by_the_book(query, texts, at) for at in range(len(texts))] for query in queries]
    assert scores == pytest.approx(np.array(expected), rel=1e-5)


@pytest.mark.parametrize("together", [1, 5, 1 << 18])
def test_many_questions_are_scored_as_each_would_be(together: int) -> None:
    index = indexed([(one.title, one.abstract) for one in background(3)] + [("", "")])
    every = stems(" ".join(TOPICS.values()))
    questions = [[], every, ["unheardof"], ["moss", "lamp", "moss"], every[::-1], ["moss"]]
    assert index.scores([]).shape == (0, index.papers)
    found = index.scores(questions, together=together)
    for row, question in enumerate(questions):
        alone = np.zeros(index.papers, np.float32)
        for word, times in Counter(question).items():
            if word in index.numbers:
                papers, weights = index.postings.row(index.numbers[word])
                alone[papers] += times * weights
        assert found[row].tolist() == alone.tolist()


def test_what_occurs_in_some_texts_is_found_again_in_that_of_all() -> None:
    words = [words_of(one.title, one.abstract) for one in background(2)] + [([], [])]
    every, chosen = Occurring.of(words), [0, 3, 4, 8]
    lexicon, some = Lexicon.of(words, every), [words[at] for at in chosen]
    assert lexicon.words == Lexicon.of(words).words
    assert every.among(range(len(words))) is every
    found, fresh = lexicon.index(some, every.among(chosen)), lexicon.index(some)
    for word in every.numbers:
        assert found.score([word]).tolist() == fresh.score([word]).tolist()


@pytest.mark.parametrize("texts", [[], [("", "")]], ids=["no papers", "an empty paper"])
def test_bm25_of_nothing(texts: list[tuple[str, str]]) -> None:
    assert indexed(texts).score(["moss"]).tolist() == [0.0] * len(texts)
    assert indexed(texts).score([]).tolist() == [0.0] * len(texts)


@pytest.fixture(scope="module")
def scorer() -> LexicalScorer:
    return LexicalScorer(background())


DAY = [
    builders.paper(1, title="Mosses in the dark", abstract="Spores and moisture on stone."),
    builders.paper(2, title="A brighter lamp", abstract="The flame of a lighthouse, measured."),
    builders.paper(3, title="Ledger of a port", abstract="Accounts of 1850."),
]


def scores(scorer: LexicalScorer, *interests: Interest) -> tuple[np.ndarray, np.ndarray]:
    found = scorer.score(interests, scorer.prepare(DAY))
    assert found.values.dtype == found.share.dtype == np.float32
    return found.values, found.share


def test_a_statement_is_nearest_to_what_it_speaks_of(scorer: LexicalScorer) -> None:
    moss = builders.interest(1, statement="how moss spores spread")
    lamp = builders.interest(2, statement="lighthouse lamps and their flames")
    values, share = scores(scorer, moss, lamp)
    assert values.argmax(axis=1).tolist() == [0, 1]
    assert (share.argmin(axis=1) == values.argmax(axis=1)).all()
    assert share.min() < 0.3 < share[:, 2].min()


def test_nothing_to_compare(scorer: LexicalScorer) -> None:
    disliked = Example("Moss", positive=False)
    values, share = scores(scorer, builders.interest(), builders.interest(examples=(disliked,)))
    assert np.isneginf(values).all()
    assert (share == 1).all()


def test_each_example_is_a_point_of_its_own(scorer: LexicalScorer) -> None:
    moss, lamp = Example("Moss and spores", TOPICS["moss"]), Example("Lamps", TOPICS["lamp"])
    both = builders.interest(examples=(moss, lamp))
    found = scorer.score([both], scorer.prepare(DAY))
    assert [found.resembles(0, column) for column in (0, 1)] == ["Moss and spores", "Lamps"]
    assert found.values[0, :2].min() > found.values[0, 2]


def test_the_statement_may_be_nearer_than_the_example(scorer: LexicalScorer) -> None:
    one = builders.interest(statement="lighthouse flame", examples=(Example("Moss"),))
    found = scorer.score([one], scorer.prepare(DAY))
    assert found.resembles(0, 1) is None


def test_a_disliked_example_takes_away(scorer: LexicalScorer) -> None:
    liked = builders.interest(statement="moss and lamps")
    less = builders.interest(
        statement="moss and lamps", examples=(Example("Moss", TOPICS["moss"], positive=False),)
    )
    values, _ = scores(scorer, liked, less)
    assert values[1, 0] < values[0, 0]
    assert values[1, 1] - values[1, 0] > values[0, 1] - values[0, 0]


def test_share_is_the_part_of_the_background_at_least_as_high(scorer: LexicalScorer) -> None:
    one = builders.interest(statement=TOPICS["moss"])
    papers = background()[:4]
    found = scorer.score([one], scorer.prepare(papers))
    assert found.share[0, 1] == pytest.approx(0.25, abs=0.01)
    assert sorted(found.share[0])[1:] == pytest.approx([1.0, 1.0, 1.0])


def test_shares_do_not_depend_on_the_batch(scorer: LexicalScorer) -> None:
    one = [builders.interest(statement="moss at night")]
    whole = scorer.score(one, scorer.prepare(DAY))
    alone = scorer.score(one, scorer.prepare(DAY[:1]))
    assert alone.share[0, 0] == whole.share[0, 0]
    assert alone.values[0, 0] == pytest.approx(whole.values[0, 0])


def test_the_statement_tells_its_rarest_words_first(scorer: LexicalScorer) -> None:
    one = builders.interest(statement="Measuring the flames of lighthouses")
    found = scorer.score([one], scorer.prepare(DAY)).told(0, 1)
    text = DAY[1].abstract
    assert {hit.term for hit in found} == {"Measuring", "flames", "lighthouses"}
    assert {text[hit.start : hit.end] for hit in found if hit.field is Field.ABSTRACT} == {
        "flame",
        "lighthouse",
        "measured",
    }


def test_without_a_background_nothing_stands_out() -> None:
    scorer = LexicalScorer([])
    found = scorer.score([builders.interest(statement="moss")], scorer.prepare(DAY))
    assert np.isfinite(found.values).all()
    assert (found.share == 1).all()


def test_strange_texts_do_no_harm(scorer: LexicalScorer) -> None:
    strange = ["", "   ", "…", "\x00", "模型", "a" * 10_000, "moss " * 5_000]
    interests = [builders.interest(statement=text) for text in strange]
    values, share = scores(scorer, *interests)
    assert not np.isnan(values).any()
    assert ((share >= 0) & (share <= 1)).all()
