"""DKIM signatures, with dkimpy as the judge."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from digest.delivery.signing import Signer, signed
from digest.errors import DeliveryFault
from tests.delivery.letters import letter

dkim = pytest.importorskip("dkim", reason="the judge is dkimpy[ed25519]")

HEADERS = (
    b"From: =?utf-8?q?Paper_digest?= <digest@example.org>\r\n"
    b"To: ada@example.org\r\n"
    b"Subject: Five papers\r\n on lanterns\t in   fog \r\n"
    b"Date: Fri, 20 Nov 2026 06:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"List-Unsubscribe: <https://digest.example.org/u/token>,\r\n"
    b"\t<mailto:unsubscribe@example.org>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nX-Other: not covered\r\n"
)
BODIES = {
    "plain": b"Hello\r\n",
    "empty": b"",
    "blank lines": b"\r\n\r\n\r\n",
    "trailing lines": b"Hello\r\n\r\n\r\n",
    "no end": b"Hello",
    "spaces": b" a  b \t c \r\n",
    "dots": b".\r\n..\r\n",
    "long": b"x" * 40_000 + b"\r\n",
}


def rsa_key() -> Any:
    return rsa.generate_private_key(65537, 2048)


KEYS: dict[str, Callable[[], Any]] = {
    "rsa": rsa_key,
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(scope="module", params=KEYS, ids=str)
def pair(request: pytest.FixtureRequest) -> tuple[Signer, bytes]:
    """A signer and its DNS record."""
    key = KEYS[request.param]()
    kind = "rsa" if request.param == "rsa" else "ed25519"
    public = key.public_key()
    if kind == "rsa":
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        raw = public.public_bytes(serialization.Encoding.DER, spki)
    else:
        raw = public.public_bytes_raw()
    record = f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode()}".encode()
    return Signer("example.org", "s1", pem(key)), record


def pem(key: Any) -> bytes:
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made


def verifies(payload: bytes, record: bytes) -> bool:
    def lookup(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.example.org."
        return record

    return bool(dkim.verify(payload, dnsfunc=lookup, minkey=1024))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_signatures_verify(pair: tuple[Signer, bytes], body: bytes) -> None:
    signer, record = pair
    payload = signer.sign(HEADERS + b"\r\n" + body)
    assert payload.endswith(HEADERS + b"\r\n" + body)
    assert verifies(payload, record)
    assert max(map(len, payload.partition(b"From:")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"Five papers", b"Six papers"),
        (b"/u/token", b"/u/other"),
        (b"One-Click", b"Two-Click"),
        (b"MIME-Version", b"Subject: another\r\nMIME-Version"),
        (b"MIME-Version", b"From: eve@example.org\r\nMIME-Version"),
        (b"MIME-Version", b"List-Unsubscribe: <https://evil.example>\r\nMIME-Version"),
    ],
)
def test_a_changed_message_does_not_verify(
    pair: tuple[Signer, bytes], old: bytes, new: bytes
) -> None:
    signer, record = pair
    payload = signer.sign(HEADERS + b"\r\nHello\r\n")
    assert verifies(payload.replace(b"not covered", b"changed"), record)
    assert not verifies(payload.replace(old, new), record)


def test_a_retry_has_the_same_bytes(pair: tuple[Signer, bytes]) -> None:
    signer, _record = pair
    first, second = list(signed([letter(1), letter(1)], signer))
    assert first == second
    assert first.delivery_id == 1


@pytest.mark.parametrize(
    "key",
    [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"curve"],
    ids=["empty", "broken", "wrong kind"],
)
def test_a_key_that_cannot_sign(key: bytes) -> None:
    if key == b"curve":
        key = pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(DeliveryFault, match="DKIM key"):
        Signer("example.org", "s1", key)
