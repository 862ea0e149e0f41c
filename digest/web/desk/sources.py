"""The sources: how each has answered, when it is asked next, and a button to ask it now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.errors import DigestError
from digest.model import Fetched, FetchId, Verdict
from digest.store.days import Asked
from digest.store.health import SourceHealth
from digest.store.runs import Memory, fetches, memory
from digest.web.desk.charts import Chart, Series, by_day, days_until, stacked, strip
from digest.web.desk.door import ROOT, Order, Seat, Sitting
from digest.web.desk.lists import ROWS, listed
from digest.web.desk.overview import DAYS, papers_by_day, since
from digest.web.desk.rooms import Configured
from digest.web.desk.telling import TELLING, VERDICT_KIND
from digest.web.limiting import Limit, admit
from digest.web.words import WELL

router = APIRouter()

Name = Annotated[str, Query(max_length=60)]
PROBES: Final = Limit(20, timedelta(minutes=10))  #: by hand, over all
_TITLES: Final = 8
_LISTED: Final = (Series("delivered", "new papers"), Series("calm", "known already"))


@dataclass(frozen=True, slots=True)
class Line:
    """One source in the list; `configured` is None for one that is no longer read."""

    name: str
    url: str
    configured: Configured | None
    last: SourceHealth | None
    next_at: datetime | None
    is_well: bool
    history: Chart
    new_papers: int


@router.get(f"{ROOT}/sources")
def show(seat: Sitting) -> Response:
    """All of them, the configured ones first."""
    now, desk = seat.visit.rooms.clock(), seat.desk
    asked: dict[str, list[Asked]] = defaultdict(list)
    for one in desk.days.asked(since(now)):
        asked[one.source].append(one)
    last = {one.name: one for one in desk.health.figures(now).sources}
    known = {one.name: one for one in desk.sources}
    nexts = desk.next_asks(now)
    names = [*known, *(name for name in sorted({*last, *asked}) if name not in known)]
    return seat.page(
        "web/desk/sources.html.j2",
        here="sources",
        title="Sources",
        at=now,
        kinds=VERDICT_KIND,
        lines=[
            Line(
                name=name,
                url=seat.path("/source", name=name),
                configured=known.get(name),
                last=last.get(name),
                next_at=nexts.get(name),
                is_well=_is_well(last.get(name)),
                history=verdicts(f"h{n}", name, asked[name], now),
                new_papers=sum(papers_by_day(asked[name]).values()),
            )
            for n, name in enumerate(names)
        ],
    )


@router.get(f"{ROOT}/source")
def show_one(
    seat: Sitting, name: Name, before: Annotated[int | None, Query(ge=1, le=2**62)] = None
) -> Response:
    """One source over the last weeks, and every fetch."""
    return _page(seat, name, before=before)


@router.post(f"{ROOT}/source/ask")
def ask(seat: Sitting, form: Order) -> Response:
    """Ask it now; nothing is stored."""
    name = form.text("name")
    admit(seat.visit, "probe", "", PROBES)
    seat.note("source_asked", source=name)
    try:
        return _page(seat, name, answer=seat.desk.ask(name))
    except DigestError as error:
        return _page(seat, name, wrong=str(error))


def _page(
    seat: Seat,
    name: str,
    *,
    before: int | None = None,
    answer: Fetched | None = None,
    wrong: str = "",
) -> Response:
    now, desk = seat.visit.rooms.clock(), seat.desk
    configured = next((one for one in desk.sources if one.name == name), None)
    known = memory(desk.database, name)
    after = FetchId(before) if before else None
    visits = fetches(desk.database, source=name, before=after, limit=ROWS + 1)
    if configured is None and known is None and not visits:
        raise HTTPException(404)
    asked = desk.days.asked(since(now), source=name)
    return seat.page(
        "web/desk/source.html.j2",
        here="sources",
        title=name,
        status=400 if wrong else 200,
        at=now,
        configured=configured,
        memory=known or Memory(name),
        next_at=desk.next_asks(now).get(name),
        kinds=VERDICT_KIND,
        charts=_charts(name, asked, now),
        visits=listed(visits, lambda last: seat.path("/source", name=name, before=str(last.id))),
        answer=answer,
        titles=[one.title for one in answer.listings[:_TITLES]] if answer else [],
        wrong=wrong,
    )


def _charts(name: str, asked: Sequence[Asked], now: datetime) -> list[Chart]:
    listings: dict[date, int] = defaultdict(int)
    for one in asked:
        listings[one.day] += one.listings
    new = papers_by_day(list(asked))

    def counts(on: date) -> dict[str, int]:
        fresh = new.get(on, 0)
        return {"delivered": fresh, "calm": max(0, listings[on] - fresh)}

    columns = by_day(days_until(now.date(), DAYS), counts)
    return [
        verdicts("verdicts", "The verdict of each day", asked, now),
        stacked("listings", "Listings", columns, _LISTED),
    ]


def verdicts(id: str, title: str, asked: Sequence[Asked], now: datetime) -> Chart:
    """What each of the last days brought: fresh if any answer was, else the worst of them."""
    by: dict[date, list[Verdict]] = defaultdict(list)
    for one in asked:
        by[one.day].append(one.verdict)
    cells = []
    for on in days_until(now.date(), DAYS):
        label = f"{on.day} {on:%b}"
        found = min(by[on], key=TELLING.index) if on in by else None
        cells.append((label, VERDICT_KIND[found] if found else "", found.value if found else ""))
    return strip(id, title, cells)


def _is_well(last: SourceHealth | None) -> bool:
    return last is not None and last.verdict in WELL
