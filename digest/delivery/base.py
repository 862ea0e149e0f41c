"""The Channel seam: what the outbox needs of a way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from digest.model import Message, Outcome


class Sender(Protocol):
    """One open way out: a connection or its like, used by one thread as a context manager.

    `send` takes messages in order and yields one outcome for each, in any order, as soon as it is
    known; every message that was taken gets exactly one outcome, whatever happens to the
    connection. Faults of one recipient are outcomes. DeliveryFault means the channel itself cannot
    work (no host, login refused, TLS missing); messages without an outcome then were not sent.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def send(self, messages: Iterable[Message] | Sequence[Message]) -> Iterator[Outcome]: ...
