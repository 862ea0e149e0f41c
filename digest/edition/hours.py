"""Hours: what a schedule says at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from digest.clock import latest_due, next_due, period
from digest.model import Schedule


class Hour(NamedTuple):
    """What a schedule says at the moment of composing: thousands share one."""

    latest: datetime | None  #: due until now; None when nothing was for long
    following: datetime
    since: datetime  #: one cadence's span ago


def at_hour(now: datetime, schedule: Schedule) -> Hour:
    return Hour(latest_due(now, schedule), next_due(now, schedule), now - period(schedule))
