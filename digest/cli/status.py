"""`digest status`: how it stands, in numbers. What is wrong is told by `digest doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digest.cli import session
from digest.cli.say import JsonOption, moment, say, say_json, show_table
from digest.clock import system_clock

if TYPE_CHECKING:
    from digest.pauses import Pause
    from digest.store.health import Figures


def status(json: JsonOption = False) -> None:
    """Who is due, what waits or rests, what was lately done, and how the sources are."""
    from dataclasses import asdict

    from digest.pauses import pauses
    from digest.store.health import HealthStore

    now = system_clock()
    with session.database() as database:
        figures = HealthStore(database).figures(now)
        resting = pauses(database, now)
    if json:
        say_json(asdict(figures) | {"pauses": [asdict(one) for one in resting]})
    else:
        _tell(figures, resting)


def _tell(figures: Figures, resting: list[Pause]) -> None:
    readers = ", ".join(f"{count} {state.value}" for state, count in figures.subscribers.items())
    since = f", the longest since {moment(figures.due_since)}" if figures.due else ""
    oldest = f", the oldest since {moment(figures.waiting_since)}" if figures.waiting else ""
    deliveries = ", ".join(f"{n} {state.value}" for state, n in figures.deliveries.items())
    skips = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in figures.skipped.items())
    say(f"Readers: {readers or 'none'}; next digest {moment(figures.next_due_at) or 'never'}.")
    say(f"Due: {figures.due}{since}. In the outbox: {figures.waiting}{oldest}.")
    say(f"Within a day: {figures.composed} composed; {deliveries or 'nothing delivered'}.")
    if skips:
        say(f"Skipped: {skips}.")
    for one in resting:
        say(f"{one}.")
    if figures.sources:
        say()
        columns = ("source", "verdict", "asked", "last good answer", "#failures")
        rows = (
            (
                one.name,
                one.verdict.value if one.verdict else "",
                one.asked_at,
                one.last_success_at,
                one.failures,
            )
            for one in figures.sources
        )
        show_table(columns, list(rows))
