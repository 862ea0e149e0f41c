"""Who asks, and whether they may: bearer tokens (RFC 6750), scopes, and how often.

    pace of the client | token | scope | pace of the token | what is posted is counted, too

Papers, search and sources are open to everybody, as on the pages; a token that is sent all the same
must be a good one. Tokens are compared by their hash in constant time and never logged: they come
in a header and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Final

from fastapi import BackgroundTasks, Depends
from fastapi.dependencies.models import Dependant
from starlette.responses import Response

from digest.errors import StoreError
from digest.model import ApiToken, Scope, Subscriber, SubscriberId
from digest.web.api.pace import MINUTE, Pace
from digest.web.api.problems import Kind, Trouble, wrong_parameter
from digest.web.headers import PUBLIC
from digest.web.limiting import Limit, admit
from digest.web.origin import SAFE_METHODS
from digest.web.reader import find_reader
from digest.web.visit import Visit, Visiting

REALM: Final = 'Bearer realm="paper-digest"'
_OWN: Final = "private, no-cache"
_LONGEST: Final = 200  #: characters of a header worth reading


@dataclass(frozen=True)
class Caller:
    """One request with the token it came with, and the answer's headers to be."""

    visit: Visit
    token: ApiToken | None
    response: Response

    @property
    def name(self) -> str:
        """For counting; a client's address is in it, so it is never logged."""
        return f"token {self.token.id}" if self.token else f"client {self.visit.client}"

    @property
    def subscriber(self) -> Subscriber:
        """Whose token it is, as they are now; raises UnknownSubscriber for one just forgotten."""
        whose = self.token.subscriber_id if self.token else None
        return find_reader(self.visit, whose or SubscriberId(0))

    def keep_nowhere(self) -> None:
        """For answers with secrets in them."""
        self.response.headers["Cache-Control"] = "no-store"


Check = Callable[..., Caller]
#: What each check of the routes asks for; the contract is written from it. None: any token.
NEEDED: dict[Check, Scope | None] = {}


def needs(scope: Scope | None) -> Check:
    """The check of a route that asks for a scope, or for any token."""

    def check(visit: Visiting, response: Response, tasks: BackgroundTasks) -> Caller:
        token = _token(visit)
        _require(scope, token)
        _read_query(visit)
        caller = Caller(visit, token, response)
        _count(caller)
        _dress(caller)
        access = visit.rooms.access
        if token is not None and access.needs_note(token):
            tasks.add_task(_note, visit, token)
        return caller

    NEEDED[check] = scope
    return check


def _read_query(visit: Visit) -> None:
    """A misspelt parameter must not pass for none; no text has a NUL, and PostgreSQL takes none."""
    said = visit.request.query_params.multi_items()
    known = _parameters(visit.request.scope["route"].dependant) if said else frozenset()
    for name, text in said:
        if name not in known:
            near = get_close_matches(name, sorted(known), n=1)
            mend = f"did you mean {near[0]}?" if near else "see the documentation"
            raise wrong_parameter(name, f"is unknown; {mend}")
        if "\0" in text:
            raise wrong_parameter(name, "holds a character that no text has")


def _parameters(dependant: Dependant) -> frozenset[str]:
    own = {one.alias for one in dependant.query_params}
    return frozenset(own).union(*map(_parameters, dependant.dependencies))


def _token(visit: Visit) -> ApiToken | None:
    said = visit.request.headers.get("authorization")
    if said is None:
        return None
    scheme, _, secret = said[:_LONGEST].partition(" ")
    token = visit.rooms.access.open(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        _slow(visit, f"client {visit.client}", visit.rooms.api.reads_per_minute)
        raise Trouble(
            Kind.INVALID_TOKEN, headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'}
        )
    return token


def _require(scope: Scope | None, token: ApiToken | None) -> None:
    if token is None and scope is not Scope.READ:
        asked = f"A token with the scope {scope} is needed." if scope else ""
        challenge = f'{REALM}, scope="{scope}"' if scope else REALM
        raise Trouble(Kind.NO_TOKEN, asked, headers={"WWW-Authenticate": challenge})
    if token is not None and scope is not None and scope not in token.scopes:
        raise Trouble(
            Kind.SCOPE,
            f"The token lacks the scope {scope}.",
            headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
        )


def _count(caller: Caller) -> None:
    visit, rates = caller.visit, caller.visit.rooms.api
    reads = rates.token_reads_per_minute if caller.token else rates.reads_per_minute
    if visit.request.method in SAFE_METHODS:
        _slow(visit, caller.name, reads)
    else:
        admit(visit, "api", caller.name, Limit(rates.token_writes_per_minute, MINUTE))


def _slow(visit: Visit, who: str, most: int) -> None:
    pace: Pace = visit.request.app.state.pace
    wait = pace.wait(who, most=most, now=visit.rooms.clock())
    if wait > timedelta(0):
        seconds = -(-wait // timedelta(seconds=1))
        raise Trouble(Kind.TOO_MANY, headers={"Retry-After": str(seconds)})


def _dress(caller: Caller) -> None:
    """What everybody may see may be kept by anybody; the rest by its owner, if asked again."""
    if caller.visit.request.method in SAFE_METHODS:
        headers = caller.response.headers
        headers["Cache-Control"] = _OWN if caller.token else PUBLIC
        headers["Vary"] = "Authorization"


def _note(visit: Visit, token: ApiToken) -> None:
    """After the answer has left; what cannot be written now is written with a later use."""
    try:
        visit.rooms.access.used(token)
    except StoreError:
        return


Holder = Annotated[Caller, Depends(needs(None))]
Anybody = Annotated[Caller, Depends(needs(Scope.READ))]
Owner = Annotated[Caller, Depends(needs(Scope.ME_READ))]
OwnerActing = Annotated[Caller, Depends(needs(Scope.ME_WRITE))]
Operator = Annotated[Caller, Depends(needs(Scope.OPERATOR_READ))]
OperatorActing = Annotated[Caller, Depends(needs(Scope.OPERATOR_WRITE))]
