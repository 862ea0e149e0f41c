"""Strips: the cards of one list in pieces, laid once for all the readers who have that list.

    items -> cards -> Strip | strips, and what one reader's lists say otherwise -> Galley

What readers have in common is one list, one value for all of them (see `Variant`), so that a strip
is known by its identity. It holds the list, which keeps that identity its own, and no bytes but its
cards'. Every card takes as many pieces as the others, so that the numbers, tokens and gaps of a
whole letter are set in a few steps, however many cards it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from operator import itemgetter
from typing import Final, NamedTuple

from digest.model import Item, Paper, PaperId, Section, Variant
from digest.rendering.frame import Gist
from digest.rendering.plates import WireCard
from digest.rendering.stock import Cards
from digest.shelf import Shelf

STRIPS_KEPT: Final = 4_096  #: of each style, twice this at most, about 1 kB each beside cards
_SEEN_KEPT: Final = 2_048  #: twice this at most: those of lists that one reader has had

OWN: Final = 1  #: where a card's own stretch is among its pieces, in either part
TEXT_STEP: Final = 2  #: so many pieces a card has in the text; the first is its number's
FIRST_TOKEN: Final = 3  #: among those of its HTML; from there on every second is open

_UNREAD: Final = object()  #: no letter's reading


class Strip:
    """Some cards side by side, in pieces: in `html` each takes `step`, in `text` two.

    `step` is 0, and the pieces are nothing, where the cards do not allow it.
    """

    __slots__ = (
        *("_of", "_papers", "cards", "count", "html", "items"),
        *("reading", "step", "text", "titles", "words"),
    )

    def __init__(self, cards: Sequence[WireCard], items: tuple[Item, ...]) -> None:
        self.items = items
        self.reading: object = _UNREAD
        self.cards = cards
        self.count = len(cards)
        self.titles = tuple([card.stock.title for card in cards[:3]])
        self.words = sum([card.stock.words for card in cards])
        html: list[bytes] = []
        text: list[bytes] = []
        first = cards[0].plates if cards else None
        self.step = step = first.step if first else 0
        for card in cards if step else ():
            plates = card.plates
            if plates is None or plates.step != step:
                self.step = 0
                break
            html += card.head, card.html, *plates.tail
            text += b"", card.text
        self.html, self.text = tuple(html), tuple(text)

    def bound(self) -> Strip:
        """The same, to be kept."""
        papers = [card.stock.paper for card in self.cards]
        numbers = [paper.id for paper in papers]
        self._papers = *papers, papers[0]
        self._of = itemgetter(*numbers, numbers[0])  # a tuple, however few they are
        return self

    def fits(self, papers: Mapping[PaperId, Paper], reading: object) -> bool:
        """Whether its papers are those it has been made of: looked at once a `reading`."""
        try:
            if self._of(papers) != self._papers:
                return False
        except KeyError:
            return False
        if reading is not None:
            self.reading = reading
        return True


class Galley(NamedTuple):
    """The cards of one letter's sections, laid."""

    gist: Gist
    sections: Sequence[Section]
    counts: tuple[int, ...]  #: the cards of each
    step: int
    html: list[bytes]
    text: list[bytes]

    def number(self, before: Sequence[bytes], behind: Sequence[bytes], own: bytes) -> None:
        """Set what stands `before` each card in the text and `behind` each one in the HTML, and the
        reader's `own` token.
        """
        html, step = self.html, self.step
        self.text[::TEXT_STEP] = before
        tokens = [own] * len(before)
        for place in range(FIRST_TOKEN, step - 1, 2):
            html[place::step] = tokens
        html[step - 1 :: step] = behind


class Strips:
    """The strips of one style, from the stock of one language."""

    def __init__(self, stock: Cards, style: str) -> None:
        self._stock = stock
        self._style = style
        self._cards = stock.of_style(style)
        self._strips: Shelf[int, Strip] = Shelf(STRIPS_KEPT)
        self._seen: Shelf[int, Strip] = Shelf(_SEEN_KEPT)

    @property
    def kept(self) -> int:
        """How many strips are kept."""
        return self._strips.kept

    def lay(
        self, sections: Sequence[Section], papers: Mapping[PaperId, Paper], reading: object = None
    ) -> Galley | None:
        """The cards of those items whose paper is still there; no section is empty.

        None where some have to be set one by one. `reading` as a `Letter`'s.
        """
        known, also = self._strips.get, self._stock.also
        html: list[bytes] = []
        text: list[bytes] = []
        counts: list[int] = []
        titles: tuple[str, ...] = ()
        apart: Sequence[int]
        cards = words = 0
        step = -1
        for section in sections:
            items = section[2]
            like, apart = (items.like, items.apart) if type(items) is Variant else (items, ())
            strip = known(id(like))
            if strip is None or not (strip.reading is reading or strip.fits(papers, reading)):
                strip = self._strip(like, papers, reading)
                if strip is None:
                    strip, apart = Strip(self.cards(items, papers), items), ()
            count = strip.count
            counts.append(count)
            if strip.step != step:
                if not count:
                    continue
                if step >= 0 or not strip.step:
                    return None
                step = strip.step
            html += strip.html
            text += strip.text
            for place in apart:
                if names := items[place][3]:
                    named = strip.cards[place].named(also[names])
                    place += cards
                    html[place * step + OWN], text[place * TEXT_STEP + OWN] = named
            if cards < 3:
                titles += strip.titles
            cards += count
            words += strip.words
        if 0 in counts:
            sections = list(compress(sections, counts))
            counts = list(filter(None, counts))
        return Galley(Gist(titles, cards, words), sections, tuple(counts), step, html, text)

    def _strip(
        self, items: tuple[Item, ...], papers: Mapping[PaperId, Paper], reading: object
    ) -> Strip | None:
        """The strip of these items, if it can be kept: long, from the second reader on.

        None for a list that names other interests itself: its cards are not the bare ones.
        """
        place = id(items)
        strip = kept = self._strips.find(place)
        if kept is None and (seen := self._seen.find(place)) is not None:
            strip = seen.bound()
        if strip is not None and strip.fits(papers, reading):
            return self._strips.keep(place, strip)
        cards = self.cards(items, papers)
        if not cards or len(cards) < len(items) or any(item.also for item in items):
            return None
        strip = Strip(cards, items)
        if kept is None:
            return self._seen.keep(place, strip)
        return self._strips.keep(place, strip.bound())

    def cards(self, items: Sequence[Item], papers: Mapping[PaperId, Paper]) -> list[WireCard]:
        """The cards of those items whose paper is still there."""
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
