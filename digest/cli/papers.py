"""`digest papers …`: what the sources announced."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.explain import Paper as PaperArgument
from digest.cli.run import Now, instant
from digest.cli.say import JsonOption, counted, moment, say, say_json, show_table
from digest.clock import system_clock

if TYPE_CHECKING:
    from digest.model import Paper

app = typer.Typer(no_args_is_help=True, help="What the sources announced.")


@app.command("list")
def list_(
    days: Annotated[float, typer.Option(help="As far back as this.", min=0)] = 1.0,
    source: Annotated[str | None, typer.Option(help="Only from this source.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 100,
    now: Now = None,
    json: JsonOption = False,
) -> None:
    """The papers of the last days, the most voted for first."""
    since = (instant(now) or system_clock()) - timedelta(days=days)
    with session.opened() as opened:
        store = opened.papers
        found = store.window(store.fetch_before(since), store.latest_fetch()).papers
    wanted = [paper for paper in found if source is None or source in paper.sources]
    wanted.sort(key=lambda paper: (-(paper.votes or 0), paper.announced_on, paper.id))
    if json:
        say_json([_record(paper) for paper in wanted[:limit]])
        return
    columns = ("#number", "key", "title", "sources", "#votes")
    show_table(columns, [_row(paper) for paper in wanted[:limit]])
    more = f", of which {limit} are shown" if len(wanted) > limit else ""
    say(f"{counted(len(wanted), 'paper')}{more}")


@app.command()
def show(paper: PaperArgument, json: JsonOption = False) -> None:
    """One paper with its sightings."""
    with session.opened() as opened:
        found = opened.papers.find(paper)
    if json:
        say_json(_record(found))
        return
    say(found.title)
    for line in filter(None, (", ".join(found.authors), found.abstract, found.note)):
        say()
        say(line)
    say()
    links = (found.links.abstract, found.links.pdf, found.links.discussion)
    for label, text in (
        ("number", str(found.id)),
        ("key", found.key),
        ("categories", ", ".join(found.categories)),
        ("votes", "" if found.votes is None else str(found.votes)),
        ("links", " ".join(filter(None, links))),
    ):
        if text:
            say(f"{label:<12} {text}")
    for one in found.sightings:
        say(f"{'seen':<12} {one.source}, {one.announcement.value}, {moment(one.announced_at)}")


def _record(paper: Paper) -> dict[str, Any]:
    return asdict(paper)


def _row(paper: Paper) -> tuple[object, ...]:
    return paper.id, paper.key, paper.title, ", ".join(paper.sources), paper.votes
