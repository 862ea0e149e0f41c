"""DKIM signatures (RFC 6376, RFC 8463), relaxed headers and simple body, over ready bytes.

The signature covers both List-Unsubscribe headers, as RFC 8058 wants, and names the headers that
matter once more than they occur, so that none can be added. It holds no time, so that a retry has
the same bytes. A key is parsed once. Verifying is not its business; the tests let dkimpy do it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from digest.errors import DeliveryFault
from digest.model import Message

_SEALED: Final = (  # these cannot be added to later
    *(b"from", b"to", b"subject", b"date", b"message-id", b"reply-to"),
    *(b"list-unsubscribe", b"list-unsubscribe-post"),
)
_COVERED: Final = (
    *_SEALED,
    *(b"mime-version", b"content-type", b"content-transfer-encoding", b"list-id"),
    *(b"auto-submitted", b"feedback-id"),
)
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)\r\n")
_BLANKS = re.compile(rb"(?:\r\n)?[ \t]+")
_WIDTH: Final = 72


class Signer:
    """Signs for one domain and selector with an RSA or Ed25519 key in PEM."""

    def __init__(self, domain: str, selector: str, key: bytes) -> None:
        self._key = _load(key, domain)
        name = b"ed25519-sha256" if isinstance(self._key, Ed25519PrivateKey) else b"rsa-sha256"
        self._start = b"v=1; a=%b; c=relaxed/simple; d=%b;\r\n s=%b; " % (
            name,
            domain.encode("ascii"),
            selector.encode("ascii"),
        )

    def sign(self, payload: bytes) -> bytes:
        """`payload` with the DKIM-Signature on top."""
        head, _gap, body = payload.partition(b"\r\n\r\n")
        names, lines = _choose(head + b"\r\n")
        digest = base64.b64encode(sha256(_simple(body)).digest())
        value = self._start + _folded(b"h=" + b":".join(names) + b";", b":")
        value += b"\r\n bh=%b;\r\n b=" % digest
        lines.append(b"dkim-signature:" + _relaxed(value))
        signature = base64.b64encode(self._seal(b"\r\n".join(lines)))
        return b"".join((b"DKIM-Signature: ", value, _wrapped(signature), b"\r\n", payload))

    def _seal(self, data: bytes) -> bytes:
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(sha256(data).digest())
        return self._key.sign(data, PKCS1v15(), hashes.SHA256())


def signed(messages: Iterable[Message], signer: Signer) -> Iterator[Message]:
    """Each message with its signature."""
    for message in messages:
        yield message._replace(payload=signer.sign(message.payload))


def _load(key: bytes, domain: str) -> RSAPrivateKey | Ed25519PrivateKey:
    try:
        found = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise DeliveryFault(
            f"The DKIM key for {domain} cannot be read.", mend="It must be PEM without a password."
        ) from error
    if isinstance(found, RSAPrivateKey | Ed25519PrivateKey):
        return found
    raise DeliveryFault(f"The DKIM key for {domain} must be RSA or Ed25519.")


def _choose(head: bytes) -> tuple[list[bytes], list[bytes]]:
    """The names for `h=` and the header lines they stand for, in the order to be hashed.

    Of a header that occurs more than once the last is taken first (RFC 6376, 5.4.2).
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(head):
        found.setdefault(name.lower(), []).append(value)
    names, lines = [], []
    for name in _COVERED:
        for value in reversed(found.get(name, [])):
            names.append(name)
            lines.append(name + b":" + _relaxed(value))
        if name in _SEALED:
            names.append(name)
    return names, lines


def _relaxed(value: bytes) -> bytes:
    return _BLANKS.sub(b" ", value).strip(b" \t\r\n")


def _simple(body: bytes) -> bytes:
    """The body with exactly one line end at its end (RFC 6376, 3.4.3)."""
    if body.endswith(b"\r\n\r\n") or not body.endswith(b"\r\n"):
        end = len(body)
        while body.endswith(b"\r\n", 0, end):
            end -= 2
        return body[:end] + b"\r\n"
    return body


def _folded(value: bytes, at: bytes) -> bytes:
    """`value` on lines of some 72 columns, broken behind `at`."""
    lines, line = [], b""
    for part in re.findall(rb"[^%b]*%b?" % (at, at), value):
        if line and len(line) + len(part) > _WIDTH:
            lines.append(line)
            line = b""
        line += part
    return b"\r\n ".join([*lines, line])


def _wrapped(text: bytes) -> bytes:
    return b"\r\n ".join(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))
