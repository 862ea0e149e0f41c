"""Cards in stock: each paper's card drawn and encoded once, for all subscribers.

    templates -> skeleton of a paper's card | title, authors, excerpt, why-line, each in ink -> card

What is fixed for a paper comes from the templates once. Its title and authors, marked or not, are
set into that once for all cards in which they are marked alike: their plates. What is a card's own,
excerpt and why-line, is joined from what is in lines already: windows of abstracts and forms of
why-lines, which several cards may have alike, are kept for a while by what they say. What is left
for a subscriber is their feedback token, the names of further interests, the number in the text
part, and a look-up. Nothing here depends on who reads, nor on the order of asking; everything is
bounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, NamedTuple

from digest.model import Field, Item, Paper, PaperId, Reasons
from digest.rendering.byline import byline
from digest.rendering.email import Drawing
from digest.rendering.excerpt import Found, Range
from digest.rendering.frame import words_of
from digest.rendering.ink import NO_INK, NO_SLUG, PLAINLY, Affixes, Ink, ink
from digest.rendering.language import Language
from digest.rendering.lines import Lines, Marker, bare, lines
from digest.rendering.links import SiteLinks
from digest.rendering.moulds import Moulds, Pair, TextMoulds, Values
from digest.rendering.plaintext import TextCard, wrap
from digest.rendering.plates import Outlines, Plates, WireCard, Word
from digest.rendering.quoted import SOFT, cut
from digest.rendering.sentences import Sentences
from digest.rendering.skeleton import SlotTokens, affixes, probe, slot
from digest.rendering.spans import Kind, Spans, plain, say
from digest.rendering.view import Card, also, clean_title, fixed, styled, summary, title
from digest.rendering.windows import Abstract, Windows
from digest.shelf import Maker, Shelf

CARDS_KEPT: Final = 16_384  #: of each style, twice this at most, about 1.5 kB each
PLATES_KEPT: Final = 4_096  #: twice this at most, about 2.2 kB each
HEADS_KEPT: Final = 4_096  #: twice this at most, about 1.3 kB each
ALSO_KEPT: Final = 4_096
PAPERS_KEPT: Final = 4_096  #: about 10 kB each

_PARTS: Final = (
    "title",
    "authors",
    "summary",
    "excerpt",
    "why",
)  #: all with spans, in their slots' order
_TITLE, _AUTHORS, _SUMMARY, _EXCERPT, _WHY, _ALSO, _OWN = range(len(_PARTS) + 2)
_EMPHATIC: Final = tuple(kind for kind in Kind if kind is not Kind.PLAIN)

_OPEN: Final = frozenset({_EXCERPT, _WHY})  #: what each card has to itself
_TITLE_FIELD, _ABSTRACT_FIELD, _AUTHOR_FIELD = Field.TITLE, Field.ABSTRACT, Field.AUTHOR

Variant = tuple[bool, str]  #: revision and style
Shape = tuple[tuple[bool, ...], Variant]  #: which parts a card has


class Marks(NamedTuple):
    """What reasons mark in a paper's title and among its authors."""

    title: tuple[Range, ...]
    authors: tuple[int, ...]  #: the numbers of those whose names were hit
    followed: tuple[str, ...]


NO_MARKS: Final = Marks((), (), ())
Setting = tuple[bool, bool, bool]  #: whether there are a summary, an excerpt and a why-line


class Headed(NamedTuple):
    """A title marked in some way, and what is around it; no plates where cards cannot be joined."""

    plates: Plates | None
    head: bytes
    size: int  #: of its cards' HTML, but for what is each one's own
    title: tuple[bytes]  #: as a fragment of HTML


class Fixed(NamedTuple):
    """A paper's card for no reason at all, its parts left out, and what on it is the paper's."""

    card: Card
    html: Values
    text: Values


@dataclass(slots=True, eq=False)
class Stock:
    """What is kept of one paper. `usual`: its title, authors and summary without any marks.

    `lines` are the title's, where it is printed as it is.
    """

    paper: Paper
    title: str
    words: int
    breadth: int  #: how many sources announced it
    abstract: Abstract
    usual: tuple[Ink, Ink, Ink]
    lines: Lines | None
    fixed: dict[Variant, Fixed] = field(default_factory=dict)
    outlines: dict[Shape, Outlines] = field(default_factory=dict)


class Cards:
    """The stock of one language, for one site and one set of templates."""

    def __init__(self, drawing: Drawing, language: Language, base_url: str) -> None:
        self._drawing = drawing
        self._language = language
        self._links = SiteLinks(base_url, SlotTokens(feedback=slot(_OWN)))
        self.also = Maker(self._names, ALSO_KEPT)
        self._largest = self._longest = self._most_holes = 0
        self._stocks: dict[PaperId, Stock] = {}
        self._shelves: dict[str, Shelf[int, WireCard]] = {}
        self._plates: Shelf[tuple[Stock, Variant, Setting, Marks, bytes], Plates] = Shelf(
            PLATES_KEPT
        )
        self._headed: Shelf[tuple[Stock, Variant, Setting, Marks], Headed] = Shelf(HEADS_KEPT)
        self._affixes = [{**PLAINLY, **self._probe(name)} for name in _PARTS]
        self._marker = Marker(*self._affixes[_TITLE][Kind.MARK])
        self._windows = Windows(self._affixes[_EXCERPT])
        self._moulds = Moulds(drawing.card_html, own=_OWN, also=_ALSO)
        self._text_moulds = TextMoulds(self._text, own=_OWN, also=_ALSO)
        self._whys = Sentences(language, self._affixes[_WHY])

    def of_style(self, style: str) -> Shelf[int, WireCard]:
        """The cards by `place_of`; one found here may be of another paper for the same reasons."""
        shelf = self._shelves.get(style)
        if shelf is None:
            shelf = self._shelves[style] = Shelf(CARDS_KEPT)
        return shelf

    def card(self, paper: Paper, item: Item, style: str) -> WireCard:
        """The card of this paper for this item, from stock or set now."""
        shelf, stock, place = self.of_style(style), self._stock(paper), place_of(item)
        card = shelf.find(place)
        if card is None or card.stock is not stock:
            card = shelf.keep(place, self._set(stock, item, style))
        return self.told(card, item)

    def told(self, card: WireCard, item: Item) -> WireCard:
        """A card as it is for this item, for whose reasons it was set."""
        if item.also:
            return card.naming(self.also[item.also])
        card.item = item  # the next time, nothing else of it need be looked at
        return card

    def _stock(self, paper: Paper) -> Stock:
        """What is kept of this paper; begun anew when the paper has changed."""
        stock = self._stocks.get(paper.id)
        if stock is None or (stock.paper is not paper and stock.paper != paper):
            if len(self._stocks) >= PAPERS_KEPT:
                self._stocks.clear()
            stock = self._stocks[paper.id] = self._begun(paper)
        stock.paper = paper
        return stock

    def _begun(self, paper: Paper) -> Stock:
        plainly, said = Item(paper.id, 0.0, Reasons()), summary(paper)
        written = byline(paper.authors, plainly.reasons, self._language)
        usual = (
            ink(title(paper, plainly), self._affixes[_TITLE]),
            ink(written, self._affixes[_AUTHORS]),
            ink(said, self._affixes[_SUMMARY]),
        )
        breadth = len(paper.sources)
        abstract = Abstract(paper.abstract, summary=plain(said))
        printed = clean_title(paper)
        in_lines = lines(bare(printed)) if printed == paper.title else None
        return Stock(paper, printed, words_of(paper), breadth, abstract, usual, in_lines)

    def _set(self, stock: Stock, item: Item, style: str) -> WireCard:
        """The card, of which only the excerpt and the why-line are its own."""
        reasons, abstract = item.reasons, stock.abstract
        marks, found = _told_apart(reasons, abstract.openings.size)
        excerpt, is_told = NO_SLUG, style == "titles"
        if style != "titles" and style != "compact":
            excerpt, is_told = self._windows.excerpt(abstract, found)
        why = NO_SLUG if style == "titles" else self._whys.slug(reasons, breadth=stock.breadth)
        has_summary = not is_told and abstract.summary != ""
        setting = has_summary, excerpt is not NO_SLUG, why is not NO_SLUG
        key = stock, (item.revision, style), setting, marks
        headed = self._headed.find(key)
        if headed is None:
            headed = self._headed.keep(key, self._head(item, *key))
        plates, head, size, title = headed
        in_html = title, (), (), excerpt[0], why[0]  # where the parts are that a card has open
        in_text = (), (), (), excerpt[1], why[1]
        card = WireCard(stock, item, plates, head, in_html, in_text)
        size += len(card.html)
        if size > self._largest:
            self._largest = size
        return card

    def largest(self, token: int) -> int:
        """No card of those set, with tokens of this length, has as many bytes of HTML.

        Quoted bytes are counted, which are never fewer than what they decode to.
        """
        return self._largest + self._longest + token * self._most_holes

    def _names(self, names: tuple[str, ...]) -> Word:
        said = also(names, self._language)
        named = Word.of(said, wrap(said))
        self._longest = max(self._longest, len(named.html))
        return named

    def _head(
        self, item: Item, stock: Stock, variant: Variant, setting: Setting, marks: Marks
    ) -> Headed:
        """All in which cards of one paper are alike, once its title is marked."""
        usual = stock.usual[_TITLE]
        drawn, marked = self._titled(item, stock, marks) if marks.title else (usual, b"")
        marked = marked or cut(drawn.html)
        odd = drawn.text if drawn.text != usual.text else b""  # of a title that is no words at all
        unheaded = Marks((), marks.authors, marks.followed) if marks.title else marks
        key = stock, variant, setting, unheaded, odd
        plates = self._plates.find(key)
        if plates is None and (plates := self._made(item, drawn, *key[:4])):
            self._plates.keep(key, plates)
        if plates is None:
            return Headed(None, b"", 0, (marked,))
        self._most_holes = max(self._most_holes, plates.holes)
        head = plates.html.headed(marked)
        return Headed(plates, head, plates.size + len(head), (marked,))

    def _titled(self, item: Item, stock: Stock, marks: Marks) -> tuple[Ink, bytes]:
        """The title with marks, and as a fragment of HTML if that is known already."""
        if stock.lines is not None:
            size = len(stock.title)
            ranges = [range for range in sorted(marks.title) if 0 <= range[0] < range[1] <= size]
            if marked := self._marker.marked(stock.lines, ranges, (0, size)):
                return stock.usual[_TITLE], b"".join(marked) + SOFT
        return ink(title(stock.paper, item), self._affixes[_TITLE]), b""

    def _made(
        self,
        item: Item,
        drawn_title: Ink,
        stock: Stock,
        variant: Variant,
        setting: Setting,
        marks: Marks,
    ) -> Plates | None:
        """The plates in which all is settled but what is marked in title and abstract."""
        _, authors, summary = stock.usual
        if marks.authors or marks.followed:
            written = byline(stock.paper.authors, item.reasons, self._language)
            authors = ink(written, self._affixes[_AUTHORS])
        settled = drawn_title, authors, summary if setting[0] else NO_INK
        there = (*[part is not NO_INK for part in settled], *setting[1:])
        html, text = self._outlines(stock, (there, variant))
        if html is None or text is None:
            return None
        return Plates(
            html.plate({n: settled[n].html for n in (_AUTHORS, _SUMMARY)}, _OPEN, _TITLE),
            text.plate({n: settled[n].text for n in (_TITLE, _AUTHORS, _SUMMARY)}, _OPEN, None),
        )

    def _fixed(self, stock: Stock, variant: Variant) -> Fixed:
        known = stock.fixed.get(variant)
        if known is None:
            revision, style = variant
            drawn = fixed(stock.paper, self._links, self._language, revision=revision)
            card = styled(drawn, style)
            values = self._moulds.values(card), self._text_moulds.values(card)
            known = stock.fixed[variant] = Fixed(card, *values)
        return known

    def _outlines(self, stock: Stock, shape: Shape) -> Outlines:
        """The two templates drawn with a slot in place of every part a card of this shape has."""
        known = stock.outlines.get(shape)
        if known is not None:
            return known
        fixed = self._fixed(stock, shape[1])
        draw = partial(_slotted, fixed.card, shape)
        stock.outlines[shape] = outlines = (
            self._moulds.outline(fixed.html, shape, draw),
            self._text_moulds.outline(fixed.text, shape, draw),
        )
        return outlines

    def _text(self, card: TextCard) -> str:
        return self._drawing.card_text(card, slot(_OWN))

    def _probe(self, part: str) -> Affixes:
        """How the template draws each kind of span in this part of a card."""
        spans = {name: probe(_EMPHATIC) if name == part else () for name in _PARTS}
        probed = _with_parts(Card(PaperId(0), self._links.base_url, ()), spans)
        return affixes(self._drawing.card_html(probed), _EMPHATIC)


def _told_apart(reasons: Reasons, most: int) -> tuple[Marks, Sequence[Found]]:
    """What reasons mark in title and byline, and where in an abstract of this length, in order."""
    titles: list[Range] = []
    authors: list[int] = []
    within: list[Found] = []
    for hit in reasons.hits:
        field = hit[0]
        if field is _ABSTRACT_FIELD:
            place = first, last, _ = hit[1:4]
            if 0 <= first < last <= most:
                within.append(place)
        elif field is _TITLE_FIELD:
            titles.append(hit[1:3])
        elif field is _AUTHOR_FIELD:
            authors.append(hit[4])
    within.sort()
    if titles or authors or reasons.followed:
        return Marks(tuple(titles), tuple(authors), reasons.followed), within
    return NO_MARKS, within


def place_of(item: Item) -> int:
    """Where an item's card stands: by the identity of its reasons, quicker than equality.

    What reads digests gives one value for one, and a card holds its reasons, so that nothing else
    gets their identity while it stands there.
    """
    return ~id(item.reasons) if item.revision else id(item.reasons)


def _slotted(card: Card, shape: Shape) -> Pair:
    """The card with a slot in place of every part it has, without and with further interests."""
    there, (_, style) = shape
    slots = {
        part: say(slot(n)) if it_is else ()
        for n, (part, it_is) in enumerate(zip(_PARTS, there, strict=True))
    }
    alone = _with_parts(card, slots)
    return alone, alone if style == "titles" else replace(alone, also=slot(_ALSO))


def _with_parts(card: Card, parts: Mapping[str, Spans]) -> Card:
    return replace(
        card,
        title=parts["title"],
        authors=parts["authors"],
        summary=parts["summary"],
        excerpt=parts["excerpt"],
        why=parts["why"],
    )
