"""What a drain tells: counts by state, and what stopped a channel. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from digest.model import Channel, DeliveryId, DeliveryState, Settlement


@dataclass(frozen=True, slots=True)
class Unrenderable:
    """A delivery for which no message could be made, and why.

    `is_final`: nor ever can be. Otherwise something is to be mended, and it is tried again.
    """

    delivery_id: DeliveryId
    why: str
    is_final: bool = True


@dataclass(slots=True)
class Tally:
    """Deliveries by what became of them; `faults` names channels that could not work.

    `waits`: channels that have sent all they may, and for how many seconds; that is no failure.
    """

    states: Counter[DeliveryState] = field(default_factory=Counter)
    faults: dict[Channel, str] = field(default_factory=dict)
    waits: dict[Channel, float] = field(default_factory=dict)

    @property
    def has_failures(self) -> bool:
        """Whether an operator should look."""
        failed = (DeliveryState.REFUSED, DeliveryState.UNCERTAIN, DeliveryState.DEFERRED)
        return bool(self.faults) or any(self.states[state] for state in failed)

    def count(self, settlements: Iterable[Settlement]) -> None:
        """A part of a digest is not counted: its last part is."""
        states = Counter(map(_state_of, settlements))
        del states[_QUEUED]
        self.states.update(states)

    def add(self, other: Tally) -> None:
        self.states.update(other.states)
        self.faults.update(other.faults)
        self.waits.update(other.waits)

    def as_json(self) -> Mapping[str, int]:
        """`{"delivered": 3, "deferred": 0, …}` for every state that ends a try."""
        ends = [state for state in DeliveryState if state not in (_QUEUED, _SENDING)]
        return {state.value: self.states[state] for state in ends}


_QUEUED, _SENDING = DeliveryState.QUEUED, DeliveryState.SENDING
_state_of: Callable[[Settlement], DeliveryState] = attrgetter("decision.state")
