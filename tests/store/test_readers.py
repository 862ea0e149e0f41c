"""Readers, on both engines: a stored digest with what its letter says of whom it is for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from digest.model import Cadence, DigestId, Schedule
from digest.store.bulk import update
from digest.store.database import Database
from digest.store.documents import Written
from digest.store.readers import Read, ReaderStore
from digest.store.subscribers import insert
from digest.store.tables import DigestRow, table
from tests import builders, queued
from tests.fakes import START


def test_a_digest_comes_with_its_addressee(database: Database) -> None:
    schedule = Schedule("Asia/Tokyo", Cadence.WEEKLY, 21, 30, weekday=4, monthday=9)
    resting = builders.interest(3, name="Three", paused=True)
    reader = builders.subscriber(
        1,
        name="Ada Ø",
        language="ja",
        style="titles",
        schedule=schedule,
        created_at=START - timedelta(days=3, microseconds=1),
        interests=(builders.interest(1, name="One"), builders.interest(2, name="Two"), resting),
    )
    digest = builders.digest(5, left_out=3)
    with database.write() as connection:
        insert(connection, [reader])
    queued.fill(database, 1, first=5)
    with database.write() as connection:
        versions = dict.fromkeys(digest.paper_ids, 1)
        texts = Written().pages([digest], [versions], iter(())).documents
        told: dict[str, list[Any]] = {"document": texts, "subscriber_id": [reader.id]}
        update(connection, table(DigestRow), told, of=[digest.id])

    found = ReaderStore(database).read([digest.id, DigestId(7)])

    assert found == {digest.id: (digest, reader.addressee)}
    assert reader.addressee.interests == 2


def test_what_was_just_written_is_read_once_from_memory(sqlite_database: Database) -> None:
    store = ReaderStore(sqlite_database)
    written = Read(builders.digest(5), builders.subscriber(1).addressee)
    store.keep([written])
    assert store.read([DigestId(5), DigestId(7)]) == {DigestId(5): written}
    assert store.read([DigestId(5)]) == {}  # nobody has stored it


def test_only_so_much_is_kept_in_memory(sqlite_database: Database) -> None:
    store, reader = ReaderStore(sqlite_database), builders.subscriber(1).addressee
    for first in range(0, 20_000, 1_000):
        store.keep(Read(builders.digest(n), reader) for n in range(first, first + 1_000))
    kept = store.read([DigestId(n) for n in range(20_000)])
    assert list(kept) == list(range(12_000, 20_000))
