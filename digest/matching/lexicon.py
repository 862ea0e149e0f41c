"""The lexical half of likeness: BM25 for statements, TF-IDF for examples.

How rare a word is, and how long a paper usually is, comes from the fixed background, never from
the batch at hand. BM25 as Robertson & Zaragoza (2009), k1 1.2, b 0.75, the title counted twice.
TF-IDF features are stems and pairs of neighbours that at least two papers of the background share;
a stem unknown to the background has a hashed column, so that it still joins example and paper.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from digest.matching.sparse import Floats, Ints, SparseRows, ranges
from digest.matching.stems import stems

K1 = 1.2
B = 0.75
TITLE_TIMES = 2
HASHES = 1 << 22
SHARED = 2  #: papers of the background that must hold a feature
SPARE = 1 << 16  #: columns for stems that the background does not know
TOGETHER = 1 << 14  #: occurrences added up at once: what they need stays in the cache

Words = tuple[list[str], list[str]]  #: stems of a title and of an abstract


def words_of(title: str, abstract: str) -> Words:
    return stems(title), stems(abstract)


@lru_cache(maxsize=1 << 17)
def _hash(word: str) -> int:
    return zlib.crc32(word.encode())


def features(words: Words) -> tuple[Ints, Ints]:
    """Hashes of the stems, and of the neighbouring pairs (each as often as it occurs)."""
    singles: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    pairs: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64)]
    for part in words:
        hashes = np.array([_hash(word) for word in part], np.uint64)
        singles.append(hashes)
        mixed = hashes[:-1] * np.uint64(0x9E3779B1) + hashes[1:] * np.uint64(0x85EBCA77)
        pairs.append((mixed >> np.uint64(7)).astype(np.uint64))
    return _hashes(singles), _hashes(pairs)


def _hashes(parts: Sequence[NDArray[np.uint64]]) -> Ints:
    return (np.concatenate(parts) % HASHES).astype(np.int64)


class Features:
    """The features that SHARED papers of a background hold: a column and a rarity for each.

    Only examples need them, so they are counted when first asked for.
    """

    def __init__(
        self, texts: Sequence[Words], *, count: Callable[[], Features] | None = None
    ) -> None:
        """`count` makes what counts them, where the texts are not at hand."""
        self._texts = texts
        self._count = count

    @classmethod
    def known(cls, shared: Ints, rarity: Floats) -> Features:
        """Counted already: hashes in rising order, and `rarity` as below."""
        features = cls(())
        features.__dict__["_counted"] = shared, rarity
        return features

    @cached_property
    def _counted(self) -> tuple[Ints, Floats]:
        if self._count is not None:
            return self._count()._counted
        counts = np.zeros(HASHES, np.int32)
        for text in self._texts:
            counts[np.unique(np.concatenate(features(text)))] += 1
        shared = np.flatnonzero(counts >= SHARED)
        frequencies = np.concatenate([counts[shared], np.zeros(SPARE, np.int32)])
        return shared, np.log((len(self._texts) + 1) / (frequencies + 1)).astype(np.float32)

    @property
    def rarity(self) -> Floats:
        """The idf of each column, the spare ones last."""
        return self._counted[1]

    def columns(self, hashes: Ints) -> Ints:
        """The column of each hash, -1 where too few papers hold it."""
        shared = self._counted[0]
        if not len(shared):
            return np.full(len(hashes), -1, np.int64)
        places = np.minimum(np.searchsorted(shared, hashes), len(shared) - 1)
        return np.where(shared[places] == hashes, places, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Occurring:
    """Which of some texts each word occurs in, and how often: the title's words count TITLE_TIMES.

    Word number n stands in `texts`, and there `often`, from `starts[n]` to `starts[n + 1]`.
    `lengths`: of every text.
    """

    numbers: Mapping[str, int]
    starts: Ints
    texts: Ints
    often: Floats
    lengths: Ints

    @classmethod
    def of(cls, texts: Sequence[Words]) -> Occurring:
        numbers = _Numbers()
        lengths = np.array([TITLE_TIMES * len(text[0]) + len(text[1]) for text in texts], np.int64)
        words = chain.from_iterable(chain(*[title] * TITLE_TIMES, rest) for title, rest in texts)
        size = int(lengths.sum())
        codes = np.fromiter(map(numbers.__getitem__, words), np.int64, size)
        codes *= max(len(texts), 1)
        codes += np.repeat(np.arange(len(texts)), lengths)
        codes, often = np.unique(codes, return_counts=True)
        word, text = np.divmod(codes, max(len(texts), 1))
        starts = np.searchsorted(word, np.arange(len(numbers) + 1))
        return cls(dict(numbers), starts, text, often.astype(np.float32), lengths)

    def among(self, chosen: Sequence[int]) -> Occurring:
        """The same of some of the texts, which rise; words that those do not have stay numbered."""
        if len(chosen) == len(self.lengths):
            return self
        places = np.full(len(self.lengths), -1, np.int64)
        places[list(chosen)] = np.arange(len(chosen))
        there = places[self.texts] >= 0
        before = np.concatenate([[0], np.cumsum(there)])
        texts = places[self.texts[there]]
        return Occurring(
            self.numbers, before[self.starts], texts, self.often[there], self.lengths[chosen]
        )


class _Numbers(dict[str, int]):
    """The words met so far, numbered."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """How many papers of the background hold each stem, and how rare each feature is."""

    papers: int
    mean_length: float
    words: Mapping[str, int]
    features: Features

    @classmethod
    def of(cls, texts: Sequence[Words], found: Occurring | None = None) -> Lexicon:
        """`found`: what occurs in the texts, where that is known already."""
        found, papers = found or Occurring.of(texts), len(texts)
        counts = np.diff(found.starts).tolist()
        length = max(int(found.lengths.sum()), 1) / max(papers, 1)
        return cls(papers, length, dict(zip(found.numbers, counts, strict=True)), Features(texts))

    def to_bytes(self) -> bytes:
        """All but the features."""
        told = [self.papers, self.mean_length, dict(self.words)]
        return zlib.compress(json.dumps(told, ensure_ascii=False).encode(), 1)

    @classmethod
    def from_bytes(cls, data: bytes, count: Callable[[], Lexicon]) -> Lexicon:
        """`count` makes the whole lexicon anew, for its features."""
        papers, length, words = json.loads(zlib.decompress(data))
        return cls(papers, length, words, Features((), count=lambda: count().features))

    @property
    def width(self) -> int:
        return len(self.features.rarity)

    def rarity(self, word: str) -> float:
        """BM25's idf, in the form that is never negative."""
        return float(self.rarities([word])[0])

    def rarities(self, words: Iterable[str]) -> NDArray[np.float64]:
        counts = np.array([self.words.get(word, 0) for word in words], np.float64)
        return np.log(1 + (self.papers - counts + 0.5) / (counts + 0.5))

    def feature_rows(self, texts: Iterable[Words]) -> SparseRows:
        """Unit TF-IDF rows."""
        return SparseRows.of([self._features(words) for words in texts], self.width)

    def _features(self, words: Words) -> tuple[Ints, Floats]:
        singles, pairs = features(words)
        spare = self.width - SPARE + singles % SPARE
        known = self.features.columns(singles)
        single_columns = np.where(known >= 0, known, spare)
        pair_columns = self.features.columns(pairs)
        found = np.concatenate([single_columns, pair_columns[pair_columns >= 0]])
        columns, counts = np.unique(found, return_counts=True)
        weighted = (1 + np.log(counts)) * self.features.rarity[columns]
        return columns, (weighted / (np.linalg.norm(weighted) + 1e-9)).astype(np.float32)

    def index(self, texts: Sequence[Words], found: Occurring | None = None) -> WordIndex:
        found = found or Occurring.of(texts)
        norms = (K1 * (1 - B + B * found.lengths / self.mean_length)).astype(np.float32)
        rarity = self.rarities(found.numbers).astype(np.float32)
        rarity = np.repeat(rarity, np.diff(found.starts))
        weights = rarity * found.often * (K1 + 1) / (found.often + norms[found.texts])
        postings = SparseRows(found.starts, found.texts, weights, len(texts))
        return WordIndex(found.numbers, postings, len(texts))


@dataclass(frozen=True, slots=True, eq=False)
class WordIndex:
    """Papers by word, with the BM25 weight of each word in each paper."""

    numbers: Mapping[str, int]
    postings: SparseRows
    papers: int

    def score(self, question: Sequence[str]) -> Floats:
        """BM25 of every paper for a question's stems; a repeated stem counts again."""
        scores: Floats = self.scores([question])[0]
        return scores

    def scores(self, questions: Sequence[Sequence[str]], *, together: int = TOGETHER) -> Floats:
        """The same for many questions, a row each: all occurrences of their words in turn."""
        total = np.zeros((len(questions), self.papers), np.float32)
        rows, words, times = self._asked(questions)
        sizes = self.postings.starts[words + 1] - self.postings.starts[words]
        parts = np.cumsum(sizes) // together
        for begin, end in pairwise(np.searchsorted(parts, np.arange(_last(parts) + 2)).tolist()):
            part = slice(begin, end)
            size = sizes[part]
            at = ranges(self.postings.starts[words[part]], size)
            cells = np.repeat(rows[part] * self.papers, size) + self.postings.columns[at]
            weights = self.postings.data[at] * np.repeat(times[part], size).astype(np.float32)
            np.add.at(total.reshape(-1), cells, weights)
        return total

    def _asked(self, questions: Sequence[Sequence[str]]) -> tuple[Ints, Ints, Ints]:
        """Question, number and how often, of each different word in turn."""
        size, known = len(self.numbers) + 1, self.numbers.get
        said = [known(word, size - 1) for question in questions for word in question]
        rows = np.repeat(np.arange(len(questions)), list(map(len, questions)))
        codes = rows * size + np.array(said, np.int64)
        codes, first, times = np.unique(codes, return_index=True, return_counts=True)
        order = np.argsort(first)
        rows, words = np.divmod(codes[order], size)
        there = words < size - 1
        return rows[there], words[there], times[order][there]


def _last(numbers: Ints) -> int:
    return int(numbers[-1]) if len(numbers) else -1
