"""`digest purge`: forget what the retention no longer keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, say, say_json, show_table
from digest.clock import system_clock


def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing; count what would go.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Forget what [retention] no longer keeps; `digest serve` does it by itself.

    That a paper was sent to somebody is remembered for ever, so nothing is sent twice.
    """
    from digest.store.purging import Keep, count
    from digest.store.purging import purge as forget

    settings = session.settings()
    keep = Keep(**settings.retention.model_dump())
    with session.database(settings) as database:
        now = system_clock()
        gone = count(database, keep, now) if dry_run else forget(database, keep, now)
    if json:
        say_json(gone)
        return
    show_table(("what", "#would go" if dry_run else "#gone"), gone.items())
    if not gone:
        say("Everything is kept for ever; see [retention] in the configuration.")
