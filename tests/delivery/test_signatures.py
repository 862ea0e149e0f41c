"""Signed posts, against the specification's own example and as a receiver would check them."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import pytest

from digest.delivery.signatures import PREFIX, new_secret, signature, signed
from digest.errors import UsageError

AT = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


def test_the_specification_s_example() -> None:
    """standardwebhooks.com, "Signature scheme": its secret, id, time, body and signature."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert found == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def receive(secret: str, headers: dict[str, str], body: bytes, *, now: datetime) -> bool:
    """What a receiver does, written without our code."""
    age = abs(now.timestamp() - int(headers["webhook-timestamp"]))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = b64decode(secret.removeprefix("whsec_"))
    version, _, told = headers["webhook-signature"].partition(",")
    right = b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return version == "v1" and age < 300 and hmac.compare_digest(told, right)


CASES = [
    ("as sent", {}, b"body", AT, True),
    ("an hour later", {}, b"body", AT.replace(hour=9), False),
    ("another body", {}, b"body!", AT, False),
    ("another id", {"webhook-id": "digest.2"}, b"body", AT, False),
    ("a newer time", {"webhook-timestamp": "1795163401"}, b"body", AT, False),
]


@pytest.mark.parametrize(
    ("changed", "body", "now", "good"), [it[1:] for it in CASES], ids=[it[0] for it in CASES]
)
def test_a_receiver_can_tell(
    changed: dict[str, str], body: bytes, now: datetime, good: bool
) -> None:
    secret = new_secret()
    headers = dict(signed(secret, "digest.1", b"body", at=AT)) | changed
    assert receive(secret, headers, body, now=now) is good


def test_every_secret_is_new_and_long() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert {len(b64decode(one.removeprefix(PREFIX))) for one in secrets} == {32}


def test_a_broken_secret_says_so() -> None:
    with pytest.raises(UsageError, match="broken"):
        signed("whsec_not base 64", "digest.1", b"", at=AT)
