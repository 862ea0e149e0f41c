"""The retry policy, by tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from digest.delivery.retry import Doubt, Policy, decide, wait
from digest.model import (
    Channel,
    Delivery,
    DeliveryId,
    DeliveryState,
    DigestId,
    Outcome,
    Result,
    SubscriberId,
)
from tests.fakes import START

STEADY = Policy(jitter=0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DELIVERY = Delivery(
    id=DeliveryId(7),
    digest_id=DigestId(3),
    subscriber_id=SubscriberId(2),
    channel=Channel.SMTP,
    address="ada@example.org",
    claim=1,
    created_at=START,
)


def after(result: Result, retry_after: float | None = None) -> Outcome:
    return Outcome(DeliveryId(7), result, retry_after=retry_after)


CASES = [
    ("accepted", Result.ACCEPTED, {}, Doubt.RESEND, DeliveryState.DELIVERED, None),
    ("refused", Result.REFUSED, {}, Doubt.RESEND, DeliveryState.REFUSED, None),
    ("deferred", Result.DEFERRED, {}, Doubt.RESEND, DeliveryState.DEFERRED, 5 * MINUTE),
    ("again", Result.DEFERRED, {"attempts": 1}, Doubt.HOLD, DeliveryState.DEFERRED, 10 * MINUTE),
    ("ceiling", Result.DEFERRED, {"attempts": 9}, Doubt.HOLD, DeliveryState.DEFERRED, 4 * HOUR),
    ("many", Result.DEFERRED, {"attempts": 10**6}, Doubt.HOLD, DeliveryState.DEFERRED, 4 * HOUR),
    ("doubt", Result.UNCERTAIN, {}, Doubt.RESEND, DeliveryState.DEFERRED, 5 * MINUTE),
    ("doubt-again", Result.UNCERTAIN, {"doubts": 1}, Doubt.RESEND, DeliveryState.UNCERTAIN, None),
    ("doubt-held", Result.UNCERTAIN, {}, Doubt.HOLD, DeliveryState.UNCERTAIN, None),
    (
        "doubt-harmless",
        Result.UNCERTAIN,
        {"doubts": 5},
        Doubt.REPEAT,
        DeliveryState.DEFERRED,
        5 * MINUTE,
    ),
    (
        "deferred-after-doubt",
        Result.DEFERRED,
        {"doubts": 1},
        Doubt.HOLD,
        DeliveryState.DEFERRED,
        5 * MINUTE,
    ),
]


@pytest.mark.parametrize(
    ("result", "fields", "doubt", "state", "retry_in"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_decide(
    result: Result,
    fields: dict[str, Any],
    doubt: Doubt,
    state: DeliveryState,
    retry_in: timedelta | None,
) -> None:
    delivery = DELIVERY._replace(**fields)
    policy = replace(STEADY, doubt=doubt)
    decision = decide(after(result), delivery, now=START, policy=policy)
    assert decision.state is state
    assert decision.retry_at == (None if retry_in is None else START + retry_in)


ENDS = [
    ("in-time", None, 3 * DAY - 6 * MINUTE, DeliveryState.DEFERRED),
    ("too-late", None, 3 * DAY - 5 * MINUTE, DeliveryState.EXPIRED),
    ("own-end-in-time", HOUR, 54 * MINUTE, DeliveryState.DEFERRED),
    ("own-end-too-late", HOUR, 56 * MINUTE, DeliveryState.EXPIRED),
]


@pytest.mark.parametrize(
    ("expires_in", "elapsed", "state"), [e[1:] for e in ENDS], ids=[e[0] for e in ENDS]
)
def test_a_try_that_would_come_too_late_is_not_made(
    expires_in: timedelta | None, elapsed: timedelta, state: DeliveryState
) -> None:
    expires = None if expires_in is None else START + expires_in
    delivery = DELIVERY._replace(expires_at=expires)
    decision = decide(after(Result.DEFERRED), delivery, now=START + elapsed, policy=STEADY)
    assert decision.state is state


def test_retry_after_is_honoured_when_it_asks_for_more() -> None:
    later = decide(after(Result.DEFERRED, retry_after=3600), DELIVERY, now=START, policy=STEADY)
    sooner = decide(after(Result.DEFERRED, retry_after=10), DELIVERY, now=START, policy=STEADY)
    assert later.retry_at == START + HOUR
    assert sooner.retry_at == START + 5 * MINUTE


def test_jitter_spreads_and_repeats_itself() -> None:
    policy = Policy(jitter=0.2)
    waits = [wait(DeliveryId(n), 0, policy) for n in range(1000)]
    assert waits == [wait(DeliveryId(n), 0, policy) for n in range(1000)]
    assert 4 * MINUTE <= min(waits) < 4.1 * MINUTE
    assert 5.9 * MINUTE < max(waits) <= 6 * MINUTE
    assert abs(sum(waits, timedelta()) / 1000 - 5 * MINUTE) < 5 * timedelta(seconds=1)
