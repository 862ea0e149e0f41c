"""Statements against papers: BM25, the whole paper's vector, its nearest sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.matching.background import Background, Batch
from digest.matching.base import Embedder, Vectors
from digest.matching.sparse import Floats
from digest.matching.static import StaticEmbedder, unit
from digest.matching.stems import stems

NAMES = ("words", "meaning", "nearest sentence")
WEIGHTS = (0.55, 0.25, 0.20)
WORD_SCALE = 10  #: brings BM25 to the size of a cosine, for `calibration.FLOOR`
TITLE_STEMS = 8
GROWTH = 0.75  #: measured on titles, and on first sentences of abstracts, of arXiv papers


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Statements made ready: stems, and unit vectors with the background's mean taken away."""

    stems: Sequence[Sequence[str]]
    vectors: Vectors

    def __getitem__(self, rows: slice) -> Questions:
        return Questions(self.stems[rows], self.vectors[rows])

    def __len__(self) -> int:
        return len(self.stems)

    def stretch(self, row: int) -> float:
        """By how much a long statement reaches higher scores than one of a title's length."""
        return float(max(1.0, len(set(self.stems[row])) / TITLE_STEMS) ** GROWTH)


def ask(statements: Sequence[str], embedder: Embedder, background: Background) -> Questions:
    if isinstance(embedder, StaticEmbedder) and background.frequencies is not None:
        vectors = embedder.embed_statements(statements, background.frequencies)
    else:
        vectors = embedder.embed(statements)
    known = np.abs(vectors).sum(axis=1, keepdims=True) > 0
    centred = unit(np.where(known, vectors - background.mean, 0).astype(np.float32))
    return Questions([stems(statement) for statement in statements], centred)


def parts(questions: Questions, batch: Batch) -> tuple[Floats, Floats, Floats]:
    """Three arrays questions × papers, in the order of NAMES."""
    words = batch.index.scores(questions.stems)
    words /= WORD_SCALE
    return words, *batch.vectors.cosines(questions.vectors)
