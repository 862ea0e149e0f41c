"""Cards in stock: each paper's card drawn and encoded once, for all subscribers.

    templates -> skeleton of a paper's card | title, authors, excerpt, why-line, each in ink -> card

What is fixed for a paper comes from the templates once. What reasons change is set into slots, and
each such part is kept by what it depends on and nothing more: an excerpt by its hits, a why-line by
its words. Finished cards are kept too. What is left for a subscriber is their feedback token, the
number in the text part, and a look-up. Nothing here depends on who reads, nor on the order of
asking; everything is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
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
from digest.rendering.reasons import why
from digest.rendering.skeleton import Skeleton, SlotTokens, affixes, probe, slot
from digest.rendering.spans import Kind, Spans, say
from digest.rendering.view import Card, also, card, clean_title, styled, title

CARDS_KEPT: Final = 49152  #: about 0.5 kB each
JOINED_KEPT: Final = 8192  #: of these, about 4 kB more each
INKS_KEPT: Final = 32768  #: about 1 kB each
PAPERS_KEPT: Final = 4096  #: about 8 kB each

_SPANS: Final = ("title", "authors", "excerpt", "why")  #: a card's parts with spans …
_PARTS: Final = (*_SPANS, "also")  #: … and all that reasons change, in the order of their slots
_TITLE, _AUTHORS, _EXCERPT, _WHY, _ALSO, _FEEDBACK, _NUMBER = range(len(_PARTS) + 2)
_EMPHATIC: Final = tuple(kind for kind in Kind if kind is not Kind.PLAIN)

Variant = tuple[bool, str]  #: revision and style
Shape = tuple[tuple[bool, ...], Variant]  #: which parts a card has


class Plate:
    """One template's pieces for some shape of card, and where the inks and the open slot go."""

    __slots__ = ("_open", "_pieces", "_spots", "size")

    def __init__(self, skeleton: Skeleton, open_slot: int) -> None:
        self._pieces = [b"" if isinstance(piece, int) else piece for piece in skeleton.pieces]
        self._spots = [spot for spot in skeleton.spots if spot[1] != open_slot]
        self._open = [place for place, number in skeleton.spots if number == open_slot]
        self.size = skeleton.size

    def set(self, inks: Sequence[bytes], value: bytes) -> list[bytes]:
        """All pieces, with `value` in the open slot."""
        pieces = self._pieces.copy()
        for place, number in self._spots:
            pieces[place] = inks[number]
        for place in self._open:
            pieces[place] = value
        return pieces

    def around(self, inks: Sequence[bytes]) -> tuple[bytes, ...]:
        """The bytes before, between and after the open slot's places."""
        pieces = self.set(inks, b"")
        bounds = [-1, *self._open, len(pieces)]
        return tuple([b"".join(pieces[a + 1 : b]) for a, b in pairwise(bounds)])

    @property
    def places(self) -> int:
        return len(self._open)

    def sized(self, inks: Sequence[Ink]) -> int:
        return self.size + sum([inks[number].size for _, number in self._spots])


Plates = tuple[Plate, Plate]  #: HTML with the feedback token open, text with the number


class WireCard:
    """One card, encoded: as pieces that cards share, and once it is asked for again, as bytes.

    `size` counts the HTML's own bytes without tokens.
    """

    __slots__ = ("_html", "_inks", "_plates", "_text", "item", "size", "stock", "style")

    def __init__(
        self, stock: Stock, item: Item, style: str, plates: Plates, inks: list[Ink]
    ) -> None:
        self.stock, self.item, self.style = stock, item, style
        self.size = plates[0].sized(inks)
        self._plates = plates
        self._inks = tuple([part.html for part in inks]), tuple([part.text for part in inks])
        self._html: tuple[bytes, ...] = ()
        self._text: tuple[bytes, ...] = ()

    @property
    def is_joined(self) -> bool:
        return bool(self._html)

    def join(self) -> None:
        """Trade memory (about 4 kB) for time."""
        html, text = self._plates
        self._html, self._text = html.around(self._inks[0]), text.around(self._inks[1])

    def html(self, token: bytes) -> Sequence[bytes]:
        """The HTML's fragments with this feedback token."""
        if self._html:
            return (token.join(self._html),)
        return self._plates[0].set(self._inks[0], token)

    def text(self, number: bytes) -> Sequence[bytes]:
        """The text's fragments with this number."""
        if self._html:
            return (number.join(self._text),)
        return self._plates[1].set(self._inks[1], number)

    @property
    def links(self) -> int:
        """How often the feedback token stands in the HTML."""
        return self._plates[0].places


@dataclass(slots=True)
class Stock:
    """What is kept of one paper."""

    paper: Paper
    title: str
    words: int
    cards: dict[tuple[Reasons, tuple[str, ...], Variant], WireCard] = field(default_factory=dict)
    inks: dict[Hashable, Ink] = field(default_factory=dict)
    reasoned: dict[tuple[Reasons, str], list[Ink]] = field(default_factory=dict)
    fixed: dict[Variant, Card] = field(default_factory=dict)
    plates: dict[Shape, Plates] = field(default_factory=dict)


class Cards:
    """The stock of one language, for one site and one set of templates."""

    def __init__(self, drawing: Drawing, language: Language, base_url: str) -> None:
        self._drawing = drawing
        self._language = language
        self._links = SiteLinks(base_url, SlotTokens(feedback=slot(_FEEDBACK)))
        self._stocks: dict[PaperId, Stock] = {}
        self._sentences: dict[Hashable, Ink] = {}
        self._by_item: dict[int, WireCard] = {}  #: by identity, which is quicker than equality
        self._cards_kept = self._cards_joined = self._inks_kept = 0
        self._affixes = [*(self._probe(name) for name in _SPANS), PLAINLY]

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
        """The card of this paper for these reasons, from stock or set now."""
        known = self._by_item.get(id(item))
        if known and known.item is item and known.stock is stock and known.style == style:
            return self._again(known)
        key = (item.reasons, item.also, (item.revision, style))
        known = stock.cards.get(key)
        if known is not None:
            return self._again(known)
        if self._cards_kept >= CARDS_KEPT:
            self._clear_cards()
        known = stock.cards[key] = self._by_item[id(item)] = self._set(stock, item, style)
        self._cards_kept += 1
        return known

    def _again(self, card: WireCard) -> WireCard:
        """Join what is wanted twice, as long as there is room."""
        if not card.is_joined and self._cards_joined < JOINED_KEPT:
            card.join()
            self._cards_joined += 1
        return card

    def _set(self, stock: Stock, item: Item, style: str) -> WireCard:
        """Every part the card has, to be set into the slots of the paper's plates."""
        variant = (item.revision, style)
        fixed = stock.fixed.get(variant)
        if fixed is None:
            fixed = stock.fixed[variant] = self._fixed(stock.paper, item.revision, style)
        inks = self._inks(stock, item, style).copy()
        if item.also and style != "titles":
            inks[_ALSO] = self._sentence(say(also(item.also, self._language)), _ALSO)
        plates = self._plates(stock, fixed, (tuple([i is not NO_INK for i in inks]), variant))
        return WireCard(stock, item, style, plates, inks)

    def _inks(self, stock: Stock, item: Item, style: str) -> list[Ink]:
        """All parts but `also`, which differs between those who share an interest; from stock."""
        key = (item.reasons, style)
        known = stock.reasoned.get(key)
        if known is None:
            known = stock.reasoned[key] = self._reasoned(stock, item, style)
        return known

    def _reasoned(self, stock: Stock, item: Item, style: str) -> list[Ink]:
        """The parts in the order of their slots, as `view.card` and `view.styled` choose them."""
        inks = [self._title(stock, item), self._authors(stock, item), NO_INK, NO_INK, NO_INK]
        if style not in ("compact", "titles"):
            inks[_EXCERPT] = self._excerpt(stock, item)
        if style != "titles":
            told = why(item.reasons, breadth=len(stock.paper.sources), language=self._language)
            inks[_WHY] = self._sentence(told, _WHY)
        return inks

    def _title(self, stock: Stock, item: Item) -> Ink:
        hits = [(hit.start, hit.end) for hit in item.reasons.hits if hit.field is Field.TITLE]
        return self._kept(stock.inks, (_TITLE, *hits), _TITLE, lambda: title(stock.paper, item))

    def _authors(self, stock: Stock, item: Item) -> Ink:
        reasons = item.reasons
        hits = [hit.element for hit in reasons.hits if hit.field is Field.AUTHOR]
        return self._kept(
            stock.inks,
            (_AUTHORS, *hits, *reasons.followed),
            _AUTHORS,
            lambda: byline(stock.paper.authors, reasons, self._language),
        )

    def _excerpt(self, stock: Stock, item: Item) -> Ink:
        hits = item.reasons.hits
        marks = [(hit.start, hit.end, hit.term) for hit in hits if hit.field is Field.ABSTRACT]
        return self._kept(
            stock.inks,
            (_EXCERPT, *marks),
            _EXCERPT,
            lambda: excerpt(stock.paper.abstract, hits),
        )

    def _sentence(self, spans: Spans, part: int) -> Ink:
        """A sentence about reasons, whatever the paper."""
        if not spans:
            return NO_INK
        return self._kept(self._sentences, (part, spans), part, lambda: spans)

    def _kept(
        self, shelf: dict[Hashable, Ink], key: Hashable, part: int, spans: Callable[[], Spans]
    ) -> Ink:
        known = shelf.get(key)
        if known is None:
            if self._inks_kept >= INKS_KEPT:
                self._clear_inks()
            known = shelf[key] = ink(spans(), self._affixes[part])
            self._inks_kept += 1
        return known

    def _fixed(self, paper: Paper, revision: bool, style: str) -> Card:
        """The paper's card for no reason at all."""
        bare = Item(paper.id, 0.0, Reasons(), revision=revision)
        return styled(card(paper, bare, self._links, self._language), style)

    def _plates(self, stock: Stock, fixed: Card, shape: Shape) -> Plates:
        """The two templates drawn with a slot in place of every part this card has."""
        known = stock.plates.get(shape)
        if known is None:
            slots = {
                part: say(slot(n)) if there else ()
                for n, (part, there) in enumerate(zip(_PARTS, shape[0], strict=True))
            }
            empty = replace(_with_parts(fixed, slots), also=slot(_ALSO) if slots["also"] else "")
            known = stock.plates[shape] = (
                Plate(Skeleton.of(self._drawing.card_html(empty)), _FEEDBACK),
                Plate(
                    Skeleton.of(self._drawing.card_text(text_card(empty), slot(_NUMBER))), _NUMBER
                ),
            )
        return known

    def _probe(self, part: str) -> Affixes:
        """How the template draws each kind of span in this part of a card."""
        spans = {name: probe(_EMPHATIC) if name == part else () for name in _SPANS}
        probed = _with_parts(Card(PaperId(0), self._links.base_url, ()), spans)
        return {**PLAINLY, **affixes(self._drawing.card_html(probed), _EMPHATIC)}

    def _clear_cards(self) -> None:
        for stock in list(self._stocks.values()):
            stock.cards.clear()
            stock.reasoned.clear()
        self._by_item.clear()
        self._cards_kept = self._cards_joined = 0

    def _clear_inks(self) -> None:
        for stock in list(self._stocks.values()):
            stock.inks.clear()
        self._sentences.clear()
        self._inks_kept = 0


def _with_parts(card: Card, parts: Mapping[str, Spans]) -> Card:
    return replace(
        card,
        title=parts["title"],
        authors=parts["authors"],
        excerpt=parts["excerpt"],
        why=parts["why"],
    )
