"""Sliding windows: never more in any span, everything again a span later, and warm-up."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from digest.delivery.rates import (
    Cells,
    Grant,
    Rate,
    ceiling,
    give_back,
    parse_rates,
    take,
    warmed,
)

NOON = 1_800_000_000.0


def test_rates_are_read() -> None:
    assert parse_rates("10/second, 500 / day") == (Rate(10, 1), Rate(500, 86400))
    assert parse_rates("") == ()
    assert [str(rate) for rate in parse_rates("7/minute")] == ["7/minute"]


@pytest.mark.parametrize("text", ["10", "10/fortnight", "ten/day", "0/day", "-1/day", "1/day x"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be rates"):
        parse_rates(text)


@pytest.mark.parametrize("rates", ["10/second", "30/minute", "10/second 100/minute 500/hour"])
def test_no_span_wherever_it_begins_holds_more_than_its_rate(rates: str) -> None:
    chance, limits = random.Random(7), parse_rates(rates)
    cells: Cells = {}
    sent: list[float] = []
    now = NOON
    for _ in range(3000):
        now += chance.expovariate(8)
        grant, cells = take(cells, limits, chance.randint(1, 5), now)
        sent += [now] * grant.count
    assert sent
    for rate in limits:
        for start in sent[::7]:
            inside = sum(start <= at < start + rate.span for at in sent)
            assert inside <= rate.most


@pytest.mark.parametrize("rate", [Rate(5, 1), Rate(5, 60), Rate(5, 3600), Rate(5, 86400)])
def test_the_whole_allowance_may_go_at_once_and_comes_back(rate: Rate) -> None:
    grant, cells = take({}, [rate], 9, NOON)
    assert grant.count == 5
    assert rate.span <= grant.wait <= rate.span * 1.01 + 0.002
    again, cells = take(cells, [rate], 9, NOON + grant.wait / 2)
    assert again.count == 0
    later, _ = take(cells, [rate], 9, NOON + grant.wait)
    assert later.count == 5


def test_without_rates_everything_may_go() -> None:
    assert take({}, [], 500, NOON)[0] == Grant(500)


def test_the_tightest_rate_decides() -> None:
    grant, _ = take({}, parse_rates("10/second 3/day"), 9, NOON)
    assert grant.count == 3
    assert grant.wait > 86000


def test_what_was_not_used_is_given_back() -> None:
    rates = parse_rates("10/minute")
    _, cells = take({}, rates, 10, NOON)
    grant, _ = take(give_back(cells, 4), rates, 10, NOON + 1)
    assert grant.count == 4


def test_a_clock_set_back_by_a_year_locks_nobody_out() -> None:
    rates = parse_rates("10/hour")
    _, cells = take({}, rates, 10, NOON)
    assert take(cells, rates, 10, NOON - 365 * 86400)[0].count == 10
    assert take(cells, rates, 10, NOON - 60)[0].count == 0, "a small step is no way round"


def test_cells_stay_few() -> None:
    rates = parse_rates("100000/day")
    cells: Cells = {}
    for minute in range(5000):
        _, cells = take(cells, rates, 1, NOON + 60 * minute)
    assert len(cells["86400"]) <= 289


def test_a_new_sender_grows() -> None:
    assert [ceiling(100, 2, day) for day in (0, 0.9, 1, 3, 10)] == [100, 100, 200, 800, 102400]
    rates = parse_rates("10/second 500/day")
    young = warmed(rates, first=100, growth=2, age=timedelta(days=1))
    old = warmed(rates, first=100, growth=2, age=timedelta(days=9))
    assert set(young) == {Rate(10, 1), Rate(200, 86400)}
    assert set(old) == set(rates)
    assert warmed(rates, first=0, growth=2, age=timedelta()) == rates
