"""The query language, and every mistake in it named with its column and its mend.

    graph "neural network*" (title:survey OR author:"Ada Lovelace") -quantum

Words next to each other must all be there (AND); NOT and `-` bind tighter than AND, AND tighter
than OR; operators count in any case, and in quotes they are ordinary words. A bare word or phrase
is looked for in title and abstract; `author:`, `category:` and `source:` look there.

One pass with a stack of its own: time is linear, and 5,000 nested parentheses are as good as none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from digest.errors import QuerySyntaxError
from digest.matching.expression import Combination, Operator, Query, Step, Term
from digest.matching.terms import cut
from digest.model import Field

__all__ = ["MAX_LENGTH", "MAX_TERMS", "MAX_WORDS", "Query", "Term", "parse"]

MAX_LENGTH = 20_000  #: characters a query
MAX_TERMS = 1_000  #: words and phrases a query
MAX_WORDS = 32  #: words a phrase
MIN_PREFIX = 2  #: letters before a `*`

_QUOTES = '"“”„‟«»＂'
_DASHES = "-‐‑‒–—−﹣－"
_LEXEME = re.compile(
    rf"\s*(?:(?P<open>[(（])|(?P<close>[)）])"
    rf"|[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}](?P<star>\*?)"
    rf"|(?P<quote>[{_QUOTES}])"
    rf"|(?P<word>[^\s()（）{_QUOTES}]+))"
)
_FIELD = re.compile(r"([A-Za-z_]+)[:：]")
_COMMA = re.compile(r"[,;，、；](?!(?<=\d.)\d)")  # but 10,000 is a number
_FIELDS = {str(one): one for one in Field}
_HABITS = {"ti": "title", "abs": "abstract", "au": "author", "cat": "category", "ab": "abstract"}
_OPERATORS = {"and": Operator.AND, "or": Operator.OR, "not": Operator.NOT}
_FOREIGN = {"&": "AND", "&&": "AND", "+": "AND", "|": "OR", "||": "OR", "!": "NOT"}
_ALL_FIELDS = ", ".join(f"{one}:" for one in Field)


def parse(text: str, *, exclusions_alone: bool = False) -> Query:
    """The query `text` says; raises QuerySyntaxError naming column and mend.

    A query that only says what not to find would be true of nearly every paper and is refused,
    unless `exclusions_alone`: beside a statement or examples it is a useful veto.
    """
    if len(text) > MAX_LENGTH:
        raise QuerySyntaxError(
            text,
            MAX_LENGTH + 1,
            f"The query has {len(text):,} characters, {MAX_LENGTH:,} are allowed",
            mend="Split it into several interests.",
        )
    return _Parser(text).parse(exclusions_alone=exclusions_alone)


@dataclass(slots=True)
class _Group:
    """What is known of one pair of parentheses (or the whole query) so far."""

    column: int
    field: Field | None = None  #: the field before the parenthesis
    alternatives: int = 0  #: finished operands of OR
    together: int = 0  #: operands of the current AND
    negated: bool = False  #: by the NOTs just before the next operand
    waiting: str = ""  #: the operator or field that still waits for its operand
    waiting_at: int = 0
    next_field: Field | None = None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.steps: list[Step] = []
        self.groups = [_Group(0)]
        self.terms = 0

    def parse(self, *, exclusions_alone: bool) -> Query:
        at, end = 0, len(self.text.rstrip())
        while at < end:
            match = _LEXEME.match(self.text, at)
            assert match is not None
            at = match.end()
            self.read(match)
        self.finish()
        query = Query(tuple(self.steps))
        if query.holds(lambda term: False):
            self.judge_exclusions(query, allowed=exclusions_alone)
        return query

    def read(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        if kind == "word":
            self.word(match["word"], match.start("word") + 1)
        elif kind == "star":
            self.phrase(match["phrase"], match.start("phrase"), star_after=bool(match["star"]))
        elif kind == "open":
            self.open(match.start("open") + 1)
        elif kind == "close":
            self.close(match.start("close") + 1)
        else:
            self.fail(match.start("quote") + 1, "This quote is never closed", 'Add a " after it.')

    def fail(self, column: int, message: str, mend: str) -> NoReturn:
        raise QuerySyntaxError(self.text, column, message, mend=mend)

    # --- groups -----------------------------------------------------------------------------

    def open(self, column: int) -> None:
        outer = self.groups[-1]
        self.groups.append(_Group(column, field=outer.next_field or outer.field))
        outer.waiting, outer.next_field = "", None

    def close(self, column: int) -> None:
        if len(self.groups) == 1:
            self.fail(column, "This ) closes nothing", "Remove it, or put its ( before it.")
        group = self.groups[-1]
        if not (group.together or group.alternatives or group.waiting or group.negated):
            self.fail(group.column, "These parentheses are empty", "Fill or remove them.")
        self.end_group()
        self.operand()

    def end_group(self) -> None:
        group = self.groups.pop()
        self.end_alternative(group)
        if group.alternatives > 1:
            self.steps.append(Combination(Operator.OR, group.alternatives))

    def end_alternative(self, group: _Group) -> None:
        """Close the current AND; a lone OR inside it joins the OR around it."""
        self.refuse_waiting(group)
        if group.together > 1:
            self.steps.append(Combination(Operator.AND, group.together))
        last = self.steps[-1]
        if group.together == 1 and isinstance(last, Combination) and last.operator is Operator.OR:
            self.steps.pop()
            group.alternatives += last.count
        else:
            group.alternatives += 1
        group.together = 0

    def operand(self) -> None:
        """The last step is the root of a whole operand: negate it, and count it."""
        group = self.groups[-1]
        if group.negated:
            self.negate()
        last = self.steps[-1]
        if isinstance(last, Combination) and last.operator is Operator.AND:
            self.steps.pop()
            group.together += last.count
        else:
            group.together += 1
        group.negated, group.waiting, group.next_field = False, "", None

    def negate(self) -> None:
        last = self.steps[-1]
        if isinstance(last, Combination) and last.operator is Operator.NOT:
            self.steps.pop()
        else:
            self.steps.append(Combination(Operator.NOT))

    def finish(self) -> None:
        if len(self.groups) > 1:
            column = self.groups[-1].column
            self.fail(column, "This ( is never closed", "Add a ) after what belongs to it.")
        if self.groups[0] == _Group(0):
            self.fail(1, "The query is empty", 'Write a word or a "phrase".')
        self.end_group()

    # --- words ------------------------------------------------------------------------------

    def word(self, word: str, column: int) -> None:
        operator = _OPERATORS.get(word.lower()) if len(word) < 4 else None
        if operator is not None:
            self.operator(operator, word, column)
        elif word[0] in _DASHES:
            self.exclude(word, column)
        elif (found := _FIELD.match(word)) is not None:
            self.field(found[1], word[found.end() :], column, after=column + found.end())
        else:
            self.term(word, column)

    def operator(self, operator: Operator, word: str, column: int) -> None:
        group = self.groups[-1]
        if group.next_field is not None:
            self.reserved(word, column)
        if operator is Operator.NOT:
            group.negated = not group.negated
        elif not group.together:
            self.misplaced(group, word, column)
        elif group.waiting:
            self.refuse_waiting(group)
        elif operator is Operator.OR:
            self.end_alternative(group)
        group.waiting, group.waiting_at = word, column

    def misplaced(self, group: _Group, word: str, column: int) -> NoReturn:
        before = f"{group.waiting} stands before it" if group.waiting else "nothing stands before"
        mend = f'Put a word before {word}, or remove it; for the word itself write "{word}".'
        self.fail(column, f"{word} needs something on both sides, but {before}", mend)

    def refuse_waiting(self, group: _Group) -> None:
        if not group.waiting and group.together:
            return
        word, column = group.waiting, group.waiting_at
        if word.endswith(":"):
            self.fail(column, f"{word} is followed by nothing to look for", f"Write {word}word.")
        if word in _DASHES:
            self.fail(column, "This - excludes nothing", "Put it right before a word.")
        mend = f'Put a word after {word}, or remove it; for the word itself write "{word}".'
        self.fail(column, f"{word} is followed by nothing", mend)

    def exclude(self, word: str, column: int) -> None:
        follows = self.text[column : column + 1]
        if len(word) == 1 and (not follows or follows.isspace() or follows in ")）"):
            self.fail(column, "This - excludes nothing", "Put it right before a word.")
        group = self.groups[-1]
        if group.next_field is not None:
            self.late_dash(group.next_field, column)
        if group.waiting == "-":
            self.fail(column, "Two - stand in a row", "Write one.")
        group.negated = not group.negated
        group.waiting, group.waiting_at = "-", column
        if len(word) > 1:
            self.word(word[1:], column + 1)

    def field(self, name: str, rest: str, column: int, *, after: int) -> None:
        group = self.groups[-1]
        known = _FIELDS.get(name.lower())
        if known is None:
            self.unknown_field(name, column)
        if group.field is not None or group.next_field is not None:
            outer = group.next_field or group.field
            self.fail(column, f"{name}: stands inside {outer}:", "Use one field at a time.")
        group.next_field, group.waiting, group.waiting_at = known, f"{name}:", column
        if rest:
            self.field_value(known, rest, after)

    def field_value(self, known: Field, rest: str, column: int) -> None:
        inner = _FIELD.match(rest)
        if rest.lower() in _OPERATORS:
            self.reserved(rest, column)
        if rest[0] in _DASHES:
            self.late_dash(known, column)
        if inner is not None and inner[1].lower() in _FIELDS:
            self.field(inner[1], rest, column, after=column)
        self.term(rest, column)

    def late_dash(self, after: Field, column: int) -> NoReturn:
        self.fail(column, f"The - stands after {after}:", f"Write it before: -{after}:word.")

    def unknown_field(self, name: str, column: int) -> NoReturn:
        lower = name.lower()
        near = [_HABITS[lower]] if lower in _HABITS else get_close_matches(lower, _FIELDS, n=1)
        mend = f"Did you mean {near[0]}:?" if near else f"The fields are {_ALL_FIELDS}."
        self.fail(column, f"There is no field {name}:", f"{mend} To look for the text, quote it.")

    def reserved(self, word: str, column: int) -> NoReturn:
        self.fail(column, f"{word} is an operator, not a word", f'Write "{word}" in quotes.')

    def term(self, word: str, column: int) -> None:
        if word in _FOREIGN:
            known = _FOREIGN[word]
            self.fail(column, f"{word} means nothing here", f"Write {known} instead.")
        if word[0] in "'‘’`":
            self.fail(column, "A phrase is put in double quotes", 'Write " instead.')
        if word[0] in "+!~^" and len(word) > 1:
            self.fail(column, f"{word[0]} means nothing here", f"Write {word[1:]} alone.")
        if (comma := _COMMA.search(word)) is not None:
            at = column + comma.start()
            mend = "Write OR between alternatives, or nothing where all must be there."
            self.fail(at, f"A {comma[0]} separates nothing here", mend)
        self.add(word, column, phrase=False)

    def phrase(self, text: str, start: int, *, star_after: bool) -> None:
        if star_after:
            column = start + len(text) + 2
            self.fail(column, "The * stands after the quote", 'Put it inside: "deep learn*".')
        self.add(" ".join(text.split()), start, phrase=True)

    def add(self, text: str, column: int, *, phrase: bool) -> None:
        body = text.removesuffix("*")
        prefix = len(body) < len(text)
        words = cut(body)
        self.judge_term(text, words, column, phrase=phrase)
        self.terms += 1
        if self.terms > MAX_TERMS:
            mend = "Split it into several interests."
            self.fail(column, f"A query may have {MAX_TERMS:,} words and phrases", mend)
        group = self.groups[-1]
        where = group.next_field or group.field
        self.steps.append(Term(body, where, phrase=phrase, prefix=prefix, column=column))
        self.operand()

    def judge_term(self, text: str, words: list[str], column: int, *, phrase: bool) -> None:
        body = text.removesuffix("*")
        if not words and "*" not in text:
            what = f"There is nothing to look for in {text}" if text else "This phrase is empty"
            self.fail(column, what, "Write at least one letter or digit.")
        if "*" in body or (text != body and not words):
            at = column + (0 if phrase else text.index("*"))
            mend = "Put it at the end of a word, as in transform*."
            self.fail(at, "A * can only stand at the end of a word or phrase", mend)
        if text != body and body.isascii() and sum(map(len, words)) < MIN_PREFIX:
            mend = f"Write at least {MIN_PREFIX} letters before the *."
            self.fail(column, f"{text} would find nearly everything", mend)
        if len(words) > MAX_WORDS:
            mend = "Use its most telling words."
            self.fail(column, f"A phrase may have {MAX_WORDS} words, this has {len(words)}", mend)

    # --- the whole --------------------------------------------------------------------------

    def judge_exclusions(self, query: Query, *, allowed: bool) -> None:
        """A query true of a text without any of its words wants nothing in particular."""
        last = query.steps[-1]
        conjunction = isinstance(last, Combination) and last.operator is not Operator.OR
        if allowed and conjunction and not query.wanted():
            return
        wanted = query.wanted()
        last_column = query.terms[-1].column  # where a word is wanted and excluded alike
        column = next((term.column for term in query.terms if term not in wanted), last_column)
        mend = "Use AND beside NOT, not OR." if wanted else "Add a word that must be there."
        self.fail(column, "This query would be true of nearly every paper", mend)
