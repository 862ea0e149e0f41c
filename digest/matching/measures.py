"""How good a ranking is: the usual measures of retrieval, for one question at a time.

Gains are the grades themselves (linear, as in trec_eval). Papers with equal scores keep the order
of the collection, except in `auc`, where a tie counts half.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from digest.matching.sparse import Floats

NAMES = ("ndcg@10", "ndcg@20", "recall@50", "map", "auc", "p@10", "top2%")
TOP_SHARE = 0.02


def measure(scores: Floats, candidates: NDArray[np.int64], relevant: Mapping[int, float]) -> Floats:
    """All measures, in the order of NAMES; `relevant` maps columns of `scores` to grades > 0."""
    order = candidates[np.argsort(-scores[candidates], kind="stable")]
    gains = np.array([relevant.get(int(column), 0.0) for column in order])
    ideal = np.sort(np.array(list(relevant.values())))[::-1]
    found = gains > 0
    top = int(np.ceil(TOP_SHARE * len(order)))
    values = (
        _dcg(gains, 10) / _dcg(ideal, 10),
        _dcg(gains, 20) / _dcg(ideal, 20),
        found[:50].sum() / len(ideal),
        _average_precision(found, len(ideal)),
        _auc(scores[order], found),
        found[:10].sum() / 10,
        found[:top].sum() / len(ideal),
    )
    return np.array(values, np.float32)


def _dcg(gains: NDArray[np.float64], depth: int) -> float:
    cut = gains[:depth]
    return float((cut / np.log2(np.arange(2, len(cut) + 2))).sum())


def _average_precision(found: NDArray[np.bool_], relevant: int) -> float:
    places = np.flatnonzero(found) + 1
    return float((np.arange(1, len(places) + 1) / places).sum() / relevant)


def _auc(scores: Floats, found: NDArray[np.bool_]) -> float:
    """The chance that a relevant paper scores above one that is not; 0.5 where there is none."""
    wanted, others = scores[found], np.sort(scores[~found])
    if not len(wanted) or not len(others):
        return 0.5
    below = np.searchsorted(others, wanted, side="left")
    upto = np.searchsorted(others, wanted, side="right")
    return float(((below + upto) / 2).mean() / len(others))


def interval(values: Floats, *, rounds: int = 1000, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean (percentiles over resampled questions)."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(rounds, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
