"""`digest operators …`: who may open the operator's pages at /desk."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, counted, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.operators import Accounts

app = typer.Typer(no_args_is_help=True, help="Who may open the operator's pages at /desk.")

Name = Annotated[str, typer.Argument(help="The operator's name.", metavar="NAME")]
Stdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password's one line from standard input."),
]


@app.command()
def add(name: Name, password_stdin: Stdin = False, json: JsonOption = False) -> None:
    """Make an account; its password is asked for twice."""
    with _accounts() as accounts:
        made = accounts.add(name, _password(password_stdin))
        address = f"{session.settings().site.base_url}/desk"
    if json:
        say_json({"name": made.name, "address": address})
    else:
        say(f"{made.name} may sign in at {address}.")


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """Everyone, from the configuration and from the database."""
    with _accounts() as accounts:
        found = accounts.listed()
    if json:
        say_json([asdict(one) for one in found])
        return
    columns = ("name", "from", "password of", "last signed in")
    show_table(
        columns,
        [
            (
                one.name,
                "the configuration" if one.is_configured else "the database",
                one.changed_at,
                one.signed_in_at,
            )
            for one in found
        ],
    )
    say(counted(len(found), "operator"))


@app.command()
def remove(name: Name, json: JsonOption = False) -> None:
    """Forget an account, and sign it out everywhere."""
    with _accounts() as accounts:
        accounts.remove(name)
    if json:
        say_json({"removed": True})
    else:
        say("Removed, and signed out everywhere.")


@app.command()
def password(name: Name, password_stdin: Stdin = False, json: JsonOption = False) -> None:
    """Give an account another password, and sign it out everywhere."""
    with _accounts() as accounts:
        accounts.change_password(name, _password(password_stdin))
    if json:
        say_json({"changed": True})
    else:
        say("Changed, and signed out everywhere.")


@app.command("hash")
def hash_(password_stdin: Stdin = False, json: JsonOption = False) -> None:
    """Print the hash of a password, for web.operators in the configuration."""
    from digest.operators import Passwords, weakness

    given = _password(password_stdin)
    if why := weakness(given):
        raise UsageError(why)
    made = Passwords().hash(given)
    if json:
        say_json({"password_hash": made})
    else:
        say(made)


@contextmanager
def _accounts() -> Iterator[Accounts]:
    from digest.operators import Accounts

    settings = session.settings()
    with session.database(settings) as database:
        yield Accounts(
            database,
            configured=settings.web.operator_hashes(),
            keys=settings.signing_keys(),
        )


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", mend="Use --password-stdin.")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
