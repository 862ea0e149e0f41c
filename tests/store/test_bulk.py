"""Rows by the hundred: every row arrives whole and in order, however many go into a statement."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.errors import StoreError
from digest.store import bulk
from digest.store.database import Database
from tests import queued
from tests.fakes import START

_sent = SQLModel.metadata.tables["sent"]
_subscriber = SQLModel.metadata.tables["subscriber"]
_delivery = SQLModel.metadata.tables["delivery"]


def sent(count: int) -> dict[str, list[Any]]:
    numbers = list(range(1, count + 1))
    return {
        "subscriber_id": [1] * count,
        "fetch_upto": [number % 3 for number in numbers],
        "digest_id": numbers,
        "papers": [f"{number},{7 * number}" for number in numbers],
    }


def store(database: Database, wanted: dict[str, list[Any]]) -> None:
    with database.write() as connection:
        bulk.insert(connection, _sent, wanted)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_rows_are_whole_below_at_and_above_what_a_statement_holds(
    database: Database, count: int
) -> None:
    queued.fill(database, 1)
    wanted = sent(count)
    store(database, wanted)
    with database.read() as connection:
        rows = connection.execute(sa.select(_sent).order_by(_sent.c.digest_id)).all()
    assert rows == list(zip(*wanted.values(), strict=True))


@pytest.mark.parametrize("count", [1, 66, 67, 134, 250])
def test_what_is_alike_in_all_rows_is_told_once(database: Database, count: int) -> None:
    """However many go into a statement, and NULL as well."""
    queued.fill(database, 1)
    with database.write() as connection:
        held = connection.execute(sa.select(_delivery)).mappings().one()
        own: dict[str, list[Any]] = {
            "address": [f"r{n}@example.org" for n in range(count)],
            "id": list(range(2, count + 2)),
            "digest_id": [held["digest_id"]] * count,
        }
        alike: dict[str, Any] = {
            "channel": "smtp",
            "state": "queued",
            "claimed_by": None,
            "claims": 7,
        }
        alike["subscriber_id"] = held["subscriber_id"]
        times = ("created_at", "next_attempt_at")
        alike |= {name: bulk.stored(connection, held[name]) for name in times}
        bulk.insert(connection, _delivery, own, alike=alike)
    with database.read() as connection:
        stored = connection.execute(sa.select(_delivery).order_by(_delivery.c.id)).mappings().all()
    new = stored[1:]
    assert [(one["id"], one["address"]) for one in new] == list(
        zip(own["id"], own["address"], strict=True)
    )
    assert {(one["claims"], one["claimed_by"], one["created_at"]) for one in new} == {
        (7, None, held["created_at"])
    }


def test_rows_that_are_alike_are_found_together() -> None:
    columns = {"number": [1, 2, 3, 4], "letter": "wxyz"}
    assert list(bulk.parts("abac", columns)) == [
        ("a", {"number": [1, 3], "letter": ["w", "y"]}),
        ("b", {"number": [2], "letter": ["x"]}),
        ("c", {"number": [4], "letter": ["z"]}),
    ]
    assert list(bulk.parts("aaaa", columns)) == [("a", columns)]
    assert list(bulk.parts("", {"number": []})) == []


def test_columns_that_are_not_told_have_their_default(database: Database) -> None:
    queued.fill(database, 1)
    with database.write() as connection:
        held = connection.execute(sa.select(_delivery)).mappings().one()
        told = ("digest_id", "subscriber_id", "state", "created_at", "next_attempt_at")
        row: dict[str, list[object]] = {name: [held[name]] * 120 for name in told}
        row |= {"id": list(range(2, 122))}
        row |= {name: [bulk.stored(connection, held[name])] * 120 for name in told[3:]}
        row |= {"channel": ["smtp"] * 120, "address": [f"r{n}@example.org" for n in range(120)]}
        bulk.insert(connection, _delivery, row)
    with database.read() as connection:
        stored = connection.execute(sa.select(_delivery).order_by(_delivery.c.id)).mappings().all()
    assert [one["address"] for one in stored[1:]] == row["address"]
    assert {(one["attempts"], one["claims"], one["reply"]) for one in stored[1:]} == {(0, 0, "")}
    assert {one["created_at"] for one in stored[1:]} == {held["created_at"]}


def test_one_bad_row_and_none_of_them_is_stored(database: Database) -> None:
    queued.fill(database, 1)
    wanted = sent(150)
    wanted["digest_id"][140], wanted["fetch_upto"][140] = 3, 0
    with pytest.raises(StoreError, match="a rule of its own"):
        store(database, wanted)
    with database.read() as connection:
        assert connection.execute(sa.select(_sent.c.papers)).all() == []


@pytest.mark.parametrize("count", [0, 1, 150, 301])
def test_changes_go_to_the_rows_they_are_of_and_to_no_other(database: Database, count: int) -> None:
    queued.fill(database, 310)
    due = [START + timedelta(minutes=number) for number in range(count)]
    with database.write() as connection:
        stored = [bulk.stored(connection, at) for at in due]
        ids = list(range(count, 0, -1))
        wanted: dict[str, list[Any]] = {"next_due_at": stored, "seen_upto": list(range(count))}
        bulk.update(connection, _subscriber, wanted, of=ids)
    with database.read() as connection:
        statement = sa.select(_subscriber.c.id, _subscriber.c.next_due_at, _subscriber.c.seen_upto)
        rows = {row.id: row for row in connection.execute(statement)}
    assert [rows[id_].next_due_at for id_ in ids] == due
    assert [rows[id_].seen_upto for id_ in ids] == list(range(count))
    assert {rows[id_].seen_upto for id_ in range(count + 1, 311)} == {None}
