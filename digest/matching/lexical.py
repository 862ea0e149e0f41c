"""Likeness by words alone: BM25 on stems, measured against a fixed background of papers.

For those who want no vectors. A statement and each liked example is a point of its own; an interest
is as near as its nearest point. The words are counted by `digest.matching.lexicon`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.matching.background import evenly
from digest.matching.lexicon import Lexicon, WordIndex, words_of
from digest.matching.scoring import Floats, Scores
from digest.matching.stemmed import Stemmed, stream_of
from digest.matching.stems import stems
from digest.matching.stream import Stream
from digest.matching.telling import WordPlaces
from digest.model import Hit, Interest, Paper

SAMPLE = 1_500  #: background papers that scores are measured on
LONGEST = 40  #: words of one point that count: the rarest
_AVERSION = 0.5  #: how much likeness to a disliked example takes away


@dataclass(frozen=True, slots=True)
class Point:
    """One thing an interest says: the statement (`title` None) or an example."""

    row: int
    text: str
    title: str | None = None
    wanted: bool = True


def points(interests: Sequence[Interest]) -> list[Point]:
    found = []
    for row, interest in enumerate(interests):
        if interest.statement.strip():
            found.append(Point(row, interest.statement))
        for one in interest.examples:
            found.append(Point(row, f"{one.title} {one.abstract}", one.title, one.positive))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """Papers made ready for the lexical scorer."""

    index: WordIndex
    places: WordPlaces


class LexicalScorer:
    """A `scoring.Scorer` that knows nothing but words."""

    def __init__(self, background: Sequence[Paper]) -> None:
        """`background`: a few thousand recent papers; with none, a share tells nothing (1)."""
        words = [words_of(paper.title, paper.abstract) for paper in background]
        self._lexicon = Lexicon.of(words)
        self._sample = self._lexicon.index(evenly(words, SAMPLE))

    def prepare(self, papers: Sequence[Paper], stream: Stream | None = None) -> Ready:
        words = Stemmed(stream or stream_of(papers))
        index = self._lexicon.index(words, words.occurring())
        return Ready(index, WordPlaces(words, self._lexicon.rarities(words.names)))

    def score(self, interests: Sequence[Interest], ready: Ready) -> Scores:
        said = points(interests)
        questions = [self._question(point.text) for point in said]
        here, usual = (index.scores(questions) for index in (ready.index, self._sample))
        here, usual = _standardised(here, usual), _standardised(usual, usual)
        values = _combined(said, here, len(interests))
        share = _share(values, _combined(said, usual, len(interests)))

        mine: dict[int, list[int]] = defaultdict(list)
        for at, point in enumerate(said):
            if point.wanted:
                mine[point.row].append(at)

        def resembles(row: int, column: int) -> str | None:
            nearest = max(mine[row], key=lambda at: float(here[at, column]), default=None)
            return None if nearest is None else said[nearest].title

        def told(row: int, column: int) -> tuple[Hit, ...]:
            return ready.places.told(interests[row].statement, column)

        return Scores(values, share, resembles, told)

    def _question(self, text: str) -> list[str]:
        words = list(set(stems(text)))
        rare = sorted(zip((-self._lexicon.rarities(words)).tolist(), words, strict=True))
        return [word for _, word in rare[:LONGEST]]


def _standardised(values: Floats, usual: Floats) -> Floats:
    """Each row in standard deviations above what is usual for it."""
    if not usual.shape[1]:
        return values
    spread = usual.std(axis=1, keepdims=True) + np.float32(1e-6)
    centred: Floats = values - usual.mean(axis=1, keepdims=True)
    scaled: Floats = centred / spread
    return scaled


def _combined(said: Sequence[Point], points: Floats, rows: int) -> Floats:
    """The nearest point of each interest, less the likeness to what it wants less of."""
    values = np.full((rows, points.shape[1]), -np.inf, np.float32)
    less = np.zeros_like(values)
    for at, point in enumerate(said):
        side = values if point.wanted else less
        np.maximum(side[point.row], points[at], out=side[point.row])
    return values - np.float32(_AVERSION) * less


def _share(values: Floats, usual: Floats) -> Floats:
    """The part of the background that scores at least as high."""
    share = np.ones_like(values)
    size = usual.shape[1]
    usual = np.sort(usual, axis=1)
    for row in np.flatnonzero(np.isfinite(values).all(axis=1) & (size > 0)).tolist():
        share[row] = 1 - np.searchsorted(usual[row], values[row]) / size
    return share
