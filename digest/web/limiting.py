"""How often one may ask, per address, per client and over all: decided here, counted in the store.

Only for what is posted: looking is never counted, for looking changes nothing (guarantee 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from starlette.exceptions import HTTPException

from digest.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many within a time."""

    most: int
    within: timedelta


def admit(visit: Visit, what: str, who: str, limit: Limit) -> None:
    """Count one attempt at `what` by `who`; beyond the limit, a 429 that says how long to wait.

    `who` is an address, a client (`visit.client`) or "" for everybody together; stored hashed.
    """
    rooms = visit.rooms
    key = f"{what}:{who}"
    wait = rooms.limits.wait(key, most=limit.most, within=limit.within, now=rooms.clock())
    if wait:
        raise HTTPException(429, headers={"Retry-After": str(int(wait.total_seconds()))})
