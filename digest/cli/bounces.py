"""`digest bounces …`: what came back, and what was done about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from digest.cli import session
from digest.cli.choices import chosen
from digest.cli.say import JsonOption, counted, say, say_json, show_table

app = typer.Typer(no_args_is_help=True, help="What came back: bounces, complaints, delays.")


@app.command("list")
def list_(
    email: Annotated[str | None, typer.Option(help="Only of this subscriber.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="user_unknown, mailbox_full, complaint, …")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 100,
    json: JsonOption = False,
) -> None:
    """What came back, newest first; `suspended` is our own verdict on what is below it."""
    from digest.model import BounceKind
    from digest.store.bounces import BounceStore
    from digest.subscriptions import normalise

    address = normalise(email) if email else None
    with session.database() as database:
        store = BounceStore(database)
        found = store.listed(email=address, kinds=chosen(BounceKind, kind), limit=limit)
    if json:
        say_json([asdict(one) for one in found])
        return
    columns = ("when", "subscriber", "what", "told by", "status", "words")
    rows = [
        (one.at, one.subscriber, one.kind.value, one.origin, one.status, one.detail)
        for one in found
    ]
    show_table(columns, rows)
    say(counted(len(found), "event"))


@app.command()
def read(json: JsonOption = False) -> None:
    """Read the bounce mailbox now, and suspend, suppress or unsubscribe accordingly."""
    with session.opened() as opened:
        heard = opened.read_bounces()
    if json:
        counts = {"read": heard.read, "events": heard.events, "unsubscribed": heard.unsubscribed}
        say_json(counts | {"verdicts": heard.verdicts, "ignored": heard.ignored})
        return
    say(f"{counted(heard.read, 'mail')} read, {counted(heard.events, 'event')} new.")
    for action, count in heard.verdicts.items():
        say(f"  {action.value:<12} {count}")
    if heard.unsubscribed:
        say(f"  unsubscribed {heard.unsubscribed}, by mail")
    for why, count in heard.ignored.items():
        say(f"  ignored      {count}: {why}")
