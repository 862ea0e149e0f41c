"""Rows of an index as the digests' own round of matching wants to look at them (`matching.round`).

It answers for keywords what `keywords.Scan` answers for texts; where the words stand is not told.
"""

from __future__ import annotations

import numpy as np

from digest.matching.keywords import Compiled, Evaluation, Scan
from digest.model import Hit
from digest.searching.finding import Verdicts, judge
from digest.searching.index import Index
from digest.searching.segment import Bools, Floats, Ints


class IndexScan(Scan):
    """A Scan of rows of an index."""

    def __init__(self, index: Index, rows: Ints) -> None:
        self._index = index
        self._rows = rows

    def evaluate(self, compiled: Compiled) -> Evaluation:
        parts = [judge(compiled, segment) for segment in self._index.segments]
        return IndexEvaluation(
            Verdicts(
                np.concatenate([part.true for part in parts], axis=1)[:, self._rows],
                np.concatenate([part.vetoed for part in parts], axis=1)[:, self._rows],
                np.concatenate([part.strength for part in parts], axis=1)[:, self._rows],
            )
        )


class IndexEvaluation(Evaluation):
    """What some queries say of the rows."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts

    def truth(self, queries: Ints) -> Bools:
        return self._verdicts.true[queries]

    def vetoed(self, queries: Ints) -> Bools:
        return self._verdicts.vetoed[queries]

    def strength(self, queries: Ints, papers: Ints) -> Floats:
        return self._verdicts.strength[queries, papers]

    def hits(self, query: int, paper: int) -> tuple[Hit, ...]:
        return ()
