"""Why-lines cast: every form of sentence is drawn once, and the terms are set into it.

    reasons -> form (places, votes, percents, …) | terms -> Slug

Readers' terms are many and the sentences around them few. What comes out is what `reasons.tell`
would say, drawn, quoted and cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from digest.model import Reasons
from digest.rendering.ink import NO_SLUG, Affixes, Slug, drawn, in_columns
from digest.rendering.language import Language
from digest.rendering.quoted import ROOM, SOFT, broken, quoted
from digest.rendering.reasons import (
    Grounds,
    Place,
    beside_terms,
    is_found_as_phrase,
    named,
    sentence,
)
from digest.rendering.skeleton import escaped, slot, split
from digest.rendering.spans import Kind, plain, say
from digest.shelf import Maker

_FOUND: Final = itemgetter(3, 0)  #: a hit's term and field
_TERM_LENGTH: Final = 24  #: columns; a longer term has lines to itself
_FORMS_KEPT: Final = 512  #: twice this at most, about 1 kB each
_TERMS_KEPT: Final = 4_096  #: twice this at most, about 0.2 kB each


#: what a sentence's form depends on: terms' places, which have spaces, if any has, and the grounds
#: but for terms
_Asked = tuple[tuple[Place, ...], tuple[bool, ...], tuple[Any, ...]]


class _Sentence(NamedTuple):
    """The words between the terms, and which term goes where, in both parts; HTML in lines."""

    html: list[bytes]
    html_order: list[int]
    text: list[str]
    text_order: list[int]
    is_in_order: bool  #: each term once in both, as they were given


class Sentences:
    """The why-lines of one language, emphasised as one template does it."""

    def __init__(self, language: Language, affixes: Affixes) -> None:
        self._language = language
        self._affixes = affixes
        self._forms = Maker(self._form, _FORMS_KEPT)
        self._terms = Maker(_cast_term, _TERMS_KEPT)

    def slug(self, reasons: Reasons, *, breadth: int) -> Slug:
        """The sentence for these reasons; none where there is nothing to say."""
        names = named(map(_FOUND, reasons[0]))
        terms = list(names)
        have_spaces = tuple([" " in term for term in terms]) if " " in "".join(terms) else ()
        form = self._forms[
            tuple(names.values()), have_spaces, beside_terms(reasons, breadth=breadth)
        ]
        html, text, known = form.html.copy(), form.text.copy(), self._terms
        if form.is_in_order:
            html[1::2] = map(known.__getitem__, terms)
            text[1::2] = terms
        else:
            html[1::2] = [known[terms[n]] for n in form.html_order]
            text[1::2] = [terms[n] for n in form.text_order]
        told = "".join(text)
        return (html, (broken(in_columns(told)),)) if told else NO_SLUG

    def _form(self, asked: _Asked) -> _Sentence:
        places, have_spaces, beside = asked
        of_terms = zip(places, have_spaces or (False,) * len(places), strict=True)
        forms = [
            (say(slot(n), Kind.STRONG), place, has_spaces and is_found_as_phrase(place))
            for n, (place, has_spaces) in enumerate(of_terms)
        ]
        spans = sentence(forms, Grounds((), *beside), self._language)
        html, text = split(drawn(spans, self._affixes)), split(plain(spans))
        html_order, text_order = list(map(int, html[1::2])), list(map(int, text[1::2]))
        return _Sentence(
            _laid([quoted(part) for part in html[::2]]),
            html_order,
            text,
            text_order,
            html_order == text_order == [*range(len(forms))],
        )


def _cast_term(term: str) -> bytes:
    cast = broken(quoted(escaped(term)))
    return cast if len(cast) <= _TERM_LENGTH else SOFT + cast + SOFT


def _laid(parts: Sequence[bytes]) -> list[bytes]:
    """The words between the terms, in lines with room for any term of the usual length."""
    laid: list[bytes] = []
    column = 0
    for part in parts:
        if laid:
            if column + _TERM_LENGTH > ROOM:
                laid[-1] += SOFT
                column = 0
            laid.append(b"")
            column += _TERM_LENGTH
        sound = b"=2E" + part[1:] if part.startswith(b".") else part  # a long term ends its line
        lines = broken(b"_" * column + sound)
        laid.append(lines[column:])
        column = len(lines) - lines.rfind(b"\n") - 1
    return [*laid[:-1], laid[-1] + SOFT] if laid[-1].endswith(b" ") else laid
