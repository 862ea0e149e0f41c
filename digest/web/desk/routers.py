"""Every router of the operator's pages."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from digest.web.desk import (
    bounces,
    deliveries,
    door,
    frames,
    outbox,
    overview,
    person,
    previews,
    readers,
    runs,
    sources,
    trial,
    wishes,
)

DESK: Final[tuple[APIRouter, ...]] = (
    door.router,
    overview.router,
    readers.router,
    person.router,
    sources.router,
    deliveries.router,
    bounces.router,
    outbox.router,
    wishes.router,
    runs.router,
    previews.router,
    frames.router,
    trial.router,
)
