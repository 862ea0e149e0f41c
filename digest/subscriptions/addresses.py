"""Addresses: one spelling for each, what may be shown of one, and the hash that outlives it.

Syntax only: nothing here asks the network whether an address exists.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from digest.config import normal_address
from digest.errors import InvalidSubscriber

_PURPOSE = b"paper-digest.suppression"


def normalise(address: str) -> str:
    """The address as it is stored; raises InvalidSubscriber (see `config.normal_address`)."""
    try:
        return normal_address(address)
    except ValueError as error:
        raise InvalidSubscriber(f"email: {error}.", mend="Write it like ada@example.org.") from None


def masked(address: str) -> str:
    """Enough to recognise an address by, and too little to write to: `a…a@example.org`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…{local[-1:] if len(local) > 3 else ''}@{domain}"


def fingerprints(address: str, keys: Sequence[str]) -> tuple[str, ...]:
    """The address under each secret key, newest first (HMAC-SHA-256 of the address case-folded).

    The first is stored; all are looked for, so a suppression outlives the rotation of keys as long
    as the old key stays in the list.
    """
    folded = address.casefold().encode()
    return tuple(
        hmac.new(key.encode(), _PURPOSE + b"\0" + folded, hashlib.sha256).hexdigest()
        for key in keys
    )
