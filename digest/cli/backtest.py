"""`digest backtest`: what an interest would have sent, day by day, before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.interests import Authors, Combine, DailyVolume, Examples, Query, Statement, Unwanted
from digest.cli.progress import steps
from digest.cli.run import Now, instant
from digest.cli.say import JsonOption, counted, say, say_json
from digest.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from digest.backtest import Backtest, Pick
    from digest.model import Interest, Mutes, Subscriber
    from digest.wiring import App

_WIDTH = 40  #: characters of the longest bar
_BEYOND = {
    "keywords": "its keywords alone bring more",
    "scarce": "not so many papers were like it",
}


def backtest(
    email: Annotated[
        str | None, typer.Argument(help="A subscriber's address.", metavar="EMAIL")
    ] = None,
    interest: Annotated[
        str | None, typer.Argument(help="The name of one of their interests.", metavar="INTEREST")
    ] = None,
    query: Query = None,
    statement: Statement = None,
    example: Examples = None,
    not_like: Unwanted = None,
    author: Authors = None,
    daily_volume: DailyVolume = None,
    combine: Combine = None,
    days: Annotated[int, typer.Option(help="So many days back.", min=1, max=366)] = 30,
    limit: Annotated[int | None, typer.Option(help="Papers a digest.", min=1)] = None,
    titles: Annotated[
        bool, typer.Option("--titles/--no-titles", help="Name what would have been sent.")
    ] = True,
    now: Now = None,
    json: JsonOption = False,
) -> None:
    """What a stored interest, or one given here, would have sent on each of the last days.

    Shows the volume a day, the papers around the threshold, and the threshold for other volumes.
    Nothing is stored or sent.
    """
    given = {
        "query": query,
        "statement": statement,
        "examples": _examples(example, not_like),
        "authors": author,
        "daily_volume": daily_volume,
        "combine": combine,
    }
    told = {key: value for key, value in given.items() if value}
    with session.opened() as opened, steps("Papers") as progress:
        wanted, mutes, usual = _wanted(opened, email, interest, told)
        opened.searcher.refresh(progress)
        until = (instant(now) or opened.clock()).date()
        tried = opened.backtester.run(
            wanted, until=until, days=days, mutes=mutes, limit=limit or usual
        )
    if json:
        say_json(tried.to_json())
    else:
        for line in told_to_people(tried, titles=titles):
            say(line)


def _wanted(
    opened: App, email: str | None, name: str | None, told: dict[str, Any]
) -> tuple[Interest, Mutes | None, int]:
    """The interest to try, the mutes that apply, and the usual limit."""
    from digest.cli.interests import check_query
    from digest.subscriptions.records import check_interest
    from digest.subscriptions.values import interest

    if bool(told) == bool(email and name):
        mend = "Give EMAIL and INTEREST, or --query, --statement, --example or --author."
        raise UsageError("Which interest?", mend=mend)
    if email and name:
        reader = opened.subscriptions.subscriber(email)
        return _named(reader, name), reader.mutes, reader.limit
    check_query(told.get("query"))
    examples = [_resolved(opened, one) for one in told.get("examples", ())]
    record = {"name": "This interest", **told, "examples": examples}
    return interest(check_interest(record)), None, opened.settings.digest.limit


def _named(reader: Subscriber, name: str) -> Interest:
    for one in reader.interests:
        if one.name.casefold() == name.strip().casefold():
            return one
    names = ", ".join(one.name for one in reader.interests) or "none"
    raise UsageError(f"There is no interest {name!r}.", mend=f"There are: {names}.")


def _examples(like: list[str] | None, unlike: list[str] | None) -> list[tuple[str, bool]]:
    return [(one, True) for one in like or ()] + [(one, False) for one in unlike or ()]


def _resolved(opened: App, example: tuple[str, bool]) -> dict[str, Any]:
    """A stored paper by its id, else the text as a title."""
    from digest.errors import UnknownPaper

    text, positive = example
    try:
        found = opened.papers.find(text)
    except UnknownPaper:
        return {"title": text, "positive": positive}
    return {"title": found.title, "abstract": found.abstract[:8000], "positive": positive}


def told_to_people(tried: Backtest, *, titles: bool) -> Iterator[str]:
    """The back-test as lines: a bar a day, then what lies around the threshold."""
    yield f"{tried.interest}, {tried.since} to {tried.until}, at most {tried.limit} a digest"
    if tried.fault:
        yield f"Its query cannot be read: {tried.fault}"
    yield ""
    longest = max((day.matched for day in tried.days), default=0)
    for day in tried.days:
        if day.announced or longest == 0:
            yield f"{day.day:%a %d %b}  {_bar(len(day.picks), day.matched, longest)}"
    yield ""
    yield from _summary(tried)
    yield from _around(tried)
    if titles:
        yield from _sent(tried)


def _bar(sent: int, matched: int, longest: int) -> str:
    scale = min(1.0, _WIDTH / max(longest, 1))
    full = round(sent * scale) if sent == 0 else max(1, round(sent * scale))
    rest = round((matched - sent) * scale)
    more = f" of {matched}" if matched > sent else ""
    return f"{'█' * full}{'░' * rest} {sent}{more}".strip()


def _summary(tried: Backtest) -> Iterator[str]:
    busy = sum(1 for day in tried.days if day.announced)
    yield (
        f"{counted(tried.sent, 'paper')} would have been sent,"
        f" {tried.a_day:.1f} on each of {counted(busy, 'day')} with papers."
    )
    if tried.matched > tried.sent:
        yield f"{tried.matched - tried.sent} more matched and had no place."
    if tried.threshold is not None:
        yield f"Near is what stands in the top {tried.threshold:.2%} of the stream."
    for one in tried.volumes:
        if one.beyond is not None:
            yield f"  about {one.wanted:g} a day: {_BEYOND[one.beyond]}"
        else:
            yield (
                f"  about {one.wanted:g} a day: top {one.threshold:.2%}"
                f" (--daily-volume {one.setting:g})"
            )


def _around(tried: Backtest) -> Iterator[str]:
    for inside, heading in ((True, "Just inside:"), (False, "Just outside:")):
        picks = [one.pick for one in tried.borderline if one.inside is inside]
        if picks:
            yield ""
            yield heading
            yield from (f"  {_line(pick)}" for pick in picks)


def _sent(tried: Backtest) -> Iterator[str]:
    for day in reversed(tried.days):
        if day.picks:
            yield ""
            yield f"{day.day:%A %d %B}"
            yield from (f"  {_line(pick)}" for pick in day.picks)


def _line(pick: Pick) -> str:
    share = f"top {pick.share:.2%}  " if pick.share is not None and pick.share < 0.5 else ""
    return f"{share}{pick.paper.title}"
