"""`digest run`: read the sources, compose what is due, send what is queued. Once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.progress import watching
from digest.cli.say import Exit, JsonOption, counted, moment, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.day import RunReport

_ENDING = "Ending with the message in hand; the rest goes on with the next run."

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
    one twice. Asked to end (SIGTERM, Ctrl-C), it finishes the message in hand within half a minute.
    Exit code 3: done, but a source, a digest or a delivery failed.
    """
    session.calculate_alone()
    from digest.ending import PATIENCE, asked_to_end
    from digest.metrics import write_textfile
    from digest.notices import tell_channel_owners, tell_operator

    at = instant(now)
    with session.opened() as opened, watching(len(opened.settings.sources)) as watcher:
        if at is not None and not dry_run:
            opened.subscriptions.rehearse(at)
        with asked_to_end(opened.stop, patience=PATIENCE, told=_ENDING):
            report = opened.run(at, dry_run=dry_run, only=only, watcher=watcher)
        if not dry_run:
            tell_channel_owners(opened)
            tell_operator(opened)
        next_due = opened.subscriptions.next_due()
        if (file := opened.settings.monitoring.textfile) and not dry_run:
            write_textfile(file, opened.database, opened.clock)
    if json:
        say_json(report.to_json())
    else:
        tell(report, dry_run=dry_run)
        if not (report.digests.composed or report.digests.skipped):
            _tell_next(next_due)
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


def _tell_next(due: datetime | None) -> None:
    if due is None:
        say("Nobody is subscribed; `digest subscribers add` adds someone.")
        return
    say(f"Nobody was due; the next digest is, at {moment(due)}.")
    say("`digest preview EMAIL` shows what it would be now.")


def tell(report: RunReport, *, dry_run: bool = False) -> None:
    """The report for people: every source, and a line about each that did not answer well."""
    sources = report.ingest.sources
    if sources:
        rows = [(one.source, one.verdict.value, one.listings, one.new_papers) for one in sources]
        show_table(("source", "verdict", "#listings", "#new papers"), rows)
        for one in sources:
            if not one.verdict.moves_watermark:
                say(f"  {one.line}")
        say()
    if report.ingest.note:
        say(report.ingest.note)
    digests = report.to_json()["digests"]
    skips = [f"{count} {reason.replace('_', ' ')}" for reason, count in digests["skipped"].items()]
    verb = "would be composed" if dry_run else "composed"
    said = [f"{counted(digests['composed'], 'digest')} {verb}"]
    said += [f"skipped: {', '.join(skips)}"] if skips else []
    start = f"{report.due} due: " if skips else ""
    say(start + "; ".join(said) + ".")
    sent = [f"{count} {state}" for state, count in report.to_json()["deliveries"].items() if count]
    say(f"Deliveries: {', '.join(sent)}." if sent else "Nothing was delivered.")
    for channel, fault in report.deliveries.faults.items():
        say(f"{channel.value}: {fault} What was not sent stays queued.")
    for channel, wait in report.deliveries.waits.items():
        pause = counted(round(wait / 60) or 1, "minute")
        say(f"{channel.value}: all was sent that may be for now; the rest goes on in {pause}.")
