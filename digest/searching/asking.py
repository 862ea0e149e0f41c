"""What somebody typed into the one box: a query, a sentence, or both at once.

A text that uses the query language on purpose (a field, `*`, `-word`, operators in capitals, words
and phrases in quotes) is read strictly: what it says must hold, and a mistake is told with its
column. Everything else is prose: papers with all its words are found by words, papers that mean the
same by meaning, and no comma or bracket is a mistake. What prose has in quotes must be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from digest.errors import QuerySyntaxError
from digest.matching.expression import Combination, Operator, Query, Term
from digest.matching.query import MAX_LENGTH, MAX_WORDS, parse
from digest.matching.terms import cut, is_function_word, surface
from digest.model import Field

MOST_WORDS = 12  #: of prose that must all be there to be found by words: longer ones never are
LONGEST_QUERY = 60  #: words of a text that may be a query: longer ones were pasted
_QUERY = re.compile(
    r"\w\*|(?:^|[\s(（])-\w|\b(?:AND|OR|NOT)\b"
    rf"|(?i:(?:^|[\s(（-])(?:{'|'.join(Field)})[:：])"
)
_QUOTED = re.compile(r'["“”„‟«»＂]([^"“”„‟«»＂]*)["“”„‟«»＂]')
_GLUED = re.compile(r"[^\s,;:.!?()\[\]{}\"“”„«»/\\|<>]+")


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for. `strict`: only papers the query is true of; else it is one way of two."""

    query: Query | None = None
    statement: str = ""
    strict: bool = False


def ask(text: str) -> Asked:
    """What `text` asks for; raises QuerySyntaxError where the query language is used and wrong."""
    words = cut(text)
    if not words:
        return Asked()
    if len(words) <= LONGEST_QUERY and _QUERY.search(text):
        return _as_query(text)
    if phrases := [one for one in _QUOTED.findall(text) if cut(one)]:
        return _with_phrases(text, phrases)
    return Asked(_all_of(text), text)


def _as_query(text: str) -> Asked:
    query = parse(text)
    statement = " ".join(term.text for term in query.wanted() if _is_prose(term))
    return Asked(query, statement, strict=not _only_excludes(query))


def _with_phrases(text: str, phrases: Sequence[str]) -> Asked:
    """Words and phrases are a query; in a sentence, what is quoted must be there."""
    sentence = any(is_function_word(surface(word)) for word in cut(_QUOTED.sub(" ", text)))
    if not sentence:
        with suppress(QuerySyntaxError):
            return _as_query(text)
    quoted = [f'"{one}"' for one in phrases if len(cut(one)) <= MAX_WORDS]
    query = parse(" ".join(quoted)) if len(text) <= MAX_LENGTH and quoted else None
    return Asked(query, text, strict=query is not None)


def _is_prose(term: Term) -> bool:
    return term.field in (None, Field.TITLE, Field.ABSTRACT) and not term.prefix


def _only_excludes(query: Query) -> bool:
    """Plain words with some left out: `attention -quantum` still looks for what it means."""
    plain = all(not (term.phrase or term.prefix) and term.field is None for term in query.wanted())
    operators = {one.operator for one in query.steps if isinstance(one, Combination)}
    return plain and Operator.OR not in operators and bool(query.exclusions())


def _all_of(text: str) -> Query | None:
    """The query that is true where all telling words of a short text are found."""
    words = dict.fromkeys(word.strip("'’*+-_=~^&#@%$") for word in _GLUED.findall(text))
    terms = [Term(word) for word in words if _tells(word)]
    if not 0 < len(terms) <= MOST_WORDS:
        return None
    return Query((*terms, Combination(Operator.AND, len(terms))) if len(terms) > 1 else (*terms,))


def _tells(word: str) -> bool:
    words = [surface(one) for one in cut(word)]
    return any(not is_function_word(one) for one in words)
