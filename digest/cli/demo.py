"""`digest demo`: the whole river on invented papers, and a page to look at the result.

Everything is real but the papers: the sources read files in the true formats, and the mails are
written into a mailbox. The demo's day is fixed when it first runs, so that a second run finds the
same announcements, and sends nothing twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.migrate import migrated
from digest.cli.progress import watching
from digest.cli.run import tell
from digest.cli.say import JsonOption, counted, say, say_json, show_table
from digest.clock import fixed_clock, system_clock

if TYPE_CHECKING:
    from digest.config import Settings
    from digest.day import RunReport

_HOUR = time(18, tzinfo=UTC)  #: when every reader's morning is over
_BEFORE = timedelta(days=32)  #: readers came so long ago that the monthly ones are due as well


def demo(
    folder: Annotated[
        Path, typer.Option(help="Where the demo lives; delete it to begin anew.")
    ] = Path("demo"),
    json: JsonOption = False,
) -> None:
    """Run everything on sample papers for sample readers, and show every digest on one page.

    Nothing is fetched and nothing is sent. Running it again sends nothing twice.
    """
    from digest.demo.gallery import build_gallery, read_letters

    day = _day(folder)
    settings = _settings(folder, day)
    migrated(settings)
    report = _run(settings, datetime.combine(day, _HOUR))
    mailbox = settings.delivery.mailbox.path
    page = build_gallery(mailbox, folder / "index.html").absolute()
    if json:
        say_json({"page": str(page), **report.to_json()})
        return
    tell(report)
    if not report.digests.composed:
        say(f"Nothing is sent twice. Delete {folder} to begin anew.")
    say()
    letters = read_letters(mailbox)
    show_table(("for", "digest"), [(one.to.partition(" <")[0], one.subject) for one in letters])
    say()
    say(f"{counted(len(letters), 'digest')}, as HTML and as text beside each other, on this page:")
    say(f"  {page.as_uri()}")


def _day(folder: Path) -> date:
    """The last weekday when the demo first ran; arXiv announces nothing at weekends."""
    kept = folder / "day"
    if kept.exists():
        return date.fromisoformat(kept.read_text("ascii").strip())
    day = system_clock().date()
    while day.weekday() > 4:
        day -= timedelta(days=1)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(f"{day}\n", "ascii")
    return day


def _settings(folder: Path, day: date) -> Settings:
    from secrets import token_urlsafe

    from digest.config import Settings
    from digest.demo.listings import write_listings

    here = folder.absolute()
    key = here / "secret-key"
    if not key.exists():
        key.write_text(token_urlsafe(32), "ascii")
    return Settings.model_validate(
        {
            "site": {
                "name": "Paper Digest demo",
                "operator_email": "demo@example.org",
                "identity": "A demo on this machine: the papers and their readers are invented.",
                "secret_keys": [key.read_text("ascii")],
            },
            "database": {"url": f"sqlite:///{here / 'digest.db'}"},
            "delivery": {"mailbox": {"path": str(here / "mail")}, "spool": str(here / "spool")},
            **write_listings(here / "listings", day),
        }
    )


def _run(settings: Settings, now: datetime) -> RunReport:
    from digest.demo.listings import SUBSCRIBERS
    from digest.subscriptions import Format, read
    from digest.wiring import open_app

    with (
        open_app(settings, clock=fixed_clock(now - _BEFORE)) as early,
        SUBSCRIBERS.open("rb") as it,
    ):
        early.subscriptions.load(read(it, Format.JSONL), strict=True)
    with open_app(settings, clock=fixed_clock(now)) as app, watching(len(settings.sources)) as seen:
        return app.run(watcher=seen)
