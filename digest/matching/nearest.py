"""The nearest papers of very many points: exact, in bounded memory, linear in the points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from digest.matching.base import Vectors
from digest.matching.sparse import Floats, Ints

CHUNK = 1_024  #: points at once: with 500 papers the cosines stay in the cache
GROUP = 16  #: papers whose best is looked at first


def nearest(
    points: Vectors, papers: Vectors, count: int
) -> Iterator[tuple[slice, Ints | NDArray[np.intp], Floats]]:
    """For slices of points: the rows of their `count` nearest papers, best first, and cosines.

    Ties go to the earlier paper. With fewer papers than `count`, all of them.
    """
    count = min(count, len(papers))
    cosines = np.empty((CHUNK, len(papers)), np.float32)
    across = np.ascontiguousarray(papers.T)
    for start in range(0, len(points), CHUNK):
        some = points[start : start + CHUNK]
        here = np.matmul(some, across, out=cosines[: len(some)])
        rows = _best(here, count)
        yield slice(start, start + len(some)), rows, np.take_along_axis(here, rows, axis=1)


def _best(cosines: Floats, count: int) -> NDArray[np.intp]:
    """Columns of the highest values of each row, best first.

    The `count`-th best group maximum is a floor under the `count`-th best value, so only the few
    values that reach it are looked at one by one.
    """
    size = cosines.shape[1]
    if count == 0 or size < 4 * GROUP or size // GROUP < count:
        return np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    whole = size - size % GROUP
    groups = cosines[:, :whole].reshape(len(cosines), GROUP, whole // GROUP).max(axis=1)
    floor = np.partition(groups, groups.shape[1] - count, axis=1)[:, -count]
    rows, columns = np.nonzero(cosines >= floor[:, None])
    return _trimmed(cosines, rows, columns, count)


def _trimmed(
    cosines: Floats, rows: NDArray[np.intp], columns: NDArray[np.intp], count: int
) -> NDArray[np.intp]:
    """The first `count` candidates of each row, by value and then by column."""
    counts = np.bincount(rows, minlength=len(cosines))
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = int(counts.max())
    values = np.full((len(cosines), width), -np.inf, np.float32)
    found = np.zeros((len(cosines), width), np.intp)
    values[rows, places], found[rows, places] = cosines[rows, columns], columns
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(found, order, axis=1)
