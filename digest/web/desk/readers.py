"""The subscribers: found by a part of their address or name, or by their state."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from digest.model import SubscriberState
from digest.web.desk.door import ROOT, Sitting
from digest.web.desk.lists import ROWS, Open, listed
from digest.web.desk.overview import Figure
from digest.web.desk.telling import READER_KIND

router = APIRouter()


@router.get(f"{ROOT}/readers")
def show(
    seat: Sitting,
    q: Annotated[str, Query(max_length=254)] = "",
    state: Annotated[SubscriberState | None, Open] = None,
    after: Annotated[str, Query(max_length=254)] = "",
) -> Response:
    """Everyone, or those that were asked for, by address."""
    asked, chosen = q.strip(), state.value if state else ""
    states = [state] if state else []
    found = seat.desk.directory.find(asked, states=states, after=after, limit=ROWS + 1)
    counts = seat.desk.directory.counts()
    return seat.page(
        "web/desk/readers.html.j2",
        here="readers",
        title="Readers",
        asked=asked,
        state=chosen,
        is_first=not after,
        states=[Figure(one.value, counts.get(one, 0), READER_KIND[one]) for one in SubscriberState],
        total=sum(counts.values()),
        kinds=READER_KIND,
        found=listed(
            found, lambda last: seat.path("/readers", q=asked, state=chosen, after=last.email)
        ),
    )
