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
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Embedder, Vectors
from digest.matching.calibration import CalibrationStore
from digest.matching.lexicon import Lexicon, Occurring, WordIndex, Words, words_of
from digest.matching.meanings import Meanings, Singles
from digest.matching.sparse import SparseRows
from digest.matching.static import PartVectors, StaticEmbedder, make_unit, sentences, unit
from digest.matching.stemmed import Stemmed, stream_of
from digest.matching.stream import Stream
from digest.matching.telling import WordPlaces
from digest.matching.usual import usual
from digest.matching.vectors import VectorStore, ensure, stacked
from digest.model import Paper, PaperId

Item = TypeVar("Item")
Frequencies = NDArray[np.int64]

SAMPLE = 3_000  #: papers that scores are measured on
NEGATIVES = 1_500  #: papers of the sample that stand for "not wanted" when learning
TITLE = np.float32(0.5)  #: extra weight of the title, for statements
#: what its parts are called among the records of a scorer
FREQUENCIES, WORDS, MEAN = "token frequencies", "words", "mean"
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
        words = self.words
        if not isinstance(words, Stemmed):
            words = Stemmed(stream_of(self.papers))
        return WordPlaces(words, self.lexicon.rarities(words.names))

    def __len__(self) -> int:
        return len(self.papers)


class Named(Protocol):
    """A paper as far as a background must know it before anything is measured."""

    @property
    def id(self) -> PaperId: ...

    @property
    def key(self) -> str: ...


class Source(Protocol):
    """Makes the parts of one background, each when it is first asked for."""

    def read(self) -> Sequence[Paper]:
        """The papers of the sample."""
        ...

    def lexicon(self) -> Lexicon: ...

    def frequencies(self) -> Frequencies | None: ...

    def mean(self) -> Vectors: ...

    def sample(self, background: Background) -> Batch: ...


class Background:
    """What is usual; see `Background.of`.

    Composing asks for the small parts (words, the mean, token frequencies), which are kept with a
    scorer's calibrations. The sample is for measuring an interest that is new: as a rule nobody
    reads a paper of it.
    """

    def __init__(self, id: str, chosen: Sequence[Named], source: Source) -> None:
        """`chosen`: the papers of the sample."""
        self.id = id
        self.chosen = chosen
        self.negatives = np.array(evenly(range(len(chosen)), NEGATIVES), np.int64)
        self._source = source
        self._places = {chosen[row].id: place for place, row in enumerate(self.negatives)}
        self._records: tuple[CalibrationStore, str] | None = None

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
        return cls.named(papers, lambda: papers, embedder, store=store, sample=sample)

    @classmethod
    def named(
        cls,
        papers: Sequence[Named],
        read: Callable[[], Sequence[Paper]],
        embedder: Embedder,
        *,
        store: VectorStore,
        sample: int = SAMPLE,
    ) -> Background:
        """The same of papers that are read when something of them is wanted, in their order."""
        source = _Papers(read, sample, embedder, store)
        return cls(fingerprint(papers, embedder), evenly(papers, sample), source)

    def keep_in(self, records: CalibrationStore, scorer: str) -> None:
        """Where the small parts are kept for the next process, under this scorer's name."""
        self._records = records, scorer

    def settle(self) -> None:
        """Have the small parts made and kept, so that nobody who is due waits for them."""
        for _part in (self.lexicon, self.mean, self.frequencies):
            pass

    @property
    def is_enough(self) -> bool:
        """Whether there are papers enough to measure scores on; else `usual` stands in."""
        return len(self.chosen) >= ENOUGH

    @cached_property
    def lexicon(self) -> Lexicon:
        if kept := self._kept(WORDS):
            return Lexicon.from_bytes(kept, self._source.lexicon)
        lexicon = self._source.lexicon()
        self._keep(WORDS, lexicon.to_bytes())
        return lexicon

    @cached_property
    def mean(self) -> Vectors:
        """The usual paper; to find it takes the vectors of the whole sample."""
        if kept := self._kept(MEAN):
            return np.frombuffer(kept, "<f4")
        mean = self._source.mean()
        self._keep(MEAN, mean.astype("<f4").tobytes())
        return mean

    @cached_property
    def frequencies(self) -> Frequencies | None:
        """In how many papers each token is, the number of papers last; only statements need it.

        Counting takes longer than all else once the vectors are stored.
        """
        if kept := self._kept(FREQUENCIES):
            return np.frombuffer(zlib.decompress(kept), "<u4").astype(np.int64)
        counted = self._source.frequencies()
        if counted is not None:
            self._keep(FREQUENCIES, zlib.compress(counted.astype("<u4").tobytes(), 1))
        return counted

    def read(self) -> Sequence[Paper]:
        """The papers of the sample."""
        return self._source.read()

    @cached_property
    def sample(self) -> Batch:
        """The papers that scores are measured on."""
        return self._source.sample(self)

    def _kept(self, name: str) -> bytes | None:
        if self._records is None or not self.is_enough:
            return None
        records, scorer = self._records
        return records.load(scorer, [name]).get(name)

    def _keep(self, name: str, data: bytes) -> None:
        if self._records is not None and self.is_enough:
            records, scorer = self._records
            records.save(scorer, {name: data})

    def prepare(
        self,
        papers: Sequence[Paper],
        embedder: Embedder,
        store: VectorStore,
        *,
        stream: Stream | None = None,
    ) -> Batch:
        """Papers ready to be scored; vectors come from the store where it has them.

        `stream`: their `stream_of`, where they were cut already.
        """
        vectors = stacked(papers, ensure(embedder, papers, store), embedder.dimensions)
        words = Stemmed(stream or stream_of(papers))
        return self.batch(papers, vectors, words, words.occurring())

    def batch(
        self,
        papers: Sequence[Paper],
        vectors: PartVectors,
        words: Sequence[Words],
        found: Occurring | None = None,
    ) -> Batch:
        """Takes the vectors over: their parts are centred where they are.

        `found`: what occurs in the papers, where that is known already.
        """
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


class _Papers:
    """The Source that reads papers' texts and vectors."""

    def __init__(
        self,
        read: Callable[[], Sequence[Paper]],
        sample: int,
        embedder: Embedder,
        store: VectorStore,
    ) -> None:
        self._read, self._sample = read, sample
        self._embedder, self._store = embedder, store
        self._loaded: PartVectors | None = None

    @cached_property
    def _papers(self) -> Sequence[Paper]:
        return self._read()

    @cached_property
    def _chosen(self) -> Sequence[Paper]:
        return evenly(self._papers, self._sample)

    def read(self) -> Sequence[Paper]:
        return self._chosen

    @cached_property
    def _texts(self) -> tuple[list[Words], Occurring]:
        words = [words_of(paper.title, paper.abstract) for paper in self._papers]
        return words, Occurring.of(words)

    def lexicon(self) -> Lexicon:
        return _lexicon(*self._texts)

    def frequencies(self) -> Frequencies | None:
        if not isinstance(self._embedder, StaticEmbedder):
            return None
        texts = [[paper.title, *sentences(paper.abstract)] for paper in self._chosen]
        return self._embedder.frequencies(texts)

    def mean(self) -> Vectors:
        self._loaded = self._vectors()
        return _mean(self._loaded.whole, self._embedder)

    def sample(self, background: Background) -> Batch:
        background.settle()  # which may leave the vectors it loaded
        vectors, self._loaded = self._loaded or self._vectors(), None
        (words, found), size = self._texts, len(self._chosen)
        among = found.among(evenly(range(len(words)), size))
        return background.batch(self._chosen, vectors, evenly(words, size), among)

    def _vectors(self) -> PartVectors:
        found = ensure(self._embedder, self._chosen, self._store)
        return stacked(self._chosen, found, self._embedder.dimensions)


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


def fingerprint(papers: Sequence[Named], embedder: Embedder) -> str:
    digest = hashlib.sha256(embedder.id.encode())
    for paper in papers:
        digest.update(f"\n{paper.key}".encode())
    return digest.hexdigest()[:16]
