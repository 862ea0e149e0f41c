"""Why-lines as ink: every form of sentence is drawn once, and the terms are set into it.

    reasons -> form (places, votes, percents, …) | terms -> Ink

Readers' terms are many and the sentences around them few. What comes out is what `reasons.tell`
would say, drawn and quoted.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from digest.model import Reasons
from digest.rendering.ink import NO_INK, Affixes, Ink, drawn
from digest.rendering.language import Language
from digest.rendering.plaintext import wrap
from digest.rendering.quoted import quoted
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

_FORMS_KEPT: Final = 512  #: twice this at most, about 1 kB each
_TERMS_KEPT: Final = 4_096  #: twice this at most, about 0.2 kB each


#: what a sentence's form depends on: terms' places, which have spaces, the grounds but for terms
_Asked = tuple[tuple[Place, ...], tuple[bool, ...], tuple[Any, ...]]


class _Sentence(NamedTuple):
    """The words between the terms, and which term goes where, in both parts."""

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
        self._terms = Maker(_quoted_term, _TERMS_KEPT)

    def ink(self, reasons: Reasons, *, breadth: int) -> Ink:
        """The sentence for these reasons; none where there is nothing to say."""
        names = named([(term, field) for field, _, _, term, _ in reasons.hits])
        terms = list(names)
        have_spaces = tuple([" " in term for term in terms])
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
        return Ink(b"".join(html), quoted(wrap(told))) if told else NO_INK

    def _form(self, asked: _Asked) -> _Sentence:
        forms = [
            (say(slot(n), Kind.STRONG), place, has_spaces and is_found_as_phrase(place))
            for n, (place, has_spaces) in enumerate(zip(*asked[:2], strict=True))
        ]
        spans = sentence(forms, Grounds((), *asked[2]), self._language)
        html, text = split(drawn(spans, self._affixes)), split(plain(spans))
        html_order, text_order = list(map(int, html[1::2])), list(map(int, text[1::2]))
        return _Sentence(
            [b"" if n % 2 else quoted(part) for n, part in enumerate(html)],
            html_order,
            text,
            text_order,
            html_order == text_order == [*range(len(forms))],
        )


def _quoted_term(term: str) -> bytes:
    return quoted(escaped(term))
