"""The door of the operator's pages: signing in and out, and who may come further.

A page asks for `Sitting`, an order (a POST) for `Order` beside it: who is not signed in is sent to
the door, a form without this session's key is refused. The cookie is no script's (HttpOnly), no
other site's (SameSite), no other host's (`__Host-`, under https); a GET at the door gives it a key
that opens nothing, to which the form is bound, and signing in puts a new one in its place.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from digest.operators import Session
from digest.operators.sessions import form_key, is_form_key, new_key
from digest.rendering.language import Language, speak
from digest.web.desk.rooms import DeskRooms
from digest.web.desk.telling import SAID, day, moment, number
from digest.web.forms import Form, Posted
from digest.web.limiting import Limit, admit
from digest.web.visit import Visit, Visiting

log = logging.getLogger(__name__)
router = APIRouter()

ROOT: Final = "/desk"
#: Attempts to sign in: by one client, at one account. Generous to who mistypes.
TRIES: Final = (Limit(10, timedelta(minutes=15)), Limit(30, timedelta(minutes=15)))
_FRESH: Final = timedelta(minutes=1)  #: a cookie older than this goes out anew
_ENGLISH: Final = "en"
_PLACE: Final = re.compile(r"/desk(/[A-Za-z0-9/_-]*)?(\?[A-Za-z0-9=&%+._~@-]*)?")


class SignInFirst(Exception):
    """Nobody is signed in; `place` is where they wanted to go."""

    def __init__(self, place: str = "") -> None:
        super().__init__("sign in first")
        self.place = place


@dataclass(frozen=True, slots=True)
class Seat:
    """One operator at one page."""

    visit: Visit
    desk: DeskRooms
    session: Session

    def path(self, rest: str = "", **query: str | None) -> str:
        return self.visit.links.to(f"{ROOT}{rest}", **query)

    def page(self, template: str, *, here: str, status: int = 200, **context: object) -> Response:
        """A page with the frame that all of them have; `here` is its place among the tabs."""
        said = self.visit.request.query_params.get("said", "")
        answer = self.visit.private(
            template,
            status=status,
            language=english(),
            seat=self,
            here=here,
            said=SAID.get(said, ""),
            form_key=self.session.form_key,
            moment=moment,
            day=day,
            number=number,
            **context,
        )
        return self.keep(answer)

    def back(self, rest: str, said: str, **query: str | None) -> Response:
        """To a page that says what was done; reloading it does nothing twice."""
        return self.keep(RedirectResponse(self.path(rest, said=said, **query), status_code=303))

    def keep(self, answer: Response) -> Response:
        """With the cookie anew, where it is not of this minute."""
        if self.visit.rooms.clock() - self.session.seen_at >= _FRESH:
            _give(self.visit, answer, self.desk.accounts.cookie(self.session.key))
        return answer

    def note(self, action: str, **told: object) -> None:
        """Write down what was ordered, and by whom."""
        extra = {"action": f"desk.{action}", "operator": self.session.operator, **told}
        log.info("%s: %s", self.session.operator, action, extra=extra)


def english() -> Language:
    return speak(_ENGLISH)


def desk_of(visit: Visit) -> DeskRooms:
    """The operator's rooms; a 404 where this application was opened without."""
    if visit.rooms.desk is None:
        raise HTTPException(404)
    return visit.rooms.desk


def _seat(visit: Visiting) -> Seat:
    desk, request = desk_of(visit), visit.request
    session = desk.accounts.session(_cookie(visit))
    if session is None:
        asked = request.url.path.removeprefix(visit.links.root)
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignInFirst(f"{asked}{query}" if request.method in ("GET", "HEAD") else "")
    return Seat(visit, desk, session)


Sitting = Annotated[Seat, Depends(_seat)]


def _order(seat: Sitting, form: Posted) -> Form:
    if not seat.session.is_ours(form.text("form_key")):
        raise HTTPException(403)
    return form


#: A posted form that was made for this session.
Order = Annotated[Form, Depends(_order)]


@router.get(f"{ROOT}/sign-in")
def show(visit: Visiting, to: str = "") -> Response:
    """The form for name and password; how to make an account where there is none."""
    desk = desk_of(visit)
    if desk.accounts.is_empty():
        return visit.private("web/desk/closed.html.j2", language=english(), title="Nobody yet")
    if desk.accounts.session(_cookie(visit)) is not None:
        return RedirectResponse(visit.links.to(_place(to)), status_code=303)
    return _door(visit, to=to)


@router.post(f"{ROOT}/sign-in")
def sign_in(visit: Visiting, form: Posted) -> Response:
    """Come in with a new session, or hear that name and password do not go together."""
    accounts = desk_of(visit).accounts
    key = accounts.key_in(_cookie(visit))
    name, password = form.text("name")[:200], "".join(form.texts("password")[:1])
    if key is None or not is_form_key(form.text("form_key"), key):
        return _door(visit, to=form.text("to"), name=name, fault=_NO_COOKIE, status=403)
    by_client, at_account = TRIES
    admit(visit, "sign-in client", visit.client, by_client)
    admit(visit, "sign-in account", name.lower(), at_account)
    session = accounts.sign_in(name, password)
    if session is None:
        log.warning("Somebody could not sign in.", extra={"action": "desk.refused"})
        return _door(visit, to=form.text("to"), name=name, fault=_WRONG, status=401)
    log.info("%s: signed in", session.operator, extra={"action": "desk.signed_in"})
    answer = RedirectResponse(visit.links.to(_place(form.text("to"))), status_code=303)
    _give(visit, answer, accounts.cookie(session.key))
    return answer


@router.post(f"{ROOT}/sign-out")
def sign_out(seat: Sitting, form: Order) -> Response:
    """The session is over, here and wherever its cookie was copied to."""
    seat.desk.accounts.sign_out(seat.session)
    seat.note("signed_out")
    answer = RedirectResponse(seat.path("/sign-in"), status_code=303)
    jar = _jar(seat.visit)
    answer.delete_cookie(jar.name, path=jar.path, secure=jar.secure, httponly=True)
    return answer


def add_door(app: FastAPI) -> None:
    """Send who is not signed in to the door."""
    app.add_exception_handler(SignInFirst, _to_the_door)


def _to_the_door(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInFirst)
    links = request.app.state.desk.links
    wanted = error.place if error.place not in ("", ROOT) and _PLACE.fullmatch(error.place) else ""
    query = f"?to={quote(wanted, safe='')}" if wanted else ""
    return RedirectResponse(f"{links.to(f'{ROOT}/sign-in')}{query}", status_code=303)


_WRONG: Final = "Name and password do not go together."
_NO_COOKIE: Final = "The form was too old, or your browser keeps no cookies. Try again."


def _door(visit: Visit, *, to: str, name: str = "", fault: str = "", status: int = 200) -> Response:
    accounts = desk_of(visit).accounts
    key = accounts.key_in(_cookie(visit))
    fresh = key or new_key()
    answer = visit.private(
        "web/desk/sign_in.html.j2",
        status=status,
        language=english(),
        title="Sign in",
        to=to if _PLACE.fullmatch(to) else "",
        typed=name,
        fault=fault,
        form_key=form_key(fresh),
    )
    if key is None:
        _give(visit, answer, accounts.cookie(fresh))
    return answer


def _place(wanted: str) -> str:
    """Where to go after signing in: a page of ours, whatever the form says."""
    return wanted if _PLACE.fullmatch(wanted) else ROOT


@dataclass(frozen=True, slots=True)
class Jar:
    """How the cookie is called, and where it goes."""

    name: str
    path: str
    secure: bool


def _jar(visit: Visit) -> Jar:
    # `__Host-` wants the path / (RFC 6265bis), and keeps neighbouring hosts from setting it.
    if visit.rooms.site.base_url.startswith("https://"):
        return Jar("__Host-desk", "/", secure=True)
    return Jar("desk", visit.links.to(ROOT), secure=False)


def _cookie(visit: Visit) -> str:
    return visit.request.cookies.get(_jar(visit).name, "")


def _give(visit: Visit, answer: Response, value: str) -> None:
    jar = _jar(visit)
    answer.set_cookie(
        jar.name,
        value,
        path=jar.path,
        secure=jar.secure,
        httponly=True,
        samesite="lax",  # a link in an alert's mail leads in; orders carry the form's key
    )
