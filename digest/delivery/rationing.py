"""A Sender that sends no more than its allowance, and the allowance of each recipient domain.

The allowance is taken in batches, so that the hot path asks the database once for some hundred
messages. A short wait is slept between two messages; for a longer one the channel is done for
now: what is in hand is finished, RateReached tells when to go on, and the rest stays queued.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from types import TracebackType
from typing import Final, Protocol, Self

from digest.delivery.base import Sender, Witness
from digest.delivery.rates import Grant
from digest.errors import RateReached
from digest.model import Delivery, DeliveryId, Message, Outcome

_BATCH: Final = 100
_PATIENCE: Final = 1.0  #: seconds slept with messages in hand; longer would delay their answers


class Allowance(Protocol):
    """What may be sent, shared with every process."""

    def take(self, want: int) -> Grant: ...

    def give_back(self, count: int) -> None: ...


class RationedSender:
    """Hands on to `sender` what the allowance admits."""

    def __init__(
        self, sender: Sender, allowance: Allowance, *, name: str, stop: threading.Event
    ) -> None:
        self._sender = sender
        self._allowance = allowance
        self._name = name
        self._stop = stop
        self._left = 0
        self._wait = 0.0

    def __enter__(self) -> Self:
        self._sender.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._left:
            self._allowance.give_back(self._left)
            self._left = 0
        self._sender.__exit__(kind, error, trace)

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        self._wait = 0.0
        yield from self._sender.send(self._admitted(iter(messages)), witness)
        if self._wait:
            raise RateReached(f"{self._name} has sent all it may for now.", wait=self._wait)

    def _admitted(self, messages: Iterator[Message]) -> Iterator[Message]:
        while self._left or self._refill():
            message = next(messages, None)
            if message is None:
                return
            self._left -= 1
            yield message

    def _refill(self) -> bool:
        while not self._stop.is_set():
            grant = self._allowance.take(_BATCH)
            if grant.count:
                self._left = grant.count
                return True
            if grant.wait > _PATIENCE:
                self._wait = grant.wait
                return False
            self._stop.wait(max(grant.wait, 0.001))
        return False


class Domains(Protocol):
    """What may be sent to each recipient domain; one call for a whole batch."""

    def take(self, wanted: Counter[str]) -> dict[str, Grant]: ...


def sift(deliveries: Collection[Delivery], domains: Domains) -> dict[DeliveryId, float]:
    """Which of these must wait for their domain, and for how many seconds; the others may go."""
    by_domain: dict[str, list[DeliveryId]] = {}
    for one in deliveries:
        by_domain.setdefault(domain_of(one.address), []).append(one.id)
    grants = domains.take(Counter({name: len(ids) for name, ids in by_domain.items()}))
    waits: dict[DeliveryId, float] = {}
    for name, ids in by_domain.items():
        grant = grants.get(name)
        if grant is not None:
            surplus = ids[grant.count :]
            # Not all at the same moment again: as many at a time as were admitted now.
            step = max(1, grant.count)
            pause = max(grant.wait, 1.0)
            waits |= {id_: pause * (1 + at // step) for at, id_ in enumerate(surplus)}
    return waits


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()
