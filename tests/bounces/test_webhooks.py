"""Providers' webhooks: signatures checked, tokens obeyed, strangers refused, each event once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.bounces import Hearing, Webhooks
from digest.delivery.provider_events import PROVIDERS, Trust
from digest.model import BounceKind
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions
from digest.tokens import Purpose, Tokens
from tests.fakes import START, FrozenClock
from tests.queued import fill

KEY = "k" * 40
TOKENS = Tokens([KEY])
TOKEN = TOKENS.sign(Purpose.BOUNCE, 1)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:digest"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/cert.pem"
STAMP = str(int(START.timestamp()))

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
SENDGRID_KEY = base64.b64encode(
    EC.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()


def _certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(RSA.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .sign(RSA, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


CERTIFICATE = _certificate()
Call = tuple[str, dict[str, str], bytes]


# --- calls as the providers make them -----------------------------------------------------------


def ses(event: dict[str, Any], *, version: str = "2", **fields: str) -> Call:
    message = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Message": json.dumps(event),
        "Timestamp": "2026-11-20T06:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
    } | fields
    names = {
        "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
        "SubscriptionConfirmation": (
            *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
        ),
    }[message["Type"]]
    said = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    kind = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = RSA.sign(said.encode(), padding.PKCS1v15(), kind)
    message["Signature"] = base64.b64encode(signature).decode()
    return "ses", {}, json.dumps(message).encode()


def ses_bounce(kind: str = "Permanent", status: str = "5.1.1", **mail: Any) -> dict[str, Any]:
    recipient = {
        "emailAddress": "mallory@example.org",
        "status": status,
        "diagnosticCode": "smtp; no",
    }
    return {
        "notificationType": "Bounce",
        "bounce": {"bounceType": kind, "bouncedRecipients": [recipient]},
        "mail": {"source": f"bounces+{TOKEN}@example.org"} | mail,
    }


def ses_complaint() -> dict[str, Any]:
    return {
        "notificationType": "Complaint",
        "complaint": {"complaintFeedbackType": "abuse"},
        "mail": {"source": "digest@example.org", "tags": {"digest": [TOKEN]}},
    }


def sendgrid(*events: dict[str, Any], stamp: str = STAMP) -> Call:
    body = json.dumps(events).encode()
    signature = EC.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
    }
    return "sendgrid", headers, body


def sendgrid_event(event: str, **fields: str) -> dict[str, Any]:
    return {
        "event": event,
        "sg_event_id": event,
        "digest": TOKEN,
        "email": "m@example.org",
    } | fields


def mailgun(event: dict[str, Any], *, stamp: str = STAMP, key: str = "mailgun") -> Call:
    signature = hmac.new(key.encode(), f"{stamp}tok".encode(), hashlib.sha256).hexdigest()
    signed = {"timestamp": stamp, "token": "tok", "signature": signature}
    event = {"id": "e-1", "user-variables": {"digest": TOKEN}} | event
    return "mailgun", {}, json.dumps({"signature": signed, "event-data": event}).encode()


def postmark(event: dict[str, Any], *, password: str = "postmark") -> Call:
    secret = base64.b64encode(f"digest:{password}".encode()).decode()
    event = {"ID": 1, "Metadata": {"digest": TOKEN}} | event
    return "postmark", {"Authorization": f"Basic {secret}"}, json.dumps(event).encode()


FAILED = {"event": "failed", "severity": "permanent"}
CALLS: dict[str, tuple[Call, BounceKind | None]] = {
    "ses bounce": (ses(ses_bounce()), BounceKind.USER_UNKNOWN),
    "ses bounce, old signature": (ses(ses_bounce(), version="1"), BounceKind.USER_UNKNOWN),
    "ses passing bounce": (ses(ses_bounce("Transient", "5.1.1")), BounceKind.TEMPORARY),
    "ses full": (ses(ses_bounce("Transient", "5.2.2")), BounceKind.MAILBOX_FULL),
    "ses complaint": (ses(ses_complaint()), BounceKind.COMPLAINT),
    "ses delay": (ses({**ses_bounce(), "notificationType": "DeliveryDelay"}), BounceKind.DELAYED),
    "ses delivery": (ses({**ses_bounce(), "notificationType": "Delivery"}), None),
    "sendgrid bounce": (
        sendgrid(sendgrid_event("bounce", type="bounce", status="5.1.1", reason="550 no user")),
        BounceKind.USER_UNKNOWN,
    ),
    "sendgrid block": (
        sendgrid(sendgrid_event("bounce", type="blocked", status="5.1.1", reason="no")),
        BounceKind.BLOCKED,
    ),
    "sendgrid deferred": (sendgrid(sendgrid_event("deferred")), BounceKind.DELAYED),
    "sendgrid complaint": (sendgrid(sendgrid_event("spamreport")), BounceKind.COMPLAINT),
    "sendgrid unsubscribe": (sendgrid(sendgrid_event("unsubscribe")), BounceKind.UNSUBSCRIBE),
    "sendgrid open": (sendgrid(sendgrid_event("open")), None),
    "mailgun bounce": (
        mailgun({**FAILED, "delivery-status": {"code": 550, "message": "5.1.1 no such user"}}),
        BounceKind.USER_UNKNOWN,
    ),
    "mailgun delay": (mailgun({"event": "failed", "severity": "temporary"}), BounceKind.DELAYED),
    "mailgun complaint": (mailgun({"event": "complained"}), BounceKind.COMPLAINT),
    "mailgun unsubscribe": (mailgun({"event": "unsubscribed"}), BounceKind.UNSUBSCRIBE),
    "mailgun delivered": (mailgun({"event": "delivered"}), None),
    "postmark hard bounce": (
        postmark({"RecordType": "Bounce", "Type": "HardBounce", "Details": "550 5.1.1 no user"}),
        BounceKind.USER_UNKNOWN,
    ),
    "postmark block": (postmark({"RecordType": "Bounce", "Type": "Blocked"}), BounceKind.BLOCKED),
    "postmark complaint": (postmark({"RecordType": "SpamComplaint"}), BounceKind.COMPLAINT),
    "postmark delivery": (postmark({"RecordType": "Delivery"}), None),
}


class Door:
    """Webhooks over one database, and what they fetched."""

    def __init__(self, database: Database, **trust: Any) -> None:
        fill(database, 2)
        self.clock = FrozenClock()
        self.store = BounceStore(database)
        self.subscriptions = Subscriptions(database, keys=[KEY], clock=self.clock)
        self.fetched: list[str] = []
        hearing = Hearing(
            self.store,
            subscribers=SubscriberStore(database),
            subscriptions=self.subscriptions,
            tokens=TOKENS,
            clock=self.clock,
        )
        said = {
            "sns_topics": (TOPIC,),
            "sendgrid_key": SENDGRID_KEY,
            "mailgun_key": "mailgun",
            "postmark_password": "postmark",
        }
        self.webhooks = Webhooks(
            hearing, Trust(self.clock(), **said | trust), fetch=self.fetch, clock=self.clock
        )

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return CERTIFICATE

    def events(self) -> list[tuple[BounceKind, str]]:
        """What is kept, but for our own verdicts."""
        kept = [one for one in self.store.listed() if one.kind is not BounceKind.SUSPENDED]
        return [(one.kind, one.subscriber) for one in kept]


@pytest.mark.parametrize(("call", "kind"), CALLS.values(), ids=CALLS)
def test_what_a_provider_tells(
    sqlite_database: Database, call: Call, kind: BounceKind | None
) -> None:
    door = Door(sqlite_database)
    assert door.webhooks.receive(*call).status == 200
    expected = [(kind, "reader1@example.org")] if kind else []
    assert door.events() == expected
    assert door.webhooks.receive(*call).events == 0, "told again, it counts once"
    assert door.events() == expected


def tampered(call: Call) -> Call:
    return call[0], call[1], call[2].replace(b"5.1.1", b"5.1.0").replace(b"tok", b"tik")


REFUSED: dict[str, Call] = {
    "ses tampered": tampered(ses(ses_bounce())),
    "ses another topic": ses(ses_bounce(), TopicArn=TOPIC + "x"),
    "ses certificate elsewhere": ses(
        ses_bounce(), SigningCertURL="https://sns.eu-west-1.amazonaws.com.evil.example/c.pem"
    ),
    "ses certificate by http": ses(
        ses_bounce(), SigningCertURL="http://sns.eu-west-1.amazonaws.com/c.pem"
    ),
    "ses certificate of a bucket": ses(
        ses_bounce(), SigningCertURL="https://s3.amazonaws.com/c.pem"
    ),
    "ses of no kind": ("ses", {}, b'{"Type": "UnsubscribeConfirmation"}'),
    "sendgrid tampered": tampered(sendgrid(sendgrid_event("bounce", status="5.1.1", reason="x"))),
    "sendgrid replayed": sendgrid(sendgrid_event("spamreport"), stamp=str(int(STAMP) - 3600)),
    "mailgun tampered": tampered(mailgun({"event": "complained"})),
    "mailgun wrong key": mailgun({"event": "complained"}, key="other"),
    "mailgun replayed": mailgun({"event": "complained"}, stamp=str(int(STAMP) - 3600)),
    "postmark wrong password": postmark({"RecordType": "SpamComplaint"}, password="x"),
    "postmark without": ("postmark", {}, b'{"RecordType": "SpamComplaint"}'),
    "not JSON": ("ses", {}, b"hello"),
    "a nest": ("mailgun", {}, b"[" * 100_000),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_a_stranger_is_refused(sqlite_database: Database, call: Call) -> None:
    door = Door(sqlite_database)
    assert door.webhooks.receive(*call).status == 403
    assert door.events() == []


@pytest.mark.parametrize(
    "call",
    [
        ses(ses_bounce()),
        sendgrid(sendgrid_event("spamreport")),
        mailgun({"event": "complained"}),
        mailgun({"event": "complained"}, key=""),
        postmark({"RecordType": "SpamComplaint"}, password=""),
    ],
    ids=["ses", "sendgrid", "mailgun", "mailgun, empty", "postmark, empty"],
)
def test_without_its_key_a_provider_is_refused(sqlite_database: Database, call: Call) -> None:
    door = Door(
        sqlite_database, sns_topics=(), sendgrid_key="", mailgun_key="", postmark_password=""
    )
    assert door.webhooks.receive(*call).status == 403


def test_whoever_is_not_known_is_not_found(sqlite_database: Database) -> None:
    assert Door(sqlite_database).webhooks.receive("mailchimp", {}, b"").status == 404


def test_a_certificate_is_fetched_once(sqlite_database: Database) -> None:
    door = Door(sqlite_database)
    for name in ("one", "two", "three"):
        door.webhooks.receive(*ses(ses_bounce(), MessageId=name))
    assert door.fetched == [CERTIFICATE_URL]


def test_a_subscription_is_confirmed_at_amazon_only(sqlite_database: Database) -> None:
    door = Door(sqlite_database)
    asked = {"Type": "SubscriptionConfirmation", "Token": "t", "Message": "please"}
    theirs = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    assert door.webhooks.receive(*ses({}, **asked, SubscribeURL=theirs)).status == 200
    assert door.fetched[-1] == theirs
    evil = door.webhooks.receive(*ses({}, **asked, SubscribeURL="https://10.0.0.1/"))
    assert evil.status == 403
    assert door.fetched[-1] == theirs


def test_amazon_away_means_try_again(sqlite_database: Database) -> None:
    door = Door(sqlite_database)

    def away(url: str) -> bytes:
        raise OSError("no route")

    door.webhooks._fetch = away
    assert door.webhooks.receive(*ses(ses_bounce())).status == 503


def test_a_complaint_acts_before_it_is_acknowledged(sqlite_database: Database) -> None:
    door = Door(sqlite_database)
    door.webhooks.receive(*mailgun({"event": "complained"}))
    assert door.subscriptions.is_suppressed("reader1@example.org")
    assert not door.subscriptions.is_suppressed("m@example.org")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(["event", "bounce", "mail", "signature", "event-data", "Type", "Message"])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PROVIDERS)), st.dictionaries(NAMES, JSON) | JSON)
def test_any_body_is_survived(provider: str, value: Any) -> None:
    class Deaf:
        pass

    webhooks: Callable[..., Any] = Webhooks(
        Deaf(),  # type: ignore[arg-type]  # never reached: nothing here is signed
        Trust(START, sns_topics=(TOPIC,), mailgun_key="m", postmark_password="p"),
        fetch=lambda url: b"",
        clock=FrozenClock(),
    ).receive
    assert webhooks(provider, {}, json.dumps(value).encode()).status == 403
