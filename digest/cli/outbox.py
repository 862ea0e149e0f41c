"""`digest outbox …`: the deliveries, settled or not."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, counted, say, say_json, show_table
from digest.errors import UsageError

if TYPE_CHECKING:
    from digest.model import DeliveryState

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
    from digest.store.deliveries import listed
    from digest.subscriptions import normalise

    address = normalise(email) if email else None
    with session.database() as database:
        found = listed(database, states=_states(state), email=address, limit=limit)
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


def _states(names: list[str] | None) -> list[DeliveryState]:
    from digest.model import DeliveryState

    known = {state.value: state for state in DeliveryState}
    for name in names or ():
        if name not in known:
            raise UsageError(f"There is no state {name!r}.", mend=f"There are: {', '.join(known)}.")
    return [known[name] for name in names or ()] or [
        one for one in known.values() if not one.is_settled
    ]
