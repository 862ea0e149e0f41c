"""Cards in stock: each paper's card drawn and encoded once, for all subscribers.

    templates -> skeleton of a paper's card | title, authors, excerpt, why-line, each in ink -> card

What is fixed for a paper comes from the templates once. What reasons change is set into slots, and
each such part is kept by what it depends on and nothing more: an excerpt by its hits, a why-line by
its words. Finished cards are kept too. What is left for a subscriber is their feedback token, the
names of further interests, the number in the text part, and a look-up. Nothing here depends on who
reads, nor on the order of asking; everything is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from digest.model import Field, Item, Paper, PaperId, Reasons
from digest.rendering.byline import byline
from digest.rendering.email import Drawing
from digest.rendering.excerpt import excerpt
from digest.rendering.frame import words_of
from digest.rendering.ink import NO_INK, PLAINLY, Affixes, Ink, ink
from digest.rendering.language import Language
from digest.rendering.links import SiteLinks
from digest.rendering.plaintext import text_card
from digest.rendering.plates import Plate, Plates, WireCard
from digest.rendering.reasons import why
from digest.rendering.skeleton import SlotTokens, affixes, probe, slot
from digest.rendering.spans import Kind, Spans, say
from digest.rendering.view import Card, also, card, clean_title, is_told, styled, summary, title
from digest.shelf import Maker, Shelf

CARDS_KEPT: Final = 16_384  #: of each style, twice this at most, about 4 kB each
INKS_KEPT: Final = 4_096  #: twice this at most, about 1.5 kB each
ALSO_KEPT: Final = 4_096
PAPERS_KEPT: Final = 4_096  #: about 8 kB each

_PARTS: Final = (
    "title",
    "authors",
    "summary",
    "excerpt",
    "why",
)  #: all with spans, in their slots' order
_TITLE, _AUTHORS, _SUMMARY, _EXCERPT, _WHY, _ALSO, _OWN = range(len(_PARTS) + 2)
_EMPHATIC: Final = tuple(kind for kind in Kind if kind is not Kind.PLAIN)

Variant = tuple[bool, str]  #: revision and style
Shape = tuple[tuple[bool, ...], Variant]  #: which parts a card has


@dataclass(slots=True, eq=False)
class Stock:
    """What is kept of one paper."""

    paper: Paper
    title: str
    words: int
    fixed: dict[Variant, Card] = field(default_factory=dict)
    plates: dict[Shape, Plates] = field(default_factory=dict)


class Cards:
    """The stock of one language, for one site and one set of templates.

    `also` gives the ink of the names of further interests.
    """

    def __init__(self, drawing: Drawing, language: Language, base_url: str) -> None:
        self._drawing = drawing
        self._language = language
        self._links = SiteLinks(base_url, SlotTokens(feedback=slot(_OWN)))
        self.also = Maker(self._also_ink, ALSO_KEPT)
        self._stocks: dict[PaperId, Stock] = {}
        self._shelves: dict[str, Shelf[int, WireCard]] = {}
        self._inks: Shelf[Hashable, Ink] = Shelf(INKS_KEPT)
        self._told: Shelf[Hashable, bool] = Shelf(INKS_KEPT)  #: excerpts that say the summary
        self._affixes = [*(self._probe(name) for name in _PARTS), PLAINLY]

    def of_style(self, style: str) -> Shelf[int, WireCard]:
        """The cards by the identity of their reasons, which is quicker than equality.

        What reads digests gives one value for one. A card found here must still be looked at:
        `WireCard.is_of`.
        """
        return self._shelves.setdefault(style, Shelf(CARDS_KEPT))

    def card(self, paper: Paper, item: Item, style: str) -> WireCard:
        """The card of this paper for these reasons, from stock or set now."""
        shelf, stock = self.of_style(style), self._stock(paper)
        known = shelf.find(id(item.reasons))
        if known and known.is_of(paper, item):
            return known
        return shelf.keep(id(item.reasons), self._set(stock, item, style))

    def _stock(self, paper: Paper) -> Stock:
        """What is kept of this paper; begun anew when the paper has changed."""
        stock = self._stocks.get(paper.id)
        if stock is None or (stock.paper is not paper and stock.paper != paper):
            if len(self._stocks) >= PAPERS_KEPT:
                self._stocks.clear()
            stock = self._stocks[paper.id] = Stock(paper, clean_title(paper), words_of(paper))
        stock.paper = paper
        return stock

    def _set(self, stock: Stock, item: Item, style: str) -> WireCard:
        """Every part the card has, to be set into the slots of the paper's plates."""
        variant = (item.revision, style)
        fixed = stock.fixed.get(variant)
        if fixed is None:
            fixed = stock.fixed[variant] = self._fixed(stock.paper, item.revision, style)
        inks = self._reasoned(stock, item, style)
        there = tuple([part is not NO_INK for part in inks])
        return WireCard(stock, item, self._plates(stock, fixed, (there, variant)), inks)

    def _reasoned(self, stock: Stock, item: Item, style: str) -> list[Ink]:
        """The parts in the order of their slots, as `view.card` and `view.styled` choose them."""
        inks = [self._title(stock, item), self._authors(stock, item), NO_INK, NO_INK, NO_INK]
        if style not in ("compact", "titles"):
            inks[_EXCERPT] = self._excerpt(stock, item)
        if style != "titles":
            inks[_SUMMARY] = self._summary(stock, item, style)
            told = why(item.reasons, breadth=len(stock.paper.sources), language=self._language)
            inks[_WHY] = self._kept((_WHY, told), _WHY, lambda: told) if told else NO_INK
        return inks

    def _title(self, stock: Stock, item: Item) -> Ink:
        hits = [(hit.start, hit.end) for hit in item.reasons.hits if hit.field is Field.TITLE]
        return self._kept((stock, _TITLE, *hits), _TITLE, lambda: title(stock.paper, item))

    def _authors(self, stock: Stock, item: Item) -> Ink:
        reasons = item.reasons
        hits = [hit.element for hit in reasons.hits if hit.field is Field.AUTHOR]
        return self._kept(
            (stock, _AUTHORS, *hits, *reasons.followed),
            _AUTHORS,
            lambda: byline(stock.paper.authors, reasons, self._language),
        )

    def _excerpt(self, stock: Stock, item: Item) -> Ink:
        return self._kept(
            (stock, _EXCERPT, *_marks(item)),
            _EXCERPT,
            lambda: excerpt(stock.paper.abstract, item.reasons.hits),
        )

    def _summary(self, stock: Stock, item: Item, style: str) -> Ink:
        """As `view.styled` has it: left out where the excerpt says the same."""
        said = summary(stock.paper)
        if not said or (style != "compact" and self._is_told(stock, item, said)):
            return NO_INK
        return self._kept((stock, _SUMMARY), _SUMMARY, lambda: said)

    def _is_told(self, stock: Stock, item: Item, said: Spans) -> bool:
        key, hits = (stock, *_marks(item)), item.reasons.hits
        told = self._told.find(key)
        if told is None:
            told = self._told.keep(key, is_told(said, excerpt(stock.paper.abstract, hits)))
        return told

    def _also_ink(self, names: tuple[str, ...]) -> Ink:
        return ink(say(also(names, self._language)))

    def _kept(self, key: Hashable, part: int, spans: Callable[[], Spans]) -> Ink:
        known = self._inks.find(key)
        if known is None:
            known = self._inks.keep(key, ink(spans(), self._affixes[part]))
        return known

    def _fixed(self, paper: Paper, revision: bool, style: str) -> Card:
        """The paper's card for no reason at all."""
        bare = Item(paper.id, 0.0, Reasons(), revision=revision)
        return styled(card(paper, bare, self._links, self._language), style)

    def _plates(self, stock: Stock, fixed: Card, shape: Shape) -> Plates:
        """The two templates drawn with a slot in place of every part this card has."""
        known = stock.plates.get(shape)
        if known is None:
            there, (_revision, style) = shape
            slots = {
                part: say(slot(n)) if it_is else ()
                for n, (part, it_is) in enumerate(zip(_PARTS, there, strict=True))
            }
            alone = _with_parts(fixed, slots)
            shared = alone if style == "titles" else replace(alone, also=slot(_ALSO))
            html, text = self._drawing.card_html, self._drawing.card_text
            known = stock.plates[shape] = (
                Plate.of(html(alone), html(shared), own=_OWN, also=_ALSO),
                Plate.of(
                    text(text_card(alone), slot(_OWN)),
                    text(text_card(shared), slot(_OWN)),
                    own=_OWN,
                    also=_ALSO,
                ),
            )
        return known

    def _probe(self, part: str) -> Affixes:
        """How the template draws each kind of span in this part of a card."""
        spans = {name: probe(_EMPHATIC) if name == part else () for name in _PARTS}
        probed = _with_parts(Card(PaperId(0), self._links.base_url, ()), spans)
        return {**PLAINLY, **affixes(self._drawing.card_html(probed), _EMPHATIC)}


def _marks(item: Item) -> tuple[Hashable, ...]:
    """What an excerpt depends on, beside the abstract."""
    hits = item.reasons.hits
    return tuple([(h.start, h.end, h.term) for h in hits if h.field is Field.ABSTRACT])


def _with_parts(card: Card, parts: Mapping[str, Spans]) -> Card:
    return replace(
        card,
        title=parts["title"],
        authors=parts["authors"],
        summary=parts["summary"],
        excerpt=parts["excerpt"],
        why=parts["why"],
    )
