"""Excerpts: the part of an abstract worth showing, with the words that matched marked.

Pure functions of text and hits. The window is chosen so that as many different terms as possible
show; offsets that do not fit the text (it was revised since) are dropped, never trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from digest.model import Field, Hit
from digest.rendering.spans import Kind, Span, Spans, clean

EXCERPT_LENGTH: Final = 300  #: characters, about four lines on a desk and eight on a phone
_GRACE: Final = 80  #: an abstract barely longer is shown whole
_LEAD: Final = 90  #: how far before a hit a window may open
_ABSTRACT: Final = Field.ABSTRACT
DOTS_BEFORE: Final = "… "
DOTS_AFTER: Final = " …"
_SENTENCE: Final = re.compile(r"[.!?]\s+")

Range = tuple[int, int]


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


class Openings(dict[int, int]):
    """Where an excerpt of one text may open for a hit, by the hit's start; each is found once."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.size = len(text)
        self._text = text

    def __missing__(self, at: int) -> int:
        self[at] = opening = _start(self._text, at)
        return opening


def window(text: str, hits: Sequence[Hit], length: int = EXCERPT_LENGTH) -> Range:
    """Where the excerpt starts and ends: the most distinct terms, then the earliest start."""
    return window_at(text, opening(hits, Openings(text), length), length)


def window_at(text: str, start: int, length: int = EXCERPT_LENGTH) -> Range:
    """The window that opens there."""
    if len(text) <= length + _GRACE:
        return 0, len(text)
    return start, _word_end(text, start + length)


def opening(hits: Sequence[Hit], openings: Openings, length: int = EXCERPT_LENGTH) -> int:
    """Where the window for these hits opens."""
    if not hits or openings.size <= length + _GRACE or max([hit[2] for hit in hits]) <= length:
        return 0
    if len(hits) == 1:
        start = openings[hits[0][1]]
        return start if hits[0][2] <= start + length else 0
    return _richest(sorted({0, *[openings[hit[1]] for hit in hits]}), hits, length)


def _richest(starts: Sequence[int], hits: Sequence[Hit], length: int) -> int:
    """The first start from which on most of the terms show."""
    best, most, all_of_them = 0, -1, len({hit[3] for hit in hits})
    for start in starts:
        end = start + length
        count = len({hit[3] for hit in hits if start <= hit[1] and hit[2] <= end})
        if count > most:
            best, most = start, count
            if count == all_of_them:
                break
    return best


def _start(text: str, at: int) -> int:
    """A place to open for a hit: its sentence, if that begins near, or a word a little before."""
    earliest = max(0, at - _LEAD)
    found = _SENTENCE.search(text, earliest, at)
    return found.end() if found else _word_start(text, earliest)


def _word_start(text: str, at: int) -> int:
    space = text.find(" ", at)
    return space + 1 if 0 <= space < at + _LEAD // 2 else at


def _word_end(text: str, at: int) -> int:
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", at - _LEAD, at + 1)
    end = space if space > 0 else at
    return len(text[:end].rstrip(" ,;:(–—"))
