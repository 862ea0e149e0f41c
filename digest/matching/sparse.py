"""Sparse rows in numpy alone: just what scoring words needs, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """The numbers of some ranges, one range after the other."""
    ends = np.cumsum(sizes)
    numbers: Ints = np.repeat(starts - ends + sizes, sizes) + np.arange(
        ends[-1] if len(ends) else 0
    )
    return numbers


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """A matrix of few non-zero values: row i has `data` at `columns`, `starts[i]:starts[i+1]`."""

    starts: Ints
    columns: Ints
    data: Floats
    width: int

    @classmethod
    def of(cls, rows: Sequence[tuple[Ints, Floats]], width: int) -> SparseRows:
        lengths = np.array([0, *(len(columns) for columns, _ in rows)], np.int64)
        columns = np.concatenate([np.zeros(0, np.int64), *(columns for columns, _ in rows)])
        data = np.concatenate([np.zeros(0, np.float32), *(data for _, data in rows)])
        return cls(np.cumsum(lengths), columns, data.astype(np.float32), width)

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def owners(self) -> Ints:
        """The row of every stored value."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def row(self, number: int) -> tuple[Ints, Floats]:
        span = slice(self.starts[number], self.starts[number + 1])
        return self.columns[span], self.data[span]

    def take(self, rows: Sequence[int] | Ints) -> SparseRows:
        return SparseRows.of([self.row(int(number)) for number in rows], self.width)

    def times(self, vector: Floats) -> Floats:
        """This matrix times a dense vector of `width` values."""
        return self._sums(self.data * vector[self.columns])

    def _sums(self, products: Floats) -> Floats:
        totals = np.bincount(self.owners, weights=products, minlength=len(self))
        return totals.astype(np.float32)

    def mixed(self, weights: Floats) -> Floats:
        """The rows' weighted sum, dense."""
        scaled = self.data * weights[self.owners]
        total = np.bincount(self.columns, weights=scaled, minlength=self.width)
        return total.astype(np.float32)

    def products(self, other: SparseRows) -> Floats:
        """Inner products of every row here with every row of `other`, dense."""
        found = np.zeros((len(self), len(other)), np.float32)
        dense = np.zeros(self.width, np.float32)
        owners = other.owners
        for number in range(len(self)):
            columns, data = self.row(number)
            dense[columns] = data
            shares = other.data * dense[other.columns]
            found[number] = np.bincount(owners, weights=shares, minlength=len(other))
            dense[columns] = 0
        return found
