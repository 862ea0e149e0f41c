"""At the door: the mails that somebody asked for, and whether their link was followed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.errors import TokenError
from digest.model import ErrandId, ErrandKind
from digest.store.people import Wish
from digest.web.desk.door import ROOT, Order, Sitting
from digest.web.desk.lists import ROWS, listed
from digest.web.desk.telling import STATE_KIND

router = APIRouter()

_LARGEST: Final = 2**62
KINDS: Final = {
    ErrandKind.JOIN: "to subscribe",
    ErrandKind.LINK: "their link",
    ErrandKind.CHANGE: "a new address",
}


@router.get(f"{ROOT}/wishes")
def show(
    seat: Sitting,
    address: Annotated[str, Query(max_length=254)] = "",
    before: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
) -> Response:
    """What was asked for, newest first."""
    typed, now = address.strip(), seat.visit.rooms.clock()
    found = seat.desk.directory.wishes(address=typed or None, before=before, limit=ROWS + 1)
    return seat.page(
        "web/desk/wishes.html.j2",
        here="wishes",
        title="At the door",
        address=typed,
        names=KINDS,
        kinds=STATE_KIND,
        open={one.id for one in found if is_open(one, now)},
        found=listed(found, lambda last: seat.path("/wishes", address=typed, before=str(last.id))),
    )


@router.post(f"{ROOT}/wishes/{{number}}/again")
def ask_again(
    seat: Sitting, form: Order, number: Annotated[int, Path(ge=1, le=_LARGEST)]
) -> Response:
    """Send the mail that asks an address to confirm once more."""
    try:
        seat.visit.rooms.joining.ask_again(ErrandId(number))
    except TokenError as error:
        raise HTTPException(404) from error
    seat.note("asked_again", errand=number)
    return seat.back("/wishes", "asked-again")


def is_open(wish: Wish, now: datetime) -> bool:
    """Whether somebody who wants to subscribe has still to confirm."""
    return wish.kind == ErrandKind.JOIN and wish.done_at is None and wish.expires_at > now
