"""What mail providers tell about a delivery through their webhooks: parsed and checked. Pure.

One function a provider, `parse(headers, body, trust)`: the events, after the signature was checked;
SignatureFault otherwise. Whom an event concerns is told by our token, which the provider gives back
from the envelope sender or from the header that `tagged` adds; addresses in the event are ignored.
Fetching a certificate and answering a subscription are the caller's, who alone speaks to anybody.

    ses       SNS message, signed with a certificate of Amazon's (version 1 and 2 signatures)
    sendgrid  Event Webhook, ECDSA over timestamp and body
    mailgun   events webhook, HMAC-SHA-256 over timestamp and token
    postmark  no signature: a name and password of ours in the webhook's URL (HTTP Basic)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from digest.delivery.bounce_kinds import classify, status_in
from digest.delivery.replies import one_line
from digest.errors import DigestError
from digest.model import BounceKind

Headers = Mapping[str, str]  #: names in lower case
Json = dict[str, Any]

_FRESH: Final = timedelta(minutes=15)  #: older signatures are replays
TAG: Final = "digest"  #: the name under which a provider keeps our token


class SignatureFault(DigestError):
    """A webhook that is not from the provider, too old, or cannot be read."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a provider tells it; `tokens` are candidates of Purpose.BOUNCE."""

    name: str  #: unique among this provider's events
    kind: BounceKind
    tokens: tuple[str, ...]
    status: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one webhook call brought; `confirm` is a URL to be opened (SNS asks once)."""

    events: tuple[Told, ...] = ()
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Trust:
    """What the operator configured; a provider without its key is refused."""

    now: datetime
    certificate: Callable[[str], bytes] = field(repr=False, default=lambda url: b"")
    sns_topics: tuple[str, ...] = ()
    sendgrid_key: str = ""  #: base64 DER, as SendGrid shows it
    mailgun_key: str = field(repr=False, default="")
    postmark_password: str = field(repr=False, default="")


# --- Amazon SES over SNS ------------------------------------------------------------------------

_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}


def ses(headers: Headers, body: bytes, trust: Trust) -> Notice:
    """A notification of a configured topic."""
    message = _object(body)
    _verify_sns(message, trust)
    if message["Type"] == "SubscriptionConfirmation":
        return Notice(confirm=_amazon(str(message.get("SubscribeURL", ""))))
    event = _object(str(message.get("Message", "")).encode())
    return Notice(tuple(_ses_events(event, str(message.get("MessageId", "")))))


def _verify_sns(message: Json, trust: Trust) -> None:
    names = _SIGNED.get(str(message.get("Type")))
    if names is None or message.get("TopicArn") not in trust.sns_topics:
        raise SignatureFault("Not a message of a configured SNS topic.")
    said = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    pem = trust.certificate(_amazon(str(message.get("SigningCertURL", ""))))
    signature = _decoded(message.get("Signature"))
    is_new = message.get("SignatureVersion") == "2"
    if not _signatures().is_of_certificate(signature, said.encode(), pem, is_new=is_new):
        raise SignatureFault("The SNS signature is not Amazon's.")


def _amazon(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_sns = host.startswith("sns.") and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    if parts.scheme != "https" or not is_sns or host.count(".") not in (3, 4) or parts.port:
        raise SignatureFault("The SNS message names an address that is not Amazon's.")
    return url


def _ses_events(event: Json, name: str) -> Iterator[Told]:
    mail = _table(event, "mail")
    tokens = (str(mail.get("source", "")), *_tags(mail))
    kind = str(event.get("notificationType") or event.get("eventType") or "")
    if kind == "Complaint":
        yield Told(name, BounceKind.COMPLAINT, tokens, detail=_said(event, "complaint"))
    elif kind == "Bounce":
        bounce = _table(event, "bounce")
        first = next(iter(_tables(bounce.get("bouncedRecipients"))), {})
        status, words = str(first.get("status", "")), str(first.get("diagnosticCode", ""))
        found = classify(status, words)
        if bounce.get("bounceType") == "Transient" and found in _CERTAIN:
            found = BounceKind.TEMPORARY
        yield Told(name, found, tokens, status_in(status), one_line(words))
    elif kind in ("DeliveryDelay", "Delivery Delay"):
        yield Told(name, BounceKind.DELAYED, tokens)


_CERTAIN: Final = (BounceKind.USER_UNKNOWN, BounceKind.NO_DOMAIN, BounceKind.UNDETERMINED)


def _tags(mail: Json) -> Iterator[str]:
    tags = mail.get("tags")
    values = tags.get(TAG) if isinstance(tags, dict) else None
    yield from (str(one) for one in values or () if isinstance(values, list))


def _said(event: Json, part: str) -> str:
    feedback = _table(event, part).get("complaintFeedbackType")
    return one_line(f"feedback: {feedback or 'abuse'}")


# --- SendGrid -----------------------------------------------------------------------------------


def sendgrid(headers: Headers, body: bytes, trust: Trust) -> Notice:
    """A batch of events."""
    stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = _decoded(headers.get("x-twilio-email-event-webhook-signature"))
    _refuse_old(stamp, trust.now)
    key = _decoded(trust.sendgrid_key)
    if not _signatures().is_of_curve_key(signature, stamp.encode() + body, key):
        raise SignatureFault("The signature is not SendGrid's.")
    told = [_sendgrid_event(one) for one in _tables(_json(body))]
    return Notice(tuple(one for one in told if one))


def _sendgrid_event(event: Json) -> Told | None:
    words, status = str(event.get("reason", "")), str(event.get("status", ""))
    match event.get("event"):
        case "bounce":
            is_block = event.get("type") == "blocked"
            kind = classify(status, words)
            if is_block and kind in _CERTAIN:
                kind = BounceKind.BLOCKED
        case "deferred":
            kind, words = BounceKind.DELAYED, str(event.get("response", ""))
        case "spamreport":
            kind = BounceKind.COMPLAINT
        case "unsubscribe" | "group_unsubscribe":
            kind = BounceKind.UNSUBSCRIBE
        case _:
            return None
    name = str(event.get("sg_event_id", ""))
    return Told(name, kind, (str(event.get(TAG, "")),), status_in(status), one_line(words))


# --- Mailgun ------------------------------------------------------------------------------------


def mailgun(headers: Headers, body: bytes, trust: Trust) -> Notice:
    """One event."""
    message = _object(body)
    signed = _table(message, "signature")
    stamp, token = str(signed.get("timestamp", "")), str(signed.get("token", ""))
    _refuse_old(stamp, trust.now)
    ours = hmac.new(trust.mailgun_key.encode(), f"{stamp}{token}".encode(), hashlib.sha256)
    if not trust.mailgun_key or not _same(ours.hexdigest(), str(signed.get("signature", ""))):
        raise SignatureFault("The signature is not Mailgun's.")
    event = _table(message, "event-data")
    status = _table(event, "delivery-status")
    words = str(status.get("message") or status.get("description") or "")
    kind = _mailgun_kind(event, str(status.get("code", "")), words)
    if kind is None:
        return Notice()
    tokens = (
        str(_table(event, "user-variables").get(TAG, "")),
        str(_table(event, "envelope").get("sender", "")),
    )
    told = Told(str(event.get("id", "")), kind, tokens, status_in(words), one_line(words))
    return Notice((told,))


def _mailgun_kind(event: Json, code: str, words: str) -> BounceKind | None:
    match event.get("event"):
        case "failed" if event.get("severity") == "temporary":
            return BounceKind.DELAYED
        case "failed":
            return classify(code, words)
        case "complained":
            return BounceKind.COMPLAINT
        case "unsubscribed":
            return BounceKind.UNSUBSCRIBE
    return None


# --- Postmark -----------------------------------------------------------------------------------

_POSTMARK: Final = {
    "SpamComplaint": BounceKind.COMPLAINT,
    "SpamNotification": BounceKind.POLICY,
    "BadEmailAddress": BounceKind.USER_UNKNOWN,
    "Blocked": BounceKind.BLOCKED,
    "DMARCPolicy": BounceKind.POLICY,
    "DnsError": BounceKind.NO_DOMAIN,
    "Transient": BounceKind.TEMPORARY,
    "SoftBounce": BounceKind.TEMPORARY,
    "Unsubscribe": BounceKind.UNSUBSCRIBE,
}


def postmark(headers: Headers, body: bytes, trust: Trust) -> Notice:
    """One bounce or complaint."""
    _name, _, password = _basic(headers.get("authorization", "")).partition(":")
    if not trust.postmark_password or not _same(password, trust.postmark_password):
        raise SignatureFault("The password in the webhook's URL is not ours.")
    event = _object(body)
    words = str(event.get("Details") or event.get("Description") or "")
    kind = _postmark_kind(event, words)
    if kind is None:
        return Notice()
    tokens = (str(_table(event, "Metadata").get(TAG, "")),)
    name = f"{event.get('ID', '')}:{event.get('MessageID', '')}:{event.get('RecordType')}"
    return Notice((Told(name, kind, tokens, status_in(words), one_line(words)),))


def _postmark_kind(event: Json, words: str) -> BounceKind | None:
    match event.get("RecordType"):
        case "SpamComplaint":
            return BounceKind.COMPLAINT
        case "SubscriptionChange":
            return BounceKind.UNSUBSCRIBE if event.get("SuppressSending") else None
        case "Bounce":
            named = _POSTMARK.get(str(event.get("Type")))
            return named or classify("", words)
    return None


# --- what they share ----------------------------------------------------------------------------


def _signatures() -> Any:
    """Loaded when one is to be checked: it needs the `bounces` extra."""
    try:
        return import_module("digest.delivery.provider_signatures")
    except ImportError as error:
        raise SignatureFault(
            "The signature cannot be checked without the cryptography package.",
            mend="pip install 'paper-digest[bounces]'",
        ) from error


PROVIDERS: Final[Mapping[str, Callable[[Headers, bytes, Trust], Notice]]] = {
    "ses": ses,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "postmark": postmark,
}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignatureFault("The webhook's body is not JSON.") from error


def _object(body: bytes) -> Json:
    value = _json(body)
    if not isinstance(value, dict):
        raise SignatureFault("The webhook's body is not a JSON object.")
    return value


def _table(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _tables(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _basic(header: str) -> str:
    scheme, _, given = header.partition(" ")
    return _decoded(given).decode("utf-8", "replace") if scheme.lower() == "basic" else ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _refuse_old(stamp: str, now: datetime) -> None:
    try:
        age = abs(now.timestamp() - int(stamp))
    except (ValueError, OverflowError):
        raise SignatureFault("The webhook names no time.") from None
    if age > _FRESH.total_seconds():
        raise SignatureFault("The webhook is too old: a replay, or a clock that is wrong.")
