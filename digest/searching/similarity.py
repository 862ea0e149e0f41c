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

MOST_STEMS = 30  #: of title and abstract, the most telling
FINE = 500  #: rows whose own vectors are looked at
CHANCE = 3.0  #: spreads above the usual, below which a paper is like another by chance


def nearest(index: Index, paper: Paper, limit: int, *, embedder: Embedder | None) -> Ints:
    """The rows of the nearest papers, best first."""
    if not len(index):
        return np.zeros(0, np.int64)
    values = _standard(index.words(_telling(index, paper)))
    question = _vector(index, paper, embedder)
    if question is not None:
        coarse = _standard(index.coarse(question))
        rough = values + coarse
        best = first(rough, FINE)
        fine = index.vectors(best) @ question
        usual = index.vectors(index.sample_rows) @ question
        told = (values[best] + (fine - usual.mean()) / max(float(usual.std()), 1e-3)) / 2
        values = np.full(len(index), -np.inf, np.float32)
        values[best] = told
    values[~index.alive] = -np.inf
    if (own := index.rows.get(paper.id)) is not None:
        values[own] = -np.inf
    likely = np.flatnonzero(values >= CHANCE)
    found: Ints = likely[np.argsort(-values[likely], kind="stable")[:limit]]
    return found


def first(values: Floats, count: int) -> Ints:
    """The places of the `count` highest, best first, the earlier of equals before the later.

    As sorting all of them would give, at a tenth of its cost.
    """
    if count < len(values):
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order: Ints = places[np.argsort(-values[places], kind="stable")[:count]]
    return order


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


def _standard(values: Floats) -> Floats:
    standard: Floats = (values - values.mean()) / max(float(values.std()), 1e-6)
    return standard
