"""A team's digest taken over as one's own: the link under every post to a channel.

    GET   /t/TOKEN    what the team's digest is about, and a form for an address
    POST  /t/TOKEN    a mail to the address, which asks it (see `confirm`)

The same answer for every address (guarantee: see `digest.subscriptions.joining`). The link shows
what interests the team to whoever reads its channel, so it opens nothing once the team posts
nowhere any more. Its address, its feedback and everything else of it stay unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.errors import InvalidSubscriber
from digest.model import Subscriber
from digest.rendering.spans import line
from digest.subscriptions import normalise
from digest.subscriptions.joining import taken_over
from digest.tokens import Purpose
from digest.web import rhythm
from digest.web.allowances import admit_mail
from digest.web.forms import Fault, Posted
from digest.web.preferences import asks_for
from digest.web.reader import find_reader
from digest.web.subscribe import inbox
from digest.web.visit import Visit, Visiting

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One interest as everybody in the channel may see it."""

    name: str
    says: str


def _team(visit: Visiting, token: str) -> Subscriber:
    ids = visit.rooms.tokens.read(Purpose.TEAM, token)
    team = find_reader(visit, ids[0] if ids else 0)
    if not visit.rooms.channels.register.of(team.email):
        raise HTTPException(404)
    return team


Team = Annotated[Subscriber, Depends(_team)]


@router.get("/t/{token}")
def show(visit: Visiting, team: Team) -> Response:
    """What it is about."""
    return _page(visit, team)


@router.post("/t/{token}")
def take(visit: Visiting, team: Team, form: Posted) -> Response:
    """Ask the address."""
    typed = form.text("email")
    try:
        address = normalise(typed)
    except InvalidSubscriber:
        return _page(visit, team, typed, Fault.of_address(visit.language))
    admit_mail(visit, address)
    record = taken_over(team, address) | {"language": visit.language.code}
    visit.rooms.joining.ask(record, language=visit.language.code)
    return inbox(visit, address)


def _page(visit: Visit, team: Subscriber, typed: str = "", fault: Fault | None = None) -> Response:
    language = visit.language
    name = line(team.name) or visit.rooms.site.name
    active = [one for one in team.interests if not one.paused]
    return visit.private(
        "web/takeover.html.j2",
        status=400 if fault else 200,
        title=language.say("{name}, as your own digest", name=name),
        interests=[Wanted(line(one.name), asks_for(one, language)) for one in active],
        muted=language.listed([line(one) for one in (*team.mutes.authors, *team.mutes.words)]),
        schedule=rhythm.in_words(team.schedule, language),
        email=typed,
        faults={"email": fault} if fault else {},
    )
