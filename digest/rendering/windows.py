"""Windows: a paper's abstract as cards show it, a part of it with a reader's words marked.

    abstract | printed as it is? where do windows open?      once a paper
    window   | wrapped, quoted; does it say the summary?      once for all whose hits open it
    hits     | the marks put in                               for each card

What comes out is what `excerpt` would show, drawn and quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from digest.model import Hit
from digest.rendering.excerpt import (
    DOTS_AFTER,
    DOTS_BEFORE,
    Openings,
    Range,
    is_cut_short,
    window,
)
from digest.rendering.ink import NO_INK, Affixes, Ink, bare, extract, marked
from digest.rendering.plaintext import wrap, wrap_flat
from digest.rendering.quoted import quoted
from digest.rendering.spans import Kind, clean
from digest.rendering.view import says
from digest.shelf import Shelf

SHOWN_KEPT: Final = 4_096  #: windows, twice this at most, about 0.6 kB each

_QUOTED_DOTS: Final = quoted(DOTS_BEFORE), quoted(DOTS_AFTER)
_DOTS: Final = DOTS_BEFORE.strip()
_DOTS_IN_QUOTES: Final = quoted(_DOTS).decode()


class Excerpt(NamedTuple):
    """`says_summary`: then the card need not say it once more."""

    ink: Ink
    says_summary: bool


class Abstract:
    """One paper's abstract, and what is known of it. `summary`: the paper's, in plain text."""

    __slots__ = ("bare", "openings", "summary", "text", "unmarked")

    def __init__(self, text: str, *, summary: str) -> None:
        self.text = text
        self.summary = summary
        self.bare = bare(text)
        self.openings = Openings(text)
        self.unmarked: Excerpt | None = None


class Shown(NamedTuple):
    """One window in plain text, quoted, and whether it says the summary.

    `bare` is nothing, or what HTML prints of it between `dots`.
    """

    text: bytes
    says_summary: bool
    bare: bytes
    dots: tuple[bytes, bytes]


class Windows:
    """The windows of any abstracts, marked as one template does it."""

    def __init__(self, affixes: Affixes) -> None:
        self._affixes = affixes
        opens, closes = affixes[Kind.MARK]
        self._around = quoted(opens), quoted(closes)
        self._shown: Shelf[tuple[Abstract, Range], Shown] = Shelf(SHOWN_KEPT)

    def excerpt(self, abstract: Abstract, hits: Sequence[Hit]) -> Excerpt:
        """The excerpt for hits of the abstract; the same text whatever of the window is marked."""
        most = len(abstract.text)
        if found := [hit for hit in hits if 0 <= hit[1] < hit[2] <= most]:
            return self._marked(abstract, found)
        if abstract.unmarked is None:
            abstract.unmarked = self._marked(abstract, ())
        return abstract.unmarked

    def _marked(self, abstract: Abstract, found: Sequence[Hit]) -> Excerpt:
        within = window(abstract.text, found, openings=abstract.openings)
        shown = self._shown.find((abstract, within))
        if shown is None:
            shown = self._shown.keep((abstract, within), _show(abstract, within))
        ranges = [hit[1:3] for hit in found]
        if shown.bare:
            before, after = shown.dots
            html = marked(shown.bare, ranges, within[0], self._around)
            return Excerpt(Ink(before + html + after, shown.text), shown.says_summary)
        drawn = extract(abstract.text, ranges, within, self._affixes)
        return Excerpt(Ink(quoted(drawn), shown.text) if drawn else NO_INK, shown.says_summary)


def _show(abstract: Abstract, within: Range) -> Shown:
    start, end = within
    before = start > 0
    after = is_cut_short(abstract.text, within)
    said = abstract.text[start:end]
    html = abstract.bare[start:end] or bare(said)
    text = f"{DOTS_BEFORE if before else ''}{clean(said)}{DOTS_AFTER if after else ''}"
    if html and not (said[0] == " " or said[-1] == " " or "  " in said):
        wrapped = wrap_flat(text).replace(_DOTS, _DOTS_IN_QUOTES).encode()  # all else is bare
    else:
        wrapped = quoted(wrap(text))
    return Shown(
        wrapped,
        bool(text and abstract.summary) and says(text, abstract.summary),
        html,
        (_QUOTED_DOTS[0] if before else b"", _QUOTED_DOTS[1] if after else b""),
    )
