"""Excerpts: the part of an abstract worth showing, with the words that matched marked.

Pure functions of text and hits. The window is chosen so that as many different terms as possible
show; offsets that do not fit the text (it was revised since) are dropped, never trusted.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

from digest.model import Field, Hit
from digest.rendering.spans import Kind, Span, Spans, clean

EXCERPT_LENGTH: Final = 300  #: characters, about four lines on a desk and eight on a phone
_GRACE: Final = 80  #: an abstract barely longer is shown whole
_LEAD: Final = 90  #: how far before a hit a window may open
_ABSTRACT: Final = Field.ABSTRACT
DOTS_BEFORE: Final = "… "
DOTS_AFTER: Final = " …"
_TERM: Final = itemgetter(2)
_END: Final = re.compile(r"[.!?]\s+")

Range = tuple[int, int]
Found = tuple[int, int, str]  #: where a hit starts and ends, and its term


def excerpt(text: str, hits: Sequence[Hit], *, length: int = EXCERPT_LENGTH) -> Spans:
    """About `length` characters of an abstract, cut between words, with its hits marked."""
    found = shown_hits(text, hits)
    return spans_within(text, found, window(text, found, length))


def shown_hits(text: str, hits: Sequence[Hit]) -> list[Hit]:
    """Those that are in the abstract and fit it."""
    most = len(text)
    return [hit for hit in hits if hit.field is _ABSTRACT and 0 <= hit.start < hit.end <= most]


def spans_within(text: str, hits: Sequence[Hit], window: Range) -> Spans:
    """The window's part of the text with its hits marked, and dots where something is left out."""
    spans = mark(text, [(hit.start, hit.end) for hit in hits], within=window)
    before = (Span(DOTS_BEFORE),) if window[0] > 0 else ()
    after = (Span(DOTS_AFTER),) if is_cut_short(text, window) else ()
    return before + spans + after


def text_within(text: str, window: Range) -> str:
    """The same without marks, as plain text."""
    start, end = window
    before = DOTS_BEFORE if start > 0 else ""
    return before + clean(text[start:end]) + (DOTS_AFTER if is_cut_short(text, window) else "")


def is_cut_short(text: str, window: Range) -> bool:
    """Whether anything follows the window."""
    return window[1] < len(text.rstrip())


def fits(hit: Hit, text: str) -> bool:
    return 0 <= hit.start < hit.end <= len(text)


def mark(text: str, ranges: Iterable[Range], *, within: Range | None = None) -> Spans:
    """The text (or its part `within`) as clean spans, with the ranges marked."""
    start, end = within or (0, len(text))
    spans: list[Span] = []
    at = start
    for first, last in merged(ranges):
        first, last = max(first, at), min(last, end)
        if first < last:
            if at < first:
                spans.append(Span(clean(text[at:first])))
            spans.append(Span(clean(text[first:last]), Kind.MARK))
            at = last
    if at < end:
        spans.append(Span(clean(text[at:end])))
    return tuple([span for span in spans if span.text])


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The ranges in order, overlapping and touching ones made one."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


class Openings:
    """Where an excerpt of one text may open; its sentences are looked for once."""

    __slots__ = ("_begins", "_ends", "size", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.size = len(text)
        ends = list(_END.finditer(text))
        self._ends = [found.start() for found in ends]
        self._begins = [found.end() for found in ends]

    def before(self, at: int) -> int:
        """Where to open for a hit: its sentence, if that begins near, or a word a little before."""
        ends = self._ends
        earliest = at - _LEAD if at > _LEAD else 0
        place = bisect_left(ends, earliest)
        if place < len(ends) and ends[place] < at - 1:
            begin = self._begins[place]
            return begin if begin < at else at
        space = self.text.find(" ", earliest, earliest + _LEAD // 2)
        return space + 1 or earliest


def window(text: str, hits: Sequence[Hit], length: int = EXCERPT_LENGTH) -> Range:
    """Where the excerpt starts and ends: the most distinct terms, then the earliest start."""
    found = sorted([hit[1:4] for hit in hits])
    return window_at(text, opening(found, Openings(text), length), length)


def window_at(text: str, start: int, length: int = EXCERPT_LENGTH) -> Range:
    """The window that opens there."""
    if len(text) <= length + _GRACE:
        return 0, len(text)
    return start, _word_end(text, start + length)


def opening(found: Sequence[Found], openings: Openings, length: int = EXCERPT_LENGTH) -> int:
    """Where the window for these hits, in their order, opens.

    The first place from which on most of the terms show.
    """
    if not found or openings.size <= length + _GRACE:
        return 0
    best = start = 0
    most, all_of_them = _shown(found, 0, length), len(set(map(_TERM, found)))
    if most < all_of_them:
        for first, _, _ in found:
            if (before := openings.before(first)) != start:
                start = before
                count = _shown(found, start, start + length)
                if count > most:
                    best, most = start, count
                    if count == all_of_them:
                        break
    return best


def _shown(found: Sequence[Found], start: int, end: int) -> int:
    """How many of the terms show there."""
    shown: list[str] = []
    for first, last, term in found:
        if start <= first and last <= end and term not in shown:
            shown.append(term)
    return len(shown)


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", at - _LEAD, at + 1)
    end = space if space > 0 else at
    return len(text[:end].rstrip(" ,;:(–—"))
