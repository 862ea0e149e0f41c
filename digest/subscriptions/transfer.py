"""Many subscribers at once: importing records, and exporting them.

Importing is idempotent by address: the same file a second time changes nothing. Good lines go in
whatever the others hold, in transactions of some hundred lines; with `strict`, everything or
nothing. Channels are added where they are not there yet, and none is taken away. It never brings
anyone back: who unsubscribed or was suspended keeps that state, and a suppressed address is a fault
of its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from digest.clock import Clock
from digest.errors import InvalidChannel, InvalidSubscriber, StoreError, UsageError
from digest.model import ChannelId, Subscriber, SubscriberChannel, SubscriberId, SubscriberState
from digest.store import subscribers as store
from digest.store.channels import of_subscribers
from digest.store.database import Database
from digest.subscriptions.channels import Check, Checked, adopt
from digest.subscriptions.examples import resolved
from digest.subscriptions.formats import Line
from digest.subscriptions.planning import planned
from digest.subscriptions.records import ChannelRecord, SubscriberRecord, check, check_channels
from digest.subscriptions.suppression import Suppressions
from digest.subscriptions.values import apply, write

BATCH: Final = 500  #: records a transaction
_GONE: Final = (SubscriberState.UNSUBSCRIBED, SubscriberState.SUSPENDED)
_AGAIN: Final = "Mend that and import the file again; what is stored stays as it is."
_BANNED: Final = "email: must not be written to: the address was removed or suppressed."
Progress = Callable[[int], None]


def no_channels(kind: str, address: str) -> Checked:
    raise InvalidChannel("channels are not taken here.")


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
    """One good record, its channels, and the line it came from."""

    line: int
    record: SubscriberRecord
    channels: tuple[SubscriberChannel, ...] = ()


class Importer:
    """Stores checked records; `blank` gives someone new with the installation's usual values."""

    def __init__(
        self,
        database: Database,
        suppressions: Suppressions,
        *,
        blank: Callable[[str], Subscriber],
        clock: Clock,
        check: Check = no_channels,
    ) -> None:
        """`check` knows which addresses each kind of channel has."""
        self._check = check
        self._database = database
        self._suppressions = suppressions
        self._blank = blank
        self._clock = clock

    def store(
        self, lines: Iterable[Line], *, strict: bool = False, progress: Progress = lambda done: None
    ) -> ImportReport:
        """Import every good line; with `strict`, nothing unless all are good."""
        faults: list[LineFault] = []
        entries = self._checked(lines, faults)
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
            before = known.get(entry.record.email)
            done = self._update(connection, before, entry.record, now) if before else ImportReport()
            report += _with_channels(connection, entry, done)
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

    def _checked(self, lines: Iterable[Line], faults: list[LineFault]) -> Iterator[Entry]:
        """The good lines; what is wrong with the others goes to `faults`."""
        seen: dict[str, int] = {}
        for line in lines:
            try:
                if line.record is None:
                    raise InvalidSubscriber(line.fault)
                said = dict(line.record)
                channels = self._channels(said.pop("channels", None) or [])
                record = check(said)
                first = seen.setdefault(record.email, line.number)
                if first != line.number:
                    raise InvalidSubscriber(f"email: the same address is on line {first}.")
            except InvalidSubscriber as error:
                faults.append(LineFault(line.number, str(error)))
            else:
                yield Entry(line.number, record, channels)

    def _channels(self, given: Any) -> tuple[SubscriberChannel, ...]:
        return tuple(self._channel(record) for record in check_channels(given))

    def _channel(self, record: ChannelRecord) -> SubscriberChannel:
        try:
            checked = self._check(record.kind, record.address)
        except UsageError as error:
            name = record.label or record.kind
            raise InvalidSubscriber(f"channels ({name}): {error}") from None
        return SubscriberChannel(
            id=ChannelId(0),
            subscriber_id=SubscriberId(0),
            kind=record.kind,
            label=record.label,
            address=checked.address,
            created_at=self._clock(),
            secret=record.secret if checked.secret and record.secret else checked.secret,
            state=record.state,
            reason=record.reason,
        )


def _with_channels(connection: sa.Connection, entry: Entry, done: ImportReport) -> ImportReport:
    """What was done of an entry, once its channels are there as well."""
    if not entry.channels:
        return done
    address = entry.record.email
    owner = store.ids_of(connection, [address])[address]
    try:
        new = adopt(connection, owner, entry.channels)
    except InvalidChannel as error:
        return done + ImportReport(faults=(LineFault(entry.line, f"channels: {error}"),))
    if new and done.unchanged:
        return replace(done, unchanged=0, updated=1)
    return done


class _Refused(Exception):
    """Rolls a strict import back."""

    def __init__(self, faults: tuple[LineFault, ...]) -> None:
        super().__init__()
        self.faults = faults


def _not_brought_back(before: Subscriber, said: Subscriber) -> Subscriber:
    if before.state not in _GONE or said.state in _GONE:
        return said
    return said._replace(
        state=before.state,
        state_reason=before.state_reason,
        paused_until=before.paused_until,
    )


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
            channels = of_subscribers(connection, [one.id for one in people])
        for one in people:
            yield write(one) | {"channels": list(map(_write_channel, channels.get(one.id, ())))}


def _write_channel(channel: SubscriberChannel) -> Mapping[str, Any]:
    return {
        "kind": channel.kind,
        "label": channel.label,
        "address": channel.address,
        "secret": channel.secret,
        "state": channel.state.value,
        "reason": channel.reason,
    }
