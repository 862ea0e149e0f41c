"""Plain text that reads well alone: 72 columns, numbered, nothing but words and addresses. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from digest.rendering.frame import Frame
from digest.rendering.spans import plain
from digest.rendering.view import Action, Card

WIDTH: Final = 72
INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class TextCard:
    """A card whose parts are wrapped already; every line but a part's first is indented."""

    title: str
    url: str
    authors: str = ""
    chips: str = ""
    excerpt: str = ""
    why: str = ""
    also: str = ""
    actions: tuple[Action, ...] = ()


def text_card(card: Card) -> TextCard:
    return TextCard(
        title=wrap(plain(card.title)),
        url=card.url,
        authors=wrap(plain(card.authors)),
        chips=wrap(" · ".join(card.chips)),
        excerpt=wrap(plain(card.excerpt)),
        why=wrap(plain(card.why)),
        also=wrap(card.also),
        actions=tuple(action for action in card.actions if action.url != card.url),
    )


def text_frame(frame: Frame) -> Frame:
    """The frame with its sentences wrapped, for templates that only print."""
    return replace(
        frame,
        headline=wrap(frame.headline, indent=""),
        summary=wrap(frame.summary, indent=""),
        note=wrap(frame.note, indent=""),
        schedule=wrap(frame.schedule, indent=""),
        identity=wrap(frame.identity, indent=""),
    )


def number(position: int) -> str:
    """ " 1. ": as wide as the indent of what follows it."""
    return f"{position:>2}. "


def wrap(text: str, *, indent: str = INDENT) -> str:
    """Lines of at most 72 columns, `indent` before all but the first; long words stay whole.

    Greedy and without hyphens, an order of magnitude faster than `textwrap`.
    """
    room = WIDTH - len(indent)
    lines: list[str] = []
    line: list[str] = []
    used = 0
    for word in text.split():
        if line and used + len(word) > room:
            lines.append(" ".join(line))
            line, used = [], 0
        line.append(word)
        used += len(word) + 1
    lines.append(" ".join(line))
    return f"\n{indent}".join(lines)
