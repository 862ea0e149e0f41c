"""The policy's table: who stays, who is suspended, and why they can read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.bounces.policy import Action, judge, score
from digest.model import Bounce, BounceKind, DeliveryId
from tests.fakes import START

NOW = START + timedelta(days=100)
Events = list[tuple[float, str]]


def events(*told: tuple[float, str]) -> list[Bounce]:
    """Events so many days ago."""
    return [
        Bounce(str(n), DeliveryId(n), NOW - timedelta(days=age), BounceKind(kind), "smtp", "5.0.0")
        for n, (age, kind) in enumerate(told)
    ]


def daily(kind: str, days: int) -> Events:
    return [(float(age), kind) for age in range(days)]


CASES: dict[str, tuple[Events, Action]] = {
    "nothing": ([], Action.KEEP),
    "unknown once": ([(0, "user_unknown")], Action.KEEP),
    "unknown thrice on one day": ([(0, "user_unknown")] * 3, Action.KEEP),
    "unknown on two days": ([(1, "user_unknown"), (0, "user_unknown")], Action.SUSPEND),
    "unknown on two days, a month apart": (
        [(30, "user_unknown"), (0, "user_unknown")],
        Action.SUSPEND,
    ),
    "unknown once, and long ago": ([(70, "user_unknown"), (0, "user_unknown")], Action.KEEP),
    "a full mailbox for a month": (daily("mailbox_full", 30), Action.KEEP),
    "greylisted for a month": (daily("greylisted", 30), Action.KEEP),
    "blocked for a month": (daily("blocked", 30), Action.KEEP),
    "policy for a month": (daily("policy", 30), Action.KEEP),
    "too big for a month": (daily("too_big", 30), Action.KEEP),
    "temporary for a month": (daily("temporary", 30), Action.KEEP),
    "delayed for a month": (daily("delayed", 30), Action.KEEP),
    "full for a month and unknown once": (
        [*daily("mailbox_full", 30), (0, "user_unknown")],
        Action.KEEP,
    ),
    "unclear for four days": (daily("undetermined", 4), Action.KEEP),
    "unclear for six days": (daily("undetermined", 6), Action.SUSPEND),
    "no domain for six days": (daily("no_domain", 6), Action.SUSPEND),
    "unclear once a week": ([(7.0 * n, "undetermined") for n in range(8)], Action.KEEP),
    "unknown once and unclear since": (
        [(4, "user_unknown"), *daily("undetermined", 3)],
        Action.SUSPEND,
    ),
    "complaint": ([(0, "complaint")], Action.SUPPRESS),
    "complaint among others": ([(3, "mailbox_full"), (0, "complaint")], Action.SUPPRESS),
    "unsubscribe": ([(0, "unsubscribe")], Action.UNSUBSCRIBE),
    "settled before": (
        [(9, "user_unknown"), (8, "user_unknown"), (7, "suspended"), (0, "user_unknown")],
        Action.KEEP,
    ),
    "anew after a verdict": (
        [(9, "suspended"), (1, "user_unknown"), (0, "user_unknown")],
        Action.SUSPEND,
    ),
}


@pytest.mark.parametrize(("told", "action"), CASES.values(), ids=CASES)
def test_the_table(told: Events, action: Action) -> None:
    assert judge(events(*told), NOW).action is action
    assert judge(reversed(events(*told)), NOW).action is action, "the order told is no matter"


@pytest.mark.parametrize("kind", ["user_unknown", "undetermined"])
def test_a_delivery_told_of_twice_counts_once(kind: str) -> None:
    """By a provider's post at once, and by its mail that was read the next day."""
    posted, mailed = events((1, kind), (0, kind))
    posted = replace(posted, origin="ses")
    mailed = replace(mailed, origin="mailbox", delivery_id=posted.delivery_id)
    assert judge([mailed, posted], NOW).action is Action.KEEP
    assert score([mailed, posted], NOW) == score([posted], NOW)


def test_each_refusal_of_a_server_is_a_try_of_its_own() -> None:
    """An operator may have had a refused delivery tried again."""
    first, again = (
        replace(one, delivery_id=DeliveryId(7)) for one in events(*daily("user_unknown", 2))
    )
    assert judge([first, again], NOW).action is Action.SUSPEND


@pytest.mark.parametrize("kind", BounceKind)
def test_only_these_kinds_count(kind: BounceKind) -> None:
    counting = {BounceKind.USER_UNKNOWN, BounceKind.UNDETERMINED, BounceKind.NO_DOMAIN}
    assert (score(events((0, kind)), NOW) > 0) == (kind in counting)


def test_soft_scores_fade_by_half_in_a_week() -> None:
    fresh = score(events((0, "undetermined")), NOW)
    assert score(events((7, "undetermined")), NOW) == pytest.approx(fresh / 2)


def test_a_reader_can_see_why() -> None:
    reason = judge(events((1, "user_unknown"), (0, "user_unknown")), NOW).reason
    assert f"{NOW:%Y-%m-%d}" in reason
    assert "5.0.0" in reason
