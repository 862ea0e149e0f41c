"""`digest sources …`: what is read, how it is, and whether it answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.say import Exit, JsonOption, counted, say, say_json, show_table
from digest.clock import system_clock

if TYPE_CHECKING:
    from digest.config import AnySource
    from digest.model import Fetched

app = typer.Typer(no_args_is_help=True, help="What is read, how it is, and whether it answers.")


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """The configured sources with their last verdicts."""
    with session.opened() as opened:
        verdicts = {note.source: note.verdict.value for note in opened.papers.latest_verdicts()}
        configured = opened.settings.sources
    records = [_record(source, verdicts.get(source.name)) for source in configured]
    if json:
        say_json(records)
        return
    columns = ("name", "kind", "reads", "last verdict")
    show_table(
        columns,
        [tuple(record[c] for c in ("name", "kind", "reads", "verdict")) for record in records],
    )


@app.command("test")
def ask(
    name: Annotated[str | None, typer.Argument(help="Only this one.", metavar="[NAME]")] = None,
    days: Annotated[float, typer.Option(help="Ask for so many days back.", min=0)] = 2.0,
    json: JsonOption = False,
) -> None:
    """Ask the sources, store nothing, and say what came. Exit code 3 if one of them failed."""
    from digest.model import Window

    now = system_clock()
    with session.opened() as opened:
        answers = opened.origins.ask(name, Window(now - timedelta(days=days), now))
    if json:
        say_json({name: _answer(fetched) for name, fetched in answers.items()})
    else:
        for source, fetched in answers.items():
            _tell(source, fetched)
    if any(fetched.fault for fetched in answers.values()):
        raise typer.Exit(Exit.PARTLY)


def _record(source: AnySource, verdict: str | None) -> dict[str, Any]:
    categories = getattr(source, "categories", None) or []
    place = source.path or getattr(source, "url", None) or " ".join(categories)
    return {
        "name": source.name,
        "kind": source.kind,
        "enabled": source.enabled,
        "reads": str(place) if source.enabled else "switched off",
        "verdict": verdict,
    }


def _answer(fetched: Fetched) -> dict[str, Any]:
    return {
        "listings": len(fetched.listings),
        "fault": fetched.fault,
        "unreachable": fetched.unreachable,
        "complete": fetched.complete,
        "holiday": fetched.holiday,
        "entry_faults": list(fetched.entry_faults),
        "titles": [listing.title for listing in fetched.listings[:5]],
    }


def _tell(name: str, fetched: Fetched) -> None:
    said = [counted(len(fetched.listings), "listing")]
    said += ["not all of them"] if not fetched.complete else []
    said += ["a holiday there"] if fetched.holiday else []
    say(f"{name}: {fetched.fault or ', '.join(said)}")
    for listing in fetched.listings[:3]:
        say(f"  {listing.title}")
    for fault in fetched.entry_faults[:5]:
        say(f"  skipped: {fault}")
