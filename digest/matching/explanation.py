"""Why one paper matches one interest, or why not: every part of the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from digest.matching.circuit import join
from digest.matching.expression import Query, Term
from digest.matching.keywords import Compiled, Scan
from digest.matching.ranking import LIKE, SURE
from digest.matching.reading import any_of, read
from digest.matching.round import Round
from digest.model import Interest, Mutes, Paper, Reasons


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision, with everything it was made of.

    `true` is None without a keyword query, `share` without anything to compare;
    `level` is likeness in itself (`scoring.Scores`). `present` and
    `missing` are the query's wanted terms; `excluded` the parts of its NOTs that hold; `muted` the
    names and words of the subscriber's mutes that are there; `known` says that the paper is one of
    the interest's own examples. Those three overrule everything else.
    """

    interest: Interest
    matched: bool
    score: float
    threshold: float
    reasons: Reasons
    fault: str | None = None
    true: bool | None = None
    share: float | None = None
    level: float | None = None
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    known: bool = False

    @property
    def within(self) -> bool:
        """Whether it stands high enough in the stream."""
        return self.share is not None and self.share <= self.threshold

    @property
    def near(self) -> bool:
        """Whether it is also like the interest in itself, where that is asked (`ranking.near`)."""
        sure = self.level is None or self.level >= LIKE
        return self.within and (sure or (self.share or 0.0) <= SURE)


def explain(one: Round, column: int, *, paper: Paper, mutes: Mutes) -> Explanation:
    """The decision on the first interest of the round and the paper in this column."""
    interest = one.interests[0]
    reading = read(interest)
    query = reading.query
    wanted = query.wanted() if query else ()
    present = _present(wanted, paper)
    return Explanation(
        interest=interest,
        matched=bool(one.facts.matched()[0, column]),
        score=one.score(0, column),
        threshold=float(one.thresholds[0]),
        reasons=one.reasons(0, column),
        fault=reading.fault,
        true=bool(one.facts.true[0, column]) if wanted else None,
        share=one.share(0, column),
        level=one.likeness_itself(0, column),
        present=tuple(str(term) for term in wanted if term in present),
        missing=tuple(str(term) for term in wanted if term not in present),
        excluded=_holding(query.exclusions() if query else (), paper),
        muted=_muted(mutes, paper),
        known=bool(one.known[0, column]),
    )


def _true(queries: Sequence[Query], paper: Paper) -> list[bool]:
    """Which of the queries hold for one paper."""
    truth = Scan([paper]).evaluate(Compiled(queries)).truth(np.arange(len(queries)))
    return [bool(row[0]) for row in truth]


def _present(terms: Sequence[Term], paper: Paper) -> set[Term]:
    """The terms that are there, alone or written together with their neighbour."""
    pairs = [(a, b, together) for a, b in pairwise(terms) if (together := join(a, b))]
    asked = [*((term, term, term) for term in terms), *pairs]
    truth = _true([Query((term,)) for *_, term in asked], paper)
    return {term for pair, there in zip(asked, truth, strict=True) if there for term in pair[:2]}


def _holding(queries: Sequence[Query], paper: Paper) -> tuple[str, ...]:
    truth = _true(queries, paper)
    return tuple(str(query) for query, there in zip(queries, truth, strict=True) if there)


def _muted(mutes: Mutes, paper: Paper) -> tuple[str, ...]:
    named = [(name, any_of((name,))) for name in mutes.authors]
    named += [(word, any_of((), (word,))) for word in mutes.words]
    queries = [(said, query) for said, query in named if query is not None]
    truth = _true([query for _, query in queries], paper)
    return tuple(said for (said, _), there in zip(queries, truth, strict=True) if there)
