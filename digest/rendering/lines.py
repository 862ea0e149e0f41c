"""Lines: a text cut for the wire once, and marked as often as it is asked for. Pure.

    text -> Lines, all of one length, a byte for each character | ranges -> marked, no line too long

From a place in the text follows its place in the bytes, and a mark opens on a line of its own: so
nothing has to be quoted, or cut, once more for those whose hits are others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from digest.rendering.excerpt import Found, Range
from digest.rendering.quoted import COLUMNS, SOFT, cut, fragment, has_dots, quoted
from digest.rendering.skeleton import escaped

MARGIN: Final = 10  #: columns left in every line for what stands before or after it
_LENGTHS: Final = range(COLUMNS - MARGIN, COLUMNS - MARGIN - 8, -1)  #: to be tried
_BREAK: Final = len(SOFT)
_DOT: Final = ord(".")


class Lines(NamedTuple):
    """`whole` decodes to the text; its last line is yet to be closed, and ends with no space."""

    whole: bytes
    length: int


def bare(text: str) -> bytes:
    """The text as HTML prints it, quoted, if that is a byte for each character; else nothing."""
    is_so = text.isascii() and text.isprintable() and "=" not in text and escaped(text) == text
    return text.encode() if is_so else b""


def lines(bare: bytes) -> Lines | None:
    """A bare text in lines, none of which begins with a full stop; None where they cannot be so."""
    for length in _LENGTHS:
        whole = SOFT.join([bare[at : at + length] for at in range(0, len(bare), length)])
        if not has_dots(whole):
            return Lines(whole, length) if whole and not whole.endswith(b" ") else None
    return None


class Marker:
    """Marks places in lines, by what a template prints before and after them."""

    def __init__(self, opens: str, closes: str) -> None:
        self._opens = SOFT + fragment(opens)
        closing = quoted(closes)
        fits = len(closing) <= MARGIN and b"\n" not in closing and not closing.startswith(b".")
        self._closes = closing if fits else SOFT + cut(closing)

    def marked(
        self, lines: Lines, ranges: Iterable[Range | Found], within: Range
    ) -> list[bytes] | None:
        """The lines with these ranges, in their order, marked; in pieces.

        Of a text they are what is `within`; its last line is yet to be closed. Nothing where a line
        would begin with a full stop.
        """
        whole, length = lines
        start, end = within
        opens, closes = self._opens, self._closes
        pieces: list[bytes] = []
        at, done = 0, -1  # places in the bytes and in the text
        for found in ranges:
            first, last = found[0], found[1]
            if last <= start or last <= done:
                continue
            if first >= end:
                break
            past = (last if last < end else end) - start
            past += past // length * _BREAK
            if first <= done:  # it goes on where the last one ended, or before
                pieces[-1:] = whole[at:past], closes
            else:
                place = first - start if first > start else 0
                place += place // length * _BREAK
                if whole[place] == _DOT:
                    return None
                pieces += whole[at:place], opens, whole[place:past], closes
            at, done = past, last
        pieces.append(whole[at:])
        return pieces
