"""`digest run`: read the sources, compose what is due, send what is queued. Once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from digest.cli import session
from digest.cli.progress import watching
from digest.cli.say import Exit, JsonOption, counted, say, say_json, show_table
from digest.errors import UsageError

Now = Annotated[
    str | None,
    typer.Option(help="Act as if it were this time (ISO 8601; UTC unless it says otherwise)."),
]


def run(
    now: Now = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store and send nothing; say what would happen.")
    ] = False,
    only: Annotated[
        str | None, typer.Option(help="Compose for this subscriber only.", metavar="EMAIL")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Read the sources, make the digests that are due, and send what is queued.

    It may be interrupted at any moment and started again: nobody due misses a digest, nobody gets
    one twice. Exit code 3: done, but a source or a delivery failed.
    """
    at = instant(now)
    with session.opened() as opened, watching(len(opened.settings.sources)) as watcher:
        if at is not None and not dry_run:
            opened.subscriptions.rehearse(at)
        report = opened.run(at, dry_run=dry_run, only=only, watcher=watcher)
    if json:
        say_json(report.to_json())
    else:
        tell(report.to_json(), dry_run=dry_run)
    if report.has_failures:
        raise typer.Exit(Exit.PARTLY)


def instant(text: str | None) -> datetime | None:
    """Raises UsageError for what is no time."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--now {text!r} is no time.", mend="Write it like 2026-11-20T07:00:00Z."
        ) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def tell(report: Mapping[str, Any], *, dry_run: bool = False) -> None:
    """The report for people."""
    rows = [
        (name, source["verdict"], source["listings"], source["new_papers"])
        for name, source in report["sources"].items()
    ]
    if rows:
        show_table(("source", "verdict", "#listings", "#new papers"), rows)
        say()
    digests = report["digests"]
    skips = [f"{count} {reason.replace('_', ' ')}" for reason, count in digests["skipped"].items()]
    verb = "would be composed" if dry_run else "composed"
    said = [f"{counted(digests['composed'], 'digest')} {verb}"]
    said += [f"skipped: {', '.join(skips)}"] if skips else []
    say("; ".join(said) + ".")
    sent = [f"{count} {state}" for state, count in report["deliveries"].items() if count]
    say(f"Deliveries: {', '.join(sent)}." if sent else "Nothing was delivered.")
