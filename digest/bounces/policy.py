"""What becomes of a reader whose mail comes back: one pure decision over their events.

    complaint                                       -> suppress at once
    unsubscribe                                     -> unsubscribe at once
    nobody of this name, on two different days      -> suspend
    refused for good in unclear words, no domain    -> half a day's worth each, fading by half in a
                                                       week; they suspend from a score of 2 on
    mailbox full, greylisted, blocked, policy,
    too big, temporary                              -> listed, and count for nothing
    delayed                                         -> never counts: the mail is still on its way

A day counts once, however many events it brought: a wave of refusals on one morning is one
misfortune of the other side's, not many of the reader's. What others report of a delivery counts
once, on its first day: a provider may post it and return a mail as well, read a day later. Events
before our last verdict, or older than `HORIZON`, count no more. No clock, no I/O; the events
themselves are all it remembers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from digest.model import Bounce, BounceKind, DeliveryId

HORIZON: Final = timedelta(days=60)
HALF_LIFE: Final = timedelta(days=7)
THRESHOLD: Final = 2.0
OURSELVES: Final = "smtp"  #: the origin of what a server told us, not somebody behind it
_CERTAIN: Final = 1.0  #: each day on which there was nobody of the name
_UNCLEAR: Final = 0.5  #: each day of an unclear refusal, fading
_FADING: Final = frozenset({BounceKind.UNDETERMINED, BounceKind.NO_DOMAIN})


class Action(StrEnum):
    KEEP = "keep"
    SUSPEND = "suspend"
    UNSUBSCRIBE = "unsubscribe"
    SUPPRESS = "suppress"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why in words that the reader and the operator may both read."""

    action: Action
    score: float
    reason: str = ""


def judge(events: Iterable[Bounce], now: datetime) -> Verdict:
    """The verdict on one reader's events, in any order."""
    counted = _since_last_verdict(sorted(events, key=lambda one: one.at), now)
    kinds = {one.kind for one in counted}
    if BounceKind.COMPLAINT in kinds:
        return Verdict(Action.SUPPRESS, THRESHOLD, "complaint: the mail was reported as spam")
    if BounceKind.UNSUBSCRIBE in kinds:
        return Verdict(Action.UNSUBSCRIBE, 0.0, "unsubscribed by mail")
    total = score(counted, now)
    if total >= THRESHOLD:
        return Verdict(Action.SUSPEND, total, _why(counted))
    return Verdict(Action.KEEP, total)


def score(events: Sequence[Bounce], now: datetime) -> float:
    """How near a reader is to being suspended; from `THRESHOLD` on they are."""
    certain = {at.date() for at in _failures(events, {BounceKind.USER_UNKNOWN})}
    unclear = {at.date(): at for at in _failures(events, _FADING)}
    fading = (_faded(now - at) for day, at in unclear.items() if day not in certain)
    return round(_CERTAIN * len(certain) + _UNCLEAR * sum(fading), 3)


def _failures(events: Sequence[Bounce], kinds: Collection[BounceKind]) -> list[datetime]:
    """When mail came back in one of these kinds, oldest first.

    What a server told us is a try of its own; of what others report, each delivery counts once.
    """
    told: set[DeliveryId] = set()
    found: list[datetime] = []
    for one in sorted(events, key=lambda one: one.at):
        if one.kind in kinds and (one.origin == OURSELVES or one.delivery_id not in told):
            told.add(one.delivery_id)
            found.append(one.at)
    return found


def _faded(age: timedelta) -> float:
    return float(0.5 ** (max(age, timedelta(0)) / HALF_LIFE))


def _since_last_verdict(events: Sequence[Bounce], now: datetime) -> list[Bounce]:
    counted: list[Bounce] = []
    for one in events:
        if one.kind is BounceKind.SUSPENDED:
            counted.clear()
        elif now - one.at <= HORIZON:
            counted.append(one)
    return counted


def _why(events: Sequence[Bounce]) -> str:
    telling = [one for one in events if one.kind is BounceKind.USER_UNKNOWN or one.kind in _FADING]
    days = sorted({f"{one.at:%Y-%m-%d}" for one in telling})
    last = telling[-1]
    words = " ".join(filter(None, (last.status, last.detail)))[:160]
    said = f" (last: {words})" if words else ""
    return f"bounced on {', '.join(days[-3:])}{said}"
