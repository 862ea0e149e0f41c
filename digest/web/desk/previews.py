"""Every mail and page as readers get it, before they do: with sample data, or with real data.

The drawn thing stands in a frame of its own (see `frames`), in light or dark; a mail's text part
beside it. Nothing is stored or sent.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from digest.errors import DigestError
from digest.web.desk.door import ROOT, Sitting
from digest.web.desk.samples import MAILS, PAGES, Asked, Mail, draw_mail
from digest.web.headers import CONTENT_SECURITY_POLICY
from digest.web.rhythm import Choice

router = APIRouter()

#: The page may hold a frame, if it is ours.
FRAMING: Final = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
LOOKS: Final = ("light", "dark", "text")
Email = Annotated[str, Query(max_length=254)]
Which = Annotated[str, Query(max_length=40)]


@router.get(f"{ROOT}/templates")
def show(
    seat: Sitting,
    which: Which = "digest",
    email: Email = "",
    language: Annotated[str, Query(max_length=12)] = "",
    look: Annotated[str, Query(max_length=8)] = "light",
    wide: bool = True,
) -> Response:
    """One of them, and the choice of all."""
    rooms = seat.visit.rooms
    asked = Asked(which, email.strip(), language if language in rooms.languages else "")
    mail, fault = Mail("", "", ""), ""
    try:
        mail = draw_mail(seat, asked) if which in MAILS else mail
    except DigestError as error:
        fault = str(error)
    chosen = look if look in LOOKS and (look != "text" or which in MAILS) else "light"
    answer = seat.page(
        "web/desk/templates.html.j2",
        here="templates",
        title="Templates",
        status=400 if fault else 200,
        which=which,
        email=asked.email,
        chosen_language=asked.language,
        codes=[Choice(code, code) for code in rooms.languages],
        look=chosen,
        is_mail=which in MAILS,
        is_wide=wide,
        mails=[Choice(name, label) for name, label in MAILS.items()],
        pages=[Choice(name, label) for name, label in PAGES.items()],
        mail=mail,
        fault=fault,
        size=len(mail.html.encode()),
        frame=seat.path(
            "/frame", which=which, email=asked.email, language=asked.language, look=chosen
        ),
    )
    answer.headers["Content-Security-Policy"] = FRAMING
    return answer
