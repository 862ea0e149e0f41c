"""Readers, on both engines: a stored digest with what its letter says of whom it is for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from digest.model import Cadence, DigestId, Schedule
from digest.store.bulk import update
from digest.store.database import Database
from digest.store.documents import Written
from digest.store.readers import ReaderStore
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
        text, owner = [Written().text(digest)], [reader.id]
        told: dict[str, list[Any]] = {"document": text, "subscriber_id": owner}
        update(connection, table(DigestRow), told, of=[digest.id])

    found = ReaderStore(database).read([digest.id, DigestId(7)])

    assert found == {digest.id: (digest, reader.addressee)}
    assert reader.addressee.interests == 2
