"""Signed links: a few numbers, a purpose and a signature, short enough for a mail header.

A token is `payload.signature` (itsdangerous, the purpose as its salt): at most 46 characters for
two ids below 2^42, so that `List-Unsubscribe` stays on one line. Keys come newest first; the first
signs, all of them open, so links already sent outlive a rotation. A token proves that we wrote it
and nothing else: what it allows, and whether it was revoked, is the reader's business. Signing is
deterministic, so a retried mail has the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from itsdangerous import BadSignature
from itsdangerous import Signer as SignedBytes
from itsdangerous.signer import SigningAlgorithm

from digest.errors import TokenError
from digest.model import DigestId, SubscriberId

_EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
_SIGNATURE_BYTES: Final = 20
_BLOCK: Final = 64  #: bytes that SHA-256 takes at once; a derived key is shorter
_SIGNATURE_CHARACTERS: Final = 27
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

    def sign(self, purpose: Purpose, *ids: int, at: datetime | None = None) -> str:
        """A token for `ids` (0 or more, none negative); dated to the minute when `at` is given."""
        payload = _pack(_minutes(at), *ids)
        signed = self._signers[purpose].sign(urlsafe_b64encode(payload).rstrip(b"="))
        return _fold_case(signed) if purpose is Purpose.BOUNCE else signed.decode("ascii")

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
        sign = self.sign
        return MailTokens(
            unsubscribe=sign(Purpose.UNSUBSCRIBE, subscriber),
            preferences=sign(Purpose.PREFERENCES, subscriber),
            digest=sign(Purpose.DIGEST, digest),
            feedback=sign(Purpose.FEEDBACK, subscriber, digest),
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


class _ShortHmac(SigningAlgorithm):
    """HMAC-SHA-256 cut to 160 bits (RFC 2104 §5); `hmac.digest` is several times `hmac.new`."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")[:_SIGNATURE_BYTES]


class _PurposeSigner(SignedBytes):
    """itsdangerous' signer with the purpose's keys derived once instead of at every call."""

    def __init__(self, secret_keys: Sequence[str | bytes], purpose: Purpose) -> None:
        super().__init__(
            [_as_bytes(key) for key in reversed(secret_keys)],
            salt=f"paper-digest.{purpose.value}",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
            algorithm=_ShortHmac(),
        )
        derive = super().derive_key
        self._derived = {key: derive(key) for key in self.secret_keys}
        newest = self.derive_key().ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in newest))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in newest))

    def sign(self, value: str | bytes) -> bytes:
        """As itsdangerous signs, with the two halves of the HMAC begun once (RFC 2104 §4)."""
        told = _as_bytes(value)
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(told)
        outer.update(inner.digest())
        signature = urlsafe_b64encode(outer.digest()[:_SIGNATURE_BYTES]).rstrip(b"=")
        return told + b"." + signature

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        return self._derived[self.secret_keys[-1] if secret_key is None else _as_bytes(secret_key)]


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


def _pack(*numbers: int) -> bytes:
    """Base-128 numbers, least significant group first (LEB128)."""
    packed = bytearray()
    for number in numbers:
        if number < 0:
            raise ValueError(f"a token holds no negative number, not {number}")
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


def _decode(encoded: bytes) -> bytes:
    return urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))


def _fold_case(signed: bytes) -> str:
    """The same token in lower-case base 32 (RFC 4648 §6), for mail addresses."""
    payload, signature = signed.split(b".")
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
    parts = (urlsafe_b64encode(part).rstrip(b"=").decode("ascii") for part in (payload, signature))
    return ".".join(parts)
