"""Is it up, is it ready: for machines that watch. Neither says anything of anybody."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from digest.errors import StoreError
from digest.web.visit import Visiting

router = APIRouter()


@router.get("/healthz")
async def alive() -> Response:
    """This process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def ready(visit: Visiting) -> Response:
    """The database answers too."""
    try:
        visit.rooms.archive.version()
    except StoreError:
        return PlainTextResponse("the database does not answer\n", 503)
    return PlainTextResponse("ready\n")
