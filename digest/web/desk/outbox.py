"""What still has to leave, the accounts by which it leaves, and orders to both."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.errors import UsageError
from digest.model import DeliveryId, DeliveryState
from digest.outbox.accounts import resume
from digest.store.deliveries import listed
from digest.web.desk.deliveries import ORDERED, orders_for
from digest.web.desk.door import ROOT, Order, Sitting
from digest.web.desk.lists import ROWS, Open
from digest.web.desk.lists import listed as paged
from digest.web.desk.overview import Figure
from digest.web.desk.telling import STATE_KIND

router = APIRouter()

_OPEN: Final = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.DEFERRED)
_HELD: Final = (DeliveryState.UNCERTAIN,)
_LARGEST: Final = 2**62


@router.get(f"{ROOT}/outbox")
def show(
    seat: Sitting,
    state: Annotated[DeliveryState | None, Open] = None,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
) -> Response:
    """The deliveries that are not settled, and those held as uncertain."""
    desk, now = seat.desk, seat.visit.rooms.clock()
    figures = desk.health.figures(now)
    states = (state,) if state in (*_OPEN, *_HELD) else _OPEN
    after = DeliveryId(before) if before else None
    rows = listed(desk.database, states=states, before=after, limit=ROWS + 1)
    chosen = state.value if state in states and state else ""
    return seat.page(
        "web/desk/outbox.html.j2",
        here="outbox",
        title="Outbox",
        at=now,
        state=chosen,
        counts=[
            Figure(
                one.value,
                figures.deliveries.get(one, 0),
                STATE_KIND[one],
                seat.path("/outbox", state=one.value),
            )
            for one in (*_OPEN, *_HELD)
        ],
        waiting_since=figures.waiting_since,
        next_attempt_at=figures.next_attempt_at,
        routes=desk.routes.listed(),
        channel=desk.channel,
        kinds=STATE_KIND,
        orders=orders_for({one.state for one in rows}),
        ticks=ORDERED,
        found=paged(rows, lambda last: seat.path("/outbox", state=chosen, before=str(last.id))),
    )


@router.post(f"{ROOT}/outbox/resume")
def resume_account(seat: Sitting, form: Order) -> Response:
    """Try a paused account at once."""
    name = form.text("account")
    try:
        was_paused = resume(seat.desk.routes, name)
    except UsageError as error:
        raise HTTPException(404) from error
    seat.note("account_resumed", account=name)
    return seat.back("/outbox", "route" if was_paused else "not-paused")
