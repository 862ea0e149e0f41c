"""How much may be sent in a span of time: sliding windows counted in small cells. Pure.

A limit such as 500 a day holds for every 24 hours, wherever they begin, not only from midnight to
midnight: what was taken is kept in cells of a 288th of the span (five minutes for a day), and a
cell counts until its end is a whole span ago. So the whole allowance may be used at once, which is
how a digest day looks, and it comes back a cell late at most. The cells of a key are a small
document that a store keeps; who may take from it at the same time is the store's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import floor
from typing import Final, NamedTuple

Cells = dict[
    str, list[list[int]]
]  #: span in seconds -> [number of the cell, how many], oldest first

SPANS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_GRAINS: Final = 288  #: cells a span
_RATE: Final = re.compile(r"(\d{1,9})\s*/\s*(second|minute|hour|day)")


class Rate(NamedTuple):
    """At most `most` in any `span` seconds."""

    most: int
    span: int

    def __str__(self) -> str:
        names = {seconds: name for name, seconds in SPANS.items()}
        return f"{self.most}/{names.get(self.span, f'{self.span}s')}"


@dataclass(frozen=True, slots=True)
class Grant:
    """`count` may be sent now; if that is less than was wanted, more can be had after `wait` s."""

    count: int
    wait: float = 0.0


def parse_rates(text: str) -> tuple[Rate, ...]:
    """The rates in `10/second 500/day`; raises ValueError with the mend."""
    words = re.sub(r"\s*/\s*", "/", text).replace(",", " ").split()
    found = [_RATE.fullmatch(word) for word in words]
    rates = [Rate(int(one[1]), SPANS[one[2]]) for one in found if one]
    if len(rates) < len(words) or any(not rate.most for rate in rates):
        raise ValueError(
            f"must be rates such as '10/second 500/day' (second, minute, hour, day), not {text!r}"
        )
    return tuple(rates)


def take(cells: Cells, rates: Sequence[Rate], want: int, now: float) -> tuple[Grant, Cells]:
    """Up to `want` within all `rates` at `now` (seconds since 1970), and the cells after it."""
    kept = {str(rate.span): _live(cells.get(str(rate.span), []), rate.span, now) for rate in rates}
    free = {rate: max(0, rate.most - _sum(kept[str(rate.span)])) for rate in rates}
    count = min([want, *free.values()])
    if count:
        for span, live in kept.items():
            _add(live, floor(now * _GRAINS / int(span)), count)
    if count == want:
        return Grant(count), kept
    tight = [rate for rate in rates if free[rate] < want]
    wait = max(_until_freed(kept[str(rate.span)], rate.span, now) for rate in tight)
    return Grant(count, wait), kept


def give_back(cells: Cells, count: int) -> Cells:
    """The cells without `count` of what was taken last."""
    return {span: _less(live, count) for span, live in cells.items()}


def ceiling(first: int, growth: float, days: float) -> int:
    """What a new sender may send on the day that begins `days` after its first: `first`, growing.

    Mailbox providers distrust an unknown sender that sends everything at once.
    """
    return floor(first * growth ** min(floor(max(0.0, days)), 60))


def warmed(rates: Sequence[Rate], *, first: int, growth: float, age: timedelta) -> tuple[Rate, ...]:
    """The rates, and the day's ceiling of a sender of that `age`; `first` 0: it needs no warmth."""
    if not first:
        return tuple(rates)
    day = SPANS["day"]
    most = ceiling(first, growth, age / timedelta(days=1))
    usual = [rate.most for rate in rates if rate.span == day]
    others = [rate for rate in rates if rate.span != day]
    return (*others, Rate(min([most, *usual]), day))


def _live(cells: Sequence[Sequence[int]], span: int, now: float) -> list[list[int]]:
    """The cells that still count; those further ahead than a span are of a clock since set back."""
    here = now * _GRAINS / span
    return [
        [cell, number]
        for cell, number in cells
        if here - _GRAINS < cell + 1 and cell <= here + _GRAINS
    ]


def _sum(live: Sequence[Sequence[int]]) -> int:
    return sum(number for _cell, number in live)


def _until_freed(live: Sequence[Sequence[int]], span: int, now: float) -> float:
    if not live:
        return 0.0
    return max(0.0, (live[0][0] + 1 + _GRAINS) * span / _GRAINS - now) + 0.001


def _add(live: list[list[int]], cell: int, count: int) -> None:
    if live and live[-1][0] >= cell:
        live[-1][1] += count
    else:
        live.append([cell, count])


def _less(live: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    left = []
    for cell, number in reversed(live):
        gone = min(number, count)
        count -= gone
        if number > gone:
            left.append([cell, number - gone])
    return left[::-1]
