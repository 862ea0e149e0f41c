"""Likeness by words alone: BM25 on stems, measured against a fixed background of papers.

BM25 as Robertson & Zaragoza (2009), k1 1.2, b 0.75, the title counted twice. How rare a word is
and how long a paper usually is comes from the background, never from the day's batch. A statement
and each liked example is a point of its own; an interest is as near as its nearest point.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from digest.matching.scoring import Floats, Scores
from digest.matching.stems import stem, stems
from digest.matching.terms import cut, spans
from digest.model import Field, Hit, Interest, Paper

Ints = NDArray[np.int64]
K1 = 1.2
B = 0.75
TITLE_TIMES = 2
SAMPLE = 1_500  #: background papers that scores are measured on
LONGEST = 40  #: words of one point that count: the rarest
_PAIRS = 4_000_000  #: (word of a query, paper that has it) looked at together: bounds memory
_TOLD = 4  #: words of a statement that are told and marked
_PLACES = 4  #: places where each of them is
_AVERSION = 0.5  #: how much likeness to a disliked example takes away

Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Papers by stem: `numbers[stem]` is a row of postings, with each paper's BM25 weight."""

    size: int
    numbers: Mapping[str, int]
    starts: Ints
    paper: Ints
    weight: Floats


class Bm25:
    """What the background knows: how rare each stem is, and how long a paper is."""

    def __init__(self, background: Sequence[tuple[str, str]]) -> None:
        """`background`: title and abstract of each paper."""
        self._papers = len(background)
        self._counts: Counter[str] = Counter()
        length = 0
        for title, abstract in background:
            first, second = stems(title), stems(abstract)
            self._counts.update({*first, *second})
            length += TITLE_TIMES * len(first) + len(second)
        self._mean = max(length, 1) / max(len(background), 1)

    def rarity(self, word: str) -> float:
        """The idf of a stem, in the form that is never negative."""
        count = self._counts.get(word, 0)
        return float(np.log1p((self._papers - count + 0.5) / (count + 0.5)))

    def index(self, texts: Sequence[tuple[str, str]]) -> Index:
        numbers: dict[str, int] = {}
        row: list[int] = []
        paper: list[int] = []
        often: list[int] = []
        norms = np.empty(len(texts), np.float64)
        for at, (title, abstract) in enumerate(texts):
            first, second = stems(title), stems(abstract)
            counts = Counter(first * TITLE_TIMES + second)
            length = TITLE_TIMES * len(first) + len(second)
            norms[at] = K1 * (1 - B + B * length / self._mean)
            row += [numbers.setdefault(word, len(numbers)) for word in counts]
            paper += [at] * len(counts)
            often += counts.values()
        rows, papers, times = np.array(row, np.int64), np.array(paper, np.int64), np.array(often)
        rarity = np.array([self.rarity(word) for word in numbers])
        weight = rarity[rows] * times * (K1 + 1) / (times + norms[papers]) if row else times
        order = np.argsort(rows, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(numbers)))])
        return Index(len(texts), numbers, starts, papers[order], weight[order].astype(np.float32))

    def score(self, queries: Sequence[Weights], index: Index) -> Floats:
        """BM25 of every query (rows; stems with weights) for every paper (columns)."""
        total = np.zeros((len(queries), index.size), np.float32)
        known = [
            (row, index.numbers[word], weight)
            for row, query in enumerate(queries)
            for word, weight in query.items()
            if word in index.numbers
        ]
        if not known:
            return total
        row, word, weight = (np.array(column) for column in zip(*known, strict=True))
        counts = index.starts[word + 1] - index.starts[word]
        for part in _parts(row, counts, total.size // max(len(queries), 1)):
            first, last = int(row[part.start]), int(row[part.stop - 1]) + 1
            at, times = _expand(index.starts[word[part]], counts[part])
            where = (np.repeat(row[part], times) - first) * index.size + index.paper[at]
            values = np.repeat(weight[part], times) * index.weight[at]
            sums = np.bincount(where, values, minlength=(last - first) * index.size)
            total[first:last] = sums.reshape(last - first, index.size)
        return total


def _expand(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """All indices of the spans `starts` to `starts + counts`, one after the other."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(ends[-1]), counts


def _parts(row: Ints, counts: Ints, width: int) -> Iterator[slice]:
    """The entries in slices of whole rows, so that each costs a bounded amount of memory."""
    firsts = np.flatnonzero(np.diff(row, prepend=-1))
    cost = np.add.reduceat(counts, firsts) + width
    begin, spent = 0, 0
    for at, price in zip(firsts.tolist(), cost.tolist(), strict=True):
        if spent and spent + price > _PAIRS:
            yield slice(begin, at)
            begin, spent = at, 0
        spent += price
    yield slice(begin, len(row))


# --- interests ----------------------------------------------------------------------------------


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


class Ready:
    """Papers made ready for the lexical scorer."""

    def __init__(self, papers: Sequence[Paper], index: Index) -> None:
        self.papers = papers
        self.index = index
        self._places: dict[int, dict[str, list[tuple[Field, int, int]]]] = {}
        self._hits: dict[tuple[str, int], tuple[Hit, ...]] = {}

    def hits(self, found: str, word: str, paper: int) -> tuple[Hit, ...]:
        """Where a stem stands in a paper, told as `word`; the first few places."""
        known = self._hits.get((word, paper))
        if known is None:
            places = self.places(paper)[found][:_PLACES]
            known = self._hits[word, paper] = tuple(Hit(*place, word) for place in places)
        return known

    def places(self, paper: int) -> dict[str, list[tuple[Field, int, int]]]:
        """Where each stem stands in a paper."""
        known = self._places.get(paper)
        if known is None:
            known = self._places[paper] = {}
            one = self.papers[paper]
            for field, text in ((Field.TITLE, one.title), (Field.ABSTRACT, one.abstract)):
                for word, (start, end) in zip(cut(text), spans(text), strict=True):
                    known.setdefault(stem(word), []).append((field, start, end))
        return known


class LexicalScorer:
    """A `scoring.Scorer` that knows nothing but words."""

    def __init__(self, background: Sequence[Paper]) -> None:
        """`background`: a few thousand recent papers; with none, a share tells nothing (1)."""
        texts = [(paper.title, paper.abstract) for paper in background]
        self._bm25 = Bm25(texts)
        self._sample = self._bm25.index(texts[:: max(1, -(-len(texts) // SAMPLE))])
        self._speak = lru_cache(maxsize=1 << 15)(self._spoken)
        self._weigh = lru_cache(maxsize=1 << 15)(self._weights)

    def prepare(self, papers: Sequence[Paper]) -> Ready:
        return Ready(papers, self._bm25.index([(one.title, one.abstract) for one in papers]))

    def score(self, interests: Sequence[Interest], ready: Ready) -> Scores:
        said = points(interests)
        weights = [self._weigh(point.text) for point in said]
        here = self._bm25.score(weights, ready.index)
        usual = self._bm25.score(weights, self._sample)
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
            return self._told(interests[row].statement, ready, column)

        return Scores(values, share, resembles, told)

    def _weights(self, text: str) -> Weights:
        rare = sorted(set(stems(text)), key=lambda word: (-self._bm25.rarity(word), word))
        return dict.fromkeys(rare[:LONGEST], 1.0)

    def _spoken(self, statement: str) -> Sequence[tuple[str, str]]:
        """The statement's stems, the most telling first, each with the word as written."""
        words = {stem(word): word for word in cut(statement)}
        words.pop("", None)
        return sorted(words.items(), key=lambda pair: (-self._bm25.rarity(pair[0]), pair[0]))

    def _told(self, statement: str, ready: Ready, paper: int) -> tuple[Hit, ...]:
        places = ready.places(paper)
        there = (pair for pair in self._speak(statement) if pair[0] in places)
        best = islice(there, _TOLD)
        return tuple(hit for found, word in best for hit in ready.hits(found, word, paper))


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
