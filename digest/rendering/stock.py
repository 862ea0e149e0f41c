"""Cards in stock: each paper's card drawn and encoded once, for all subscribers.

    templates -> skeleton of a paper's card | title, authors, excerpt, why-line, each in ink -> card

What is fixed for a paper comes from the templates once. What reasons change is set into slots, and
each such part is kept by what it depends on and nothing more: an excerpt by its hits, a why-line by
its words. Finished cards are kept too. What is left for a subscriber is their feedback token, the
names of further interests, the number in the text part, and a look-up. Nothing here depends on who
reads, nor on the order of asking; everything is bounded.
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
from digest.rendering.view import Card, also, card, clean_title, is_told, styled, summary, title
from digest.shelf import Maker, Shelf

CARDS_KEPT: Final = 16_384  #: twice this at most, about 0.5 kB each …
JOINED_KEPT: Final = 6_144  #: … and of these, so many with about 4 kB more each
INKS_KEPT: Final = 12_288  #: twice this at most, about 1 kB each
ALSO_KEPT: Final = 8_192
PAPERS_KEPT: Final = 4_096  #: about 8 kB each

_SPANS: Final = ("title", "authors", "summary", "excerpt", "why")  #: a card's parts with spans …
_PARTS: Final = (*_SPANS, "also")  #: … and all that reasons change, in the order of their slots
_TITLE, _AUTHORS, _SUMMARY, _EXCERPT, _WHY, _ALSO, _FEEDBACK, _NUMBER = range(len(_PARTS) + 2)
_EMPHATIC: Final = tuple(kind for kind in Kind if kind is not Kind.PLAIN)

Variant = tuple[bool, str]  #: revision and style
Shape = tuple[tuple[bool, ...], Variant]  #: which parts a card has
Around = tuple[bytes, ...]  #: what stands before, between and after the places of one slot


class Plate:
    """One template's pieces for some shape of card, and where inks and the two open slots go.

    Open are the subscriber's own slot (`own`: the feedback token, or the number) and `also`.
    """

    __slots__ = ("_pieces", "_spots", "alsos", "own", "size")

    def __init__(self, skeleton: Skeleton, own: int) -> None:
        self._pieces = [b"" if isinstance(piece, int) else piece for piece in skeleton.pieces]
        self._spots = [spot for spot in skeleton.spots if spot[1] not in (own, _ALSO)]
        self.own = tuple([place for place, number in skeleton.spots if number == own])
        self.alsos = tuple([place for place, number in skeleton.spots if number == _ALSO])
        self.size = skeleton.size

    def set(self, inks: Sequence[bytes]) -> list[bytes]:
        """All pieces, the open slots still empty."""
        pieces = self._pieces.copy()
        for place, number in self._spots:
            pieces[place] = inks[number]
        return pieces

    def around(self, pieces: Sequence[bytes]) -> tuple[Around, ...]:
        """The pieces joined around the places of `also`, and each of these around our own."""
        bounds = [-1, *self.alsos, len(pieces)]
        return tuple([self._around_own(pieces, a + 1, b) for a, b in pairwise(bounds)])

    def _around_own(self, pieces: Sequence[bytes], first: int, last: int) -> Around:
        places = [place for place in self.own if first <= place < last]
        bounds = [first - 1, *places, last]
        return tuple([b"".join(pieces[a + 1 : b]) for a, b in pairwise(bounds)])

    def sized(self, inks: Sequence[Ink]) -> int:
        return self.size + sum([inks[number].size for _, number in self._spots])


Plates = tuple[Plate, Plate]  #: of HTML and of text


class WireCard:
    """One card, encoded: as pieces that cards share, and once it is asked for again, as bytes.

    `size` counts the HTML's own bytes without tokens and `also`. `html` and `text` are what
    `Plate.around` gives where the card is joined, and empty where it is not.
    """

    __slots__ = ("_pieces", "_plates", "alsos", "html", "links", "reasons", "size", "stock", "text")

    def __init__(self, stock: Stock, reasons: Reasons, plates: Plates, inks: list[Ink]) -> None:
        self.stock = stock
        self.reasons = reasons  #: held, because cards are known by its identity
        self.size = plates[0].sized(inks)
        self.links = len(plates[0].own)
        self.alsos = len(plates[0].alsos)
        self._plates = plates
        self._pieces = (
            plates[0].set([part.html for part in inks]),
            plates[1].set([part.text for part in inks]),
        )
        self.html: tuple[Around, ...] = ()
        self.text: tuple[Around, ...] = ()

    def join(self) -> None:
        """Trade memory (about 4 kB) for time."""
        (html, text), (html_pieces, text_pieces) = self._plates, self._pieces
        self.html, self.text = html.around(html_pieces), text.around(text_pieces)

    def part(self) -> None:
        """Trade it back."""
        self.html = self.text = ()

    def lay_html(self, into: list[bytes], token: bytes, also: bytes) -> None:
        """Add the HTML's fragments."""
        if self.html:
            into.append(_joined(self.html, token, also))
        else:
            into += _laid(self._pieces[0], self._plates[0], token, also)

    def lay_text(self, into: list[bytes], number: bytes, also: bytes) -> None:
        """Add the text's fragments."""
        if self.text:
            into.append(_joined(self.text, number, also))
        else:
            into += _laid(self._pieces[1], self._plates[1], number, also)


def _joined(around: tuple[Around, ...], own: bytes, also: bytes) -> bytes:
    if len(around) == 1:
        return own.join(around[0])
    return also.join([own.join(part) for part in around])


def _laid(pieces: list[bytes], plate: Plate, own: bytes, also: bytes) -> list[bytes]:
    laid = pieces.copy()
    for place in plate.own:
        laid[place] = own
    for place in plate.alsos:
        laid[place] = also
    return laid


@dataclass(slots=True, eq=False)
class Stock:
    """What is kept of one paper."""

    paper: Paper
    title: str
    words: int
    fixed: dict[Variant, Card] = field(default_factory=dict)
    plates: dict[Shape, Plates] = field(default_factory=dict)


class Cards:
    """The stock of one language, for one site and one set of templates."""

    def __init__(self, drawing: Drawing, language: Language, base_url: str) -> None:
        self._drawing = drawing
        self._language = language
        self._links = SiteLinks(base_url, SlotTokens(feedback=slot(_FEEDBACK)))
        self.stocks: dict[PaperId, Stock] = {}
        self.also = Maker(self._also_ink, ALSO_KEPT)
        self._cards: Shelf[Hashable, WireCard] = Shelf(CARDS_KEPT)
        self._joined: list[WireCard] = []
        self._inks: Shelf[Hashable, Ink] = Shelf(INKS_KEPT)
        self._told: Shelf[Hashable, bool] = Shelf(INKS_KEPT)  #: excerpts that say the summary
        self._affixes = [*(self._probe(name) for name in _SPANS), PLAINLY]

    def stock(self, paper: Paper) -> Stock:
        """What is kept of this paper; begun anew when the paper has changed."""
        stock = self.stocks.get(paper.id)
        if stock is None or (stock.paper is not paper and stock.paper != paper):
            if len(self.stocks) >= PAPERS_KEPT:
                self.stocks.clear()
            stock = self.stocks[paper.id] = Stock(paper, clean_title(paper), words_of(paper))
        stock.paper = paper
        return stock

    def card(self, stock: Stock, item: Item, style: str) -> WireCard:
        """The card of this paper for these reasons, from stock or set now."""
        reasons, has_also = item.reasons, bool(item.also)
        # By identity, which is quicker than equality: what reads digests gives one value for one.
        key = (id(stock), id(reasons), has_also, item.revision, style)
        known = self._cards.get(key) or self._cards.find(key)
        if known is None:
            known = self._cards.keep(key, self._set(stock, item, style))
            if len(self._cards) == 1:  # others than before are in use now
                self._part_all()
        elif not known.html and len(self._joined) < JOINED_KEPT:
            known.join()
            self._joined.append(known)
        return known

    def _part_all(self) -> None:
        for joined in self._joined:
            joined.part()
        self._joined.clear()

    def _set(self, stock: Stock, item: Item, style: str) -> WireCard:
        """Every part the card has, to be set into the slots of the paper's plates."""
        variant = (item.revision, style)
        fixed = stock.fixed.get(variant)
        if fixed is None:
            fixed = stock.fixed[variant] = self._fixed(stock.paper, item.revision, style)
        inks = self._reasoned(stock, item, style)
        has_also = bool(item.also) and style != "titles"
        there = (*[part is not NO_INK for part in inks], has_also)
        return WireCard(stock, item.reasons, self._plates(stock, fixed, (there, variant)), inks)

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
