"""The digest as HTML and text for one mail, by the templates: the plain renderer.

A pure function of the view and the templates. What the joiner makes must decode to exactly this.
Gmail clips HTML near 102 kB, so cards that would go beyond the size budget become "N more".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Final, NamedTuple

from markupsafe import Markup

from digest.rendering.environment import Templates
from digest.rendering.frame import Frame, more, section_count
from digest.rendering.links import FrameLinks
from digest.rendering.plaintext import TextCard, number, text_card, text_frame
from digest.rendering.view import Card, View

SIZE_BUDGET: Final = 100_000  #: bytes of HTML
_FRAME_ROOM: Final = 10_000  #: bytes kept for everything but cards …
_SECTION_ROOM: Final = 1_500  #: … for each section's head
_GAP_ROOM: Final = 250  #: … and for what stands between two cards

DIGEST_HTML: Final = "email/digest.mjml.j2"
DIGEST_TEXT: Final = "email/digest.txt.j2"
CARD_HTML: Final = "email/card.html.j2"
CARD_TEXT: Final = "email/card.txt.j2"
ERRAND_HTML: Final = "email/errand.mjml.j2"
ERRAND_TEXT: Final = "email/errand.txt.j2"

_FRAME_NAMES: Final = frozenset({"frame", "sections", "links", "_"})
#: What each template may use; `Templates.check` holds the operator's own against it.
CONTEXT: Final = {
    DIGEST_HTML: _FRAME_NAMES,
    DIGEST_TEXT: _FRAME_NAMES,
    CARD_HTML: frozenset({"card", "_"}),
    CARD_TEXT: frozenset({"card", "number", "_"}),
    ERRAND_HTML: frozenset({"words", "_"}),
    ERRAND_TEXT: frozenset({"words", "_"}),
}


class Rendered(NamedTuple):
    """One mail's content; `shown` papers fitted into the size budget."""

    subject: str
    html: str
    text: str
    shown: int


@dataclass(frozen=True, slots=True)
class DrawnSection:
    """A section as the digest templates get it: its cards are drawn already."""

    name: str
    count: str
    cards: Sequence[str]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The four templates, each with its context, in one language."""

    templates: Templates
    say: Callable[[str], str]

    def card_html(self, card: Card) -> Markup:
        return Markup(self.templates.html(CARD_HTML, card=card, _=self.say))

    def card_text(self, card: TextCard, number: str) -> str:
        return self.templates.text(CARD_TEXT, card=card, number=number, _=self.say)

    def html(self, frame: Frame, sections: Sequence[DrawnSection], links: FrameLinks) -> str:
        context = {"frame": frame, "sections": sections, "links": links, "_": self.say}
        return _ended(self.templates.html(DIGEST_HTML, **context))

    def text(self, frame: Frame, sections: Sequence[DrawnSection], links: FrameLinks) -> str:
        context = {"frame": frame, "sections": sections, "links": links, "_": self.say}
        return _ended(self.templates.text(DIGEST_TEXT, **context))


def render(view: View, templates: Templates, *, budget: int = SIZE_BUDGET) -> Rendered:
    """Subject, HTML and text of one digest; raises TemplateFault."""
    drawing = Drawing(templates, view.language.text)
    cards = [drawing.card_html(card) for section in view.sections for card in section.cards]
    shown = fitting([len(card.encode()) for card in cards], len(view.sections), budget)
    hidden = view.left_out + len(cards) - shown
    frame = view.frame._replace(more=more(hidden, view.occasion, view.language))
    texts = [
        drawing.card_text(text_card(card), number(n))
        for n, card in enumerate((c for s in view.sections for c in s.cards), 1)
    ]
    links = view.links.of_frame()
    return Rendered(
        subject=frame.subject,
        html=drawing.html(frame, _sections(view, cards, shown), links),
        text=drawing.text(text_frame(frame), _sections(view, texts, shown), links),
        shown=shown,
    )


def fitting(sizes: Sequence[int], sections: int, budget: int) -> int:
    """How many cards of these sizes the budget holds, from the first; one at least."""
    room = budget - _FRAME_ROOM - _SECTION_ROOM * sections
    if sum(sizes) + _GAP_ROOM * len(sizes) <= room:
        return len(sizes)
    return max(1, sum(total <= room for total in accumulate(size + _GAP_ROOM for size in sizes)))


def fit(size: int, cards: int, sections: int, budget: int) -> bool:
    """Whether the budget holds so many cards of at most this size."""
    return cards * (size + _GAP_ROOM) <= budget - _FRAME_ROOM - _SECTION_ROOM * sections


def _sections(view: View, drawn: Iterable[str], shown: int) -> list[DrawnSection]:
    """The first `shown` drawn cards in their sections; a section left empty is left out."""
    cards = iter(drawn)
    sections = []
    for section in view.sections:
        own = list(islice(cards, min(len(section.cards), shown)))
        shown -= len(own)
        if own:
            sections.append(DrawnSection(section.name, section_count(len(own), view.language), own))
    return sections


def _ended(content: str) -> str:
    """Ending in exactly one line end, as a body part should."""
    return content.rstrip() + "\n"
