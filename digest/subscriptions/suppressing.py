"""The suppression list as a file: lines of an address or a hash, a reason, two dates.

    address_or_hash,reason,at,expires_at

An address is stored as its hash and forgotten; a hash is stored as it is, and means something to an
installation with the same secret keys only. The list always wins: whoever is subscribed with a
listed address is suspended at import, and what is queued for any listed address is withdrawn when
it is claimed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from digest.clock import Clock, system_clock
from digest.errors import InvalidSubscriber
from digest.model import SubscriberState
from digest.store import subscribers
from digest.store import suppressions as rows
from digest.store.database import Database
from digest.store.suppressions import Suppression
from digest.subscriptions.addresses import fingerprints, normalise
from digest.subscriptions.register import Subscriptions

COLUMNS: Final = ("address_or_hash", "reason", "at", "expires_at")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_CHUNK: Final = 1000
_REACHED: Final = (SubscriberState.PENDING, SubscriberState.ACTIVE, SubscriberState.PAUSED)


@dataclass(slots=True)
class Loaded:
    """What an import did; `faults` are (line, what is wrong)."""

    stored: int = 0
    known: int = 0
    suspended: int = 0
    faults: tuple[tuple[int, str], ...] = ()


class SuppressionList:
    """The list of one installation; `keys` newest first."""

    def __init__(
        self,
        database: Database,
        register: Subscriptions,
        *,
        keys: Sequence[str],
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._register = register
        self._keys = keys
        self._clock = clock

    def load(self, lines: Iterable[str]) -> Loaded:
        """Import; the good lines go in, the others are told. Importing again changes nothing."""
        loaded, faults = Loaded(), list[tuple[int, str]]()
        chunk: list[Suppression] = []
        for number, fields in enumerate(csv.reader(lines), 1):
            if not fields or fields[0].strip() in ("", COLUMNS[0]):
                continue
            try:
                found, address = self._read(fields)
            except (InvalidSubscriber, ValueError) as error:
                faults.append((number, getattr(error, "message", str(error))))
                continue
            chunk.append(found)
            loaded.suspended += self._suspend(address, found)
            if len(chunk) >= _CHUNK:
                self._store(chunk, loaded)
        self._store(chunk, loaded)
        loaded.faults = tuple(faults)
        return loaded

    def export(self) -> Iterator[str]:
        """The lines of a file that `load` reads."""
        yield _line(COLUMNS)
        for one in rows.listed(self._database):
            expires = one.expires_at.isoformat() if one.expires_at else ""
            yield _line((one.address_hash, one.reason, one.at.isoformat(), expires))

    def listed(self) -> list[Suppression]:
        return rows.listed(self._database)

    def forget_expired(self) -> int:
        return rows.forget_expired(self._database, self._clock())

    def add(self, address: str, *, reason: str, expires_at: datetime | None = None) -> bool:
        """Put one address on the list; whether it was not there."""
        found = self._of(normalise(address), reason, self._clock(), expires_at)
        self._suspend(normalise(address), found)
        return bool(rows.store(self._database, [found]))

    def _store(self, chunk: list[Suppression], loaded: Loaded) -> None:
        stored = rows.store(self._database, chunk)
        loaded.stored += stored
        loaded.known += len(chunk) - stored
        chunk.clear()

    def _read(self, fields: Sequence[str]) -> tuple[Suppression, str]:
        who, reason, at, expires = [*(field.strip() for field in fields), "", "", ""][:4]
        when = _instant(at) or self._clock()
        until = _instant(expires)
        if _HASH.fullmatch(who):
            return Suppression(who, reason or "imported", when, until), ""
        address = normalise(who)
        return self._of(address, reason or "imported", when, until), address

    def _of(
        self, address: str, reason: str, at: datetime, expires_at: datetime | None
    ) -> Suppression:
        return Suppression(fingerprints(address, self._keys)[0], reason, at, expires_at)

    def _suspend(self, address: str, found: Suppression) -> bool:
        """Suspend who is subscribed with this address; whether somebody was."""
        is_over = found.expires_at is not None and found.expires_at <= self._clock()
        if not address or is_over:
            return False
        with self._database.read() as connection:
            stored = subscribers.find(connection, address)
        if stored is None or stored.state not in _REACHED:
            return False
        self._register.suspend(address, reason=f"suppressed: {found.reason}")
        return True


def _instant(text: str) -> datetime | None:
    """An ISO 8601 time; UTC unless it says otherwise."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write it like 2026-12-01") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _line(fields: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(fields)
    return text.getvalue()
