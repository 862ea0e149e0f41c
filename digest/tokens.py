"""Signed links: a few numbers, a purpose and a signature, short enough for a mail header.

A token is `payload.signature`, at most 46 characters for two ids below 2^42, so that
`List-Unsubscribe` stays on one line. The signature is keyed BLAKE2b of 160 bits (RFC 7693 §2.9),
under a key of each purpose's own. Keys come newest first; the first signs, all of them open, so
links already sent outlive a rotation; those signed in our earlier way (itsdangerous, HMAC-SHA-256)
open as well. A token proves that we wrote it and nothing else: what it allows, and whether it was
revoked, is the reader's business. Signing is deterministic, so a retried mail has the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32decode, b32encode, urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from itsdangerous import BadSignature
from itsdangerous import Signer as EarlierSigner
from itsdangerous.signer import SigningAlgorithm

from digest.errors import TokenError
from digest.model import DigestId, SubscriberId

_EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
_SIGNATURE_BYTES: Final = 20
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{27}")
_HOSTILE_LENGTH: Final = 128


class Purpose(StrEnum):
    """What a link is for; a token of one purpose never opens another."""

    UNSUBSCRIBE = "unsubscribe"  #: subscriber
    PREFERENCES = "preferences"  #: subscriber
    DIGEST = "digest"  #: digest: the issue as a page
    FEEDBACK = "feedback"  #: subscriber, digest; the paper is named beside the token
    CONFIRM = "confirm"  #: errand: double opt-in
    CHANGE = "change"  #: subscriber, errand: a new address confirms itself
    FEED = "feed"  #: subscriber, generation: a private feed, revoked by the next generation
    TEAM = "team"  #: subscriber: take a team's digest over as one's own
    SHARED = "shared"  #: digest: the issue as a page, without its owner's links
    BOUNCE = "bounce"  #: delivery: envelope senders (VERP), safe where case is folded


class MailTokens(NamedTuple):
    """The tokens one mail carries."""

    unsubscribe: str
    preferences: str
    digest: str
    feedback: str


class Tokens:
    """Signs and reads the tokens of one installation."""

    def __init__(self, secret_keys: Sequence[str | bytes]) -> None:
        """`secret_keys` newest first, each long and random."""
        if not secret_keys or not all(secret_keys):
            raise TokenError("There is no secret key.", mend="Set site.secret_keys.")
        self._signers = {purpose: _PurposeSigner(secret_keys, purpose) for purpose in Purpose}
        self._of_mail = tuple([self._signers[Purpose(kind)] for kind in MailTokens._fields])

    def sign(self, purpose: Purpose, *ids: int, at: datetime | None = None) -> str:
        """A token for `ids` (0 or more, none negative); dated to the minute when `at` is given."""
        payload = _pack(_minutes(at)) + b"".join(map(_pack, ids))
        signed = self._signers[purpose].sign(_encode(payload))
        return _fold_case(signed) if purpose is Purpose.BOUNCE else signed

    def read(
        self,
        purpose: Purpose,
        token: str,
        *,
        now: datetime | None = None,
        max_age: timedelta | None = None,
    ) -> tuple[int, ...]:
        """The ids; raises TokenError if the token is not ours, not for this, or too old.

        With `max_age`, `now` is needed and the token must be dated. Compares in constant time.
        """
        written, *ids = self._open(purpose, token)
        if max_age is not None:
            _refuse_old(written, now, max_age)
        return tuple(ids)

    def for_mail(self, subscriber: SubscriberId, digest: DigestId) -> MailTokens:
        """Every token one subscriber's digest needs."""
        who, which = _pack(subscriber), _pack(digest)
        reader = _encode(b"\0" + who)
        unsubscribe, preferences, issue, feedback = self._of_mail
        return MailTokens(
            unsubscribe.sign(reader),
            preferences.sign(reader),
            issue.sign(_encode(b"\0" + which)),
            feedback.sign(_encode(b"\0" + who + which)),
        )

    def _open(self, purpose: Purpose, token: str) -> list[int]:
        text = _unfold_case(token) if purpose is Purpose.BOUNCE else token
        if len(token) > _HOSTILE_LENGTH or not _WELL_FORMED.fullmatch(text):
            raise _not_ours()
        try:
            numbers = _unpack(_decode(self._signers[purpose].unsign(text)))
        except (BadSignature, ValueError) as error:
            raise _not_ours() from error
        if not numbers:
            raise _not_ours()
        return numbers


class _PurposeSigner:
    """Signs and judges for one purpose; each key's hash is begun once and copied for each token."""

    def __init__(self, secret_keys: Sequence[str | bytes], purpose: Purpose) -> None:
        self._begun = [_begun(_as_bytes(key), purpose) for key in secret_keys]
        self._newest = self._begun[0]
        self._earlier = _earlier_signer(secret_keys, purpose)

    def sign(self, payload: bytes) -> str:
        """`payload` is encoded already."""
        hashed = self._newest.copy()
        hashed.update(payload)
        return (payload + b"." + _encode(hashed.digest())).decode("ascii")

    def unsign(self, token: str) -> bytes:
        """The encoded payload; raises BadSignature. Compares in constant time."""
        payload, _, signature = token.encode().partition(b".")
        for begun in self._begun:
            hashed = begun.copy()
            hashed.update(payload)
            if hmac.compare_digest(_encode(hashed.digest()), signature):
                return payload
        return self._earlier.unsign(token)


def _begun(secret: bytes, purpose: Purpose) -> hashlib.blake2b:
    """A hash under the purpose's own key, which nobody learns from another's."""
    key = hashlib.blake2b(secret, person=b"paper-digest 2", salt=purpose.value.encode()).digest()
    return hashlib.blake2b(key=key, digest_size=_SIGNATURE_BYTES)


class _ShortHmac(SigningAlgorithm):
    """HMAC-SHA-256 cut to 160 bits (RFC 2104 §5): how links were signed before."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")[:_SIGNATURE_BYTES]


def _earlier_signer(secret_keys: Sequence[str | bytes], purpose: Purpose) -> EarlierSigner:
    return EarlierSigner(
        [_as_bytes(key) for key in reversed(secret_keys)],
        salt=f"paper-digest.{purpose.value}",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
        algorithm=_ShortHmac(),
    )


def _as_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key


def _not_ours() -> TokenError:
    return TokenError("This link is not valid.", mend="Ask for a new one with your address.")


def _minutes(at: datetime | None) -> int:
    """Minutes since 2024 plus one; 0 for a token without a date."""
    return 0 if at is None else max(0, int((at - _EPOCH).total_seconds()) // 60) + 1


def _refuse_old(written: int, now: datetime | None, max_age: timedelta) -> None:
    if now is None or not written:
        raise _not_ours()
    if now - (_EPOCH + timedelta(minutes=written - 1)) > max_age:
        raise TokenError("This link has expired.", mend="Ask for a new one with your address.")


def _pack(number: int) -> bytes:
    """A base-128 number, least significant group first (LEB128)."""
    if number < 0:
        raise ValueError(f"a token holds no negative number, not {number}")
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)
    return bytes(packed)


def _unpack(packed: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift:
        raise ValueError("cut short")
    return numbers


def _encode(plain: bytes) -> bytes:
    """Base 64 that is safe in addresses (RFC 4648 §5), unpadded; straight from its source in C."""
    return b2a_base64(plain, newline=False).rstrip(b"=").translate(_URL_SAFE)


def _decode(encoded: bytes) -> bytes:
    return urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))


def _fold_case(signed: str) -> str:
    """The same token in lower-case base 32 (RFC 4648 §6), for mail addresses."""
    payload, signature = signed.encode().split(b".")
    plain = b32encode(_decode(signature) + _decode(payload)).rstrip(b"=")
    return plain.decode("ascii").lower()


def _unfold_case(folded: str) -> str:
    if len(folded) > _HOSTILE_LENGTH:
        raise _not_ours()
    try:
        plain = b32decode(folded.upper().encode("ascii") + b"=" * (-len(folded) % 8))
    except ValueError as error:
        raise _not_ours() from error
    signature, payload = plain[:_SIGNATURE_BYTES], plain[_SIGNATURE_BYTES:]
    return f"{_encode(payload).decode()}.{_encode(signature).decode()}"
