"""Many subscribers at once: importing records, and exporting them.

Importing is idempotent by address: the same file a second time changes nothing. Good lines go in
whatever the others hold, in transactions of some hundred lines; with `strict`, everything or
nothing. It never brings anyone back: who unsubscribed or was suspended keeps that state, and a
suppressed address is a fault of its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from digest.clock import Clock
from digest.errors import InvalidSubscriber, StoreError
from digest.model import Subscriber, SubscriberState
from digest.store import subscribers as store
from digest.store.database import Database
from digest.subscriptions.examples import resolved
from digest.subscriptions.formats import Line
from digest.subscriptions.planning import planned
from digest.subscriptions.records import SubscriberRecord, check
from digest.subscriptions.suppression import Suppressions
from digest.subscriptions.values import apply, write

BATCH: Final = 500  #: records a transaction
_GONE: Final = (SubscriberState.UNSUBSCRIBED, SubscriberState.SUSPENDED)
_AGAIN: Final = "Mend that and import the file again; what is stored stays as it is."
_BANNED: Final = "email: must not be written to: the address was removed or suppressed."
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class LineFault:
    line: int
    fault: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `kept`: changed, but left unsubscribed or suspended as they were."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    faults: tuple[LineFault, ...] = ()

    def __add__(self, other: ImportReport) -> ImportReport:
        return ImportReport(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.kept + other.kept,
            self.faults + other.faults,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"faults": [asdict(fault) for fault in self.faults]}


@dataclass(frozen=True, slots=True)
class Entry:
    """One good record and the line it came from."""

    line: int
    record: SubscriberRecord


class Importer:
    """Stores checked records; `blank` gives someone new with the installation's usual values."""

    def __init__(
        self,
        database: Database,
        suppressions: Suppressions,
        *,
        blank: Callable[[str], Subscriber],
        clock: Clock,
    ) -> None:
        self._database = database
        self._suppressions = suppressions
        self._blank = blank
        self._clock = clock

    def store(
        self, lines: Iterable[Line], *, strict: bool = False, progress: Progress = lambda done: None
    ) -> ImportReport:
        """Import every good line; with `strict`, nothing unless all are good."""
        faults: list[LineFault] = []
        entries = _checked(lines, faults)
        total = ImportReport()
        for batch in _whole(entries, faults) if strict else _batches(entries):
            try:
                total += self._store_batch(batch, strict=strict)
            except StoreError as error:
                raise type(error)(
                    f"{error.message} Lines before {batch[0].line} are stored.", mend=_AGAIN
                ) from error
            progress(len(batch))
        return total + ImportReport(faults=tuple(faults))

    def _store_batch(self, batch: Sequence[Entry], *, strict: bool) -> ImportReport:
        now = self._clock()
        addresses = [entry.record.email for entry in batch]
        try:
            with self._database.write() as connection:
                banned = self._suppressions.among(connection, addresses, now)
                faults = tuple(
                    LineFault(entry.line, _BANNED)
                    for entry in batch
                    if entry.record.email in banned
                )
                if faults and strict:
                    raise _Refused(faults)
                good = [entry for entry in batch if entry.record.email not in banned]
                return self._store_good(connection, good, now) + ImportReport(faults=faults)
        except _Refused as refused:
            return ImportReport(faults=refused.faults)

    def _store_good(
        self, connection: sa.Connection, batch: Sequence[Entry], now: datetime
    ) -> ImportReport:
        ids = store.ids_of(connection, [entry.record.email for entry in batch])
        known = {it.email: it for it in store.read_profiles(connection, list(ids.values()))}
        fresh = [entry.record for entry in batch if entry.record.email not in known]
        wanted = [planned(None, apply(record, self._blank(record.email)), now) for record in fresh]
        store.insert(connection, resolved(connection, wanted))
        report = ImportReport(added=len(fresh))
        for entry in batch:
            if before := known.get(entry.record.email):
                report += self._update(connection, before, entry.record, now)
        return report

    def _update(
        self, connection: sa.Connection, before: Subscriber, record: SubscriberRecord, now: datetime
    ) -> ImportReport:
        said = apply(record, before)
        wanted = _not_brought_back(before, said)
        kept = int(wanted.state is not said.state)
        if wanted == before:
            return ImportReport(unchanged=1, kept=kept)
        wanted = resolved(connection, [planned(before, wanted, now)])[0]
        store.update(connection, before, wanted)
        if wanted.state is not before.state and wanted.state is not SubscriberState.ACTIVE:
            store.stop_mail(connection, before.id, now=now, why=wanted.state.value)
        return ImportReport(updated=1, kept=kept)


class _Refused(Exception):
    """Rolls a strict import back."""

    def __init__(self, faults: tuple[LineFault, ...]) -> None:
        super().__init__()
        self.faults = faults


def _not_brought_back(before: Subscriber, said: Subscriber) -> Subscriber:
    if before.state not in _GONE or said.state in _GONE:
        return said
    return replace(
        said,
        state=before.state,
        state_reason=before.state_reason,
        paused_until=before.paused_until,
    )


def _checked(lines: Iterable[Line], faults: list[LineFault]) -> Iterator[Entry]:
    """The good lines; what is wrong with the others goes to `faults`."""
    seen: dict[str, int] = {}
    for line in lines:
        try:
            if line.record is None:
                raise InvalidSubscriber(line.fault)
            record = check(line.record)
            first = seen.setdefault(record.email, line.number)
            if first != line.number:
                raise InvalidSubscriber(f"email: the same address is on line {first}.")
        except InvalidSubscriber as error:
            faults.append(LineFault(line.number, str(error)))
        else:
            yield Entry(line.number, record)


def _whole(entries: Iterable[Entry], faults: Sequence[LineFault]) -> Iterator[list[Entry]]:
    """All entries as one batch, or none if there are faults."""
    everything = list(entries)
    if everything and not faults:
        yield everything


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    entries = iter(entries)
    while batch := list(islice(entries, BATCH)):
        yield batch


def exported(
    database: Database, states: Sequence[SubscriberState] = ()
) -> Iterator[Mapping[str, Any]]:
    """Every subscriber's record in the order of addresses, read some hundred at a time."""
    with database.read() as connection:
        ids = store.all_ids(connection, states)
    for start in range(0, len(ids), BATCH):
        with database.read() as connection:
            people = store.read_profiles(connection, ids[start : start + BATCH])
        yield from map(write, people)
