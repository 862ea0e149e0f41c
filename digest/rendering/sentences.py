"""Why-lines as ink: every form of sentence is drawn once, and the terms are set into it.

    Grounds -> form (places, votes, percents, …) | terms -> Ink

Readers' terms are many and the sentences around them few. What comes out is what `reasons.tell`
would say, drawn and quoted.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from digest.rendering.ink import NO_INK, Affixes, Ink, drawn
from digest.rendering.language import Language
from digest.rendering.plaintext import wrap
from digest.rendering.quoted import quoted
from digest.rendering.reasons import Grounds, Place, is_phrase, named, sentence
from digest.rendering.skeleton import escaped, slot, split
from digest.rendering.spans import Kind, plain, say
from digest.shelf import Maker

_FORMS_KEPT: Final = 512  #: twice this at most, about 1 kB each
_TERMS_KEPT: Final = 4_096  #: twice this at most, about 0.2 kB each


#: what a sentence's form depends on: terms' places, which are phrases, the grounds but for terms
_Asked = tuple[tuple[Place, ...], tuple[bool, ...], tuple[Any, ...]]


class _Sentence(NamedTuple):
    """The words between the terms, and which term goes where, in both parts."""

    html: list[bytes]
    html_order: list[int]
    text: list[str]
    text_order: list[int]


class Sentences:
    """The why-lines of one language, emphasised as one template does it."""

    def __init__(self, language: Language, affixes: Affixes) -> None:
        self._language = language
        self._affixes = affixes
        self._forms = Maker(self._form, _FORMS_KEPT)
        self._terms = Maker(_quoted_term, _TERMS_KEPT)

    def ink(self, said: Grounds) -> Ink:
        """The sentence for these grounds; none where there is nothing to say."""
        names = named(said.terms)
        are_phrases = tuple([is_phrase(term, place) for term, place in names.items()])
        form = self._forms[tuple(names.values()), are_phrases, said[1:]]
        html, text = form.html.copy(), form.text.copy()
        terms = list(names)
        html[1::2] = [self._terms[terms[n]] for n in form.html_order]
        text[1::2] = [terms[n] for n in form.text_order]
        told = "".join(text)
        return Ink(b"".join(html), quoted(wrap(told))) if told else NO_INK

    def _form(self, asked: _Asked) -> _Sentence:
        forms = [
            (say(slot(n), Kind.STRONG), place, is_phrase)
            for n, (place, is_phrase) in enumerate(zip(*asked[:2], strict=True))
        ]
        spans = sentence(forms, Grounds((), *asked[2]), self._language)
        html, text = split(drawn(spans, self._affixes)), split(plain(spans))
        return _Sentence(
            [b"" if n % 2 else quoted(part) for n, part in enumerate(html)],
            [int(part) for part in html[1::2]],
            text,
            [int(part) for part in text[1::2]],
        )


def _quoted_term(term: str) -> bytes:
    return quoted(escaped(term))
