"""The operator's view of the work: how it stands, what each run did, how each source answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from digest.model import DeliveryState, FetchId, SubscriberState, Verdict
from digest.store import health, runs
from digest.web.api import paging
from digest.web.api.door import Operator
from digest.web.api.paging import Cursor, Limit, Page, page
from digest.web.api.problems import Kind, Trouble

router = APIRouter(prefix="/operator", tags=["Operator: work"])

_LARGEST: Final = 2**62
Number = Annotated[int, Path(ge=1, le=_LARGEST, description="The run's `id`.")]


class SourceHealth(BaseModel):
    """One source, as the operator sees it."""

    name: str
    verdict: Verdict | None
    detail: str
    asked_at: datetime | None
    last_success_at: datetime | None
    failures: int = Field(description="In a row.")
    seconds: float = Field(description="That its last answer took.")


class Status(BaseModel):
    """The installation at one instant; "lately" is within a day."""

    at: datetime
    due: int = Field(description="Subscribers whose digest is due and not composed.")
    due_since: datetime | None
    next_due_at: datetime | None
    waiting: int = Field(description="Deliveries not settled.")
    waiting_since: datetime | None
    next_attempt_at: datetime | None
    subscribers: dict[SubscriberState, int]
    deliveries: dict[DeliveryState, int] = Field(description="Waiting, or lately settled.")
    composed: int = Field(description="Lately.")
    last_composed_at: datetime | None
    skipped: dict[str, int] = Field(description="Lately, by reason.")
    suppressed: dict[str, int] = Field(description="By reason.")
    bounced: dict[str, int] = Field(description="Lately, by kind.")
    sources: list[SourceHealth]


class Run(BaseModel):
    """One run; without an end it is under way, or was killed."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    report: dict[str, Any] = Field(description="As `digest run --json` prints it.")


class Fetch(BaseModel):
    """One source asked once."""

    id: int
    run_id: int | None
    source: str
    at: datetime
    seconds: float
    verdict: Verdict
    listings: int
    new_papers: int
    new_sightings: int
    detail: str


class RunWithFetches(Run):
    """A run with what its sources answered."""

    fetches: list[Fetch]


@router.get("/status", summary="How the installation stands")
def show_status(caller: Operator) -> Status:
    """Who is due, what waits, what was lately done."""
    figures = caller.visit.rooms.operations.figures()
    return Status(
        at=figures.at,
        due=figures.due,
        due_since=figures.due_since,
        next_due_at=figures.next_due_at,
        waiting=figures.waiting,
        waiting_since=figures.waiting_since,
        next_attempt_at=figures.next_attempt_at,
        subscribers=dict(figures.subscribers),
        deliveries=dict(figures.deliveries),
        composed=figures.composed,
        last_composed_at=figures.last_composed_at,
        skipped=dict(figures.skipped),
        suppressed=dict(figures.suppressed),
        bounced=dict(figures.bounced),
        sources=[_source(one) for one in figures.sources],
    )


@router.get("/sources", summary="The sources and their health")
def list_source_health(caller: Operator) -> Page[SourceHealth]:
    """As each was last asked."""
    found = caller.visit.rooms.operations.figures().sources
    return page(caller, [_source(one) for one in found], None)


@router.get("/fetches", summary="How the sources answered over time")
def list_fetches(
    caller: Operator,
    source: Annotated[
        str | None, Query(min_length=1, max_length=120, description="Only this one.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Fetch]:
    """Newest first."""
    place = paging.decode(cursor, paging.number)
    found = caller.visit.rooms.operations.fetches(
        source=source, before=FetchId(place[0]) if place else None, limit=limit + 1
    )
    kept, after = paging.cut(found, limit, lambda one: (one.id,))
    return page(caller, [_fetch(one) for one in kept], after)


@router.get("/runs", summary="What was run")
def list_runs(caller: Operator, limit: Limit = 50, cursor: Cursor = None) -> Page[Run]:
    """Newest first, with the figures that add up."""
    place = paging.decode(cursor, paging.number)
    found = caller.visit.rooms.operations.runs(before=place[0] if place else None, limit=limit + 1)
    kept, after = paging.cut(found, limit, lambda one: (one.id,))
    return page(caller, [Run(**_run(one)) for one in kept], after)


@router.get("/runs/{number}", summary="One run, with what its sources answered")
def show_run(caller: Operator, number: Number) -> RunWithFetches:
    """Its report, and each fetch."""
    operations = caller.visit.rooms.operations
    found = operations.run(number)
    if found is None:
        raise Trouble(Kind.NOT_FOUND, "There is no such run.")
    fetches = [_fetch(one) for one in operations.fetches(run_id=number, limit=500)]
    return RunWithFetches(**_run(found), fetches=fetches)


def _run(one: runs.Run) -> dict[str, Any]:
    return {
        "id": one.id,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "report": dict(one.report),
    }


def _fetch(one: runs.Fetch) -> Fetch:
    return Fetch(
        id=one.id,
        run_id=one.run_id,
        source=one.source,
        at=one.at,
        seconds=one.seconds,
        verdict=one.verdict,
        listings=one.listings,
        new_papers=one.new_papers,
        new_sightings=one.new_sightings,
        detail=one.detail,
    )


def _source(one: health.SourceHealth) -> SourceHealth:
    return SourceHealth(
        name=one.name,
        verdict=one.verdict,
        detail=one.detail,
        asked_at=one.asked_at,
        last_success_at=one.last_success_at,
        failures=one.failures,
        seconds=one.seconds,
    )
