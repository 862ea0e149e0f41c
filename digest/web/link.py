""" "Send me my link": for readers who are on the site without a mail of theirs at hand.

The answer is the same for every address, in content and in time: who has it is looked at when the
mail is sent, never here.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from digest.errors import InvalidSubscriber
from digest.subscriptions import normalise
from digest.web.allowances import admit_mail
from digest.web.forms import Fault, Posted
from digest.web.visit import Visit, Visiting

router = APIRouter()


@router.get("/my")
def show(visit: Visiting) -> Response:
    """The form for an address."""
    return _page(visit, "", None)


@router.post("/my")
def send(visit: Visiting, form: Posted) -> Response:
    """Queue the mail with the link, if anybody has this address."""
    typed, language = form.text("email"), visit.language
    try:
        address = normalise(typed)
    except InvalidSubscriber:
        return _page(visit, typed, Fault.of_address(language))
    admit_mail(visit, address)
    visit.rooms.changing.send_link(address, language=language.code)
    return visit.private(
        "web/inbox.html.j2",
        title=language.text("Look into your inbox"),
        address=address,
        text=language.text(
            "If this address gets a digest here, its link is on its way to it. "
            "The same link stands at the end of every digest."
        ),
    )


def _page(visit: Visit, typed: str, fault: Fault | None) -> Response:
    return visit.private(
        "web/link.html.j2",
        status=400 if fault else 200,
        title=visit.language.text("My digest"),
        email=typed,
        faults={"email": fault} if fault else {},
    )
