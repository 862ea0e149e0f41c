"""Letters: the messages of claimed deliveries, made again from what is stored.

    deliveries | digests | subscribers | papers | draw

A message is a pure function of its digest, so a retry has the same bytes and the same Message-ID.
Whatever is missing makes one delivery unrenderable and stops no other (guarantee 3). Nothing is
stored and nothing sent here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from digest.model import (
    Channel,
    Delivery,
    DeliveryId,
    Digest,
    DigestId,
    Message,
    Paper,
    PaperId,
    Subscriber,
)
from digest.outbox.tally import Unrenderable
from digest.rendering.message import Letter
from digest.store.editions import EditionStore
from digest.store.papers import PaperStore
from digest.store.readers import ReaderStore
from digest.tokens import Tokens

Draw = Callable[[Letter, Channel], Message | Unrenderable]
Verp = Callable[[DeliveryId], str]
_KEPT = 5000  #: papers remembered between batches


class Letters:
    """Makes the messages of one worker's deliveries; papers are read once for all of them."""

    def __init__(
        self,
        *,
        editions: EditionStore,
        readers: ReaderStore,
        papers: PaperStore,
        tokens: Tokens,
        draw: Draw,
        verp: Verp | None = None,
    ) -> None:
        """`verp` makes the envelope sender of a delivery; without it, mails have the site's."""
        self._editions = editions
        self._readers = readers
        self._store = papers
        self._tokens = tokens
        self._draw = draw
        self._verp = verp
        self._papers: dict[PaperId, Paper] = {}

    def compose(self, deliveries: Sequence[Delivery]) -> Iterator[Message | Unrenderable]:
        """The message of each delivery, in order, or why there can be none."""
        digests = self._editions.digests([one.digest_id for one in deliveries])
        readers = self._readers.readers([one.subscriber_id for one in deliveries])
        self._fetch(digests)
        for one in deliveries:
            digest = digests.get(one.digest_id)
            reader = readers.get(one.subscriber_id)
            if digest is None or reader is None:
                yield Unrenderable(one.id, "Its digest or its subscriber is no longer stored.")
            else:
                yield self._draw(self._letter(one, digest, reader), one.channel)

    def _fetch(self, digests: Mapping[DigestId, Digest]) -> None:
        wanted = {paper_id for digest in digests.values() for paper_id in digest.paper_ids}
        if missing := wanted - self._papers.keys():
            if len(self._papers) > _KEPT:
                self._papers.clear()
                missing = wanted
            self._papers |= self._store.papers(missing)

    def _letter(self, delivery: Delivery, digest: Digest, subscriber: Subscriber) -> Letter:
        return Letter(
            delivery_id=DeliveryId(delivery.id),
            address=delivery.address,
            digest=digest,
            subscriber=subscriber,
            papers=self._papers,
            tokens=self._tokens.for_mail(subscriber.id, digest.id),
            envelope_from=self._verp(delivery.id) if self._verp else "",
            part=delivery.part,
        )
