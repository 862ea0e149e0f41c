"""The Sender seam: what the outbox needs of a way out, and what a way out needs of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Protocol, Self

from digest.model import DeliveryId, Message, Outcome


class Witness(Protocol):
    """Remembers, so that a kill cannot undo it, what went out and what was answered.

    `handing` is called right before the bytes that make a message the other side's (for SMTP the
    end-of-data) can leave; it raises ClaimLost where another worker has the delivery now, and then
    nothing may leave. `answered` is called as soon as the answer was read, before anything else.
    """

    def handing(self, delivery: DeliveryId) -> None: ...

    def answered(self, outcome: Outcome) -> None: ...


class Sender(Protocol):
    """One way out: a pool of connections or its like, used by one thread as a context manager.

    `send` takes messages in order, as they come (it may ask for the next before the last one is
    answered), and yields one outcome for each in any order as soon as it is known. Faults of one
    message or recipient are outcomes. It raises DeliveryFault where the channel itself cannot work
    (no host, login refused, TLS missing) and ClaimLost from the witness; messages without an
    outcome then were not sent. UNCERTAIN is only for a message that was handed over entirely and
    whose answer was lost; every other loss is DEFERRED.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]: ...
