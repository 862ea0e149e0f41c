"""A test mail, by the very way that digests take."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.errors import DigestError
from digest.web.desk.door import ROOT, Order, Seat, Sitting
from digest.web.limiting import Limit, admit

router = APIRouter()

TRIALS: Final = Limit(20, timedelta(hours=1))  #: over all operators


@router.get(f"{ROOT}/trial")
def show(seat: Sitting) -> Response:
    """The form; the operator's own address stands in it."""
    return _page(seat, seat.visit.rooms.site.operator_email)


@router.post(f"{ROOT}/trial")
def send(seat: Sitting, form: Order) -> Response:
    """Send it now, and say what the other side answered."""
    address = form.text("address")
    admit(seat.visit, "trial mail", "", TRIALS)
    seat.note("trial_sent")
    try:
        outcome = seat.desk.send_trial(address)
    except DigestError as error:
        return _page(seat, address, fault=str(error))
    said = " ".join(filter(None, (str(outcome.code or ""), outcome.reply)))
    return _page(seat, address, answer=said or outcome.result.value)


def _page(seat: Seat, address: str, *, answer: str = "", fault: str = "") -> Response:
    return seat.page(
        "web/desk/trial.html.j2",
        here="trial",
        title="Test mail",
        status=400 if fault else 200,
        address=address,
        channel=seat.desk.channel,
        answer=answer,
        fault=fault,
    )
