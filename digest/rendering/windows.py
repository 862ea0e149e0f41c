"""Windows: a paper's abstract as cards show it, a part of it with a reader's words marked.

    abstract | printed as it is? where do windows open?         once a paper
    window   | wrapped, cut; does it say the summary?            once for all whose hits open it
    hits     | the marks put in                                  for each card

What comes out is what `excerpt` would show, drawn and quoted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

from digest.rendering.excerpt import (
    DOTS_AFTER,
    DOTS_BEFORE,
    Found,
    Openings,
    Range,
    is_cut_short,
    opening,
    window_at,
)
from digest.rendering.ink import NO_SLUG, Affixes, Slug, extract
from digest.rendering.lines import MARGIN, Lines, Marker, bare, lines
from digest.rendering.plaintext import wrap, wrap_flat
from digest.rendering.quoted import COLUMNS, SOFT, broken, fragment, quoted
from digest.rendering.spans import Kind, clean
from digest.rendering.view import core
from digest.shelf import Shelf

_numbers: Final = itertools.count()
_LONGEST: Final = 1 << 32  #: no abstract has as many characters
SHOWN_KEPT: Final = 4_096  #: windows, twice this at most, about 0.6 kB each

_DOTS: Final = DOTS_BEFORE.strip()
# Dots are no ASCII, and what else is cut out mostly is: so something that is stands for them, until
# all is folded, wrapped and encoded, each many times as quick. No clean text has it.
_DOT: Final = "\x01"
_BEFORE: Final = DOTS_BEFORE.replace(_DOTS, _DOT)
_AFTER: Final = DOTS_AFTER.replace(_DOTS, _DOT)
_QUOTED: Final = {text: quoted(text.replace(_DOT, _DOTS)) for text in (_DOT, _BEFORE, _AFTER, "")}


#: and whether it says the summary: then the card need not say it once more
Excerpt = tuple[Slug, bool]


class Abstract:
    """One paper's abstract, and what is known of it. `summary`: the paper's, in plain text."""

    __slots__ = ("bare", "core", "number", "openings", "summary", "text", "unmarked")

    def __init__(self, text: str, *, summary: str) -> None:
        self.number = next(_numbers)
        self.text = text
        self.summary = summary
        self.core = core(summary).replace(_DOTS, _DOT)
        self.bare = bare(text)
        self.openings = Openings(text)
        self.unmarked: Excerpt | None = None


class Shown(NamedTuple):
    """One window in lines of plain text, and whether it says the summary.

    `lines` are what HTML prints of it, where that is as it is, between `before` and `after`.
    """

    within: Range
    text: tuple[bytes]
    says_summary: bool
    lines: Lines | None
    before: bytes
    after: bytes


class Windows:
    """The windows of any abstracts, marked as one template does it."""

    def __init__(self, affixes: Affixes) -> None:
        self._affixes = affixes
        self._marker = Marker(*affixes[Kind.MARK])
        self._shown: Shelf[int, Shown] = Shelf(SHOWN_KEPT)  # by the abstract's number and the start

    def excerpt(self, abstract: Abstract, found: Sequence[Found]) -> Excerpt:
        """The excerpt for hits that are in the abstract and fit it, in their order."""
        if found:
            return self._marked(abstract, found)
        if abstract.unmarked is None:
            abstract.unmarked = self._marked(abstract, ())
        return abstract.unmarked

    def _marked(self, abstract: Abstract, found: Sequence[Found]) -> Excerpt:
        start = opening(found, abstract.openings)
        place = abstract.number * _LONGEST + start
        shown = self._shown.find(place)
        if shown is None:
            within = window_at(abstract.text, start)
            shown = self._shown.keep(place, _show(abstract, within))
        within, text, says_summary, lines, before, after = shown
        if lines is not None and (html := self._marker.marked(lines, found, within)):
            return ((before, *html, after), text), says_summary
        ranges = [(first, last) for first, last, _ in found]
        drawn = extract(abstract.text, ranges, within, self._affixes)
        return ((fragment(drawn),), text) if drawn else NO_SLUG, says_summary


def _show(abstract: Abstract, within: Range) -> Shown:
    start, end = within
    said = abstract.text[start:end]
    before = _BEFORE if start > 0 else ""
    after = _AFTER if is_cut_short(abstract.text, within) else ""
    text = f"{before}{clean(said)}{after}"
    html = lines(abstract.bare[start:end] or bare(said))
    if html is not None and not (said[0] == " " or "  " in said):
        wrapped = wrap_flat(text).encode().replace(_DOT.encode(), _QUOTED[_DOT])  # all else is bare
    else:
        wrapped = quoted(wrap(text.replace(_DOT, _DOTS)))
    fits = html is not None and len(said) % html.length + 2 * MARGIN <= COLUMNS
    return Shown(
        within,
        (broken(wrapped),),
        bool(text and abstract.summary) and abstract.core in text.casefold().replace(_DOTS, _DOT),
        html,
        _QUOTED[before],
        _QUOTED[after] if fits else SOFT + _QUOTED[after],
    )
