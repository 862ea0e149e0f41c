"""The fixed background: recent papers against which every likeness is measured.

What is rare, what is usual, and how high a score stands ("top 1 %") come from here and never from
the day's batch, so that a threshold means the same every day. Words are counted over all papers
given, scores are measured on an even sample of them. A background is a value: another set of papers
or another embedder makes another background, with another id.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Embedder, Vectors
from digest.matching.calibration import CalibrationStore
from digest.matching.lexicon import Lexicon, Occurring, WordIndex, Words, words_of
from digest.matching.meanings import Meanings, Singles
from digest.matching.sparse import SparseRows
from digest.matching.static import PartVectors, StaticEmbedder, make_unit, sentences, unit
from digest.matching.telling import WordPlaces
from digest.matching.usual import usual
from digest.matching.vectors import VectorStore, ensure, stacked
from digest.model import Paper, PaperId

Item = TypeVar("Item")
Frequencies = NDArray[np.int64]

SAMPLE = 3_000  #: papers that scores are measured on
NEGATIVES = 1_500  #: papers of the sample that stand for "not wanted" when learning
TITLE = np.float32(0.5)  #: extra weight of the title, for statements
FREQUENCIES = "token frequencies"  #: what they are called among the records of a scorer
ENOUGH = 200  #: papers below which a background says too little to be trusted alone


@dataclass(frozen=True, eq=False)
class Batch:
    """Papers made ready for scoring against one background: words, features, vectors."""

    papers: Sequence[Paper]
    index: WordIndex
    words: Sequence[Words]
    lexicon: Lexicon
    vectors: Meanings
    negative: NDArray[np.int64]  #: each paper's place among the background's negatives, or -1

    @cached_property
    def features(self) -> SparseRows:
        """TF-IDF rows; only examples need them."""
        return self.lexicon.feature_rows(self.words)

    @cached_property
    def places(self) -> WordPlaces:
        return WordPlaces(self.papers, self.lexicon.rarity)

    def __len__(self) -> int:
        return len(self.papers)


class Background:
    """Built once from recent papers; see `Background.of`."""

    def __init__(
        self,
        *,
        chosen: Sequence[Paper],
        lexicon: Lexicon,
        mean: Vectors,
        frequencies: Callable[[], Frequencies | None],
    ) -> None:
        self.lexicon = lexicon
        self.mean = mean
        self._count = frequencies
        self._records: tuple[CalibrationStore, str] | None = None
        self.negatives = np.array(evenly(range(len(chosen)), NEGATIVES), np.int64)
        self._places = {chosen[row].id: place for place, row in enumerate(self.negatives)}
        self.id = ""
        self.sample: Batch

    def keep_in(self, records: CalibrationStore, scorer: str) -> None:
        """Where `frequencies` are kept for the next process, under this scorer's name."""
        self._records = records, scorer

    @cached_property
    def frequencies(self) -> Frequencies | None:
        """In how many papers each token is, the number of papers last; only statements need it."""
        if self._records is None or not self.is_enough:
            return self._count()
        return kept_frequencies(self._count, *self._records)

    @property
    def is_enough(self) -> bool:
        """Whether there are papers enough to measure scores on; else `usual` stands in."""
        return len(self.sample) >= ENOUGH

    @classmethod
    def of(
        cls,
        papers: Sequence[Paper],
        embedder: Embedder,
        *,
        store: VectorStore,
        sample: int = SAMPLE,
    ) -> Background:
        """A background of `papers` (a few thousand recent ones; more are counted, not sampled)."""
        chosen = evenly(papers, sample)
        words = [words_of(paper.title, paper.abstract) for paper in papers]
        found = Occurring.of(words)
        vectors = stacked(chosen, ensure(embedder, chosen, store), embedder.dimensions)
        background = cls(
            chosen=chosen,
            lexicon=_lexicon(words, found),
            mean=_mean(vectors.whole, embedder),
            frequencies=lambda: frequencies_of(chosen, embedder),
        )
        among = found.among(evenly(range(len(papers)), sample))
        background.sample = background._batch(chosen, vectors, evenly(words, sample), among)
        background.id = fingerprint(papers, embedder)
        return background

    def prepare(self, papers: Sequence[Paper], embedder: Embedder, store: VectorStore) -> Batch:
        """Papers ready to be scored; vectors come from the store where it has them."""
        vectors = stacked(papers, ensure(embedder, papers, store), embedder.dimensions)
        words = [words_of(paper.title, paper.abstract) for paper in papers]
        return self._batch(papers, vectors, words)

    def _batch(
        self,
        papers: Sequence[Paper],
        vectors: PartVectors,
        words: Sequence[Words],
        found: Occurring | None = None,
    ) -> Batch:
        """Takes the vectors over: their parts are centred where they are."""
        titled = _titled(vectors)
        np.subtract(vectors.parts, self.mean, out=vectors.parts)
        return Batch(
            papers=papers,
            index=self.lexicon.index(words, found),
            words=words,
            lexicon=self.lexicon,
            vectors=Singles(
                vectors.whole, unit(titled - self.mean), make_unit(vectors.parts), vectors.starts
            ),
            negative=self.places([paper.id for paper in papers]),
        )

    def places(self, papers: Sequence[PaperId]) -> NDArray[np.int64]:
        """Each paper's place among the negatives, or -1."""
        return np.array([self._places.get(one, -1) for one in papers], np.int64)


def kept_frequencies(
    count: Callable[[], Frequencies | None], records: CalibrationStore, scorer: str
) -> Frequencies | None:
    """Token frequencies from the records of a scorer, or counted and kept there.

    Counting takes longer than all else once the vectors are stored.
    """
    if kept := records.load(scorer, [FREQUENCIES]).get(FREQUENCIES):
        return np.frombuffer(zlib.decompress(kept), "<u4").astype(np.int64)
    counted = count()
    if counted is not None:
        packed = zlib.compress(counted.astype("<u4").tobytes(), 1)
        records.save(scorer, {FREQUENCIES: packed})
    return counted


def frequencies_of(papers: Sequence[Paper], embedder: Embedder) -> Frequencies | None:
    if not isinstance(embedder, StaticEmbedder):
        return None
    return embedder.frequencies([[p.title, *sentences(p.abstract)] for p in papers])


def _titled(vectors: PartVectors) -> Vectors:
    """The whole paper with its title said once more; a paper without parts is as it was."""
    if not len(vectors.whole):
        return vectors.whole
    return unit(vectors.whole + TITLE * vectors.parts[vectors.starts[:-1]])


def _mean(vectors: Vectors, embedder: Embedder) -> Vectors:
    """The background's mean; of too few papers, what is usual for the shipped table."""
    if len(vectors) >= ENOUGH:
        mean: Vectors = vectors.mean(axis=0)
        return mean
    common = usual()
    zero = np.zeros(embedder.dimensions, np.float32)
    return common.mean if common.model == embedder.id else zero


def _lexicon(texts: Sequence[Words], found: Occurring) -> Lexicon:
    """The background's words; of too few papers, together with what is usual."""
    own = Lexicon.of(texts, found)
    if len(texts) >= ENOUGH:
        return own
    common = usual()
    words = Counter(common.words)
    words.update(own.words)
    papers_in_all = common.papers + own.papers
    return replace(own, papers=papers_in_all, mean_length=common.mean_length, words=words)


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the items, at even distances."""
    if len(items) <= most:
        return list(items)
    return [items[int(at)] for at in np.linspace(0, len(items) - 1, most)]


def fingerprint(papers: Sequence[Paper], embedder: Embedder) -> str:
    digest = hashlib.sha256(embedder.id.encode())
    for paper in papers:
        digest.update(f"\n{paper.key}".encode())
    return digest.hexdigest()[:16]
