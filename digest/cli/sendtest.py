"""`digest send-test ADDRESS`: a trial digest by the very way that real ones take."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, say, say_json


def send_test(
    address: Annotated[str, typer.Argument(help="Where to send it.", metavar="ADDRESS")],
    json: JsonOption = False,
) -> None:
    """Send a trial digest to ADDRESS and say what the other side answered.

    It is composed from your templates, signed and sent as a real one; its links open nothing.
    """
    from digest.notices import send_trial
    from digest.subscriptions import normalise

    with session.opened() as app:
        outcome = send_trial(app, address)
        to, channel = normalise(address), app.way_out().channel
    if json:
        said = {"result": outcome.result.value, "code": outcome.code, "reply": outcome.reply}
        say_json({"address": to, "channel": channel.value, **said})
        return
    answer = " ".join(filter(None, (str(outcome.code or ""), outcome.reply)))
    say(f"Accepted by {channel.value}: {answer}")
    say("Look at it where it arrives: the spam folder, and the mail's source for DKIM and SPF.")
