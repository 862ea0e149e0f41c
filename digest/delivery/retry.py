"""What becomes of a delivery after a try: a pure decision, and the only place that makes it.

    ACCEPTED                      -> DELIVERED
    PARTLY                        -> QUEUED at once, for the next part
    REFUSED                       -> REFUSED
    DEFERRED, time left           -> DEFERRED for first * factor^attempts, <= ceiling, +- jitter
    DEFERRED, its time is over    -> EXPIRED
    UNCERTAIN, first time, RESEND -> as DEFERRED (with the same Message-ID)
    UNCERTAIN otherwise           -> UNCERTAIN: held for the operator

No I/O, no clock, no random numbers: the jitter comes from the delivery's id, so that the same
question has the same answer on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Final

from digest.model import Decision, Delivery, DeliveryId, DeliveryState, Outcome, Result


class Doubt(StrEnum):
    """What to do when the answer to end-of-data was lost."""

    RESEND = "resend"  #: once more, same Message-ID: never lost, at most one duplicate
    HOLD = "hold"  #: never twice; the operator decides (`strict`)
    REPEAT = "repeat"  #: for channels where a repeat replaces the first


@dataclass(frozen=True, slots=True)
class Policy:
    """`lifetime` counts from the delivery's creation where it has no `expires_at` of its own."""

    first: timedelta = timedelta(minutes=5)
    factor: float = 2.0
    ceiling: timedelta = timedelta(hours=4)
    jitter: float = 0.2
    lifetime: timedelta = timedelta(days=3)
    doubt: Doubt = Doubt.RESEND


#: What is so whatever the delivery, the time and the policy.
CERTAIN: Final = {
    Result.ACCEPTED: Decision(DeliveryState.DELIVERED),
    Result.REFUSED: Decision(DeliveryState.REFUSED),
}


def decide(outcome: Outcome, delivery: Delivery, *, now: datetime, policy: Policy) -> Decision:
    """The state of `delivery` after `outcome`, and when it is tried again."""
    certain = CERTAIN.get(outcome.result)
    if certain is not None:
        return certain
    if outcome.result is Result.PARTLY:
        return Decision(DeliveryState.QUEUED, now)
    if outcome.result is Result.UNCERTAIN and not _may_repeat(delivery, policy.doubt):
        return Decision(DeliveryState.UNCERTAIN)
    retry_at = now + wait(delivery.id, delivery.attempts, policy)
    if outcome.retry_after:
        retry_at = max(retry_at, now + timedelta(seconds=outcome.retry_after))
    if retry_at >= (delivery.expires_at or delivery.created_at + policy.lifetime):
        return Decision(DeliveryState.EXPIRED)
    return Decision(DeliveryState.DEFERRED, retry_at)


def wait(delivery: DeliveryId, attempts: int, policy: Policy) -> timedelta:
    """How long after the attempt that follows `attempts` earlier ones the next one comes."""
    doublings = min(attempts, 60)
    seconds = min(
        policy.first.total_seconds() * policy.factor**doublings, policy.ceiling.total_seconds()
    )
    return timedelta(seconds=seconds * (1 + policy.jitter * _noise(delivery, attempts)))


def _may_repeat(delivery: Delivery, doubt: Doubt) -> bool:
    return doubt is Doubt.REPEAT or (doubt is Doubt.RESEND and delivery.doubts == 0)


def _noise(delivery: DeliveryId, attempts: int) -> float:
    """A fixed number in [-1, 1) for this delivery and attempt."""
    seed = blake2b(f"{delivery}/{attempts}".encode(), digest_size=4).digest()
    return int.from_bytes(seed) / 2**31 - 1
