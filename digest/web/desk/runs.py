"""The runs, with figures that add up: due = composed + skipped, composed = what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.model import DeliveryState, Verdict
from digest.store import runs as store
from digest.store.runs import Run
from digest.web.desk.door import ROOT, Sitting
from digest.web.desk.lists import ROWS, Listed
from digest.web.desk.overview import Figure
from digest.web.desk.telling import SKIPS, STATE_KIND, VERDICT_KIND, counted, spell
from digest.web.words import WELL

router = APIRouter()

_LARGEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class Told:
    """One run in numbers; a run that is not over has none."""

    run: Run
    sources: Mapping[str, Mapping[str, Any]]
    composed: int
    skipped: Mapping[str, int]
    deliveries: Mapping[str, int]

    @property
    def due(self) -> int:
        return self.composed + sum(self.skipped.values())

    @property
    def new_papers(self) -> int:
        return sum(int(one.get("new_papers", 0)) for one in self.sources.values())

    @property
    def failed(self) -> list[str]:
        """The sources that did not answer as they should."""
        well = {verdict.value for verdict in WELL}
        return [name for name, one in self.sources.items() if one.get("verdict") not in well]

    @property
    def says(self) -> str:
        """What it did, in a few words."""
        parts = [counted(len(self.sources), "source") + " asked"] if self.sources else []
        parts += [counted(self.due, "digest") + " due"] if self.due else []
        handled = sum(self.deliveries.values())
        parts += [counted(handled, "delivery", "deliveries")] if handled else []
        return ", ".join(parts) or "nothing was to do"


@router.get(f"{ROOT}/runs")
def show(seat: Sitting, before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None) -> Response:
    """The newest first."""
    found = store.runs(seat.desk.database, before=before, limit=ROWS + 1)
    more = seat.path("/runs", before=str(found[ROWS - 1].id)) if len(found) > ROWS else ""
    return seat.page(
        "web/desk/runs.html.j2",
        here="runs",
        title="Runs",
        found=Listed(tuple(tell(one) for one in found[:ROWS]), more),
    )


@router.get(f"{ROOT}/runs/{{number}}")
def show_one(seat: Sitting, number: Annotated[int, Path(ge=1, le=_LARGEST)]) -> Response:
    """One run: its sources, its digests, and how their deliveries stand by now."""
    run = store.run(seat.desk.database, number)
    if run is None:
        raise HTTPException(404)
    told, stands = tell(run), store.outcomes(seat.desk.database, run)
    return seat.page(
        "web/desk/run.html.j2",
        here="runs",
        title=f"Run {number}",
        told=told,
        verdicts={verdict.value: kind for verdict, kind in VERDICT_KIND.items()},
        well={verdict.value for verdict in Verdict if verdict in WELL},
        parts=[
            Figure("composed", told.composed, "delivered"),
            *(
                Figure(f"skipped: {SKIPS.get(reason, spell(reason))}", count, "calm")
                for reason, count in told.skipped.items()
            ),
        ],
        handled=_figures(told.deliveries),
        stands=_figures({state.value: count for state, count in stands.items()}),
    )


def tell(run: Run) -> Told:
    """A run's stored report; whatever is missing in it is nothing."""
    digests = run.report.get("digests") or {}
    return Told(
        run=run,
        sources=run.report.get("sources") or {},
        composed=int(digests.get("composed", 0)),
        skipped=digests.get("skipped") or {},
        deliveries=run.report.get("deliveries") or {},
    )


def _figures(counts: Mapping[str, int]) -> list[Figure]:
    known = {state.value: STATE_KIND[state] for state in DeliveryState}
    return [Figure(name, count, known.get(name, "")) for name, count in counts.items() if count]
