"""A reader's tokens: what programs of theirs may do by the API, and until when.

    /p/TOKEN/tokens            what there is; make one
    /p/TOKEN/tokens/NUMBER     revoke

A secret is shown in the answer to the form that made it, and never again: what is kept is its hash.
Only a subscriber's own scopes are offered, and only their own tokens are ever touched. GET changes
nothing (guarantee 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from digest.access import LONGEST, MOST, PERSONAL
from digest.clock import local_date
from digest.errors import UsageError
from digest.model import ApiToken, ApiTokenId, Scope
from digest.rendering.language import message
from digest.rendering.spans import line
from digest.web.allowances import admit_grant
from digest.web.forms import Fault, Posted, as_number
from digest.web.reader import Reader, Reading
from digest.web.rhythm import Choice
from digest.web.wish import shown
from digest.web.words import short_day

router = APIRouter()

SCOPES: Final = {
    Scope.READ: message("Read papers, search and sources"),
    Scope.ME_READ: message("Read my interests, my digests and what I said"),
    Scope.ME_WRITE: message("Change these for me, down to unsubscribing"),
}
TERMS: Final = (30, 90, 365, 0)  #: days; 0 for ever
_ORDER: Final = ("name", "scope", "days")


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token in the list."""

    id: int
    name: str
    hint: str
    may: tuple[str, ...]
    until: str
    used: str
    is_over: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """The form for another token, as typed."""

    name: str = ""
    scopes: frozenset[str] = frozenset({Scope.READ, Scope.ME_READ})
    days: str = "90"


@router.get("/p/{token}/tokens")
def show(reader: Reading) -> Response:
    """Every token that is not revoked, without its secret, and the form for another."""
    return _page(reader)


@router.post("/p/{token}/tokens")
def make(reader: Reading, form: Posted) -> Response:
    """Make one, and show its secret this once."""
    typed = Typed(form.text("name"), frozenset(form.texts("scope")), form.text("days"))
    if faults := _faults(reader, typed):
        return _page(reader, typed=typed, faults=faults)
    admit_grant(reader.visit, reader.subscriber.id)
    try:
        granted = reader.visit.rooms.access.grant(
            typed.name,
            [Scope(one) for one in typed.scopes],
            email=reader.subscriber.email,
            days=int(typed.days),
        )
    except UsageError:  # what was typed is good: there are too many, and the page says so
        return _page(reader, typed=typed, status=400)
    said = reader.language.text("The token is made. Copy it now.")
    return _page(reader, said=said, secret=granted.secret)


@router.post("/p/{token}/tokens/{number}")
def revoke(reader: Reading, number: str, form: Posted) -> Response:
    """From now on it opens nothing; one that is gone, or somebody else's, is left alone."""
    id = as_number(number)
    if form.text("do") == "revoke" and id in {one.id for one in _stored(reader)}:
        reader.visit.rooms.access.revoke(ApiTokenId(id))
    return reader.back("revoked", "/tokens")


def _faults(reader: Reader, typed: Typed) -> dict[str, Fault]:
    language, found = reader.language, {}
    name = " ".join(typed.name.split())
    if not name or not name.isprintable():
        found["name"] = language.text("Say what it is for.")
    elif len(name) > LONGEST:
        found["name"] = language.say(
            "This is too long: {n} characters are the most.", n=language.number(LONGEST)
        )
    if not typed.scopes or typed.scopes - PERSONAL:
        found["scope"] = language.text("Tick what it may do.")
    if as_number(typed.days) not in TERMS:
        found["days"] = language.text("Choose one of these.")
    return {name: Fault(text) for name, text in found.items()}


def _stored(reader: Reader) -> list[ApiToken]:
    """Those that are not revoked, oldest first."""
    listed = reader.visit.rooms.access.listed(reader.subscriber.email)
    return [one for one, _ in listed if one.revoked_at is None]


def _page(
    reader: Reader,
    *,
    typed: Typed | None = None,
    faults: Mapping[str, Fault] | None = None,
    said: str = "",
    secret: str = "",
    status: int = 200,
) -> Response:
    told, language, now = faults or {}, reader.language, reader.visit.rooms.clock()
    stored = _stored(reader)
    return reader.page(
        "web/tokens.html.j2",
        status=400 if told else status,
        title=language.text("Tokens for programs"),
        said=said or reader.said(),
        secret=secret,
        faults=told,
        wrong=shown(told, _ORDER),
        tokens=[_line(one, reader, now) for one in stored],
        scopes=[Choice(one.value, language.text(label)) for one, label in SCOPES.items()],
        terms=[_term(days, reader) for days in TERMS],
        typed=typed if told and typed else Typed(),
        is_full=sum(one.is_open(now) for one in stored) >= MOST,
    )


def _term(days: int, reader: Reader) -> Choice:
    language = reader.language
    label = language.count("{n} day", "{n} days", days) if days else None
    return Choice(str(days), label or language.text("Until I revoke it"))


def _line(one: ApiToken, reader: Reader, now: datetime) -> TokenLine:
    language = reader.language
    ends, used = _day(one.expires_at, reader), _day(one.last_used_at, reader)
    return TokenLine(
        id=one.id,
        name=line(one.name),
        hint=one.hint,
        may=tuple(language.text(label) for scope, label in SCOPES.items() if scope in one.scopes),
        until=language.say("until {day}", day=ends) if ends else language.text("without end"),
        used=language.say("last used {day}", day=used) if used else language.text("never used"),
        is_over=not one.is_open(now),
    )


def _day(at: datetime | None, reader: Reader) -> str:
    if at is None:
        return ""
    return short_day(local_date(at, reader.subscriber.schedule.timezone), reader.language)
