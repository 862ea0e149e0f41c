"""`digest interests …`: what a subscriber wants of the day's papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.say import JsonOption, counted, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.model import Interest

app = typer.Typer(no_args_is_help=True, help="What a subscriber wants of the day's papers.")

Email = Annotated[str, typer.Argument(help="The subscriber's address.", metavar="EMAIL")]
Name = Annotated[str, typer.Argument(help="The interest's name.", metavar="NAME")]
Query = Annotated[str | None, typer.Option(help="Keywords: `graph AND (survey OR -quantum)`.")]
Statement = Annotated[str | None, typer.Option(help="What it is about, in plain words.")]
Examples = Annotated[
    list[str] | None, typer.Option("--example", help="A paper like these: its id, or its title.")
]
Unwanted = Annotated[
    list[str] | None, typer.Option("--not-like", help="A paper unlike these: its id, or its title.")
]
Authors = Annotated[list[str] | None, typer.Option("--author", help="Everything by this author.")]
Limit = Annotated[int | None, typer.Option(help="Papers a digest from this interest.")]
DailyVolume = Annotated[float | None, typer.Option(help="About so many papers a day.")]
Combine = Annotated[
    str | None, typer.Option(help="any: the query or the likeness decides; all: both must hold.")
]


@app.command("list")
def list_(email: Email, json: JsonOption = False) -> None:
    """All interests of a subscriber."""
    with session.register() as register:
        interests = register.subscriber(email).interests
    if json:
        say_json([_record(one) for one in interests])
        return
    rows = [(one.name, _state(one), _wants(one), one.limit) for one in interests]
    show_table(("name", "state", "wants", "#limit"), rows)


@app.command()
def add(
    email: Email,
    name: Name,
    query: Query = None,
    statement: Statement = None,
    example: Examples = None,
    not_like: Unwanted = None,
    author: Authors = None,
    limit: Limit = None,
    daily_volume: DailyVolume = None,
    combine: Combine = None,
    json: JsonOption = False,
) -> None:
    """Add an interest: a query, a statement, examples, authors, or any mix."""
    record = {
        "name": name,
        "query": query,
        "statement": statement,
        "examples": _examples(example, not_like),
        "authors": author,
        "limit": limit,
        "daily_volume": daily_volume,
        "combine": combine,
    }
    check_query(query)
    with session.register() as register:
        added = register.add_interest(email, _told(record))
    _report(added, "Added", json=json)


@app.command()
def edit(
    email: Email,
    name: Name,
    rename: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    query: Query = None,
    statement: Statement = None,
    example: Examples = None,
    not_like: Unwanted = None,
    author: Authors = None,
    limit: Limit = None,
    daily_volume: DailyVolume = None,
    combine: Combine = None,
    paused: Annotated[bool | None, typer.Option("--pause/--resume", help="Rest it.")] = None,
    json: JsonOption = False,
) -> None:
    """Change what is said; lists (examples, authors) are replaced whole."""
    changes = {
        "name": rename,
        "query": query,
        "statement": statement,
        "examples": _examples(example, not_like),
        "authors": author,
        "limit": limit,
        "daily_volume": daily_volume,
        "combine": combine,
        "paused": paused,
    }
    if not _told(changes):
        raise UsageError("Nothing to change.", mend="See `digest interests edit --help`.")
    check_query(query)
    with session.register() as register:
        changed = register.edit_interest(email, name, _told(changes))
    _report(changed, "Changed", json=json)


@app.command()
def remove(email: Email, name: Name, json: JsonOption = False) -> None:
    """Remove an interest."""
    with session.register() as register:
        register.remove_interest(email, name)
    if json:
        say_json({"removed": name})
    else:
        say(f"Removed {name}.")


def check_query(query: str | None) -> None:
    """Raises QuerySyntaxError, which `main` shows with a caret under the column."""
    from digest.matching.query import parse

    if query and query.strip():
        parse(query)


def _examples(like: list[str] | None, unlike: list[str] | None) -> list[dict[str, Any]] | None:
    if not (like or unlike):
        return None
    return [
        {"title": title, "positive": positive}
        for titles, positive in ((like, True), (unlike, False))
        for title in titles or ()
    ]


def _told(record: dict[str, Any]) -> dict[str, Any]:
    """An option that repeats is an empty list when it is not given."""
    return {key: it for key, it in record.items() if it is not None and it != []}


def _record(interest: Interest) -> dict[str, Any]:
    from digest.subscriptions.values import write_interest

    return {"id": interest.id, **write_interest(interest)}


def _report(interest: Interest, verb: str, *, json: bool) -> None:
    if json:
        say_json(_record(interest))
    else:
        say(f"{verb} {interest.name}.")


def _wants(interest: Interest) -> str:
    """Its words first; where it has none, what it goes by instead."""
    if said := interest.query or interest.statement:
        return said
    learnt = [counted(len(interest.examples), "example")] if interest.examples else []
    return ", ".join([*learnt, *interest.authors])


def _state(interest: Interest) -> str:
    return "paused" if interest.paused else "active"
