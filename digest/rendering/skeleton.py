"""Skeletons: a template drawn once with its slots empty, to be filled by joining bytes.

A slot is drawn as a number between two noncharacters, which `spans.clean` keeps out of all data;
what stands between the slots is encoded once as quoted-printable fragments. This is right as long
as the template prints its values as they are; the joiner proves that before it is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from digest.rendering.quoted import fragment
from digest.rendering.spans import Kind, Span, Spans

_SLOT: Final = re.compile("\ufdd0([0-9]+)\ufdd1")


def slot(number: int) -> str:
    """What a template prints where slot `number` is."""
    return f"\ufdd0{number}\ufdd1"


def escaped(text: str) -> str:
    """As Jinja escapes it, in a third of the time."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if '"' in text or "'" in text or "<" in text or ">" in text:
        text = text.replace("<", "&lt;").replace(">", "&gt;")
        text = text.replace("'", "&#39;").replace('"', "&#34;")
    return text


def split(drawn: str) -> list[str]:
    """Text, slot number, text, …, text."""
    return _SLOT.split(drawn)


class SlotTokens(NamedTuple):
    """Slots where a mail's signed tokens go."""

    unsubscribe: str = ""
    preferences: str = ""
    digest: str = ""
    feedback: str = ""


def skeleton(drawn: str) -> list[bytes | int]:
    """Encoded fragments and slot numbers in their order."""
    parts = split(drawn)
    pieces = [int(part) if n % 2 else fragment(part) for n, part in enumerate(parts)]
    return [piece for piece in pieces if piece != b""]


def affixes(drawn: str, kinds: Sequence[str]) -> dict[str, tuple[str, str]]:
    """What a template puts before and after each kind of span, read off a probe.

    The probe prints slots 0, 1, 2, …: plain text and a span of each kind in turn, plain text last.
    A template that does not print the probe gives no affixes, and needs none.
    """
    parts = split(drawn)
    between = parts[2:-1:2]
    if parts[1::2] != [str(n) for n in range(2 * len(kinds) + 1)]:
        return dict.fromkeys(kinds, ("", ""))
    return {kind: (between[2 * n], between[2 * n + 1]) for n, kind in enumerate(kinds)}


def probe(kinds: Sequence[Kind]) -> Spans:
    """The spans to be printed for `affixes`."""
    spans = [Span(slot(0))]
    for n, kind in enumerate(kinds):
        spans += [Span(slot(2 * n + 1), kind), Span(slot(2 * n + 2))]
    return tuple(spans)
