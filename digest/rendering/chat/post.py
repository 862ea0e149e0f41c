"""What every channel draws from, and what their drawings share. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from digest.model import Digest, Paper, PaperId
from digest.rendering.frame import more
from digest.rendering.spans import Kind, Span, Spans
from digest.rendering.view import Action, Card, View

_MENTION: Final = re.compile(r"(?<!\w)@")
_SHY: Final = "@\u200b"  #: zero-width: nobody sees it, and no program takes it for a mention

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Post:
    """One digest on its way to one channel.

    `key` names it, the same at every try. `web` is its page; `team` leads to taking the interests
    over as one's own digest. Both may be empty. `title`: who posts.
    """

    key: str
    view: View
    digest: Digest
    papers: Mapping[PaperId, Paper]
    title: str = ""
    web: str = ""
    team: str = ""

    @property
    def foot(self) -> tuple[Action, ...]:
        """Where to go from here."""
        language = self.view.language
        rest = more(self.view.left_out, self.view.occasion, language)
        links = (
            (rest or language.text("Read it as a page"), self.web),
            (language.text("Get this as your own digest"), self.team),
        )
        return tuple(Action(label, url) for label, url in links if url)


@dataclass(frozen=True, slots=True)
class Placed:
    """A card with the heading that stands over it when it is the first of its section."""

    card: Card
    section: str
    count: str
    opens: bool


def placed(view: View) -> list[Placed]:
    """Every card in its order."""
    return [
        Placed(card, section.name, section.count, number == 0)
        for section in view.sections
        for number, card in enumerate(section.cards)
    ]


def lead(view: View) -> list[str]:
    """The lines under the headline, as far as there are any."""
    return [line for line in (view.frame.summary, view.frame.note) if line]


def labelled(card: Card) -> Spans:
    """The summary with what says whose words it is; nothing where there is none."""
    if not card.summary:
        return ()
    return (Span(f"{card.summary_label}:", Kind.STRONG), Span(" "), *card.summary)


def pack(
    units: Sequence[_T], sizes: Sequence[int], *, room: int, most: int, first: int = 0
) -> list[list[_T]]:
    """Units in their order, as few parts as hold them: `room` and `most` units in each.

    `first` is what the first part's head takes. A unit larger than the room has a part of its own;
    there is always one part.
    """
    parts: list[list[_T]] = [[]]
    left = room - first
    for unit, size in zip(units, sizes, strict=True):
        if parts[-1] and (size > left or len(parts[-1]) >= most):
            parts.append([])
            left = room
        parts[-1].append(unit)
        left -= size
    return parts


def shy(text: str) -> str:
    """Without mentions: "@here" in a title calls nobody."""
    return _MENTION.sub(_SHY, text)


def numbered(part: int, parts: int) -> str:
    """ "(2/3)" where there are several."""
    return f"({part}/{parts})" if parts > 1 else ""
