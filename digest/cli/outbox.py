"""`digest outbox …`: the deliveries, settled or not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from digest.cli import session
from digest.cli.choices import chosen
from digest.cli.say import JsonOption, counted, say, say_json, show_table

app = typer.Typer(no_args_is_help=True, help="The deliveries, settled or not.")


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
