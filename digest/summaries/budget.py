"""Tokens that may be spent in a day: reserved before asking, corrected by what it cost.

The window slides and is shared by all processes (`store.budgets`); a process that is killed
between the two has spent what it reserved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from digest.delivery.rates import SPANS, Cells, Grant, Rate, give_back, take
from digest.store.budgets import BudgetStore

_KEY: Final = "summaries:tokens"


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """`daily` tokens in any 24 hours."""

    store: BudgetStore
    daily: int

    def reserve(self, tokens: int) -> Grant:
        """All of them or none; with none, after how many seconds there may be more."""

        def taken(key: str, cells: Cells, now: float) -> tuple[Grant, Cells]:
            grant, after = take(cells, (Rate(self.daily, SPANS["day"]),), tokens, now)
            return (grant, after) if grant.count == tokens else (Grant(0, grant.wait), cells)

        return self.store.change([_KEY], taken)[_KEY]

    def correct(self, reserved: int, spent: int) -> None:
        """Give back what was not needed; what went beyond counts, too."""

        def corrected(key: str, cells: Cells, now: float) -> tuple[None, Cells]:
            if spent <= reserved:
                return None, give_back(cells, reserved - spent)
            _, after = take(cells, (Rate(10**12, SPANS["day"]),), spent - reserved, now)
            return None, after

        if spent != reserved:
            self.store.change([_KEY], corrected)
