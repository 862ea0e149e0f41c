"""What is composed for claimed deliveries: each one's message, whatever becomes of the others'.

Guarantee 3: what cannot be composed is one delivery's own, with the reason. Only a TemplateFault
concerns all, and goes to whoever asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from digest.errors import TemplateFault
from digest.model import Delivery, DeliveryId, Message
from digest.outbox.tally import Unrenderable

_log = logging.getLogger(__name__)

Composed = Message | Unrenderable
Compose = Callable[[Sequence[Delivery]], Iterable[Composed]]

_AT_ONCE: Final = 8  #: messages: each by itself would find the processor's cache cold


def each_composed(deliveries: Sequence[Delivery], compose: Compose) -> Iterator[Composed]:
    """Each delivery's message; where the batch fails, one by one, so that one fault is one."""
    composing = chain.from_iterable(map(compose, (deliveries,)))  # not before it is asked for
    done: list[DeliveryId] = []
    while True:
        some, fault = _next_few(composing)
        done += [composed.delivery_id for composed in some]
        yield from some
        if isinstance(fault, TemplateFault):
            raise fault
        if fault:
            told = {"action": "compose_failed"}
            _log.error("Composing a batch failed", exc_info=fault, extra=told)
        if len(some) < _AT_ONCE:
            break
    if len(done) < len(deliveries):
        for delivery in deliveries:
            if delivery.id not in done:
                yield from _one_composed(delivery, compose)


def _next_few(composing: Iterator[Composed]) -> tuple[list[Composed], Exception | None]:
    """The next few, or fewer: at the end, or with what came in between."""
    some: list[Composed] = []
    try:
        some.extend(islice(composing, _AT_ONCE))
    # The per-delivery edge: a bad paper or template value must not stop the others.
    except Exception as fault:
        return some, fault
    return some, None


def _one_composed(delivery: Delivery, compose: Compose) -> list[Composed]:
    try:
        composed = list(compose([delivery]))
    except TemplateFault:
        raise
    except Exception as error:  # the same edge
        return [Unrenderable(delivery.id, f"{type(error).__name__}: {error}")]
    return composed or [Unrenderable(delivery.id, "the composer gave no message")]
