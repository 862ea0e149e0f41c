"""Marked text: a sentence as spans, so that every channel shows its emphasis in its own way.

An abstract is text, never HTML: a span holds plain characters and a kind, and escaping is left to
the last step. `clean` is where characters that could deceive or break a reader's display go away.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple


class Kind(StrEnum):
    PLAIN = "plain"
    MARK = "mark"  #: the reader's own words, as with a marker
    STRONG = "strong"
    EMPHASIS = "emphasis"


class Span(NamedTuple):
    text: str
    kind: Kind = Kind.PLAIN


Spans = tuple[Span, ...]

_ORDINALS: Final = (
    *range(0x20),  # controls, line ends and tabs among them
    *range(0x7F, 0xA0),
    0x2028,  # line and paragraph separators
    0x2029,
)
_HIDDEN: Final = (
    *range(0x202A, 0x202F),  # embeddings and overrides of direction ("Trojan Source")
    *range(0x2066, 0x206A),  # isolates of direction
    *range(0xD800, 0xE000),  # surrogates, which UTF-8 cannot carry
    *range(0xFDD0, 0xFDF0),  # noncharacters; two of them mark the slots of a skeleton
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),  # tags: invisible text
    0xFEFF,
    0xFFFE,
    0xFFFF,
    0x200B,
    0x2060,
)
_DANGEROUS: Final = dict.fromkeys(_ORDINALS, " ") | dict.fromkeys(_HIDDEN, "")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def clean(text: str) -> str:
    """The text without control characters and without tricks of direction; the length may change.

    Right-to-left writing itself stays, as do the marks U+200E and U+200F it needs at times.
    """
    return text if text.isprintable() else text.translate(_DANGEROUS)  # which none of them is


def line(text: str, limit: int | None = None) -> str:
    """One clean line, cut at a word near `limit` with an ellipsis."""
    flat = " ".join(clean(text).split())
    return flat if limit is None or len(flat) <= limit else shorten(flat, limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, ellipsis included, cut between words where one is near."""
    if len(text) <= limit:
        return text
    cut = text.rfind(" ", limit // 2, limit)
    return text[: cut if cut > 0 else limit - 1].rstrip(" ,;:.–—-(") + "…"


def plain(spans: Spans) -> str:
    return "".join([span.text for span in spans])


def say(text: str, kind: Kind = Kind.PLAIN) -> Spans:
    """The text as spans: one, or none when there is nothing to say."""
    return (Span(text, kind),) if text else ()


def fill(template: str, **parts: Spans) -> Spans:
    """The template with every `{name}` replaced by that part's spans."""
    spans: list[Span] = []
    for part in _parsed(template):
        if isinstance(part, Span):
            spans.append(part)
        else:
            spans += parts[part]
    return tuple(spans)


@lru_cache(maxsize=1024)
def _parsed(template: str) -> tuple[Span | str, ...]:
    """The template's own words as spans, the names of its places as strings."""
    pieces = _PLACEHOLDER.split(template)
    return tuple(
        piece if n % 2 else Span(piece) for n, piece in enumerate(pieces) if n % 2 or piece
    )
