"""The first page: what was due today and what became of it, what is wrong now, the last weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.model import DeliveryState, SubscriberState
from digest.pauses import pauses
from digest.store.days import Asked, Due
from digest.store.health import Figures
from digest.web.desk.charts import Chart, Counts, Series, by_day, days_until, stacked
from digest.web.desk.door import ROOT, Seat, Sitting
from digest.web.desk.telling import (
    BOUNCE_SERIES,
    BOUNCED,
    DELIVERED,
    READER_KIND,
    SKIPS,
    STATE_KIND,
    VERDICT_KIND,
    spell,
)
from digest.web.words import WELL

router = APIRouter()

DAYS: Final = 30  #: in a chart
_WITHIN: Final = timedelta(days=1)
_PAPERS: Final = (Series("delivered", "new papers"),)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name; `kind` is a colour of the charts, `url` where one sees more."""

    label: str
    value: int
    kind: str = ""
    url: str = ""


@router.get(ROOT)
def show(seat: Sitting) -> Response:
    """Today at a glance."""
    now, desk = seat.visit.rooms.clock(), seat.desk
    figures = desk.health.figures(now)
    return seat.page(
        "web/desk/overview.html.j2",
        here="",
        title="Today",
        at=now,
        alerts=desk.alerts(now),
        pauses=pauses(desk.database, now),
        due=_due(desk.days.due(now - _WITHIN), seat),
        readers=_readers(figures, seat),
        next_due_at=figures.next_due_at,
        overdue=figures.due,
        waiting=figures.waiting,
        waiting_since=figures.waiting_since,
        late=[one for one in figures.sources if one.verdict and one.verdict not in WELL],
        verdict_kind=VERDICT_KIND,
        charts=[
            deliveries_chart(seat, now),
            _papers_chart(desk.days.asked(since(now)), now),
            bounces_chart(seat, now),
        ],
    )


def since(now: datetime) -> datetime:
    """When the first day of the charts began."""
    return datetime.combine(now.date() - timedelta(days=DAYS - 1), time(), UTC)


def deliveries_chart(seat: Seat, now: datetime) -> Chart:
    """Deliveries settled on each of the last days, by what became of them."""
    days = days_until(now.date(), DAYS)
    found = seat.desk.days.deliveries(days, now)
    return stacked(
        "deliveries", "Deliveries settled", by_day(days, lambda on: _kinds(found[on])), DELIVERED
    )


def bounces_chart(seat: Seat, now: datetime) -> Chart:
    """What came back on each of the last days."""
    found = seat.desk.days.bounces(since(now))

    def counts(on: date) -> Counts:
        summed: dict[str, int] = {}
        for kind, count in found.get(on, {}).items():
            name = BOUNCE_SERIES.get(kind, "waiting")
            summed[name] = summed.get(name, 0) + count
        return summed

    columns = by_day(days_until(now.date(), DAYS), counts)
    return stacked("bounces", "What came back", columns, BOUNCED)


def papers_by_day(asked: list[Asked]) -> dict[date, int]:
    """New papers on each day."""
    found: dict[date, int] = {}
    for one in asked:
        found[one.day] = found.get(one.day, 0) + one.new_papers
    return found


def _papers_chart(asked: list[Asked], now: datetime) -> Chart:
    found = papers_by_day(asked)
    columns = by_day(days_until(now.date(), DAYS), lambda on: {"delivered": found.get(on, 0)})
    return stacked("papers", "New papers found", columns, _PAPERS)


def _kinds(counts: Mapping[DeliveryState, int]) -> Counts:
    summed: dict[str, int] = {}
    for state, count in counts.items():
        kind = STATE_KIND[state]
        summed[kind] = summed.get(kind, 0) + count
    return summed


def _due(due: Due, seat: Seat) -> tuple[Figure, list[Figure]]:
    """The whole, and its parts that add up to it."""
    listed = "/deliveries"
    parts = [
        Figure("sent", due.sent, "delivered", seat.path(listed, state="delivered")),
        Figure("waiting", due.waiting, "waiting", seat.path("/outbox")),
        Figure("refused", due.refused, "refused", seat.path(listed, state="refused")),
    ]
    if due.kept:
        parts.append(Figure("withdrawn, or for a feed alone", due.kept, "cancelled"))
    parts += [
        Figure(f"skipped: {SKIPS.get(reason, spell(reason))}", count, "calm")
        for reason, count in sorted(due.skipped.items())
    ]
    return Figure("due", due.total), parts


def _readers(figures: Figures, seat: Seat) -> list[Figure]:
    return [
        Figure(
            state.value,
            figures.subscribers.get(state, 0),
            READER_KIND[state],
            seat.path("/readers", state=state.value),
        )
        for state in SubscriberState
        if figures.subscribers.get(state)
    ]
