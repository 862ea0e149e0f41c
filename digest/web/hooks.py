"""The door for mail providers' webhooks: what came back of the mail, told by whoever carried it.

    POST /hooks/PROVIDER     200 taken, 403 not signed by them, 404 nobody we know, 413, 429, 503

No browser comes here: a signature is the authority, so the guard by Origin lets these calls pass
(see `origin`). 200 is said once what was told is committed (guarantee 1); after 429 and 503 they
try again. Neither the log nor an answer says anything of a call but its provider and its status.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from digest.delivery.provider_events import PROVIDERS
from digest.web.allowances import admit_call
from digest.web.visit import Visit, Visiting

router = APIRouter()


@router.post("/hooks/{provider}")
async def take(visit: Visiting, provider: str, request: Request) -> Response:
    """One call; the body is read as far as `bodies` allows."""
    if provider not in PROVIDERS:
        return PlainTextResponse("", 404)
    headers = dict(request.headers)
    body = await request.body()
    return await run_in_threadpool(_take, visit, provider, headers, body)


def _take(visit: Visit, provider: str, headers: dict[str, str], body: bytes) -> Response:
    admit_call(visit)
    received = visit.rooms.webhooks.receive(provider, headers, body)
    return PlainTextResponse("", received.status)
