"""Contrastive training of a token table: InfoNCE with lazy Adam, in numpy and scipy.

A pair is a question and a text that answers it; every other text of the batch is a wrong answer,
in both directions (van den Oord et al. 2018, arXiv:1807.03748). Only rows of tokens in the batch
are touched. It knows nothing of where the pairs come from: `train_static` draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.matching.base import Vectors
from digest.matching.tokens import Rows

Batch = tuple[Sequence[Rows], Sequence[Rows]]  #: questions, and the text that answers each


@dataclass(frozen=True)
class Settings:
    steps: int = 1500
    batch: int = 1024
    temperature: float = 0.05
    rate: float = 0.01
    warm_up: int = 30
    dimensions: int = 256
    dropped: float = 0.3  #: share of a question's tokens left out, so that no word is decisive
    thinned: float = 0.3  #: the same of the answers
    seed: int = 20260131


class Table:
    """Token vectors with Adam's two moments (Kingma & Ba 2015), updated row by row."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self._first = np.zeros_like(vectors)
        self._second = np.zeros_like(vectors)

    def step(self, rows: Rows, gradient: Vectors, rate: float, time: int) -> None:
        first = 0.9 * self._first[rows] + 0.1 * gradient
        second = 0.999 * self._second[rows] + 0.001 * np.square(gradient)
        self._first[rows], self._second[rows] = first, second
        scaled = (first / (1 - 0.9**time)) / (np.sqrt(second / (1 - 0.999**time)) + 1e-8)
        self.vectors[rows] -= np.float32(rate) * scaled


def bags(texts: Sequence[Rows], weights: NDArray[np.float32]) -> sp.csr_matrix:
    """Texts as weighted bags of tokens, exactly as `static.StaticEmbedder` weighs them."""
    ends = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
    rows = np.concatenate([np.zeros(0, np.int64), *texts])
    shape = (len(texts), len(weights))
    matrix = sp.csr_matrix((np.ones(len(rows), np.float32), rows, ends), shape=shape)
    matrix.sum_duplicates()
    matrix.data = (weights[matrix.indices] * (1 + np.log(matrix.data))).astype(np.float32)
    return matrix


def train(
    draw: Callable[[np.random.Generator, int], Batch],
    weights: NDArray[np.float32],
    settings: Settings,
    report: Callable[[int, float], None],
) -> Vectors:
    """The trained vectors; `draw` gives a batch, `report` hears step and loss now and then."""
    rng = np.random.default_rng(settings.seed)
    start = rng.standard_normal((len(weights), settings.dimensions), np.float32)
    table = Table(start / np.float32(np.sqrt(settings.dimensions)))
    for time in range(1, settings.steps + 1):
        questions, answers = draw(rng, settings.batch)
        asked = [_thin(question, settings.dropped, rng) for question in questions]
        given = [_thin(answer, settings.thinned, rng) for answer in answers]
        pair = bags(asked, weights), bags(given, weights)
        rows, gradient, loss = _gradient(table.vectors, pair, settings.temperature)
        cooling = 1 - time / (settings.steps + 1)
        rate = settings.rate * min(1.0, time / settings.warm_up) * cooling
        table.step(rows, gradient, rate, time)
        if time % 100 == 0 or time == settings.steps:
            report(time, loss)
    return table.vectors


def _thin(text: Rows, share: float, rng: np.random.Generator) -> Rows:
    return text[rng.random(len(text)) >= share] if len(text) > 3 else text


def _gradient(
    vectors: Vectors, pair: tuple[sp.csr_matrix, sp.csr_matrix], temperature: float
) -> tuple[Rows, Vectors, float]:
    """The touched rows, the loss's gradient for each, and the loss."""
    rows = np.unique(np.concatenate([side.indices for side in pair]))
    left, right = (side[:, rows] for side in pair)
    questions, question_lengths = _unit(left @ vectors[rows])
    answers, answer_lengths = _unit(right @ vectors[rows])
    error, loss = _error(questions @ answers.T / temperature)
    error /= temperature * len(questions)
    back = left.T @ _through_unit(error @ answers, questions, question_lengths)
    back += right.T @ _through_unit(error.T @ questions, answers, answer_lengths)
    return rows, back.astype(np.float32), loss


def _error(logits: Vectors) -> tuple[Vectors, float]:
    """Half the sum of both softmaxes' errors against the diagonal, and the loss."""
    forward, backward = _softmax(logits), _softmax(logits.T).T
    loss = -float(np.log(np.diag(forward) + 1e-9).mean())
    error = (forward + backward) / 2
    error[np.diag_indices(len(error))] -= 1
    return error.astype(np.float32), loss


def _softmax(logits: Vectors) -> Vectors:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalised: Vectors = raised / raised.sum(axis=1, keepdims=True)
    return normalised


def _unit(sums: Vectors) -> tuple[Vectors, Vectors]:
    lengths = np.linalg.norm(sums, axis=1, keepdims=True) + np.float32(1e-6)
    return sums / lengths, lengths


def _through_unit(gradient: Vectors, units: Vectors, lengths: Vectors) -> Vectors:
    along = (gradient * units).sum(axis=1, keepdims=True)
    through: Vectors = (gradient - units * along) / lengths
    return through
