"""Moulds: a card's template drawn once for each shape of card, instead of once a paper.

    shape -> mould, the paper's values sealed | values of one paper -> Outline

Chips, addresses and the paper's number are printed and no more by most templates. One that does
anything else with them, or that would not print an address, is drawn for each paper as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from digest.errors import TemplateFault
from digest.rendering.links import safe_url
from digest.rendering.plaintext import TextCard, further, text_card, wrapped_chips
from digest.rendering.plates import HOLE, Outline
from digest.rendering.quoted import quoted
from digest.rendering.sealed import Sealed
from digest.rendering.skeleton import escaped, slot
from digest.rendering.view import Action, Card
from digest.shelf import Shelf

_KEPT: Final = 256  #: twice this at most, about 3 kB each
_FIRST: Final = 1000  #: the first value's slot; those before are the cards' own

Pair = tuple[Card, Card]  #: without and with further interests


class Values(NamedTuple):
    """What is a paper's own on its card, quoted by its slots; none where not all is printed."""

    kind: Hashable
    slots: Mapping[int, bytes]


class Moulds:
    """The outlines of cards in HTML; `own` and `also` are slots as `Outline.of` has them."""

    def __init__(self, draw: Callable[[Card], str], *, own: int, also: int) -> None:
        self._draw = draw
        self._own = own
        self._also = also
        self._moulds: Shelf[Hashable, Outline | bool] = Shelf(_KEPT)

    def values(self, card: Card) -> Values:
        """What is the paper's own on this card."""
        values = self._values(card)
        are_printed = bool(values) and all(values)
        slots = {_FIRST + n: self._quoted(value) for n, value in enumerate(values)}
        return Values(self._kind(card), slots if are_printed else {})

    def outline(self, values: Values, shape: Hashable, draw: Callable[[], Pair]) -> Outline | None:
        """The outline of one paper's card, without and with further interests.

        `shape` is all that sets the two cards that would be drawn apart from others but for what
        is their paper's own.
        """
        mould = self._mould((shape, values.kind), draw) if values.slots else False
        return mould.filled(values.slots) if isinstance(mould, Outline) else self._of(*draw())

    def _of(self, alone: Card, shared: Card) -> Outline | None:
        return self._outlined(self._draw(alone), self._draw(shared))

    def _outlined(self, alone: str, shared: str) -> Outline | None:
        return Outline.of(alone, shared, own=self._own, also=self._also)

    def _values(self, card: Card) -> list[str]:
        """The paper's own; none where not all of them would be printed."""
        urls = [card.url, *[action.url for action in (*card.actions, *card.feedback)]]
        if any([safe_url(url) != url for url in urls]):
            return []
        return [str(card.paper_id), *card.chips, *urls]

    def _draw_sealed(self, card: Card) -> str:
        return self._draw(_sealed(card))

    def _mould(self, shape: Hashable, draw: Callable[[], Pair]) -> Outline | bool:
        """What cards of this shape share; False where the template looks into the values."""
        known = self._moulds.find(shape)
        if known is None:
            try:
                mould = self._outlined(*map(self._draw_sealed, draw()))
            except TemplateFault:  # a true one comes again when the paper's own card is drawn
                mould = None
            known = self._moulds.keep(shape, mould or False)
        return known

    def _quoted(self, value: str) -> bytes:
        return HOLE.join(map(quoted, escaped(value).split(slot(self._own))))

    def _kind(self, card: Card) -> Hashable:
        """What a card says that is its paper's, but for the values."""
        rows = card.actions, card.feedback
        labels = [tuple([action.label for action in row]) for row in rows]
        return card.summary_label, len(card.chips), *labels


class TextMoulds(Moulds):
    """The outlines of cards in plain text."""

    def __init__(self, draw: Callable[[TextCard], str], *, own: int, also: int) -> None:
        super().__init__(lambda card: draw(text_card(card)), own=own, also=also)
        self._draw_text = draw

    def _values(self, card: Card) -> list[str]:
        urls = [card.url, *[action.url for action in further(card)]]
        return [*([wrapped_chips(card)] if card.chips else ()), *urls]

    def _draw_sealed(self, card: Card) -> str:
        urls = 1 if card.chips else 0
        values: dict[str, Any] = {
            "chips": Sealed(slot(_FIRST)) if card.chips else "",
            "url": Sealed(slot(_FIRST + urls)),
            "actions": _row(further(card), urls + 1),
        }
        bare = text_card(replace(card, chips=(), actions=()))
        return self._draw_text(replace(bare, **values))

    def _kind(self, card: Card) -> Hashable:
        labels = tuple([action.label for action in further(card)])
        return card.summary_label, bool(card.chips), labels

    def _quoted(self, value: str) -> bytes:
        return HOLE.join(map(quoted, value.split(slot(self._own))))


def _sealed(card: Card) -> Card:
    """The card with a seal in place of each of its paper's values, in their order."""
    chips = len(card.chips)
    values: dict[str, Any] = {  # no types of the card's own: that is the point
        "paper_id": Sealed(slot(_FIRST)),
        "chips": tuple([Sealed(slot(_FIRST + 1 + n)) for n in range(chips)]),
        "url": _address(chips + 1),
        "actions": _row(card.actions, chips + 2),
        "feedback": _row(card.feedback, chips + 2 + len(card.actions)),
    }
    return replace(card, **values)


def _row(actions: Sequence[Action], first: int) -> tuple[Action, ...]:
    sealed: list[Any] = [_address(first + n) for n in range(len(actions))]
    return tuple([Action(one.label, url) for one, url in zip(actions, sealed, strict=True)])


def _address(place: int) -> Sealed:
    return Sealed(slot(_FIRST + place), is_address=True)
