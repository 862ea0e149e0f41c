"""Strips: the cards of one list in pieces, laid once for all the readers who have that list.

    items -> cards -> Strip | strips and single readers' cards -> Galley | with what is its own

What readers have in common is one list, one value for all of them (see `Variant`), so that a strip
is known by its identity. It holds the list, which keeps that identity its own, and no bytes but its
cards'. Every card takes as many pieces, so that the tokens, numbers and gaps of a whole letter are
set in a few steps, however many cards it has. A list that only one reader has is laid straight
into their galley: nothing is made for it that only a kept strip needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress, count
from operator import is_not, itemgetter
from typing import Final

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


class Laid:
    """Some cards side by side, in pieces.

    In `html` each takes `step` pieces, in `text` five; the first of them is where something stands
    between two cards. `step` is 0, and the pieces are nothing, where the cards do not allow it.
    """

    __slots__ = ("cards", "html", "step", "text", "words")

    def __init__(self) -> None:
        self.cards: list[WireCard] = []
        self.html: list[bytes] = []
        self.text: list[bytes] = []
        self.step = 0
        self.words = 0

    def lay(self, cards: Sequence[WireCard]) -> None:
        """These, one at least, after those already here."""
        html, text, step, words = self.html, self.text, self.step, self.words
        if not self.cards and (first := cards[0].plates):
            step = first.step
        for card in cards:
            words += card.stock.words
            plates = card.plates
            if plates is None or plates.step != step:
                step = 0
            else:
                html += (b"", card.head, plates.front, card.html)
                html += plates.tail
                text += (b"", b"", plates.text_front, card.text, plates.text_tail)
        self.step, self.words = step, words
        self.cards += cards

    def lay_strip(self, strip: Laid) -> None:
        """Those of another, after those already here."""
        if strip.step != self.step:
            self.step = 0 if self.cards else strip.step
        self.cards += strip.cards
        self.html += strip.html
        self.text += strip.text
        self.words += strip.words


class Strip(Laid):
    """The cards of one list, one of each item: to be kept."""

    __slots__ = ("_of", "_papers", "items")

    def __init__(self, cards: Sequence[WireCard], items: tuple[Item, ...]) -> None:
        super().__init__()
        self.lay(cards)
        self.items = items
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


class Galley(Laid):
    """The cards of one letter; of each section, how many come before it and how many it has."""

    __slots__ = ("counts", "firsts", "sections")

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[Section] = []
        self.firsts: list[int] = []
        self.counts: list[int] = []

    def begin(self, section: Section, count: int) -> None:
        """So many cards to be laid next are this section's."""
        self.sections.append(section)
        self.firsts.append(len(self.cards))
        self.counts.append(count)

    def put(self, place: int, card: WireCard) -> None:
        """Another card of the same paper, in the place of one already here."""
        self.cards[place] = card
        if step := self.step:
            self.html[place * step + _OWN_STRETCH] = card.html
            self.text[place * _TEXT_STEP + _OWN_STRETCH] = card.text

    @property
    def gist(self) -> Gist:
        """What the frame must know of the cards."""
        titles = [card.stock.title for card in self.cards[:3]]
        return Gist(titles, len(self.cards), self.words)

    @property
    def of_sections(self) -> list[list[WireCard]]:
        """The cards of each section."""
        return [
            self.cards[first : first + count]
            for first, count in zip(self.firsts, self.counts, strict=True)
        ]

    def first(self, most: int) -> Galley:
        """So many cards; a section left empty is left out."""
        cut = Galley()
        for section, cards in zip(self.sections, self.of_sections, strict=True):
            if held := cards[: max(most - len(cut.cards), 0)]:
                cut.begin(section, len(held))
                cut.lay(held)
        return cut

    def side_by_side(self, text_gap: bytes, html_gap: bytes, own: bytes) -> Pieces | None:
        """All cards numbered, with the reader's `own` token; None where they are not of one step.

        Each section begins with a piece that is none of its cards'. The galley's own pieces become
        the mail's.
        """
        step, cards = self.step, len(self.cards)
        if not step:
            return None
        html = cards * _TEXT_STEP
        pieces = self.text
        pieces += self.html
        pieces[:html:_TEXT_STEP] = [text_gap] * cards
        pieces[_NUMBER:html:_TEXT_STEP] = map(NUMBERS.__getitem__, range(cards))
        pieces[html::step] = [html_gap] * cards
        tokens = [own] * cards
        for place in range(html + _FIRST_TOKEN, html + step, 2):
            pieces[place::step] = tokens
        starts = [first * _TEXT_STEP for first in self.firsts]
        return pieces, starts + [html + first * step for first in self.firsts]


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
        galley = Galley()
        for section in sections:
            items = section[2]
            like = items.like if type(items) is Variant else items
            strip = known(id(like))
            if strip is None or not strip.fits(papers):
                strip = self._strip(like, papers)
            if strip is None:
                if cards := self._placed(items, papers):
                    galley.begin(section, len(cards))
                    galley.lay(cards)
                continue
            galley.begin(section, len(items))
            galley.lay_strip(strip)
            if like is items:
                continue
            for place in compress(count(), map(is_not, items, like)):
                item, usual = items[place], like[place]
                if usual[3] or item[2] is not usual[2]:  # its card names others, or is another
                    (card,) = self._placed((item,), papers)
                else:
                    card = told(strip.cards[place], item)
                galley.put(galley.firsts[-1] + place, card)
        return galley

    def _strip(self, items: tuple[Item, ...], papers: Mapping[PaperId, Paper]) -> Strip | None:
        """The strip of these items, if it can be kept: from the second reader on who has them."""
        place = id(items)
        if self._seen.find(place) is not items:
            self._seen.keep(place, items)
            return None
        strip = self._strips.find(place)
        if strip is not None and strip.fits(papers):
            return strip
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
