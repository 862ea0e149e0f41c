"""Addresses that must never be written to, kept as salted hashes only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from digest.errors import InvalidSubscriber
from digest.store import subscribers as store
from digest.subscriptions.addresses import fingerprints, masked


class Suppressions:
    """The list under one installation's secret keys (newest first); addresses are normalised."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def among(
        self, connection: sa.Connection, addresses: Collection[str], now: datetime
    ) -> frozenset[str]:
        """Those of `addresses` that are suppressed at `now`."""
        owners = {print_: it for it in addresses for print_ in fingerprints(it, self._keys)}
        return frozenset(owners[print_] for print_ in store.suppressed(connection, owners, now))

    def refuse(self, connection: sa.Connection, address: str, now: datetime) -> None:
        """Raise InvalidSubscriber if `address` is suppressed."""
        if self.among(connection, [address], now):
            raise InvalidSubscriber(
                f"{masked(address)} must not be written to: the address was removed or suppressed.",
                mend="If its owner wants mail again: `digest subscribers suppress --lift`.",
            )

    def fingerprint(self, address: str) -> str:
        """The hash under which an address is put on the list from now on."""
        return fingerprints(address, self._keys)[0]

    def hashes(self, address: str) -> tuple[str, ...]:
        """Every hash under which an address may be on the list."""
        return fingerprints(address, self._keys)

    def put(self, connection: sa.Connection, address: str, *, reason: str, at: datetime) -> None:
        store.suppress(connection, self.fingerprint(address), reason=reason, at=at)

    def lift(self, connection: sa.Connection, address: str) -> bool:
        """Whether there was a suppression to lift."""
        return bool(store.lift(connection, fingerprints(address, self._keys)))
