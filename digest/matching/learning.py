"""A reader's taste, learned from examples: least-squares classifiers over a fixed background.

A kernel ridge classifier (Suykens & Vandewalle 1999, least-squares SVM): examples against papers of
the background, which count as "not wanted". Measured to rank as well as a linear SVM or a logistic
regression here, and solved in closed form: the background's part is factored once for everybody,
and each reader adds a few rows. It knows kernels only, neither words nor vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

#: part of the negatives nearest to what a reader likes: they may well be wanted, and teach nothing
SUSPECTED = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was learned: a coefficient for each negative, then for each example.

    `left_out`: what to add to a negative's own score, so that it is judged as if it had not been
    among the negatives (leave-one-out, in closed form). Papers of the background are scored too.
    """

    coefficients: Floats
    left_out: Floats


class Classifier:
    """Fits "wanted or not" against the same negatives for every reader.

    `kernel` holds the inner products of the negatives with one another; `ridge` is the penalty.
    """

    def __init__(self, kernel: Floats, ridge: float) -> None:
        self._ridge = ridge
        self._size = len(kernel)
        penalised = kernel.astype(np.float64) + ridge * np.eye(len(kernel))
        self._inverse = np.linalg.inv(penalised).astype(np.float64)

    def fit(self, cross: Floats, own: Floats, labels: Floats) -> Fit:
        """Learn one reader's examples.

        cross: inner products examples × negatives. own: examples × examples. labels: +1 or -1 an
        example. Both classes weigh the same in all, so three examples can stand against a thousand.
        """
        liked = cross[labels > 0]
        order = np.argsort(-liked.mean(axis=0), kind="stable")
        suspects = order[: int(SUSPECTED * self._size)]
        system = self._system(cross, own, len(labels))
        targets = np.concatenate([-np.ones(self._size), labels])
        coefficients, diagonal = system.without(suspects, targets)
        left_out = coefficients[: self._size] * (self._ridge - 1 / diagonal[: self._size])
        return Fit(coefficients.astype(np.float32), left_out.astype(np.float32))

    def _system(self, cross: Floats, own: Floats, examples: int) -> _System:
        """The whole system's inverse by its Schur complement, the negatives' part being known."""
        weight = self._size / max(examples, 1)
        through: Doubles = self._inverse @ cross.T.astype(np.float64)
        penalty = self._ridge / weight * np.eye(examples)
        inner = np.linalg.inv(own + penalty - cross @ through).astype(np.float64)
        return _System(self._inverse, through, inner)


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    """The inverse of kernel plus penalties: negatives' block, coupling, examples' block."""

    base: Doubles
    through: Doubles
    inner: Doubles

    def times(self, target: Doubles) -> Doubles:
        upper, lower = target[: len(self.base)], target[len(self.base) :]
        last = self.inner @ (lower - self.through.T @ upper)
        return np.concatenate([self.base @ upper - self.through @ last, last])

    def without(self, rows: Ints, targets: Doubles) -> tuple[Doubles, Doubles]:
        """Coefficients when `rows` take no part (with a free constant), and the diagonal."""
        ones = self.times(np.ones(len(targets)))
        wanted = self.times(targets)
        coefficients = wanted - wanted.sum() / ones.sum() * ones
        columns = self._columns(rows) - np.outer(ones, ones[rows]) / ones.sum()
        coefficients -= columns @ np.linalg.solve(columns[rows], coefficients[rows])
        coefficients[rows] = 0
        coupled = self.through @ self.inner
        own = np.diag(self.base) + (coupled * self.through).sum(axis=1)
        return coefficients, np.concatenate([own, np.diag(self.inner)])

    def _columns(self, rows: Ints) -> Doubles:
        coupled = self.inner @ self.through[rows].T
        upper = self.base[:, rows] + self.through @ coupled
        return np.concatenate([upper, -coupled])
