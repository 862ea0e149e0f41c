"""The highest of very many values, exactly, without sorting or partitioning all of them."""

from __future__ import annotations

import numpy as np

from digest.searching.segment import Floats, Ints

_STEP = 16  #: of so many values one is looked at to guess how high the best stand
_SPARE = 1.3  #: so much more is let through than is wanted, or a small sample would mislead


def first(values: Floats, count: int) -> Ints:
    """The places of the `count` highest, best first, the earlier of equals before the later.

    As sorting all of them would give, at a small part of its cost.
    """
    places = _likely(values, count)
    if len(places) > count:
        some = values[places]
        least = np.partition(some, len(some) - count)[len(some) - count]
        places = places[some >= least]
    order: Ints = places[np.argsort(-values[places], kind="stable")[:count]]
    return order


def _likely(values: Floats, count: int) -> Ints:
    """Places in order, among them those of the `count` highest."""
    sample = values[::_STEP]
    wanted = int(count * _SPARE / _STEP) + _STEP
    if wanted < len(sample):
        floor = np.partition(sample, len(sample) - wanted)[len(sample) - wanted]
        places = np.flatnonzero(values >= floor)
        if len(places) >= count:
            return places
    return np.arange(len(values))
