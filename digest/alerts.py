"""What an operator must be told at once: that a digest day would otherwise pass in silence.

`alerts` is pure: from the figures to a list of alerts, each with a stable cause; `look` reads what
it needs. How often one is told is for `digest.scheduler.watch`: each at most once an hour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.config import Settings
from digest.model import DeliveryState
from digest.store import waterline
from digest.store.database import Database
from digest.store.health import Figures, HealthStore

OVERDUE: Final = timedelta(minutes=30)  #: beyond the time a digest may wait for an announcement
STUCK: Final = timedelta(hours=2)  #: for the oldest delivery
UNREAD: Final = timedelta(hours=26)  #: for a source: a whole day, and the time to come back
MANY: Final = 5  #: refusals before they can be the rule


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong; `cause` names it for ever, `text` says it with the mend."""

    cause: str
    subject: str
    text: str


def look(database: Database, settings: Settings, now: datetime) -> list[Alert]:
    """Everything that is wrong with one installation now."""
    halted = ""
    try:
        waterline.check(database, settings.delivery.spool, now)
    except waterline.Halted as why:
        halted = str(why)
    return alerts(
        HealthStore(database).figures(now),
        wait=timedelta(minutes=settings.digest.wait_minutes),
        sources={one.name for one in settings.sources if one.enabled},
        halted=halted,
    )


def alerts(
    figures: Figures, *, wait: timedelta, sources: Collection[str], halted: str = ""
) -> list[Alert]:
    """Everything that is wrong; `sources` are those configured, `halted` why nothing may leave."""
    found = [_halted(halted)] if halted else [*_overdue(figures, wait), *_stuck(figures)]
    return [*found, *_refused(figures), *_unread(figures, sources)]


def _halted(why: str) -> Alert:
    return Alert("halted", "nothing is sent until you say so", why)


def _overdue(figures: Figures, wait: timedelta) -> Iterator[Alert]:
    if figures.due and _older(figures.due_since, figures.at, wait + OVERDUE):
        readers = "1 reader is" if figures.due == 1 else f"{figures.due} readers are"
        yield Alert(
            "overdue",
            "digests are due and not composed",
            f"{readers} due, the longest since {figures.due_since:%Y-%m-%d %H:%M} UTC, and no"
            " digest was composed. The log says why; `digest doctor` looks at everything.",
        )


def _stuck(figures: Figures) -> Iterator[Alert]:
    if figures.waiting and _older(figures.waiting_since, figures.at, STUCK):
        sent = figures.deliveries.get(DeliveryState.DELIVERED, 0)
        yield Alert(
            "stuck",
            "digests are composed and do not leave",
            f"{figures.waiting} deliveries wait, the oldest since"
            f" {figures.waiting_since:%Y-%m-%d %H:%M} UTC; {sent} arrived within a day."
            " `digest outbox list` says what the other side answers.",
        )


def _refused(figures: Figures) -> Iterator[Alert]:
    refused = figures.deliveries.get(DeliveryState.REFUSED, 0)
    if refused >= MANY and refused > figures.deliveries.get(DeliveryState.DELIVERED, 0):
        yield Alert(
            "refused",
            "most digests are refused",
            f"{refused} deliveries were refused for good within a day, more than arrived."
            " `digest outbox list --state refused` says why, `digest doctor` looks at your domain.",
        )


def _unread(figures: Figures, sources: Collection[str]) -> Iterator[Alert]:
    """Only when no source at all answers: one that fails alone is told in the digest."""
    known = [one for one in figures.sources if one.name in sources]
    last = [one.last_success_at for one in known if one.last_success_at is not None]
    if known and all(_older(at, figures.at, UNREAD) for at in last):
        since = f"since {max(last):%Y-%m-%d %H:%M} UTC" if last else "so far"
        said = "; ".join(one.detail for one in known if one.detail)
        yield Alert(
            "sources",
            "no source answers",
            f"No source has answered well {since}. {said} `digest sources test` asks them now.",
        )


def _older(since: datetime | None, now: datetime, than: timedelta) -> bool:
    return since is not None and now - since > than
