"""Plain text that reads well alone: 72 columns, numbered, nothing but words and addresses. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from digest.rendering.columns import broken, has_wide
from digest.rendering.frame import Frame
from digest.rendering.spans import plain
from digest.rendering.view import Action, Card

WIDTH: Final = 72
INDENT: Final = "    "
#: Where a line may end: at any space but a no-break one before or after French punctuation.
_SPACE: Final = re.compile(r"(?:(?<!«)|(?=[ \t\r\n]))(?![\u00a0\u202f][:;!?»%])\s+")
_GLUED: Final = ("\u00a0", "\u202f", "«")  #: without these, any white space will do
WRAPPED: Final = ("headline", "summary", "note", "schedule", "identity")  #: parts of a frame


@dataclass(frozen=True, slots=True)
class TextCard:
    """A card whose parts are wrapped already; every line but a part's first is indented."""

    title: str
    url: str
    authors: str = ""
    chips: str = ""
    summary: str = ""
    summary_label: str = ""
    excerpt: str = ""
    why: str = ""
    also: str = ""
    actions: tuple[Action, ...] = ()


def text_card(card: Card) -> TextCard:
    return TextCard(
        title=wrap(plain(card.title)),
        url=card.url,
        authors=wrap(plain(card.authors)),
        chips=wrapped_chips(card),
        summary=wrap(plain(card.summary)),
        summary_label=card.summary_label,
        excerpt=wrap(plain(card.excerpt)),
        why=wrap(plain(card.why)),
        also=wrap(card.also),
        actions=further(card),
    )


def wrapped_chips(card: Card) -> str:
    return wrap(" · ".join(card.chips))


def further(card: Card) -> tuple[Action, ...]:
    """The actions that lead elsewhere than the title."""
    return tuple([action for action in card.actions if action.url != card.url])


def text_frame(frame: Frame) -> Frame:
    """The frame with its sentences wrapped, for templates that only print."""
    return frame._replace(**{name: wrap(getattr(frame, name), indent="") for name in WRAPPED})


def number(position: int) -> str:
    """ " 1. ": as wide as the indent of what follows it."""
    return f"{position:>2}. "


def wrap(text: str, *, indent: str = INDENT) -> str:
    """Lines of at most 72 columns, `indent` before all but the first; long words stay whole.

    Greedy, without hyphens, and by the line: many times faster than `textwrap`. Chinese and
    Japanese are counted as wide as they are and broken as they are written (see `columns`).
    """
    flat = _flat(text)
    if not flat.isascii() and has_wide(flat):
        return f"\n{indent}".join(broken(flat, WIDTH - len(indent)))
    return wrap_flat(flat, indent=indent)


def wrap_flat(left: str, *, indent: str = INDENT) -> str:
    """`wrap` for one line whose spaces are single and whose characters take a column each."""
    room = WIDTH - len(indent)
    if len(left) <= room:
        return left
    lines: list[str] = []
    while len(left) > room:
        cut = left.rfind(" ", 0, room + 1)
        if cut < 0:
            cut = left.find(" ", room)
        if cut < 0:
            break
        lines.append(left[:cut])
        left = left[cut + 1 :]
    lines.append(left)
    return f"\n{indent}".join(lines)


def _flat(text: str) -> str:
    """One line, with a space wherever one may be broken."""
    if not text.isascii() and any([mark in text for mark in _GLUED]):
        return _SPACE.sub(" ", text).strip()
    return " ".join(text.split())
