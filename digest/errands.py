"""Errands: the mails that answer somebody at the door, made again from what is stored.

    deliveries | errands | token | draw

As `digest.letters` for digests: a pure function of what is stored, so a retry has the same bytes.
Tokens are dated by the asking, so a link's time runs from there. Nothing is stored or sent here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digest.model import Delivery, Errand, ErrandId, ErrandKind, Message, Site
from digest.outbox.tally import Unrenderable
from digest.rendering.environment import Templates
from digest.rendering.errand import compose_errand
from digest.store.errands import ErrandStore
from digest.tokens import Purpose, Tokens


@dataclass(frozen=True, slots=True)
class Errands:
    """Makes the mails of one worker's errands."""

    store: ErrandStore
    tokens: Tokens
    site: Site
    templates: Templates

    def compose(self, deliveries: Sequence[Delivery]) -> Iterator[Message | Unrenderable]:
        """The mail of each errand, in order, or why there can be none; raises TemplateFault."""
        found = self.store.errands(ErrandId(one.id) for one in deliveries)
        for one in deliveries:
            errand = found.get(ErrandId(one.id))
            token = self._token(errand) if errand else None
            if errand is None or token is None:
                yield Unrenderable(one.id, "What it answers is no longer stored.")
            else:
                yield compose_errand(
                    errand,
                    token,
                    delivery=one.id,
                    channel=one.channel,
                    site=self.site,
                    templates=self.templates,
                )

    def _token(self, errand: Errand) -> str | None:
        sign, at = self.tokens.sign, errand.created_at
        match errand.kind:
            case ErrandKind.JOIN:
                return sign(Purpose.CONFIRM, errand.id, at=at)
            case ErrandKind.LINK:
                return sign(Purpose.PREFERENCES, errand.owner) if errand.owner else None
            case ErrandKind.CHANGE:
                whose = errand.subscriber_id
                return sign(Purpose.CHANGE, whose, errand.id, at=at) if whose else None
            case ErrandKind.MOVED:
                return ""  # it opens nothing: whoever reads that address may be somebody else now
