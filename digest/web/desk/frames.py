"""The inside of a preview's frame: a mail or page as it is, under a policy that lets nothing run.

`sandbox` without scripts, forms, navigation or this site's origin. Styles stand inside, the site's
own stylesheet too, so they are let pass here and nowhere else; and they are of the look that was
asked for, whatever the browser prefers.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from digest.errors import DigestError
from digest.web.desk.door import ROOT, Seat, Sitting
from digest.web.desk.previews import Email, Which
from digest.web.desk.samples import MAILS, PAGES, Asked, draw_mail, draw_page

router = APIRouter()

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "sandbox",
    )
)
_SHEET: Final = re.compile(r'<link rel="stylesheet" href="[^"]*/static/([^"/]+)">')
#: What the frame would fetch and may not.
_FETCHED: Final = re.compile(r"<script\b[^>]*>\s*</script>|<link\b[^>]*>")
_BOTH: Final = re.compile(r'(color-scheme(?:: |" content="))light dark')


@router.get(f"{ROOT}/frame")
def show(
    seat: Sitting, which: Which, email: Email = "", language: str = "", look: str = "light"
) -> Response:
    """One mail or page, for the frame of `previews`."""
    known = language if language in seat.visit.rooms.languages else ""
    asked = Asked(which, email.strip(), known)
    if which not in MAILS and which not in PAGES:
        raise HTTPException(404)
    try:
        html = _html(seat, asked)
    except DigestError as error:
        raise HTTPException(404) from error
    answer = HTMLResponse(in_look(html, "dark" if look == "dark" else "light", seat))
    answer.headers["Content-Security-Policy"] = POLICY
    return seat.keep(answer)


def _html(seat: Seat, asked: Asked) -> str:
    if asked.which in MAILS:
        return draw_mail(seat, asked).html
    return bytes(draw_page(seat, asked).body).decode()


def in_look(html: str, look: str, seat: Seat) -> str:
    """The page with its stylesheets inside, light or dark for everybody."""
    assets = seat.visit.desk.assets

    def inside(found: re.Match[str]) -> str:
        sheet = assets.find(found[1])
        return f"<style>{sheet.content.decode()}</style>" if sheet else ""

    whole = _FETCHED.sub("", _SHEET.sub(inside, html))
    is_dark = "all" if look == "dark" else "not all"
    whole = whole.replace("(prefers-color-scheme: dark)", is_dark)
    return _BOTH.sub(rf"\g<1>{look}", whole.replace("(prefers-color-scheme:dark)", is_dark))
