"""`digest channels …`: where a subscriber's digests are posted, besides the mail or without."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import session
from digest.cli.say import Exit, JsonOption, moment, say, say_json, show_table

if TYPE_CHECKING:
    from digest.model import Outcome, SubscriberChannel

app = typer.Typer(no_args_is_help=True, help="Where digests are posted, besides the mail.")

Email = Annotated[str, typer.Argument(help="The subscriber's address.", metavar="EMAIL")]
Channel = Annotated[str, typer.Argument(help="The channel's label or number.", metavar="CHANNEL")]


@app.command()
def add(
    email: Email,
    kind: Annotated[
        str,
        typer.Argument(
            help="slack, discord, mattermost, webhook, apprise, or what a package provides.",
            metavar="KIND",
        ),
    ],
    address: Annotated[
        str,
        typer.Argument(
            help="The webhook's address, a secret; - (the default) reads it from standard input.",
            metavar="URL",
        ),
    ] = "-",
    label: Annotated[str, typer.Option(help="What to call it; else its kind.")] = "",
    json: JsonOption = False,
) -> None:
    """Post this subscriber's digests there from the next one on.

    For a team, `digest subscribers edit EMAIL --no-mail` leaves out the mail.
    """
    with session.opened() as opened:
        given = _asked() if address == "-" else address
        added = opened.channels.register.add(email, kind, given, label=label)
    if json:
        signing = {"secret": added.secret} if added.secret else {}
        say_json(_record(added) | signing)
        return
    say(f"Added {added.label}: {_masked(added)}.")
    if added.secret:
        say(f"Its posts are signed with {added.secret}; this is not shown again.")
    say(f"Try it with `digest channels test {email} {added.id}`.")


@app.command("list")
def list_(
    email: Annotated[
        str | None, typer.Argument(help="Only of this subscriber.", metavar="EMAIL")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Every channel; addresses are shown only as far as they can be."""
    with session.opened() as opened:
        register = opened.channels.register
        own = [(email, one) for one in register.of(email)] if email else None
        found = register.everybodys() if own is None else own
    if json:
        say_json([{"email": owner, **_record(one)} for owner, one in found])
        return
    rows = [
        (
            one.id,
            owner,
            one.label,
            one.kind,
            _masked(one),
            one.state.value,
            " ".join(filter(None, (moment(one.disabled_at), one.reason))),
        )
        for owner, one in found
    ]
    show_table(("#number", "subscriber", "label", "kind", "address", "state", "since"), rows)


@app.command("test")
def try_(email: Email, channel: Channel, json: JsonOption = False) -> None:
    """Post a greeting, and tell what the other side said. Exit code 3: it did not take it."""
    from digest.model import Result

    with session.opened() as opened:
        outcome = opened.channels.test(email, channel)
    if json:
        say_json({"result": outcome.result.value, "code": outcome.code, "reply": outcome.reply})
    else:
        say(_told(outcome))
    if outcome.result is not Result.ACCEPTED:
        raise typer.Exit(Exit.PARTLY)


@app.command()
def remove(email: Email, channel: Channel, json: JsonOption = False) -> None:
    """Forget a channel; what waits for it is cancelled."""
    with session.opened() as opened:
        gone = opened.channels.register.remove(email, channel)
    _done("removed", gone, json=json)


@app.command()
def disable(email: Email, channel: Channel, json: JsonOption = False) -> None:
    """Post nothing more until it is enabled again."""
    with session.opened() as opened:
        rested = opened.channels.register.disable(email, channel)
    _done("disabled", rested, json=json)


@app.command()
def enable(email: Email, channel: Channel, json: JsonOption = False) -> None:
    """Post again from the next digest on."""
    with session.opened() as opened:
        woken = opened.channels.register.enable(email, channel)
    _done("enabled", woken, json=json)


def _asked() -> str:
    """The address from a pipe, or typed without an echo."""
    if sys.stdin.isatty():
        answer: str = typer.prompt("The webhook's address", hide_input=True, err=True)
        return answer
    return sys.stdin.readline().strip()


def _record(channel: SubscriberChannel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "label": channel.label,
        "kind": channel.kind,
        "address": _masked(channel),
        "state": channel.state.value,
        "reason": channel.reason,
        "created_at": channel.created_at,
        "disabled_at": channel.disabled_at,
    }


def _masked(channel: SubscriberChannel) -> str:
    from digest.delivery.masking import masked

    return masked(channel.address)


def _told(outcome: Outcome) -> str:
    said = " ".join(filter(None, (str(outcome.code or ""), outcome.reply)))
    return f"{outcome.result.value.capitalize()}: {said}." if said else f"{outcome.result.value}."


def _done(verb: str, channel: SubscriberChannel, *, json: bool) -> None:
    if json:
        say_json({verb: channel.label, "id": channel.id})
    else:
        say(f"{verb.capitalize()} {channel.label}.")
