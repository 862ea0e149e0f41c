"""Ink: one part of a card, drawn as the template would and encoded for both bodies. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from digest.rendering.plaintext import wrap
from digest.rendering.quoted import fragment
from digest.rendering.skeleton import escaped
from digest.rendering.spans import Kind, Spans, plain

Affixes = Mapping[str, tuple[str, str]]  #: what a template puts around each kind of span
PLAINLY: Final[Affixes] = {Kind.PLAIN: ("", "")}


class Ink(NamedTuple):
    """`size` counts the bytes of the HTML once decoded."""

    html: bytes
    text: bytes
    size: int


NO_INK: Final = Ink(b"", b"", 0)


def ink(spans: Spans, affixes: Affixes = PLAINLY) -> Ink:
    """The spans as fragments; no spans, no ink."""
    if not spans:
        return NO_INK
    html = drawn(spans, affixes)
    return Ink(fragment(html), fragment(wrap(plain(spans))), size(html))


def size(html: str) -> int:
    return len(html) if html.isascii() else len(html.encode())


def drawn(spans: Spans, affixes: Affixes) -> str:
    """The spans as the template would print them."""
    pieces: list[str] = []
    for text, kind in spans:
        before, after = affixes[kind]
        pieces += (before, escaped(text), after)
    return "".join(pieces)
