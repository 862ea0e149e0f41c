"""What is left alone because it kept failing: accounts for sending, the service for summaries.

Nothing is lost meanwhile, and nothing need be done: it is shown by `digest status`, `digest doctor`
and the operator's first page, so that nobody has to find it in a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from digest.store.database import Database
from digest.store.routes import RouteStore
from digest.summaries.rounds import paused_until


@dataclass(frozen=True, slots=True)
class Pause:
    """One thing that rests; `mend` is what ends it sooner."""

    about: str
    until: datetime
    why: str
    mend: str

    def __str__(self) -> str:
        return f"{self.about} is left alone until {self.until:%Y-%m-%d %H:%M} UTC: {self.why}"


def pauses(database: Database, now: datetime) -> list[Pause]:
    """Everything that rests now."""
    found = [
        Pause(
            f"The account {one.name}",
            one.probe_at or now,
            one.fault,
            f"Mend it, then `digest outbox resume {one.name}`.",
        )
        for one in RouteStore(database).listed()
        if one.paused_at is not None
    ]
    if paused := paused_until(database, now):
        mend = "Look at [summaries] and at the service; papers keep the sentence of their abstract."
        found.append(Pause("The service for summaries", *paused, mend))
    return found
