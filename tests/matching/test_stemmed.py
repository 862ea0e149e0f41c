"""Texts cut together, their stems and where those stand: as of each text alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from digest.matching.cutting import TOGETHER
from digest.matching.lexicon import Occurring, words_of
from digest.matching.stemmed import Stemmed, stream_of
from digest.matching.stems import stem
from digest.matching.stream import Stream
from digest.matching.telling import MOST, PLACES, STATEMENTS, WordPlaces
from digest.matching.terms import Gap, cut, cut_with_gaps, gap_kind, spans
from digest.model import Field, Hit, Paper
from tests import builders

PIECES = ["tide", "Tides", "tidal", "the", "fog", "C++", "ship's", "été", "潮", "a-b", "7", "_"]
PIECES += [" ", "  ", "\n", "-", ", ", ". ", "\x1f", "'", "½", "", "--", "\t "]
texts = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=9)


@given(texts)
@example(["", "one", "", "one-two three.  Four", "isn't", "it is, too", "ﬁne Größe", "six"])
@example(["word"] * TOGETHER + ["don't", "", "last words"])
@example([" \n", "", "-"])
def test_texts_are_cut_together_as_each_alone(texts: list[str]) -> None:
    stream, at = Stream(texts), 0
    for number, text in enumerate(texts):
        words, between = cut_with_gaps(text)
        end = at + len(words)
        assert stream.begins[number : number + 2].tolist() == [at, end]
        assert [stream.vocabulary[one] for one in stream.ids[at:end].tolist()] == words
        kinds = [*map(gap_kind, between), Gap.OTHER] if words else []
        assert stream.gaps[at:end].tolist() == kinds
        assert [stream.place(one, 1) for one in range(at, end)] == spans(text)
        at = end
    assert len(stream.ids) == at


def papers(texts: list[str]) -> list[Paper]:
    pairs = zip(texts[::2], texts[1::2], strict=False)
    return [builders.paper(n, title=one, abstract=two) for n, (one, two) in enumerate(pairs)]


@given(texts)
@example(["Tides", "the tides of a tide", "", "", "fog", "Fog, tidal"])
def test_stems_are_counted_as_of_words_cut_alone(texts: list[str]) -> None:
    some = papers(texts)
    words = [words_of(one.title, one.abstract) for one in some]
    stemmed = Stemmed(stream_of(some))
    assert list(stemmed) == stemmed[:] == words
    found, expected = stemmed.occurring(), Occurring.of(words)
    assert found.numbers.keys() == expected.numbers.keys()
    assert found.lengths.tolist() == expected.lengths.tolist()
    assert occurrences(found) == occurrences(expected)


def occurrences(found: Occurring) -> dict[str, list[tuple[int, float]]]:
    spans = {word: slice(*found.starts[n : n + 2].tolist()) for word, n in found.numbers.items()}
    return {
        word: list(zip(found.texts[span].tolist(), found.often[span].tolist(), strict=True))
        for word, span in spans.items()
    }


def told(statement: str, one: Paper, rarity: Counter[str]) -> list[Hit]:
    """What is told of a paper, looked for in its texts."""
    hits = []
    words = {stem(word): word for word in cut(statement)}
    ranked = sorted(filter(None, words), key=lambda one: (-rarity[one], one))
    fields = ((Field.TITLE, one.title), (Field.ABSTRACT, one.abstract))
    for wanted in ranked:
        here = [
            Hit(field, *place, words[wanted])
            for field, text in fields
            for word, place in zip(cut(text), spans(text), strict=True)
            if stem(word) == wanted
        ]
        hits.append(here[:PLACES])
    return [hit for here in [one for one in hits if one][:MOST] for hit in here]


@given(texts, st.lists(st.lists(st.sampled_from(PIECES)).map(" ".join), min_size=1, max_size=3))
@example(["Tides", "tide tidal fog 7 tides tide tide"] * 2, ["fog tides", "the Tide of fog"])
@example(["7", "tide fog a b été", "", "tide"], ["7 tide fog a b été", ""])
def test_the_rarest_words_are_told_with_their_first_places(
    texts: list[str], statements: list[str]
) -> None:
    some = papers(texts)
    rarity = Counter({"tide": 1, "7": 3, "fog": 2})
    stemmed = Stemmed(stream_of(some))
    places = WordPlaces(stemmed, np.array([rarity[one] for one in stemmed.names], np.float64))
    for _ in range(2):  # what was told before is told again
        for statement in statements:
            for at, one in enumerate(some):
                assert list(places.told(statement, at)) == told(statement, one, rarity)


def test_words_are_told_of_any_paper_of_a_large_batch() -> None:
    """A paper's number is looked for as a character: half pairs of UTF-16 and beyond are some."""
    numbers = (0, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0x10001)
    texts = [""] * (2 * numbers[-1] + 2)
    for number in numbers:
        texts[2 * number + 1] = "fog"
    stemmed = Stemmed(Stream(texts))
    places = WordPlaces(stemmed, np.ones(len(stemmed.names)))
    fog = (Hit(Field.ABSTRACT, 0, 3, "fog"),)
    for number in numbers:
        assert places.told("fog", number) == fog
    assert [places.told("fog", one) for one in (1, 0xD801, 0x10000)] == [()] * 3


def test_what_is_told_does_not_depend_on_how_many_asked_before() -> None:
    stemmed = Stemmed(Stream(["Fog and tides", "a tide"]))
    places = WordPlaces(stemmed, np.ones(len(stemmed.names)))
    expected = places.told("tide fog", 0)
    assert {hit.term for hit in expected} == {"fog", "tide"}
    for number in range(STATEMENTS + 1):
        assert [hit.term for hit in places.told(f"Fog {number}", 0)] == ["Fog"]
    assert places.told("tide fog", 0) == expected
