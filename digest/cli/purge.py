"""`digest purge`: forget what the retention no longer keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, say_json, show_table
from digest.clock import system_clock


def purge(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing; count what would go.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Forget what [retention] no longer keeps, and suppressions whose time is over.

    `digest serve` and `digest run` do it by themselves.
    That a paper was sent to somebody is remembered for ever, so nothing is sent twice.
    """
    from digest.housekeeping import clean, rehearse

    settings = session.settings()
    with session.database(settings) as database:
        way = rehearse if dry_run else clean
        gone = way(database, settings.retention, system_clock())
    if json:
        say_json(gone)
        return
    show_table(("what", "#would go" if dry_run else "#gone"), gone.items())
