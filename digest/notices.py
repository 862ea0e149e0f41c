"""Short mails to the operator: an alert, a trial. Plain text, sent at once, never queued.

A notice is no digest: it has no delivery, no retry and no unsubscribe. It leaves by the same way
out as the digests, so that a test mail tests what readers get.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Final

from digest.errors import DeliveryFault
from digest.model import DeliveryId, Message, Outcome, Result
from digest.rendering.headers import mailbox, unstructured, wire_address
from digest.wiring import App

_POLICY: Final = SMTP.clone(max_line_length=998)


class Unwitnessed:
    """A witness of what needs no memory: a notice that is lost is sent again by hand."""

    def handing(self, delivery: DeliveryId) -> None: ...

    def answered(self, outcome: Outcome) -> None: ...


def send_notice(app: App, address: str, subject: str, text: str) -> Outcome:
    """Write to `address`; raises DeliveryFault where the way out does not work or refuses it."""
    return post(app, notice(app, address, subject, text))


def post(app: App, message: Message) -> Outcome:
    """Send one message by the configured way out; raises DeliveryFault unless it was accepted."""
    with app.way_out().open() as sender:
        for outcome in sender.send([message], Unwitnessed()):
            if outcome.result is not Result.ACCEPTED:
                said = " ".join(filter(None, (str(outcome.code or ""), outcome.reply)))
                raise DeliveryFault(f"The mail was not accepted: {said or outcome.result.value}.")
            return outcome
    raise DeliveryFault("The mail was not sent: the program is stopping.")


def notice(app: App, address: str, subject: str, text: str) -> Message:
    """The mail's bytes; raises ValueError for what is no single address."""
    site, mail = app.site, EmailMessage(policy=_POLICY)
    mail.set_content(f"{text}\n\n--\n{site.name}, {site.base_url}\n", cte="quoted-printable")
    identifier = make_msgid("notice", domain=site.from_address.rpartition("@")[2])
    fields = {
        "From": mailbox(site.from_name or site.name, site.from_address),
        "To": wire_address(address),
        "Subject": unstructured(subject),
        "Date": format_datetime(app.clock()),
        "Message-ID": identifier,
        "Auto-Submitted": "auto-generated",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return Message(
        delivery_id=DeliveryId(0),
        channel=app.way_out().channel,
        address=wire_address(address),
        message_id=identifier,
        payload=head.encode("ascii", "replace") + mail.as_bytes(),
        envelope_from=site.from_address,
    )
