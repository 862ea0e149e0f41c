"""When an account that keeps failing is left alone, and when it is tried again. Pure.

a fault                                  -> counted, tried again at the next drain
3 faults in a row over 10 minutes        -> paused; the operator is told, once
paused                                   -> one try an hour; the operator may resume it sooner
a message accepted or refused            -> healthy again; told, if it was paused
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from digest.model import RouteHealth

FAULTS: Final = 3
SPAN: Final = timedelta(minutes=10)
PROBE: Final = timedelta(hours=1)


def may_try(health: RouteHealth, now: datetime) -> bool:
    return health.paused_at is None or health.probe_at is None or health.probe_at <= now


def after_fault(health: RouteHealth, fault: str, now: datetime) -> RouteHealth:
    """The health after one more fault in a row."""
    since = health.failing_since or now
    failed = replace(health, failures=health.failures + 1, failing_since=since, fault=fault)
    if failed.paused_at is not None:
        return replace(failed, probe_at=now + PROBE)
    if failed.failures >= FAULTS and now - since >= SPAN:
        return replace(failed, paused_at=now, probe_at=now + PROBE)
    return failed


def recovered(health: RouteHealth) -> RouteHealth:
    """The health of what works, or of what the operator wants tried."""
    return RouteHealth(health.name, first_used_at=health.first_used_at)
