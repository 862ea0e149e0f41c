"""Strips: the cards of one list in pieces, laid once for all the readers who have that list.

    items -> cards -> Strip | a letter's strips -> Galley | side by side, with what is its own

What readers have in common is one list, one value for all of them (see `Variant`), so that a strip
is known by its identity. It holds the list, which keeps that identity its own, and no bytes but its
cards'. Every card takes as many pieces, so that the tokens, numbers and gaps of a whole letter are
set in a few steps, however many cards it has. A list that only one reader has is laid for them, and
not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress, count
from operator import is_not, itemgetter
from typing import Final, NamedTuple

from digest.model import Item, Paper, PaperId, Section, Variant
from digest.rendering.frame import Gist
from digest.rendering.plaintext import number
from digest.rendering.plates import WireCard
from digest.rendering.quoted import fragment
from digest.rendering.stock import Cards
from digest.shelf import Maker, Shelf

_STRIPS_KEPT: Final = 2_048  #: of each style, twice this at most, about 1.2 kB each beside cards
_SEEN_KEPT: Final = 2_048  #: twice this at most: lists that one reader has had
_NUMBERS_KEPT: Final = 1_024

_OWN_STRETCH: Final = 3  #: where that is among a card's pieces, in either part
_NUMBER: Final = 1  #: of a card's text …
_TEXT_STEP: Final = 5  #: … which takes so many
_FIRST_TOKEN: Final = 5  #: of a card's HTML; from there on every second is one

#: Of the cards in a text, from the first.
NUMBERS: Final = Maker[int, bytes](lambda place: fragment(number(place + 1)), _NUMBERS_KEPT)

Pieces = tuple[list[bytes], list[int]]  #: and where each section begins, in the text, in the HTML


class Strip:
    """Some cards, one at least, side by side.

    In `html` each takes `step` pieces, in `text` five; the first of them is where something stands
    between two cards. `step` is 0, and there are no pieces, where the cards do not allow it.
    """

    __slots__ = (
        "_of",
        "_papers",
        "cards",
        "has_several",
        "html",
        "items",
        "length",
        "step",
        "text",
        "titles",
        "words",
    )

    def __init__(self, cards: list[WireCard], items: tuple[Item, ...] = ()) -> None:
        """`items`: those the cards are of, for a strip that is kept."""
        self.cards = cards
        self.items = items
        self.length = len(cards)
        self.has_several = len(cards) > 1
        self.titles = [card.stock.title for card in cards[:3]]
        self.words = sum([card.stock.words for card in cards])
        self.html: list[bytes] = []
        self.text: list[bytes] = []
        self.step = self._lay()
        if items:
            papers = [card.stock.paper for card in cards]
            numbers = [paper.id for paper in papers]
            self._papers = *papers, papers[0]
            self._of = itemgetter(*numbers, numbers[0])  # a tuple, however few they are

    def fits(self, papers: Mapping[PaperId, Paper]) -> bool:
        """Whether its papers are those it has been made of."""
        try:
            return bool(self._of(papers) == self._papers)
        except KeyError:
            return False

    def _lay(self) -> int:
        html, text = self.html, self.text
        first = self.cards[0].plates
        step = first.step if first else 0
        for card in self.cards:
            plates = card.plates
            if plates is None or plates.step != step or not step:
                html.clear()
                text.clear()
                return 0
            html += (b"", card.head, plates.front, card.html, *plates.tail)
            text += (b"", b"", plates.text_front, card.text, plates.text_tail)
        return step


class Galley(NamedTuple):
    """The cards of one letter: of each section a strip, and the places where it has another card.

    `others`: the section's number, the card's place in it, and the card.
    """

    sections: Sequence[Section]
    strips: Sequence[Strip]
    others: Sequence[tuple[int, int, WireCard]] = ()

    @property
    def gist(self) -> Gist:
        """What the frame must know of the cards."""
        strips = self.strips
        titles = strips[0].titles if strips else []
        if len(titles) < 3:
            titles = [title for strip in strips for title in strip.titles][:3]
        papers = words = 0
        for strip in strips:
            papers += strip.length
            words += strip.words
        return Gist(titles, papers, words)

    @property
    def cards(self) -> list[list[WireCard]]:
        """The cards of each section."""
        cards = [strip.cards.copy() for strip in self.strips]
        for section, place, card in self.others:
            cards[section][place] = card
        return cards

    def first(self, most: int) -> Galley:
        """So many cards; a section left empty is left out."""
        cut, room = list[Strip](), most
        for cards in self.cards:
            if room > 0:
                cut.append(Strip(cards[:room]))
            room -= len(cards)
        return Galley(self.sections[: len(cut)], cut)

    def side_by_side(self, text_gap: bytes, html_gap: bytes, own: bytes) -> Pieces | None:
        """All cards numbered, with the reader's `own` token; None where they are not of one step.

        Each section begins with a piece that is none of its cards'.
        """
        strips = self.strips
        step = strips[0].step
        pieces: list[bytes] = []
        firsts: list[int] = []
        cards = 0
        for strip in strips:
            if strip.step != step:
                return None
            firsts.append(cards)
            cards += strip.length
            pieces += strip.text
        if not step:
            return None
        html = cards * _TEXT_STEP
        for strip in strips:
            pieces += strip.html
        for section, at, card in self.others:
            place = firsts[section] + at
            pieces[place * _TEXT_STEP + _OWN_STRETCH] = card.text
            pieces[html + place * step + _OWN_STRETCH] = card.html
        pieces[:html:_TEXT_STEP] = [text_gap] * cards
        pieces[_NUMBER:html:_TEXT_STEP] = map(NUMBERS.__getitem__, range(cards))
        pieces[html::step] = [html_gap] * cards
        tokens = [own] * cards
        for place in range(html + _FIRST_TOKEN, html + step, 2):
            pieces[place::step] = tokens
        starts = [first * _TEXT_STEP for first in firsts]
        return pieces, starts + [html + first * step for first in firsts]


class Strips:
    """The strips of one style, from the stock of one language."""

    def __init__(self, stock: Cards, style: str) -> None:
        self._stock = stock
        self._style = style
        self._cards = stock.of_style(style)
        self._strips: Shelf[int, Strip] = Shelf(_STRIPS_KEPT)
        self._seen: Shelf[int, tuple[Item, ...]] = Shelf(_SEEN_KEPT)

    @property
    def kept(self) -> int:
        """How many strips are kept."""
        return self._strips.kept

    def place(self, sections: Sequence[Section], papers: Mapping[PaperId, Paper]) -> Galley:
        """The cards of those items whose paper is still there; no section is empty."""
        known, told = self._strips.get, self._stock.told
        placed: list[Section] = []
        strips: list[Strip] = []
        others: list[tuple[int, int, WireCard]] = []
        for section in sections:
            items = section[2]
            like = items.like if type(items) is Variant else items
            strip = known(id(like))
            if strip is None or not strip.fits(papers):
                strip = self._strip(like, papers)
                if strip is None:
                    if not (cards := self._placed(items, papers)):
                        continue
                    strip, like = Strip(cards), items
            if like is not items:
                for place in compress(count(), map(is_not, items, like)):
                    item, usual = items[place], like[place]
                    if usual[3] or item[2] is not usual[2]:  # its card names others, or is another
                        (card,) = self._placed((item,), papers)
                    else:
                        card = told(strip.cards[place], item)
                    others.append((len(strips), place, card))
            placed.append(section)
            strips.append(strip)
        return Galley(placed, strips, others)

    def _strip(self, items: tuple[Item, ...], papers: Mapping[PaperId, Paper]) -> Strip | None:
        """The strip of these items, if it can be kept: from the second reader on who has them."""
        place = id(items)
        strip = self._strips.find(place)
        if strip is not None and strip.fits(papers):
            return strip
        if strip is None and self._seen.find(place) is not items:
            self._seen.keep(place, items)
            return None
        cards = self._placed(items, papers)
        if not cards or len(cards) < len(items):
            return None
        return self._strips.keep(place, Strip(cards, items))

    def _placed(self, items: Sequence[Item], papers: Mapping[PaperId, Paper]) -> list[WireCard]:
        stock, style, known = self._stock, self._style, self._cards.get
        cards: list[WireCard] = []
        for item in items:
            paper = papers.get(item[0])  # by number, here, where by name costs twice as much
            card = known(id(item[2]))  # `place_of`, for all that are not revised
            if card is None or card.item is not item or card.stock.paper is not paper:
                if paper is None:
                    continue
                if card is None or card.stock.paper is not paper or item.revision:
                    card = stock.card(paper, item, style)
                else:
                    card = stock.told(card, item)
            cards.append(card)
        return cards
