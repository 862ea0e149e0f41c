"""Ink: one part of a card, drawn as the two templates would print it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from digest.rendering.plaintext import wrap
from digest.rendering.skeleton import escaped
from digest.rendering.spans import Kind, Spans, plain

Affixes = Mapping[str, tuple[str, str]]  #: what a template puts around each kind of span
PLAINLY: Final[Affixes] = {Kind.PLAIN: ("", "")}


class Ink(NamedTuple):
    html: str
    text: str


NO_INK: Final = Ink("", "")


def ink(spans: Spans, affixes: Affixes = PLAINLY) -> Ink:
    """The spans as both templates print them; no spans, no ink."""
    return Ink(drawn(spans, affixes), wrap(plain(spans))) if spans else NO_INK


def drawn(spans: Spans, affixes: Affixes) -> str:
    """The spans as the HTML template would print them."""
    pieces: list[str] = []
    for text, kind in spans:
        before, after = affixes[kind]
        pieces += (before, escaped(text), after)
    return "".join(pieces)
