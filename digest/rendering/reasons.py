"""The why-line: a match's reasons as one plain sentence. Pure; it invents nothing.

Top 1% of the stream: retrieval and clinical in the abstract, and close to “…”, which you liked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from digest.model import Field, Reasons
from digest.rendering.language import Language, message
from digest.rendering.spans import Kind, Spans, fill, line, say

_WORTH_SAYING: Final = 0.05  #: a share of the stream above this is no recommendation
_TERMS: Final = 5
_TITLE_LENGTH: Final = 90

_PLACES: Final = {
    (Field.TITLE,): message("{terms} in the title"),
    (Field.ABSTRACT,): message("{terms} in the abstract"),
    (Field.TITLE, Field.ABSTRACT): message("{terms} in title and abstract"),
    (Field.AUTHOR,): message("{terms} among the authors"),
    (Field.CATEGORY,): message("the category {terms}"),
    (Field.SOURCE,): message("the source {terms}"),
}
_ORDER: Final = tuple(Field)
_ALONE: Final = {field: (field,) for field in Field}

Term = tuple[str, Field]  #: as the subscriber wrote it, and where it was found
Place = tuple[Field, ...]
Form = tuple[Spans, Place, bool]  #: how a term is shown, where it was found, whether as a phrase


def why(reasons: Reasons, *, breadth: int, language: Language) -> Spans:
    """The sentence, or nothing when there is nothing to say.

    `breadth` is the number of sources that announced the paper; it is told with the votes.
    """
    return _told(grounds(reasons, breadth=breadth), language)


class Grounds(NamedTuple):
    """What the sentence says and nothing else: many readers share one."""

    terms: tuple[Term, ...]
    followed: tuple[str, ...]
    resembles: str | None
    votes: int | None
    percent: int | None
    breadth: int


def grounds(reasons: Reasons, *, breadth: int) -> Grounds:
    hits = reasons.hits
    return Grounds(
        tuple(dict.fromkeys([(hit.term, hit.field) for hit in hits])) if hits else (),
        *beside_terms(reasons, breadth=breadth),
    )


def beside_terms(
    reasons: Reasons, *, breadth: int
) -> tuple[tuple[str, ...], str | None, int | None, int | None, int]:
    """The grounds but for the terms."""
    _, percentile, resembles, followed, votes = reasons
    return followed, resembles, votes, _percent(percentile), breadth


def tell(said: Grounds, language: Language) -> Spans:
    """The sentence that says this."""
    names = named(said.terms)
    forms = [
        (say(term, Kind.STRONG), place, is_phrase(term, place)) for term, place in names.items()
    ]
    return sentence(forms, said, language)


def sentence(forms: Sequence[Form], said: Grounds, language: Language) -> Spans:
    """The sentence that says these terms, and all the rest of the grounds."""
    _, followed, resembles, votes, percent, breadth = said
    parts = [
        *_hits(forms, language),
        *_followed(followed, language),
        *_resembles(resembles, language),
        *_votes(votes, breadth, language),
    ]
    if not parts:
        parts = _otherwise(percent is not None, breadth, language)
    if not parts:
        return ()
    told = _together(parts, language)
    if percent is not None:
        lead = _lead(percent, language)
        return fill(language.text("{lead}: {reasons}."), lead=say(lead), reasons=told)
    return _capitalised(fill(language.text("{reasons}."), reasons=told), language)


_told = lru_cache(maxsize=4096)(tell)


@lru_cache(maxsize=256)
def _lead(percent: int, language: Language) -> str:
    return language.say("Top {percent} of the stream", percent=language.percent(percent / 100))


def _otherwise(near: bool, breadth: int, language: Language) -> list[Spans]:
    """What can still be said when no word, author, example or vote explains the match."""
    if near:
        return [say(language.text("close to what you asked for"))]
    return [say(_breadth(breadth, language))] if breadth > 1 else []


def _percent(percentile: float | None) -> int | None:
    """The share in whole percents, at least one; None when it is not worth saying."""
    if percentile is None or not 0 <= percentile <= _WORTH_SAYING:
        return None
    return max(1, math.ceil(round(percentile * 100, 6)))


def named(found: Iterable[Term]) -> dict[str, Place]:
    """The terms worth naming, as a reader would say them, and where each was found."""
    fields: dict[str, Place] = {}
    is_plain = True
    for term, field in dict.fromkeys(found):
        if bare := _term(term):
            known = fields.get(bare)
            if known is None:
                fields[bare] = _ALONE[field]
            elif field not in known:
                fields[bare] = (*known, field)
                is_plain = False
    if is_plain and len(fields) <= _TERMS:
        return fields
    return {bare: _place(found) for bare, found in islice(fields.items(), _TERMS)}


def is_phrase(term: str, place: Place) -> bool:
    return " " in term and is_found_as_phrase(place)


def is_found_as_phrase(place: Place) -> bool:
    """Whether several words found there are one phrase, as a name's are not."""
    return Field.TITLE in place or Field.ABSTRACT in place


def _hits(forms: Sequence[Form], language: Language) -> list[Spans]:
    """One part for each set of places, as in "a and b in the abstract"."""
    grouped: dict[Place, list[Spans]] = {}
    for strong, place, is_phrase in forms:
        term = fill(language.text("the phrase {term}"), term=strong) if is_phrase else strong
        grouped.setdefault(place, []).append(term)
    return [
        fill(language.text(_PLACES[place]), terms=language.join(terms))
        for place, terms in grouped.items()
    ]


def _place(fields: Place) -> Place:
    """The places worth naming: title and abstract together, else the first that was hit."""
    found = tuple([field for field in _ORDER if field in fields])
    return found if found in _PLACES else found[:2] if found[:2] in _PLACES else found[:1]


@lru_cache(maxsize=4096)
def _term(term: str) -> str:
    """The term as a reader would say it: without its field's name and its quotes."""
    bare = line(term, 60)
    head, colon, tail = bare.partition(":")
    if colon and head.strip("+-(").lower() in set(Field):
        bare = tail
    return bare.strip(" \"'“”()")


def _followed(names: Sequence[str], language: Language) -> list[Spans]:
    if not names:
        return []
    people = [say(line(name, 60), Kind.STRONG) for name in names[:_TERMS]]
    return [fill(language.text("by {names}, whom you follow"), names=language.join(people))]


def _resembles(title: str | None, language: Language) -> list[Spans]:
    if not title:
        return []
    quoted = language.say("“{title}”", title=line(title, _TITLE_LENGTH))
    named = say(quoted, Kind.EMPHASIS)
    return [fill(language.text("close to {title}, which you liked"), title=named)]


def _votes(votes: int | None, breadth: int, language: Language) -> list[Spans]:
    if not votes:
        return []
    told = language.count("{n} vote", "{n} votes", votes)
    if breadth > 1:
        told = language.say("{first}, {next}", first=told, next=_breadth(breadth, language))
    return [say(told)]


def _breadth(breadth: int, language: Language) -> str:
    return language.count("in {n} source", "in {n} sources", breadth)


def _together(parts: Sequence[Spans], language: Language) -> Spans:
    """ "a, and b": parts may hold an "and" of their own, so a comma stands before this one."""
    *first, last = parts
    if not first:
        return last
    joined = first[0]
    for part in first[1:]:
        joined = fill(language.text("{first}, {next}"), first=joined, next=part)
    return fill(language.text("{first}, and {last}"), first=joined, last=last)


def _capitalised(spans: Spans, language: Language) -> Spans:
    """A sentence starts with a capital, unless it starts with the reader's own word."""
    first, *rest = spans
    if first.kind is not Kind.PLAIN:
        return spans
    return (first._replace(text=language.opening(first.text)), *rest)
