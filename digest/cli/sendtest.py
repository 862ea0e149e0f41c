"""`digest send-test ADDRESS`: a trial digest by the very way that real ones take."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from digest.cli import session
from digest.cli.say import JsonOption, say, say_json
from digest.errors import UsageError


def send_test(
    address: Annotated[str, typer.Argument(help="Where to send it.", metavar="ADDRESS")],
    json: JsonOption = False,
) -> None:
    """Send a trial digest to ADDRESS and say what the other side answered.

    It is composed from your templates, signed and sent as a real one; its links open nothing.
    """
    from digest.notices import post
    from digest.rendering.message import compose_mail
    from digest.rendering.trial import trial_letter
    from digest.subscriptions import normalise

    with session.opened() as app:
        to = normalise(address)
        letter = trial_letter(app.settings.site.languages[0])
        now = app.clock()
        fresh = replace(letter.digest, composed_at=now, local_date=now.date())
        try:
            message = compose_mail(
                replace(letter, address=to, digest=fresh),
                app.site,
                templates=app.templates,
                channel=app.way_out().channel,
            )
        except ValueError as error:
            raise UsageError(f"{address!r} is no address: {error}.") from None
        outcome = post(app, message)
    if json:
        said = {"result": outcome.result.value, "code": outcome.code, "reply": outcome.reply}
        say_json({"address": to, "channel": message.channel.value, **said})
        return
    answer = " ".join(filter(None, (str(outcome.code or ""), outcome.reply)))
    say(f"Accepted by {message.channel.value}: {answer}")
    say("Look at it where it arrives: the spam folder, and the mail's source for DKIM and SPF.")
