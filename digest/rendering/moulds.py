"""Moulds: the card's HTML template drawn once for each shape of card, instead of once a paper.

    shape -> mould, the paper's values sealed | values of one paper -> Outline

Chips, addresses and the paper's number are printed and no more by most templates. One that does
anything else with them, or that would not print an address, is drawn for each paper as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, Final

from digest.errors import TemplateFault
from digest.rendering.links import safe_url
from digest.rendering.plates import HOLE, Outline
from digest.rendering.quoted import quoted
from digest.rendering.sealed import Sealed
from digest.rendering.skeleton import escaped, slot
from digest.rendering.view import Action, Card
from digest.shelf import Shelf

_KEPT: Final = 256  #: twice this at most, about 3 kB each
_FIRST: Final = 1000  #: the first value's slot; those before are the cards' own


class Moulds:
    """The outlines of cards; `own` and `also` are slots as `Outline.of` has them."""

    def __init__(self, draw: Callable[[Card], str], *, own: int, also: int) -> None:
        self._draw = draw
        self._own = own
        self._also = also
        self._moulds: Shelf[Hashable, Outline | bool] = Shelf(_KEPT)

    def outline(self, alone: Card, shared: Card) -> Outline | None:
        """The outline of one paper's card, without and with further interests."""
        urls = [alone.url, *[action.url for action in (*alone.actions, *alone.feedback)]]
        values = [str(alone.paper_id), *alone.chips, *urls]
        if not all(values) or any([safe_url(url) != url for url in urls]):
            return self._drawn(alone, shared)
        mould = self._mould(alone, shared)
        if not isinstance(mould, Outline):
            return self._drawn(alone, shared)
        return mould.filled({_FIRST + n: self._quoted(value) for n, value in enumerate(values)})

    def _drawn(self, alone: Card, shared: Card) -> Outline | None:
        return Outline.of(self._draw(alone), self._draw(shared), own=self._own, also=self._also)

    def _mould(self, alone: Card, shared: Card) -> Outline | bool:
        """What cards of this shape share; False where the template looks into the values."""
        shape = _shape(alone, shared)
        known = self._moulds.find(shape)
        if known is None:
            try:
                mould = self._drawn(_sealed(alone), _sealed(shared))
            except TemplateFault:  # a true one comes again when the paper's own card is drawn
                mould = None
            known = self._moulds.keep(shape, mould or False)
        return known

    def _quoted(self, value: str) -> bytes:
        return HOLE.join(map(quoted, escaped(value).split(slot(self._own))))


def _shape(alone: Card, shared: Card) -> Hashable:
    """All that the two cards say but the paper's own values."""
    labels = [tuple([action.label for action in row]) for row in (alone.actions, alone.feedback)]
    parts = alone.title, alone.authors, alone.summary, alone.excerpt, alone.why
    return parts, alone.summary_label, shared.also, len(alone.chips), *labels


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
