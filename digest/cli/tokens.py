"""`digest tokens …`: who may use the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.choices import chosen
from digest.cli.say import JsonOption, counted, moment, say, say_json, show_table

if TYPE_CHECKING:
    from digest.access import Access
    from digest.model import ApiToken

app = typer.Typer(no_args_is_help=True, help="Who may use the API.")

Owner = Annotated[
    str | None, typer.Option(help="A subscriber's own, by their address.", metavar="EMAIL")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.", metavar="NAME")],
    subscriber: Owner = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read, me:read, me:write, operator:read, operator:write; repeatable."),
    ] = None,
    days: Annotated[int, typer.Option(help="How long it lasts; 0 for ever.", min=0)] = 365,
    json: JsonOption = False,
) -> None:
    """Make a token, and show its secret this once.

    With --subscriber it is theirs (read, me:read, me:write unless --scope says less); without, it
    is the operator's (read and operator:read unless --scope says more).
    """
    from digest.model import Scope

    with _opened() as access:
        granted = access.grant(name, chosen(Scope, scope), email=subscriber, days=days)
    if json:
        say_json({"secret": granted.secret, **_record(granted.token, subscriber or "")})
        return
    say(granted.secret)
    scopes = " ".join(sorted(granted.token.scopes))
    until = moment(granted.token.expires_at) or "for ever"
    say(f"Token {granted.token.id}: {scopes}; until {until}. It is not shown again.")


@app.command("list")
def list_(subscriber: Owner = None, json: JsonOption = False) -> None:
    """Every token, or one subscriber's; never a secret."""
    with _opened() as access:
        found = access.listed(subscriber)
    if json:
        say_json([_record(one, email) for one, email in found])
        return
    columns = ("#number", "name", "begins", "whose", "scopes", "until", "last used", "revoked")
    rows = [
        (
            one.id,
            one.name,
            one.hint,
            email or "operator",
            " ".join(sorted(one.scopes)),
            moment(one.expires_at) or "for ever",
            one.last_used_at,
            one.revoked_at,
        )
        for one, email in found
    ]
    show_table(columns, rows)
    say(counted(len(found), "token"))


@app.command()
def revoke(
    number: Annotated[int, typer.Argument(help="The token's number, from `list`.")],
    json: JsonOption = False,
) -> None:
    """From now on this token opens nothing."""
    from digest.model import ApiTokenId

    with _opened() as access:
        access.revoke(ApiTokenId(number))
    if json:
        say_json({"revoked": number})
    else:
        say("It opens nothing any more.")


@contextmanager
def _opened() -> Iterator[Access]:
    from digest.access import Access

    with session.database() as database:
        yield Access(database)


def _record(token: ApiToken, email: str) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "hint": token.hint,
        "scopes": sorted(token.scopes),
        "subscriber": email or None,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }
