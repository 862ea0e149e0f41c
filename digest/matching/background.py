"""The fixed background: recent papers against which every likeness is measured.

What is rare, what is usual, and how high a score stands ("top 1 %") come from here and never from
the day's batch, so that a threshold means the same every day. Words are counted over all papers
given, scores are measured on an even sample of them. A background is a value: another set of papers
or another embedder makes another background, with another id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Embedder, Vectors
from digest.matching.lexicon import Lexicon, WordIndex, Words, words_of
from digest.matching.sparse import SparseRows
from digest.matching.static import StaticEmbedder, sentences, unit
from digest.matching.vectors import VectorStore, ensure, stacked
from digest.model import Paper

Item = TypeVar("Item")

SAMPLE = 3_000  #: papers that scores are measured on
NEGATIVES = 1_500  #: papers of the sample that stand for "not wanted" when learning
ENOUGH = 200  #: papers below which a background says too little to be trusted alone


@dataclass(frozen=True, eq=False)
class Batch:
    """Papers made ready for scoring against one background: words, features, vectors.

    `whole` are unit vectors as embedded; `centred_whole` and `centred_parts` have the background's
    mean taken away, which is how statements are compared.
    """

    papers: Sequence[Paper]
    index: WordIndex
    words: Sequence[Words]
    lexicon: Lexicon
    whole: Vectors
    centred_whole: Vectors
    centred_parts: Vectors
    starts: NDArray[np.int64]
    negative: NDArray[np.int64]  #: each paper's place among the background's negatives, or -1

    @cached_property
    def features(self) -> SparseRows:
        """TF-IDF rows; only examples need them."""
        return self.lexicon.feature_rows(self.words)

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
        frequencies: NDArray[np.int64] | None,
    ) -> None:
        self.lexicon = lexicon
        self.mean = mean
        self.frequencies = frequencies
        self.negatives = np.array(evenly(range(len(chosen)), NEGATIVES), np.int64)
        self._places = {chosen[row].id: place for place, row in enumerate(self.negatives)}
        self.id = ""
        self.sample: Batch

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
        vectors = stacked(chosen, ensure(embedder, chosen, store), embedder.dimensions)
        mean = vectors.whole.mean(axis=0) if len(chosen) else np.zeros(embedder.dimensions)
        frequencies = None
        if isinstance(embedder, StaticEmbedder):
            frequencies = embedder.frequencies([[p.title, *sentences(p.abstract)] for p in chosen])
        background = cls(
            chosen=chosen,
            lexicon=Lexicon.of(words_of(p.title, p.abstract) for p in papers),
            mean=mean.astype(np.float32),
            frequencies=frequencies,
        )
        background.sample = background.prepare(chosen, embedder, store)
        background.id = _fingerprint(papers, embedder)
        return background

    def prepare(self, papers: Sequence[Paper], embedder: Embedder, store: VectorStore) -> Batch:
        """Papers ready to be scored; vectors come from the store where it has them."""
        vectors = stacked(papers, ensure(embedder, papers, store), embedder.dimensions)
        words = [words_of(paper.title, paper.abstract) for paper in papers]
        return Batch(
            papers=papers,
            index=self.lexicon.index(words),
            words=words,
            lexicon=self.lexicon,
            whole=vectors.whole,
            centred_whole=unit(vectors.whole - self.mean),
            centred_parts=unit(vectors.parts - self.mean),
            starts=vectors.starts,
            negative=np.array([self._places.get(p.id, -1) for p in papers], np.int64),
        )


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of the items, at even distances."""
    if len(items) <= most:
        return list(items)
    return [items[int(at)] for at in np.linspace(0, len(items) - 1, most)]


def _fingerprint(papers: Sequence[Paper], embedder: Embedder) -> str:
    digest = hashlib.sha256(embedder.id.encode())
    for paper in papers:
        digest.update(f"\n{paper.key}".encode())
    return digest.hexdigest()[:16]
