"""A Sender over several accounts in order: the first that works sends, the next takes over.

    messages | account 1 ──fault──> account 2 ──fault──> account 3 | outcomes

By the contract of `Sender`, messages without an outcome when one raises DeliveryFault were not
sent: they, and nothing else, go to the next account, so nobody gets a mail twice. An account that
keeps failing is left alone by its `Health`; one that has used up its allowance is not at fault.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from digest.delivery.base import Sender, Witness
from digest.errors import DeliveryFault, RateReached
from digest.model import DeliveryId, Message, Outcome

_log = logging.getLogger(__name__)


class Health(Protocol):
    """How a way out fares, remembered across processes."""

    def refusal(self) -> DeliveryFault | None:
        """Why the way must not be tried now, or None."""

    def failed(self, fault: DeliveryFault) -> None: ...

    def worked(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Way:
    """One account."""

    name: str
    sender: Sender
    health: Health


class FailoverSender:
    """Sends by the first of `ways` that works; raises its fault when none does."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._ways = ways
        self._opened: dict[str, Sender] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        self._opened.clear()

    def send(self, messages: Iterable[Message], witness: Witness) -> Iterator[Outcome]:
        pending = _Pending(iter(messages))
        faults: list[DeliveryFault] = []
        for way in self._ways:
            fault = way.health.refusal()
            if fault is None:
                fault = yield from self._by(way, pending, witness)
                if fault is None:
                    return
            faults.append(fault)
            _log.warning("%s: %s", way.name, fault, extra={"action": "account_fault"})
        raise next((one for one in faults if not isinstance(one, RateReached)), faults[0])

    def _by(
        self, way: Way, pending: _Pending, witness: Witness
    ) -> Generator[Outcome, None, DeliveryFault | None]:
        """The outcomes; returns the fault that ended it."""
        has_worked = False
        try:
            for outcome in self._open(way).send(pending.replayed(), witness):
                pending.answered(outcome)
                if not has_worked:
                    way.health.worked()
                    has_worked = True
                yield outcome
        except RateReached as reached:
            return reached
        except DeliveryFault as fault:
            way.health.failed(fault)
            return fault
        return None

    def _open(self, way: Way) -> Sender:
        if way.name not in self._opened:
            self._opened[way.name] = self._stack.enter_context(way.sender)
        return self._opened[way.name]


class _Pending:
    """The messages taken from the source and not answered, to be given out again."""

    def __init__(self, source: Iterator[Message]) -> None:
        self._source = source
        self._unanswered: dict[DeliveryId, Message] = {}

    def replayed(self) -> Iterator[Message]:
        yield from list(self._unanswered.values())
        for message in self._source:
            self._unanswered[message.delivery_id] = message
            yield message

    def answered(self, outcome: Outcome) -> None:
        self._unanswered.pop(outcome.delivery_id, None)
