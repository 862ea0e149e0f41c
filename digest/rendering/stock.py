"""Cards in stock: each paper's card drawn and encoded once, for all subscribers.

A paper's fixed parts (places, links, layout) come from the templates once; what its reasons change
(marked title, authors and excerpt, why-line) is set into slots; the finished card is kept by its
reasons. What is left for a subscriber is their feedback token, the number in the text part, and a
look-up. Nothing here depends on who reads, nor on the order of asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from digest.model import Field, Item, Paper, PaperId, Reasons
from digest.rendering.byline import byline
from digest.rendering.email import Drawing
from digest.rendering.excerpt import excerpt
from digest.rendering.frame import words_of
from digest.rendering.language import Language
from digest.rendering.links import SiteLinks
from digest.rendering.plaintext import text_card, wrap
from digest.rendering.quoted import fragment
from digest.rendering.reasons import why
from digest.rendering.skeleton import Skeleton, SlotTokens, affixes, escaped, probe, slot
from digest.rendering.spans import Kind, Spans, plain, say
from digest.rendering.view import Card, also, card, clean_title, styled, title

CARDS_KEPT: Final = 8192  #: about 4 kB each
PAPERS_KEPT: Final = 4096  #: about 8 kB each

_MARKED: Final = ("title", "authors", "excerpt", "why")  #: a card's parts with spans
_WHY: Final = 3
_ALSO: Final = len(_MARKED)
_FEEDBACK: Final = _ALSO + 1
_NUMBER: Final = _ALSO + 2
_EMPHATIC: Final = tuple(kind for kind in Kind if kind is not Kind.PLAIN)


Variant = tuple[bool, str]  #: revision and style
Shape = tuple[tuple[bool, ...], Variant]  #: which parts a card has
Affixes = dict[str, tuple[str, str]]


class WireCard(NamedTuple):
    """One card, encoded. `html` lies around the feedback token, `text` around the number.

    `size` counts the HTML's own bytes without tokens.
    """

    html: tuple[bytes, ...]
    text: tuple[bytes, ...]
    size: int


class Ink(NamedTuple):
    """One part of a card, encoded for both bodies; `size` as in the HTML."""

    html: bytes
    text: bytes
    size: int


_NO_INK: Final = Ink(b"", b"", 0)


@dataclass(slots=True)
class Stock:
    """What is kept of one paper."""

    paper: Paper
    title: str
    words: int
    cards: dict[tuple[Reasons, tuple[str, ...], bool, str], WireCard] = field(default_factory=dict)
    fixed: dict[bool, Card] = field(default_factory=dict)  #: by revision
    skeletons: dict[Shape, tuple[Skeleton, Skeleton]] = field(default_factory=dict)
    inks: dict[tuple[int, Spans], Ink] = field(default_factory=dict)


class Cards:
    """The stock of one language, for one site and one set of templates."""

    def __init__(self, drawing: Drawing, language: Language, base_url: str) -> None:
        self._drawing = drawing
        self._language = language
        self._links = SiteLinks(base_url, SlotTokens(feedback=slot(_FEEDBACK)))
        self._stocks: dict[PaperId, Stock] = {}
        self._kept = 0
        self._affixes = [self._probe(name) for name in _MARKED]

    def stock(self, paper: Paper) -> Stock:
        """What is kept of this paper; begun anew when the paper has changed."""
        stock = self._stocks.get(paper.id)
        if stock is None or (stock.paper is not paper and stock.paper != paper):
            stock = self._stocks[paper.id] = Stock(paper, clean_title(paper), words_of(paper))
            if len(self._stocks) > PAPERS_KEPT:
                self._stocks = {paper.id: stock}
        stock.paper = paper
        return stock

    def card(self, stock: Stock, item: Item, style: str) -> WireCard:
        """The card of this paper for these reasons, from stock or drawn now."""
        key = (item.reasons, item.also, item.revision, style)
        known = stock.cards.get(key)
        if known is None:
            said = self._said(stock, item, style)
            known = stock.cards[key] = self._encoded(stock, said, (item.revision, style))
            self._kept += 1
            if self._kept > CARDS_KEPT:
                self._clear()
        return known

    def _clear(self) -> None:
        for stock in list(self._stocks.values()):
            stock.cards.clear()
            stock.inks.clear()
        self._kept = 0

    def _said(self, stock: Stock, item: Item, style: str) -> Card:
        """The same words as `view.card`; only what the reasons change is said anew."""
        paper, reasons, language = stock.paper, item.reasons, self._language
        fixed = self._fixed(stock, item.revision)
        fields = [hit.field for hit in reasons.hits]
        named = bool(reasons.followed) or Field.AUTHOR in fields
        said = Card(
            paper_id=paper.id,
            url=fixed.url,
            title=title(paper, item) if Field.TITLE in fields else fixed.title,
            authors=byline(paper.authors, reasons, language) if named else fixed.authors,
            chips=fixed.chips,
            excerpt=(
                excerpt(paper.abstract, reasons.hits) if Field.ABSTRACT in fields else fixed.excerpt
            ),
            why=why(reasons, breadth=len(paper.sources), language=language),
            also=also(item.also, language),
            actions=fixed.actions,
            feedback=fixed.feedback,
        )
        return styled(said, style)

    def _fixed(self, stock: Stock, revision: bool) -> Card:
        """The paper's card for no reason at all."""
        fixed = stock.fixed.get(revision)
        if fixed is None:
            bare = Item(stock.paper.id, 0.0, Reasons(), revision=revision)
            fixed = card(stock.paper, bare, self._links, self._language)
            stock.fixed[revision] = fixed
        return fixed

    def _encoded(self, stock: Stock, said: Card, variant: Variant) -> WireCard:
        """The words set into the slots of the paper's skeletons."""
        parts = (said.title, said.authors, said.excerpt, said.why)
        html, text = self._skeletons(stock, said, variant)
        inks = [self._ink(stock, n, spans) for n, spans in enumerate(parts)]
        inks.append(_ink(escaped(said.also), said.also) if said.also else _NO_INK)
        return WireCard(
            html=html.around(_FEEDBACK, {n: ink.html for n, ink in enumerate(inks)}),
            text=text.around(_NUMBER, {n: ink.text for n, ink in enumerate(inks)}),
            size=html.size + sum(inks[n].size for n in html.slots if n != _FEEDBACK),
        )

    def _ink(self, stock: Stock, part: int, spans: Spans) -> Ink:
        if not spans:
            return _NO_INK
        known = stock.inks.get((part, spans))
        if known is None:
            known = _ink(_drawn(spans, self._affixes[part]), plain(spans))
            if part != _WHY:  # as good as never the same again, and kept with the card
                stock.inks[part, spans] = known
        return known

    def _skeletons(self, stock: Stock, said: Card, variant: Variant) -> tuple[Skeleton, Skeleton]:
        """The two templates drawn with slots in place of whatever parts this card has."""
        there = tuple([bool(getattr(said, name)) for name in (*_MARKED, "also")])
        shape = (there, variant)
        known = stock.skeletons.get(shape)
        if known is None:
            empty = _emptied(said)
            known = stock.skeletons[shape] = (
                Skeleton.of(self._drawing.card_html(empty)),
                Skeleton.of(self._drawing.card_text(text_card(empty), slot(_NUMBER))),
            )
        return known

    def _probe(self, part: str) -> Affixes:
        """How the template draws each kind of span in this part of a card."""
        spans = {name: probe(_EMPHATIC) if name == part else () for name in _MARKED}
        probed = _with_parts(Card(PaperId(0), self._links.base_url, ()), spans)
        return affixes(self._drawing.card_html(probed), _EMPHATIC) | {Kind.PLAIN: ("", "")}


def _emptied(said: Card) -> Card:
    """The card with a slot for every part it has."""
    slots = {name: say(slot(n)) if getattr(said, name) else () for n, name in enumerate(_MARKED)}
    return replace(_with_parts(said, slots), also=said.also and slot(_ALSO))


def _with_parts(card: Card, parts: Mapping[str, Spans]) -> Card:
    return replace(
        card,
        title=parts["title"],
        authors=parts["authors"],
        excerpt=parts["excerpt"],
        why=parts["why"],
    )


def _drawn(spans: Spans, affixes: Affixes) -> str:
    """The spans as HTML, just as the template would print them."""
    pieces: list[str] = []
    for text, kind in spans:
        before, after = affixes[kind]
        pieces += (before, escaped(text), after)
    return "".join(pieces)


def _ink(html: str, text: str) -> Ink:
    return Ink(fragment(html), fragment(wrap(text)), len(html.encode()))
