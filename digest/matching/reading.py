"""Interests as the keyword engine reads them: their queries, mutes and followed authors.

A query that does not parse is a value here, so that it stops nobody else (guarantee 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from digest.errors import QuerySyntaxError
from digest.matching.expression import Combination, Operator, Query, Step, Term
from digest.matching.query import parse
from digest.matching.terms import cut
from digest.model import Field, Interest


@dataclass(frozen=True, slots=True)
class Reading:
    """An interest's query as read: None when empty or faulty."""

    query: Query | None = None
    fault: str | None = None


@lru_cache(maxsize=1 << 16)
def _read(text: str, exclusions_alone: bool) -> Reading:
    try:
        return (
            Reading(parse(text, exclusions_alone=exclusions_alone)) if text.strip() else Reading()
        )
    except QuerySyntaxError as error:
        return Reading(fault=str(error))


def read(interest: Interest) -> Reading:
    """The interest's query; exclusions alone are fine beside something else that selects."""
    selects = bool(interest.statement.strip() or interest.examples or interest.authors)
    return _read(interest.query, selects)


@lru_cache(maxsize=1 << 14)
def any_of(authors: tuple[str, ...], words: tuple[str, ...] = ()) -> Query | None:
    """The query that is true where any of these names or words is found."""
    terms: list[Step] = [Term(name, Field.AUTHOR, phrase=True) for name in authors if cut(name)]
    for word in words:
        body = word.strip().removesuffix("*")
        if cut(body):
            terms.append(Term(body, phrase=True, prefix=body != word.strip()))
    if len(terms) > 1:
        terms.append(Combination(Operator.OR, len(terms)))
    return Query(tuple(terms)) if terms else None
