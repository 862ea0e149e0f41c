"""`digest backup`, `restore` and `move`: a copy in a file, put back, and another database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, counted, say, say_json, show_table, warn
from digest.clock import system_clock
from digest.errors import UsageError

File = Annotated[Path, typer.Argument(help="The copy.", metavar="FILE")]


def backup(file: File, json: JsonOption = False) -> None:
    """Copy the whole database into FILE, while everything runs.

    An SQLite database gives an SQLite file, a PostgreSQL one what pg_dump makes. Keep the secret
    keys of the configuration with it: without them links already sent no longer open.
    """
    from digest.store.backup import backup as copy

    with session.database() as database:
        size = copy(database, file)
        place = database.place
    if json:
        say_json({"database": place, "file": str(file), "bytes": size})
    else:
        say(f"{place} is copied to {file} ({size / 1e6:.1f} MB).")


def restore(
    file: Annotated[
        Path | None, typer.Argument(help="A copy made by `digest backup`.", metavar="[FILE]")
    ] = None,
    accept: Annotated[
        str | None,
        typer.Option(
            help="Go on after a copy was put back: forward counts what was due since as sent,"
            " again sends it, perhaps twice.",
            metavar="forward|again",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Even if a process seems to use the database.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Put FILE back in place of the database; nothing is sent before you say how to go on.

    The present database is kept beside it (SQLite). Stop `digest serve` and its like first.
    """
    if (file is None) == (accept is None):
        raise UsageError("Give a FILE to put back, or --accept to go on.")
    if accept not in (None, "forward", "again"):
        raise UsageError(f"--accept is forward or again, not {accept!r}.")
    if file is not None:
        _put_back(file, force=force, json=json)
    else:
        _go_on(forward=accept == "forward", json=json)


def move(
    url: Annotated[str, typer.Argument(help="An empty database.", metavar="URL")],
    json: JsonOption = False,
) -> None:
    """Copy everything to another database, such as postgresql://…, and count both.

    Then set database.url to it; the old one sends nothing any more. Stop what writes first.
    """
    from digest.store.database import Database
    from digest.store.moving import move as carry

    to = Database(url)
    try:
        with session.database() as source:
            copied = carry(source, to, system_clock(), progress=_told)
            places = source.place, to.place
    finally:
        to.dispose()
    if json:
        say_json({"from": places[0], "to": places[1], "rows": copied})
        return
    show_table(("table", "#rows"), [(name, rows) for name, rows in copied.items() if rows])
    say(f"{places[0]} is now in {places[1][0].lower()}{places[1][1:]}; every count agrees.")
    say("Set database.url to it. The old one will send nothing any more.")


def _told(table: str, rows: int) -> None:
    if rows >= 10_000:
        warn(f"{table}: {rows} rows")


def _put_back(file: Path, *, force: bool, json: bool) -> None:
    from digest.store.backup import restore as put_back
    from digest.store.database import Database

    settings, now = session.settings(), system_clock()
    database = Database(settings.database.url.get_secret_value())
    try:
        if not force:
            _require_unused(database)
        done = put_back(database, file, now)
    finally:
        database.dispose()
    if json:
        say_json(
            {
                "database": database.place,
                "file": str(file),
                "kept": str(done.kept or ""),
                "unsubscribed_since": done.left,
            }
        )
        return
    say(f"{database.place} is what {file} holds.")
    if done.kept:
        say(f"What it was before is kept in {done.kept}.")
    if done.left is None:
        warn("Who unsubscribed since the copy could not be known: they would be written to again.")
    elif done.left:
        say(f"Unsubscribed since the copy, and kept so: {counted(done.left, 'reader')}.")
    say("It sends nothing until you say how to go on:")
    say("  digest restore --accept forward   what was due since then counts as sent")
    say("  digest restore --accept again     it is sent, perhaps for the second time")


def _require_unused(database: object) -> None:
    """Raise UsageError when a process of ours beat lately on this database."""
    from digest.errors import DigestError
    from digest.store.database import Database
    from digest.store.marks import MarkStore

    assert isinstance(database, Database)
    now = system_clock()
    try:
        beats = MarkStore(database).below("heartbeat/")
    except DigestError:
        return  # nothing is there yet, or it is what must be replaced
    alive = [one.name.split("/")[1] for one in beats if abs((now - one.at).total_seconds()) < 150]
    if alive:
        raise UsageError(
            f"{database.place} is in use by: {', '.join(sorted(set(alive)))}.",
            mend="Stop them first, or say --force if they are gone.",
        )


def _go_on(*, forward: bool, json: bool) -> None:
    from digest.store.moving import go_on

    with session.opened() as app:
        if forward:
            warn("Reading the sources, so that the papers of the gap are known …")
            report = app.ingest(app.clock)
            if report.has_failures:
                warn("Not every source answered; what it announced meanwhile may be sent again.")
        moved = go_on(app.database, app.settings.delivery.spool, app.clock(), forward=forward)
    if json:
        say_json({"forward": forward, **moved})
        return
    if forward:
        cancelled = counted(moved["deliveries"], "waiting delivery", "waiting deliveries")
        say(f"{counted(moved['readers'], 'reader')} moved on, {cancelled} cancelled.")
    say("It sends again.")
