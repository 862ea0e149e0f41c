"""The API as an application of its own, mounted below the pages under /api/v1.

Apart from them so that every fault in here is JSON, and the contract speaks of nothing else. The
guards of the pages stand around it as around every page.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, FastAPI

from digest.web.api import (
    channels,
    contract,
    deliveries,
    digests,
    feeds,
    handbook,
    history,
    interests,
    me,
    opinions,
    papers,
    readers,
    search,
    token,
)
from digest.web.api.pace import Pace
from digest.web.api.problems import add_problems
from digest.web.visit import Desk

ROOT: Final = "/api/v1"
ROUTERS: Final[tuple[APIRouter, ...]] = (
    papers.router,
    search.router,
    me.router,
    interests.router,
    digests.router,
    opinions.router,
    channels.router,
    feeds.router,
    token.router,
    readers.router,
    deliveries.router,
    history.router,
)


def create_api(desk: Desk) -> FastAPI:
    """The application over these rooms."""
    api = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would be built from the Host header
    )
    api.state.desk = desk
    api.state.pace = Pace()
    for router in ROUTERS:
        api.include_router(router)
    api.state.contract = contract.Contract(ROUTERS, desk.rooms.site)
    api.include_router(contract.router)
    api.include_router(handbook.router)
    add_problems(api, desk.rooms.site.base_url)
    return api
