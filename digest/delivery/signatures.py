"""Signed posts: HMAC-SHA256 over id, time and body, as the Standard Webhooks specification has it.

    webhook-id: digest.42.1001@digest.example.org
    webhook-timestamp: 1795161600
    webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=

The signed text is `{id}.{timestamp}.{body}`; the key is what follows "whsec_", base 64 decoded. A
receiver refuses times that are minutes away and ids it has had: then a post that somebody recorded
is of no use. The id is the same at every try of one post, the time is not.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from typing import Final

from digest.errors import UsageError

PREFIX: Final = "whsec_"
_KEY_BYTES: Final = 32


def new_secret() -> str:
    """A fresh key in the form receivers' libraries expect."""
    return PREFIX + b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii")


def signed(
    secret: str, identifier: str, body: bytes, *, at: datetime
) -> tuple[tuple[str, str], ...]:
    """The three header fields; raises UsageError where `secret` is no key."""
    moment = str(int(at.timestamp()))
    return (
        ("webhook-id", identifier),
        ("webhook-timestamp", moment),
        ("webhook-signature", f"v1,{signature(secret, identifier, moment, body)}"),
    )


def signature(secret: str, identifier: str, moment: str, body: bytes) -> str:
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise UsageError(
            "The signing key of this channel is broken.", mend="Add it anew."
        ) from None
    text = f"{identifier}.{moment}.".encode() + body
    return b64encode(hmac.digest(key, text, "sha256")).decode("ascii")
