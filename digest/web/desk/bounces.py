"""What came back: by day and by kind, newest first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from digest.errors import InvalidSubscriber
from digest.model import BounceKind
from digest.store.bounces import Seen
from digest.subscriptions import normalise
from digest.web.desk.door import ROOT, Sitting
from digest.web.desk.lists import ROWS, Open, listed
from digest.web.desk.overview import bounces_chart
from digest.web.desk.telling import BOUNCE_SERIES

router = APIRouter()

_PLACE: Final = re.compile(r"(\d{1,17})_(\d{1,18})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@router.get(f"{ROOT}/bounces")
def show(
    seat: Sitting,
    kind: Annotated[BounceKind | None, Open] = None,
    email: Annotated[str, Query(max_length=254)] = "",
    before: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """A chart, and the events that were asked for."""
    typed, address, fault = email.strip(), None, ""
    if typed:
        try:
            address = normalise(typed)
        except InvalidSubscriber as error:
            fault = str(error)
    chosen = kind.value if kind else ""
    events = (
        []
        if fault
        else seat.desk.bounces.listed(
            email=address, kinds=[kind] if kind else (), before=_place(before), limit=ROWS + 1
        )
    )
    return seat.page(
        "web/desk/bounces.html.j2",
        here="bounces",
        title="Bounces",
        status=400 if fault else 200,
        charts=[bounces_chart(seat, seat.visit.rooms.clock())] if not before else [],
        typed={"kind": chosen, "email": typed},
        fault=fault,
        all_kinds=list(BounceKind),
        kinds=BOUNCE_SERIES,
        found=listed(
            events,
            lambda last: seat.path("/bounces", kind=chosen, email=typed, before=_cursor(last)),
        ),
    )


def _cursor(last: Seen) -> str:
    """Where a list goes on: the time and the number of its last event."""
    return f"{(last.at - _EPOCH) // _MICROSECOND}_{last.id}"


def _place(cursor: str) -> tuple[datetime, int] | None:
    """The place of a cursor; one that is not ours begins at the beginning."""
    found = _PLACE.fullmatch(cursor)
    return (_EPOCH + int(found[1]) * _MICROSECOND, int(found[2])) if found else None
