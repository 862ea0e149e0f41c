"""`digest outbox …`: the deliveries, settled or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.choices import chosen
from digest.cli.say import JsonOption, counted, moment, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.model import DeliveryId, DeliveryState
    from digest.store.delivery_log import Entry

app = typer.Typer(no_args_is_help=True, help="The deliveries, settled or not.")

Numbers = Annotated[
    list[int] | None, typer.Argument(help="The deliveries' numbers, from `list`.", metavar="NUMBER")
]
States = Annotated[list[str] | None, typer.Option(help="All in this state.")]


@app.command("list")
def list_(
    state: Annotated[
        list[str] | None,
        typer.Option(help="queued, sending, deferred, delivered, refused, uncertain, …"),
    ] = None,
    email: Annotated[str | None, typer.Option(help="Only to this subscriber.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 100,
    json: JsonOption = False,
) -> None:
    """What is not settled yet; with --state, whatever is in that state."""
    from digest.model import DeliveryState
    from digest.store.deliveries import listed
    from digest.subscriptions import normalise

    address = normalise(email) if email else None
    states = chosen(DeliveryState, state) or [one for one in DeliveryState if not one.is_settled]
    with session.database() as database:
        found = listed(database, states=states, email=address, limit=limit)
    if json:
        say_json([asdict(one) for one in found])
        return
    columns = ("#number", "date", "subscriber", "channel", "state", "#tries", "next try", "reply")
    rows = [
        (
            one.id,
            one.local_date,
            one.subscriber,
            one.channel,
            one.state.value,
            one.attempts,
            None if one.state.is_settled else one.next_attempt_at,
            " ".join(filter(None, (str(one.code or ""), one.reply))),
        )
        for one in found
    ]
    show_table(columns, rows)
    say(counted(len(found), "delivery", "deliveries"))
    _tell_paused()


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The delivery's number, from `list`.")],
    json: JsonOption = False,
) -> None:
    """One delivery: every try and what was said, oldest first."""
    from digest.model import DeliveryId
    from digest.store.delivery_log import delivery_log

    with session.database() as database:
        entries = delivery_log(database, DeliveryId(number))
    if not entries:
        raise UsageError(f"There is no delivery {number}.", mend="See `digest outbox list`.")
    show_log(entries, json=json)


@app.command()
def retry(numbers: Numbers = None, state: States = None, json: JsonOption = False) -> None:
    """Try again now: these deliveries, or all that are deferred, refused or uncertain."""
    from digest.clock import system_clock
    from digest.store.delivery_orders import retry as order

    ids, states = _chosen(numbers, state)
    with session.database() as database:
        count = order(database, ids=ids, states=states, now=system_clock())
    _report(count, "queued again", json=json)


@app.command()
def cancel(numbers: Numbers = None, state: States = None, json: JsonOption = False) -> None:
    """Do not send: these deliveries, or all that are queued, deferred or uncertain."""
    from digest.clock import system_clock
    from digest.store.delivery_orders import cancel as order

    ids, states = _chosen(numbers, state)
    with session.database() as database:
        count = order(database, ids=ids, states=states, now=system_clock())
    _report(count, "cancelled", json=json)


@app.command()
def purge(json: JsonOption = False) -> None:
    """Forget settled deliveries older than `retention.deliveries_days`, and what came back."""
    from digest.clock import system_clock
    from digest.store.budgets import BudgetStore
    from digest.store.purging import Keep
    from digest.store.purging import purge as forget

    settings = session.settings()
    kept = Keep(deliveries_days=settings.retention.deliveries_days)
    with session.database(settings) as database:
        gone = {**forget(database, kept, system_clock()), "budgets": BudgetStore(database).purge()}
    if json:
        say_json(gone)
        return
    for name, count in gone.items():
        say(f"  {name:<12} {count}")


@app.command()
def routes(json: JsonOption = False) -> None:
    """The accounts mail leaves by, and how they fare."""
    from digest.store.routes import RouteStore

    with session.database() as database:
        found = RouteStore(database).listed()
    if json:
        say_json([asdict(one) for one in found])
        return
    columns = ("account", "first used", "#faults", "paused since", "next try", "fault")
    show_table(
        columns,
        [
            (it.name, it.first_used_at, it.failures, it.paused_at, it.probe_at, it.fault)
            for it in found
        ],
    )


@app.command()
def resume(
    name: Annotated[str, typer.Argument(help="The account, from `routes`.", metavar="ACCOUNT")],
    json: JsonOption = False,
) -> None:
    """Try a paused account at once."""
    from digest.outbox.accounts import resume as order
    from digest.store.routes import RouteStore

    with session.database() as database:
        was_paused = order(RouteStore(database), name)
    if json:
        say_json({"account": name, "resumed": was_paused})
    else:
        say("Resumed." if was_paused else "It was not paused.")


def show_log(entries: Sequence[Entry], *, json: bool) -> None:
    """Tries, replies and bounces as a table."""
    if json:
        say_json([asdict(one) for one in entries])
        return
    rows = [(it.at, it.delivery_id, it.channel, it.what, it.code, it.reply) for it in entries]
    show_table(("when", "#delivery", "channel", "what", "code", "reply"), rows)


def _chosen(
    numbers: list[int] | None, state: list[str] | None
) -> tuple[list[DeliveryId], list[DeliveryState]]:
    from digest.model import DeliveryId, DeliveryState

    if not (numbers or state):
        raise UsageError("Which?", mend="Name numbers from `digest outbox list`, or a --state.")
    return [DeliveryId(number) for number in numbers or ()], chosen(DeliveryState, state)


def _report(count: int, verb: str, *, json: bool) -> None:
    if json:
        say_json({"changed": count})
    else:
        say(f"{counted(count, 'delivery', 'deliveries')} {verb}.")


def _tell_paused() -> None:
    from digest.store.routes import RouteStore

    with session.database() as database:
        paused = [one for one in RouteStore(database).listed() if one.paused_at]
    for one in paused:
        say(f"{one.name} is paused since {moment(one.paused_at)}: {one.fault}")
        say(f"  digest outbox resume {one.name}")
