"""A browser signed in: what its cookie holds, and for how long that is believed.

    cookie = key . minute of last use . signature

The key is 256 random bits; the database has its SHA-256 only. The minute is signed with the site's
key, so looking at a page need not write that somebody looked (guarantee 6): a fresh cookie goes out
with the page. A session is over after `IDLE` without a page, and after `ABSOLUTE` in any case.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

IDLE: Final = timedelta(hours=1)
ABSOLUTE: Final = timedelta(hours=12)
_KEY_BYTES: Final = 32
_COOKIE: Final = re.compile(r"([A-Za-z0-9_-]{43})\.(\d{1,12})\.([0-9a-f]{64})")
_PURPOSE: Final = b"paper-digest.desk.cookie"


@dataclass(frozen=True, slots=True)
class Session:
    """One browser of one operator's."""

    operator: str
    key: str
    seen_at: datetime  #: to the minute

    @property
    def form_key(self) -> str:
        """What every form of this session carries, so that no other site can make one."""
        return form_key(self.key)

    def is_ours(self, given: str) -> bool:
        """Whether a form's key is one of this session's."""
        return is_form_key(given, self.key)


def new_key() -> str:
    return secrets.token_urlsafe(_KEY_BYTES)


def key_hash(key: str) -> str:
    """What the database knows a key by; a random key needs no salt."""
    return hashlib.sha256(key.encode()).hexdigest()


def form_key(key: str) -> str:
    """A key's word for forms, masked anew each time: a compressed page that always held the same
    one would tell it by its length (the BREACH attack)."""
    mask = secrets.token_bytes(_KEY_BYTES)
    return (mask + _masked(_form_word(key), mask)).hex()


def is_form_key(given: str, key: str) -> bool:
    """Whether a form carries this key's word."""
    try:
        told = bytes.fromhex(given)
    except ValueError:
        return False
    if len(told) != 2 * _KEY_BYTES:
        return False
    mask, word = told[:_KEY_BYTES], told[_KEY_BYTES:]
    return hmac.compare_digest(_masked(word, mask), _form_word(key))


def _form_word(key: str) -> bytes:
    return hashlib.sha256(b"form\0" + key.encode()).digest()


def _masked(word: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(word, mask, strict=True))


def sealed(key: str, at: datetime, secret_keys: Sequence[str]) -> str:
    """The cookie of a key last used at `at`."""
    minute = _minute(at)
    return f"{key}.{minute}.{_signature(key, minute, secret_keys[0])}"


def opened(cookie: str, secret_keys: Sequence[str]) -> tuple[str, datetime] | None:
    """The key in a cookie and when it was last used; None for what we did not write."""
    found = _COOKIE.fullmatch(cookie)
    if found is None:
        return None
    key, minute, signature = found[1], int(found[2]), found[3]
    if not any(hmac.compare_digest(signature, _signature(key, minute, one)) for one in secret_keys):
        return None
    return key, datetime.fromtimestamp(minute * 60, UTC)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _signature(key: str, minute: int, secret: str) -> str:
    told = b"\0".join((_PURPOSE, key.encode(), str(minute).encode()))
    return hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()
