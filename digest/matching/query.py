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
from digest.phrases import Phrase, phrase

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
_IDLE_DASH = phrase("This - excludes nothing")
_DASH_MEND = phrase("Put it right before a word.")
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
            phrase(
                "The query has {n} characters, {most} are allowed", n=len(text), most=MAX_LENGTH
            ),
            mend=phrase("Split it into several interests."),
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
        if query.negates and query.holds(lambda term: False):
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
            self.fail(
                match.start("quote") + 1,
                phrase("This quote is never closed"),
                phrase('Add a " after it.'),
            )

    def fail(self, column: int, message: Phrase, mend: Phrase) -> NoReturn:
        raise QuerySyntaxError(self.text, column, message, mend=mend)

    # --- groups -----------------------------------------------------------------------------

    def open(self, column: int) -> None:
        outer = self.groups[-1]
        self.groups.append(_Group(column, field=outer.next_field or outer.field))
        outer.waiting, outer.next_field = "", None

    def close(self, column: int) -> None:
        if len(self.groups) == 1:
            self.fail(
                column,
                phrase("This ) closes nothing"),
                phrase("Remove it, or put its ( before it."),
            )
        group = self.groups[-1]
        if not (group.together or group.alternatives or group.waiting or group.negated):
            self.fail(
                group.column, phrase("These parentheses are empty"), phrase("Fill or remove them.")
            )
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
            self.fail(
                column,
                phrase("This ( is never closed"),
                phrase("Add a ) after what belongs to it."),
            )
        if not self.steps and self.groups[0] == _Group(0):
            self.fail(1, phrase("The query is empty"), phrase('Write a word or a "phrase".'))
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
        what = phrase("{word} needs something on both sides, but nothing stands before", word=word)
        if other := group.waiting:
            what = phrase(
                "{word} needs something on both sides, but {other} stands before it",
                word=word,
                other=other,
            )
        mend = phrase(
            'Put a word before {word}, or remove it; for the word itself write "{word}".', word=word
        )
        self.fail(column, what, mend)

    def refuse_waiting(self, group: _Group) -> None:
        if not group.waiting and group.together:
            return
        word, column = group.waiting, group.waiting_at
        if word.endswith(":"):
            what = phrase("{word} is followed by nothing to look for", word=word)
            self.fail(column, what, phrase("Write {example}.", example=f"{word}word"))
        if word in _DASHES:
            self.fail(column, _IDLE_DASH, _DASH_MEND)
        mend = phrase(
            'Put a word after {word}, or remove it; for the word itself write "{word}".', word=word
        )
        self.fail(column, phrase("{word} is followed by nothing", word=word), mend)

    def exclude(self, word: str, column: int) -> None:
        follows = self.text[column : column + 1]
        if len(word) == 1 and (not follows or follows.isspace() or follows in ")）"):
            self.fail(column, _IDLE_DASH, _DASH_MEND)
        group = self.groups[-1]
        if group.next_field is not None:
            self.late_dash(group.next_field, column)
        if group.waiting == "-":
            self.fail(column, phrase("Two - stand in a row"), phrase("Write one."))
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
            what = phrase("{name}: stands inside {outer}:", name=name, outer=str(outer))
            self.fail(column, what, phrase("Use one field at a time."))
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
        what = phrase("The - stands after {field}:", field=after.value)
        self.fail(column, what, phrase("Write it before: {example}.", example=f"-{after}:word"))

    def unknown_field(self, name: str, column: int) -> NoReturn:
        lower = name.lower()
        near = [_HABITS[lower]] if lower in _HABITS else get_close_matches(lower, _FIELDS, n=1)
        mend = phrase(
            "The fields are {fields}. To look for the text, quote it.", fields=_ALL_FIELDS
        )
        if near:
            mend = phrase("Did you mean {name}:? To look for the text, quote it.", name=near[0])
        self.fail(column, phrase("There is no field {name}:", name=name), mend)

    def reserved(self, word: str, column: int) -> NoReturn:
        what = phrase("{word} is an operator, not a word", word=word)
        self.fail(column, what, phrase('Write "{word}" in quotes.', word=word))

    def term(self, word: str, column: int) -> None:
        if word in _FOREIGN:
            self.foreign(word, phrase("Write {word} instead.", word=_FOREIGN[word]), column)
        if word[0] in "'‘’`":
            self.fail(
                column, phrase("A phrase is put in double quotes"), phrase('Write " instead.')
            )
        if word[0] in "+!~^" and len(word) > 1:
            self.foreign(word[0], phrase("Write {word} alone.", word=word[1:]), column)
        if (comma := _COMMA.search(word)) is not None:
            at = column + comma.start()
            mend = phrase("Write OR between alternatives, or nothing where all must be there.")
            self.fail(at, phrase("A {sign} separates nothing here", sign=comma[0]), mend)
        self.add(word, column, is_phrase=False)

    def foreign(self, word: str, mend: Phrase, column: int) -> NoReturn:
        self.fail(column, phrase("{word} means nothing here", word=word), mend)

    def phrase(self, text: str, start: int, *, star_after: bool) -> None:
        if star_after:
            column = start + len(text) + 2
            mend = phrase("Put it inside: {example}.", example='"deep learn*"')
            self.fail(column, phrase("The * stands after the quote"), mend)
        self.add(" ".join(text.split()), start, is_phrase=True)

    def add(self, text: str, column: int, *, is_phrase: bool) -> None:
        body = text.removesuffix("*")
        prefix = len(body) < len(text)
        words = cut(body)
        self.judge_term(text, words, column, is_phrase=is_phrase)
        self.terms += 1
        if self.terms > MAX_TERMS:
            what = phrase("A query may have {most} words and phrases", most=MAX_TERMS)
            self.fail(column, what, phrase("Split it into several interests."))
        group = self.groups[-1]
        where = group.next_field or group.field
        self.steps.append(Term(body, where, phrase=is_phrase, prefix=prefix, column=column))
        self.operand()

    def judge_term(self, text: str, words: list[str], column: int, *, is_phrase: bool) -> None:
        body = text.removesuffix("*")
        if not words and "*" not in text:
            what = phrase("This phrase is empty")
            if text:
                what = phrase("There is nothing to look for in {text}", text=text)
            self.fail(column, what, phrase("Write at least one letter or digit."))
        if "*" in body or (text != body and not words):
            at = column + (0 if is_phrase else text.index("*"))
            mend = phrase("Put it at the end of a word, as in {example}.", example="transform*")
            self.fail(at, phrase("A * can only stand at the end of a word or phrase"), mend)
        if text != body and body.isascii() and sum(map(len, words)) < MIN_PREFIX:
            mend = phrase("Write at least {n} letters before the *.", n=MIN_PREFIX)
            self.fail(column, phrase("{text} would find nearly everything", text=text), mend)
        if len(words) > MAX_WORDS:
            most, n = MAX_WORDS, len(words)
            what = phrase("A phrase may have {most} words, this has {n}", most=most, n=n)
            self.fail(column, what, phrase("Use its most telling words."))

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
        mend = phrase("Add a word that must be there.")
        if wanted:
            mend = phrase("Use AND beside NOT, not OR.")
        self.fail(column, phrase("This query would be true of nearly every paper"), mend)
