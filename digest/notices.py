"""Short mails to the operator: an alert, a trial. Sent at once, never queued.

A notice is no digest: it has no delivery, no retry and no unsubscribe. It leaves by the same way
out as the digests, so that a test mail tests what readers get.
"""

from __future__ import annotations

import logging
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Final

from digest.errors import DeliveryFault, UsageError
from digest.model import (
    DeliveryId,
    DigestId,
    Message,
    Outcome,
    Result,
    Subscriber,
    SubscriberChannel,
)
from digest.rendering.headers import mailbox, unstructured, wire_address
from digest.rendering.language import Language, speak
from digest.rendering.message import compose_mail
from digest.rendering.spans import line, shorten
from digest.rendering.trial import trial_letter
from digest.subscriptions import normalise
from digest.tokens import Purpose
from digest.wiring import App

_log = logging.getLogger(__name__)

_POLICY: Final = SMTP.clone(max_line_length=998)
_SUBJECT: Final = 80  #: characters of a notice


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


# --- a trial ------------------------------------------------------------------------------------


def send_trial(app: App, address: str) -> Outcome:
    """Send a trial digest to `address`, by the very way that real ones take.

    It is composed from this installation's templates, signed and sent as a real one; its links open
    nothing. Raises InvalidSubscriber or UsageError for what is no address, DeliveryFault unless it
    was accepted.
    """
    to, now = normalise(address), app.clock()
    letter = trial_letter(app.settings.site.languages[0])
    fresh = letter.digest._replace(composed_at=now, local_date=now.date())
    try:
        message = compose_mail(
            letter._replace(address=to, digest=fresh),
            app.site,
            templates=app.templates,
            channel=app.way_out().channel,
        )
    except ValueError as error:
        raise UsageError(f"{address!r} is no address: {error}.") from None
    return post(app, message)


# --- what happened -------------------------------------------------------------------------------


def tell_operator(app: App) -> int:
    """Mail the operator what the pager has; returns how many notices. What cannot leave waits."""
    told = 0
    for one in app.pager.waiting():
        subject = f"{app.site.name}: {shorten(line(one.text), _SUBJECT)}"
        try:
            send_notice(app, app.site.operator_email, subject, one.text)
        except DeliveryFault as fault:
            _log.warning("The operator was not told: %s", fault, extra={"action": "alert_lost"})
            return told
        app.pager.told(one)
        told += 1
    return told


# --- channels that are gone ---------------------------------------------------------------------


def tell_channel_owners(app: App) -> int:
    """Write to the owners of channels that would take no more posts; returns to how many.

    Whoever was written to is remembered afterwards: a kill in between tells them twice, never not
    at all. A way out that does not work is tried again at the next call.
    """
    told = 0
    for channel, digest in app.channels.store.untold():
        owner = next(iter(app.subscribers.profiles([channel.subscriber_id])), None)
        try:
            if owner is not None:
                subject, text = _gone(app, owner, channel, digest)
                send_notice(app, _reachable(app, owner), subject, text)
        except (DeliveryFault, ValueError) as fault:
            _log.warning("An owner was not told: %s", fault, extra={"action": "owner_not_told"})
            return told
        app.channels.store.told(channel.id, app.clock())
        told += 1
    return told


def _reachable(app: App, owner: Subscriber) -> str:
    """The owner's address, or the operator's where nothing may be written to it."""
    is_barred = app.subscriptions.is_suppressed(owner.email)
    return app.site.operator_email if is_barred else owner.email


def _gone(
    app: App, owner: Subscriber, channel: SubscriberChannel, digest: DigestId | None
) -> tuple[str, str]:
    """Subject and text, in the owner's language; what the other side answered is as it came."""
    language = speak(owner.language)
    link = f"{app.site.base_url}/d/{app.tokens.sign(Purpose.DIGEST, digest)}" if digest else ""
    spared = not (owner.mail or owner.channels)
    paragraphs = [
        language.say(
            "{site} could not post the digest of {address} to the channel {channel} ({kind}): "
            "{reason}.",
            site=app.site.name,
            address=owner.email,
            channel=channel.label,
            kind=channel.kind,
            reason=channel.reason,
        ),
        language.say("The digest is here: {link}", link=link) if link else "",
        language.paragraph(
            language.text("Nothing more is posted there until somebody enables it."),
            language.text("Until then the digests come to this address by mail.") if spared else "",
        ),
        _where(app, owner, language),
    ]
    subject = language.say("The channel {channel} takes no more digests", channel=channel.label)
    return subject, "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _where(app: App, owner: Subscriber, language: Language) -> str:
    """Where a new webhook is given: a reader's own page is nobody else's to open."""
    if _reachable(app, owner) != owner.email:
        return language.say(
            "If the channel moved, make a new webhook and give it to {operator}.",
            operator=app.site.operator_email,
        )
    page = app.tokens.sign(Purpose.PREFERENCES, owner.id)
    return language.say(
        "If the channel moved, make a new webhook and add it here: {link}",
        link=f"{app.site.base_url}/p/{page}/channels",
    )
