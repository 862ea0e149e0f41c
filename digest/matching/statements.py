"""Statements against papers: BM25, the whole paper's vector, its nearest sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.matching.background import Background, Batch
from digest.matching.base import Embedder, Vectors
from digest.matching.sparse import Floats, Ints
from digest.matching.static import StaticEmbedder, unit
from digest.matching.stems import stems

NAMES = ("words", "meaning", "nearest sentence")
WEIGHTS = (0.55, 0.25, 0.20)
WORD_SCALE = 10  #: brings BM25 to the size of a cosine, for `calibration.FLOOR`
TITLE_STEMS = 8
GROWTH = 0.75  #: measured on titles, and on first sentences of abstracts, of arXiv papers
CELLS = 1 << 17  #: numbers of one intermediate array: it stays in the cache
FEW = 32  #: questions up to which one array is made for all parts of all papers


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
    words = np.zeros((len(questions), len(batch)), np.float32)
    for row, question in enumerate(questions.stems):
        words[row] = batch.index.score(question) / WORD_SCALE
    return words, questions.vectors @ batch.centred_whole.T, _nearest(questions.vectors, batch)


def _nearest(vectors: Vectors, batch: Batch) -> Floats:
    """The best cosine over each paper's title and sentences."""
    found = np.zeros((len(vectors), len(batch)), np.float32)
    if len(vectors) <= FEW:
        if len(batch):
            cosines = vectors @ batch.centred_parts.T
            np.maximum.reduceat(cosines, batch.starts[:-1], axis=1, out=found)
        return found
    step = max(1, CELLS // max(vectors.shape))
    for start in range(0, len(batch), step):
        starts = batch.starts[start : start + step + 1]
        found[:, start : start + step] = _nearest_of(vectors, batch.centred_parts, starts)
    return found


def _nearest_of(vectors: Vectors, parts: Vectors, starts: Ints) -> Floats:
    """The same for some papers: all first parts, then the second ones of those that have one …

    Whole arrays are compared, which is faster than looking through the parts of each paper.
    """
    sizes = np.diff(starts)
    order = np.argsort(-sizes, kind="stable")
    best = vectors @ parts[starts[order]].T
    for nth in range(1, int(sizes.max())):
        having = order[: np.count_nonzero(sizes > nth)]
        among = best[:, : len(having)]
        np.maximum(among, vectors @ parts[starts[having] + nth].T, out=among)
    found = np.empty_like(best)
    found[:, order] = best
    return found
