"""Columns of a fixed-width display: how wide a text is there, and where its lines may end. Pure.

Chinese, Japanese and Korean characters take two columns (Unicode, UAX #11). Between Chinese and
Japanese ones a line may end anywhere, but not before closing punctuation and not after opening
(JIS X 4051, GB/T 15834); between other words only at spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_WIDE: Final = re.compile(
    "[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60"
    "\uffe0-\uffe6\U0001f000-\U0003fffd]"
)
#: Written without spaces: kana, ideographs and their punctuation.
_IDEOGRAPHIC: Final = (
    "\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
    "\U00020000-\U0003fffd"
)
_OPENS: Final = "（「『【《〈〔［｛“‘"
_CLOSES: Final = (
    "）」』】》〉〕］｝”’、。，．：；？！・ー…‥々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ%％℃"
)
#: What stays on one line: an ideograph with the punctuation that belongs to it, or a word.
_PIECE: Final = re.compile(
    rf"[{re.escape(_OPENS)}]*(?:[{_IDEOGRAPHIC}]|[^\s{_IDEOGRAPHIC}]+)[{re.escape(_CLOSES)}]*\s?"
    rf"|\S\s?"
)


def has_wide(text: str) -> bool:
    return _WIDE.search(text) is not None


def width(text: str) -> int:
    """Columns on a fixed-width display."""
    return sum(_columns(character) for character in text)


def broken(text: str, room: int) -> list[str]:
    """The text, its space single, in lines of at most `room` columns; long words stay whole."""
    lines: list[str] = []
    current, used = "", 0
    for piece in _pieces(text):
        needed = width(piece.rstrip())
        if current and used + needed > room:
            lines.append(current.rstrip())
            current, used = "", 0
        current += piece
        used += width(piece)
    return [*lines, current.rstrip()]


def _pieces(text: str) -> Iterator[str]:
    return (found[0] for found in _PIECE.finditer(text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
