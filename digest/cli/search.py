"""`digest search`: stored papers by keywords and by meaning, in one box."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.progress import steps
from digest.cli.say import JsonOption, counted, say, say_json
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.searching import Order, Result, Results


def search(
    text: Annotated[
        str, typer.Argument(help='Words, a sentence, or a query: `title:graph OR "deep learn*"`.')
    ],
    since: Annotated[
        str | None, typer.Option(help="Announced on this day or later.", metavar="YYYY-MM-DD")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Announced on this day or before.", metavar="YYYY-MM-DD")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only from this source.")] = None,
    category: Annotated[
        str | None, typer.Option(help="Only of this category: cs or cs.CL.")
    ] = None,
    sort: Annotated[str, typer.Option(help="relevance, date or votes.")] = "relevance",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)] = 10,
    json: JsonOption = False,
) -> None:
    """Search all stored papers by their words and by what they mean, and say why each was found.

    The first search of a large archive reads all of it; what was made of it is kept for the next.
    """
    first, last = day(since, "--since"), day(until, "--until")
    order = _order(sort)
    with session.opened() as opened, steps("Papers") as progress:
        opened.searcher.refresh(progress)
        found = opened.searcher.search(
            text,
            since=first,
            until=last,
            source=source,
            category=category,
            order=order,
            limit=limit,
        )
    if json:
        say_json({"total": found.total, "found": [_record(one) for one in found.found]})
    else:
        _tell(found)


def day(text: str | None, option: str) -> date | None:
    """Raises UsageError for what is no date."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no date.", mend="Write it like 2026-11-20."
        ) from None


def _order(name: str) -> Order:
    from digest.searching import Order

    try:
        return Order(name)
    except ValueError:
        mend = f"There are: {', '.join(Order)}."
        raise UsageError(f"--sort {name!r} is no order.", mend=mend) from None


def _record(one: Result) -> dict[str, Any]:
    paper, reasons = one.paper, one.reasons
    return {
        "id": paper.id,
        "key": paper.key,
        "title": paper.title,
        "authors": paper.authors,
        "categories": paper.categories,
        "sources": paper.sources,
        "announced_on": paper.announced_on,
        "votes": paper.votes,
        "link": paper.links.abstract,
        "score": one.score,
        "percentile": reasons.percentile,
        "hits": [
            {"field": hit.field, "start": hit.start, "end": hit.end, "term": hit.term}
            for hit in reasons.hits
        ],
    }


def _tell(found: Results) -> None:
    from digest.rendering.language import speak
    from digest.rendering.reasons import why

    for place, one in enumerate(found.found, 1):
        paper = one.paper
        say(f"{place:>3}. {paper.title}")
        authors = ", ".join(paper.authors[:3]) + (" and others" if len(paper.authors) > 3 else "")
        about = (authors, str(paper.announced_on), ", ".join(paper.sources), paper.links.abstract)
        say(f"     {' · '.join(filter(None, about))}")
        if sentence := why(one.reasons, breadth=1, language=speak("en")):
            say(f"     {''.join(span.text for span in sentence)}")
    shown = f", of which {len(found.found)} are shown" if found.total > len(found.found) else ""
    say(f"{counted(found.total, 'paper')}{shown}")
