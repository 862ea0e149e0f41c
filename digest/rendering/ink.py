"""Ink: one part of a card, as the two templates would print it, quoted for the wire. Pure.

It is quoted but not cut into lines, so that inks and what stands between them become one fragment.
What a card has to itself is cast as a slug: in lines, with nothing left to do but join them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from digest.rendering.excerpt import DOTS_AFTER, DOTS_BEFORE, Range, is_cut_short, merged
from digest.rendering.plaintext import wrap, wrap_flat
from digest.rendering.quoted import quoted
from digest.rendering.skeleton import escaped
from digest.rendering.spans import Kind, Spans, clean, plain

Affixes = Mapping[str, tuple[str, str]]  #: what a template puts around each kind of span
_PRINTED: Final = bytes([*range(0x20, 0x3D), *range(0x3E, 0x7F)])  #: as they are
PLAINLY: Final[Affixes] = {Kind.PLAIN: ("", "")}


class Ink(NamedTuple):
    html: bytes
    text: bytes


#: Ink in lines, of HTML and of text, in pieces; the last line may be yet to be closed, but ends
#: with no space.
Slug = tuple[Sequence[bytes], Sequence[bytes]]

NO_INK: Final = Ink(b"", b"")
NO_SLUG: Final[Slug] = ((), ())


def ink(spans: Spans, affixes: Affixes = PLAINLY) -> Ink:
    """The spans as both templates print them; no spans, no ink."""
    return Ink(quoted(drawn(spans, affixes)), in_columns(plain(spans))) if spans else NO_INK


def in_columns(text: str) -> bytes:
    """The text as the text template prints it: wrapped and quoted, but not cut."""
    is_plain = text.isascii() and text.strip() == text and "  " not in text
    if is_plain and not text.encode().translate(None, _PRINTED):
        return wrap_flat(text).encode()
    return quoted(wrap(text))


def drawn(spans: Spans, affixes: Affixes) -> str:
    """The spans as the HTML template would print them."""
    pieces: list[str] = []
    for text, kind in spans:
        before, after = affixes[kind]
        pieces += (before, escaped(text), after)
    return "".join(pieces)


def extract(text: str, ranges: Iterable[Range], window: Range, affixes: Affixes) -> str:
    """What `drawn` makes of `excerpt.spans_within`, without making the spans."""
    start, end = window
    whole = text[start:end]
    is_fair = whole.isprintable() and escaped(whole) == whole  # needs neither cleaning nor escapes
    opens, closes = affixes[Kind.MARK]
    pieces = [DOTS_BEFORE] if start > 0 else []
    at = start
    for first, last in merged(ranges):
        first, last = max(first, at), min(last, end)
        if first < last:
            between, hit = text[at:first], text[first:last]
            if not is_fair:
                between, hit = escaped(clean(between)), escaped(clean(hit))
            pieces += (between, opens, hit, closes) if hit else (between,)
            at = last
    rest = text[at:end]
    pieces.append(rest if is_fair else escaped(clean(rest)))
    if is_cut_short(text, window):
        pieces.append(DOTS_AFTER)
    return "".join(pieces)
