"""Letters: the messages of claimed deliveries, made again from what is stored.

    deliveries | digests and their readers | papers | draw

A message is a pure function of its digest, so a retry has the same bytes and the same Message-ID.
Whatever is missing makes one delivery unrenderable and stops no other (guarantee 3). Nothing is
stored and nothing sent here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final

from digest.model import (
    Addressee,
    Channel,
    Delivery,
    DeliveryId,
    Digest,
    Item,
    Message,
    Paper,
    PaperId,
    Section,
)
from digest.outbox.tally import Unrenderable
from digest.rendering.message import Letter
from digest.store.papers import PaperStore
from digest.store.readers import ReaderStore
from digest.tokens import Tokens

Draw = Callable[[Letter], Message | Unrenderable]
Drawing = Callable[[Channel], Draw]
Verp = Callable[[DeliveryId], str]
_KEPT: Final = 5000  #: papers remembered between batches
_paper_of: Callable[[Item], PaperId] = itemgetter(Item._fields.index("paper_id"))
_items_of: Callable[[Section], Sequence[Item]] = itemgetter(Section._fields.index("items"))


class Letters:
    """Makes the messages of one worker's deliveries; papers are read once for all of them."""

    def __init__(
        self,
        *,
        readers: ReaderStore,
        papers: PaperStore,
        tokens: Tokens,
        drawing: Drawing,
        verp: Verp | None = None,
        kept: int = _KEPT,
    ) -> None:
        """`drawing` gives what draws a channel's messages.

        `verp` makes the envelope sender of a delivery; without it, mails have the site's. `kept`:
        papers remembered from one batch to the next.
        """
        self._kept = kept
        self._readers = readers
        self._store = papers
        self._tokens = tokens
        self._drawing = drawing
        self._verp = verp
        self._papers: dict[PaperId, Paper] = {}
        self._reading = object()  #: another one whenever papers may be read again

    def compose(self, deliveries: Sequence[Delivery]) -> Iterator[Message | Unrenderable]:
        """The message of each delivery, in order, or why there can be none; all of one channel."""
        stored = self._readers.read([one.digest_id for one in deliveries])
        self._fetch([read.digest for read in stored.values()])
        draw = self._drawing(deliveries[0].channel)
        for one in deliveries:
            read = stored.get(one.digest_id)
            if read is None:
                yield Unrenderable(one.id, "Its digest or its subscriber is no longer stored.")
            else:
                yield draw(self._letter(one, *read))

    def _fetch(self, digests: Iterable[Digest]) -> None:
        sections = chain.from_iterable([digest.sections for digest in digests])
        wanted = set(map(_paper_of, chain.from_iterable(map(_items_of, sections))))
        if missing := wanted - self._papers.keys():
            if len(self._papers) > self._kept:
                self._papers.clear()
                self._reading = object()
                missing = wanted
            self._papers |= self._store.papers(missing)

    def _letter(self, delivery: Delivery, digest: Digest, addressee: Addressee) -> Letter:
        return Letter(
            delivery.id,
            delivery.address,
            digest,
            addressee,
            self._papers,
            self._tokens.for_mail(addressee.id, digest.id),
            self._verp(delivery.id) if self._verp else "",
            delivery.part,
            self._reading,
        )
