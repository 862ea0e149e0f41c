"""Cards in stock: each paper's card drawn and encoded once, for all subscribers.

    templates -> skeleton of a paper's card | title, authors, excerpt, why-line, each in ink -> card

What is fixed for a paper comes from the templates once. What reasons change is drawn for each card
and encoded in one stretch, which is all that a card has to itself; parts that several cards may
have alike, such as a why-line or an excerpt's plain text, are kept for a while by what they say.
What is left for a subscriber is their feedback token, the names of further interests, the number in
the text part, and a look-up. Nothing here depends on who reads, nor on the order of asking;
everything is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from digest.model import Field, Hit, Item, Paper, PaperId, Reasons
from digest.rendering.byline import byline
from digest.rendering.email import Drawing
from digest.rendering.excerpt import Range, shown_hits, spans_within, window
from digest.rendering.frame import words_of
from digest.rendering.ink import NO_INK, PLAINLY, Affixes, Ink, drawn, ink
from digest.rendering.language import Language
from digest.rendering.links import SiteLinks
from digest.rendering.plaintext import text_card, wrap
from digest.rendering.plates import HOLE, Outline, Outlines, Plates, WireCard, Word
from digest.rendering.quoted import fragment
from digest.rendering.reasons import Grounds, grounds, tell
from digest.rendering.skeleton import SlotTokens, affixes, probe, slot
from digest.rendering.spans import Kind, Spans, plain, say
from digest.rendering.view import Card, also, card, clean_title, is_told, styled, summary, title
from digest.shelf import Maker, Shelf

CARDS_KEPT: Final = 16_384  #: of each style, twice this at most, about 1.7 kB each
INKS_KEPT: Final = 1_024  #: twice this at most, about 0.8 kB each
WHYS_KEPT: Final = 1_024  #: twice this at most, about 0.7 kB each
TEXTS_KEPT: Final = 2_048  #: twice this at most, about 0.6 kB each
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

_TITLE_FIELD, _AUTHOR_FIELD = Field.TITLE, Field.AUTHOR

_NO_NAMES: Final = Word("", b"", b"")
Variant = tuple[bool, str]  #: revision and style
Shape = tuple[tuple[bool, ...], Variant]  #: which parts a card has


class Form(NamedTuple):
    """A paper's card in one shape, and its plates by which of the usual parts they hold."""

    outlines: Outlines
    plates: dict[tuple[bool, ...], Plates]


class Shown(NamedTuple):
    """One window of an abstract in plain text, and whether it says the summary."""

    text: str
    is_told: bool


@dataclass(slots=True, eq=False)
class Stock:
    """What is kept of one paper. `usual`: its title, authors and summary without any marks."""

    paper: Paper
    title: str
    words: int
    summary: Spans
    usual: dict[int, Ink]
    unmarked: tuple[Ink, bool] | None = None  #: the excerpt without marks
    fixed: dict[Variant, Card] = field(default_factory=dict)
    forms: dict[Shape, Form] = field(default_factory=dict)


class Cards:
    """The stock of one language, for one site and one set of templates.

    `also` gives the names of further interests.
    """

    def __init__(self, drawing: Drawing, language: Language, base_url: str) -> None:
        self._drawing = drawing
        self._language = language
        self._links = SiteLinks(base_url, SlotTokens(feedback=slot(_OWN)))
        self.also = Maker(self._names, ALSO_KEPT)
        self._largest = self._longest = self._most_holes = 0
        self._stocks: dict[PaperId, Stock] = {}
        self._shelves: dict[str, Shelf[int, WireCard]] = {}
        self._inks: Shelf[Hashable, Ink] = Shelf(INKS_KEPT)  #: titles and authors with marks
        self._texts: Shelf[tuple[Stock, Range], Shown] = Shelf(TEXTS_KEPT)
        self._affixes = [*(self._probe(name) for name in _PARTS), PLAINLY]
        self._whys = Maker(self._why_ink, WHYS_KEPT)

    def of_style(self, style: str) -> Shelf[int, WireCard]:
        """The cards by `place_of`; one found here may be of another paper for the same reasons."""
        return self._shelves.setdefault(style, Shelf(CARDS_KEPT))

    def card(self, paper: Paper, item: Item, style: str) -> WireCard:
        """The card of this paper for these reasons, from stock or set now."""
        shelf, stock, place = self.of_style(style), self._stock(paper), place_of(item)
        known = shelf.find(place)
        if known is not None and known.stock is stock:
            return known
        return shelf.keep(place, self._set(stock, item, style))

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
        bare, named, said = Item(paper.id, 0.0, Reasons()), clean_title(paper), summary(paper)
        written = byline(paper.authors, bare.reasons, self._language)
        usual = {
            _TITLE: ink(title(paper, bare), self._affixes[_TITLE]),
            _AUTHORS: ink(written, self._affixes[_AUTHORS]),
            _SUMMARY: ink(said, self._affixes[_SUMMARY]),
        }
        return Stock(paper, named, words_of(paper), said, usual)

    def _set(self, stock: Stock, item: Item, style: str) -> WireCard:
        """Every part the card has, to be set into the slots of the paper's plates."""
        inks = self._reasoned(stock, item, style)
        there = tuple([part is not NO_INK for part in inks])
        form = stock.forms.get((there, (item.revision, style)))
        if form is None:
            form = self._form(stock, (there, (item.revision, style)))
        are_usual = tuple([inks[part] is known for part, known in stock.usual.items()])
        plates = form.plates.get(are_usual)
        if plates is None and (plates := _plates(form.outlines, stock.usual, are_usual)):
            form.plates[are_usual] = plates
        card = WireCard(stock, item, plates, inks)
        html = b"".join(card.html_naming(_NO_NAMES))
        self._largest = max(self._largest, len(html))
        self._most_holes = max(self._most_holes, html.count(HOLE))
        return card

    def largest(self, token: int) -> int:
        """No card of those set, with tokens of this length, has as many bytes of HTML.

        Quoted bytes are counted, which are never fewer than what they decode to.
        """
        return self._largest + self._longest + token * self._most_holes

    def _reasoned(self, stock: Stock, item: Item, style: str) -> list[Ink]:
        """The parts in the order of their slots, as `view.card` and `view.styled` choose them."""
        usual, reasons = stock.usual, item.reasons
        fields = {hit.field for hit in reasons.hits}
        inks = [usual[_TITLE], usual[_AUTHORS], NO_INK, NO_INK, NO_INK]
        if _TITLE_FIELD in fields:
            inks[_TITLE] = self._title(stock, item)
        if reasons.followed or _AUTHOR_FIELD in fields:
            inks[_AUTHORS] = self._authors(stock, reasons)
        is_told = False
        if style not in ("compact", "titles"):
            inks[_EXCERPT], is_told = self._excerpt(stock, reasons)
        if style != "titles":
            if not is_told:
                inks[_SUMMARY] = usual[_SUMMARY]
            inks[_WHY] = self._whys[grounds(reasons, breadth=len(stock.paper.sources))]
        return inks

    def _title(self, stock: Stock, item: Item) -> Ink:
        hits = [(hit.start, hit.end) for hit in item.reasons.hits if hit.field is _TITLE_FIELD]
        return self._kept((stock, _TITLE, *hits), _TITLE, lambda: title(stock.paper, item))

    def _authors(self, stock: Stock, reasons: Reasons) -> Ink:
        hits = [hit.element for hit in reasons.hits if hit.field is _AUTHOR_FIELD]
        return self._kept(
            (stock, _AUTHORS, *hits, *reasons.followed),
            _AUTHORS,
            lambda: byline(stock.paper.authors, reasons, self._language),
        )

    def _excerpt(self, stock: Stock, reasons: Reasons) -> tuple[Ink, bool]:
        """The excerpt, and whether it says the summary; its text is the same whatever is marked."""
        abstract = stock.paper.abstract
        found = shown_hits(abstract, reasons.hits) if reasons.hits else []
        if found:
            return self._marked(stock, found)
        if stock.unmarked is None:
            stock.unmarked = self._marked(stock, [])
        return stock.unmarked

    def _marked(self, stock: Stock, found: Sequence[Hit]) -> tuple[Ink, bool]:
        abstract = stock.paper.abstract
        within = window(abstract, found)
        spans = spans_within(abstract, found, within)
        shown = self._texts.find((stock, within))
        if shown is None:
            shown = Shown(wrap(plain(spans)), is_told(stock.summary, spans))
            self._texts.keep((stock, within), shown)
        if not spans:
            return NO_INK, shown.is_told
        return Ink(drawn(spans, self._affixes[_EXCERPT]), shown.text), shown.is_told

    def _why_ink(self, said: Grounds) -> Ink:
        return ink(tell(said, self._language), self._affixes[_WHY])

    def _names(self, names: tuple[str, ...]) -> Word:
        said = also(names, self._language)
        html, text = ink(say(said))
        named = Word(said, fragment(html), fragment(text))
        self._longest = max(self._longest, len(named.html))
        return named

    def _kept(self, key: Hashable, part: int, spans: Callable[[], Spans]) -> Ink:
        known = self._inks.find(key)
        if known is None:
            known = self._inks.keep(key, ink(spans(), self._affixes[part]))
        return known

    def _fixed(self, stock: Stock, variant: Variant) -> Card:
        """The paper's card for no reason at all."""
        known = stock.fixed.get(variant)
        if known is None:
            revision, style = variant
            bare = Item(stock.paper.id, 0.0, Reasons(), revision=revision)
            drawn = card(stock.paper, bare, self._links, self._language)
            known = stock.fixed[variant] = styled(drawn, style)
        return known

    def _form(self, stock: Stock, shape: Shape) -> Form:
        """The two templates drawn with a slot in place of every part a card of this shape has."""
        there, variant = shape
        slots = {
            part: say(slot(n)) if it_is else ()
            for n, (part, it_is) in enumerate(zip(_PARTS, there, strict=True))
        }
        alone = _with_parts(self._fixed(stock, variant), slots)
        shared = alone if variant[1] == "titles" else replace(alone, also=slot(_ALSO))
        html, text = self._drawing.card_html, self._drawing.card_text
        outlines = (
            Outline.of(html(alone), html(shared), own=_OWN, also=_ALSO),
            Outline.of(
                text(text_card(alone), slot(_OWN)),
                text(text_card(shared), slot(_OWN)),
                own=_OWN,
                also=_ALSO,
            ),
        )
        form = stock.forms[shape] = Form(outlines, {})
        return form

    def _probe(self, part: str) -> Affixes:
        """How the template draws each kind of span in this part of a card."""
        spans = {name: probe(_EMPHATIC) if name == part else () for name in _PARTS}
        probed = _with_parts(Card(PaperId(0), self._links.base_url, ()), spans)
        return {**PLAINLY, **affixes(self._drawing.card_html(probed), _EMPHATIC)}


def place_of(item: Item) -> int:
    """Where an item's card stands: by the identity of its reasons, quicker than equality.

    What reads digests gives one value for one, and a card holds its reasons, so that nothing else
    gets their identity while it stands there.
    """
    return ~id(item.reasons) if item.revision else id(item.reasons)


def _plates(
    outlines: Outlines, usual: Mapping[int, Ink], are_usual: Sequence[bool]
) -> Plates | None:
    """The plates in which those of the usual parts are settled that a card has."""
    html, text = outlines
    if html is None or text is None:
        return None
    settled = [part for part, is_it in zip(usual.items(), are_usual, strict=True) if is_it]
    return (
        html.plate({number: part.html for number, part in settled}),
        text.plate({number: part.text for number, part in settled}),
    )


def _with_parts(card: Card, parts: Mapping[str, Spans]) -> Card:
    return replace(
        card,
        title=parts["title"],
        authors=parts["authors"],
        summary=parts["summary"],
        excerpt=parts["excerpt"],
        why=parts["why"],
    )
