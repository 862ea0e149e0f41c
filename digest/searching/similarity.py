"""Papers like a paper: the same words and the same meaning, half and half."""

from __future__ import annotations

from collections import Counter

import numpy as np

from digest.matching.base import Embedder
from digest.matching.stems import stems
from digest.matching.vectors import whole_text
from digest.model import Paper
from digest.searching.index import Index
from digest.searching.segment import Floats, Ints
from digest.searching.selecting import first

MOST_STEMS = 30  #: of title and abstract, the most telling
FINE = 500  #: rows whose own vectors are looked at
CHANCE = 3.0  #: spreads above the usual, below which a paper is like another by chance


def nearest(index: Index, paper: Paper, limit: int, *, embedder: Embedder | None) -> Ints:
    """The rows of the nearest papers, best first."""
    if not len(index):
        return np.zeros(0, np.int64)
    words = index.words(_telling(index, paper))
    centre, spread = float(words.mean()), max(float(words.std()), 1e-6)
    question = _vector(index, paper, embedder)
    if question is None:
        rows, values = np.arange(len(words)), (words - centre) / spread
    else:
        rows = _best(index, words, spread, question)
        usual = index.sample @ question
        fine = (index.cosines(rows, question) - usual.mean()) / max(float(usual.std()), 1e-3)
        values = ((words[rows] - centre) / spread + fine) / 2
    likely = (values >= CHANCE) & index.alive[rows]
    if (own := index.rows.get(paper.id)) is not None:
        likely &= rows != own
    best = np.argsort(-values[likely], kind="stable")[:limit]
    found: Ints = rows[likely][best]
    return found


def _best(index: Index, words: Floats, spread: float, question: Floats) -> Ints:
    """The rows whose words and coarse cosine, both standardised, come to most."""
    _, wide = index.coarse_usual(question)
    rough = index.coarse(question / np.float32(max(wide, 1e-6)))
    rough += words / np.float32(spread)
    return first(rough, FINE)


def _telling(index: Index, paper: Paper) -> list[tuple[str, int]]:
    """The stems that say most of what a paper is about, the title's twice."""
    counts = Counter(stems(paper.title) * 2 + stems(paper.abstract))
    weight = {one: (1 + np.log(often)) * index.rarity(one) for one, often in counts.items()}
    best = sorted(weight, key=lambda one: (-weight[one], one))[:MOST_STEMS]
    return [(one, 1) for one in best]


def _vector(index: Index, paper: Paper, embedder: Embedder | None) -> Floats | None:
    if embedder is None or not index.frame.model:
        return None
    row = index.rows.get(paper.id)
    if row is not None and (own := index.vectors(np.array([row])))[0].any():
        kept: Floats = own[0]
        return kept
    vector: Floats = index.frame.centred(embedder.embed([whole_text(paper)]))[0]
    return vector
