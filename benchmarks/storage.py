"""What one subscriber-day costs in the database: bytes a row, measured on PostgreSQL and SQLite.

    python -m benchmarks.storage [rows]

Rows are as composing and sending leave them: a digest of 15 papers, its row of `sent`, one
delivery. Printed are bytes a row with indexes, and bytes a subscriber and day;
docs/why/scaling.md is worked out from them.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from digest.model import Field as PaperField
from digest.model import Hit, Item, PaperId, Reasons, Section
from digest.store.database import Database
from digest.store.documents import Written
from digest.store.packing import Packing
from digest.store.schema import migrate
from digest.store.sent_tables import SentRow
from digest.store.tables import (
    DeliveryRow,
    DigestRow,
    FetchRow,
    PaperRow,
    SubscriberRow,
    table,
)
from tests import builders, postgres
from tests.fakes import START

PAPERS = 15
TABLES = (SubscriberRow, DigestRow, SentRow, DeliveryRow)


def document(*, shared: bool) -> dict[str, Any]:
    """A digest as it is stored: of interests that others have as well, or of one's own."""
    hits = (Hit(PaperField.TITLE, 0, 8, "lantern*"), Hit(PaperField.ABSTRACT, 40, 48, "lantern*"))
    items = tuple(
        Item(PaperId(number), 0.83, Reasons(hits=hits, percentile=0.012))
        for number in range(1, PAPERS + 1)
    )
    digest = builders.digest(sections=(Section(None, "Lanterns", items),))
    versions = dict.fromkeys(digest.paper_ids, 1)
    pages = Written().pages([digest] * 2, [versions] * 2, itertools.count(1_000_000))
    alone, named = pages.documents
    stored: dict[str, Any] = json.loads(named if shared else alone)
    return stored


def fill(database: Database, count: int, *, shared: bool) -> None:
    stored = document(shared=shared)
    with database.write() as connection:
        connection.execute(sa.insert(table(FetchRow)), [_fetch()])
        connection.execute(sa.insert(table(PaperRow)), [_paper(n) for n in range(1, PAPERS + 1)])
    for start in range(1, count + 1, 2000):
        numbers = range(start, min(start + 2000, count + 1))
        with database.write() as connection:
            connection.execute(sa.insert(table(SubscriberRow)), [_subscriber(n) for n in numbers])
            connection.execute(sa.insert(table(DigestRow)), [_digest(n, stored) for n in numbers])
            connection.execute(sa.insert(table(SentRow)), [_sent(n) for n in numbers])
            connection.execute(sa.insert(table(DeliveryRow)), [_delivery(n) for n in numbers])


def _fetch() -> dict[str, Any]:
    return {"id": 1, "source": "arxiv", "at": START, "verdict": "fresh"}


def _paper(number: int) -> dict[str, Any]:
    title = f"Paper {number}"
    return {
        "id": number,
        "key": f"arxiv:{builders.arxiv_id(number)}",
        "title": title,
        "title_key": title.lower(),
        "authors": [],
        "categories": [],
        "announced_on": START.date(),
        "fetch_id": 1,
    }


def _subscriber(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"reader{number}@example.org",
        "state": "active",
        "cadence": "weekdays",
        "created_at": START,
        "next_due_at": START,
        "muted_authors": [],
        "muted_words": [],
    }


def _digest(number: int, stored: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "subscriber_id": number,
        "local_date": START.date(),
        "composed_at": START,
        "fetch_after": 0,
        "fetch_upto": 1,
        "papers": PAPERS,
        "document": stored,
    }


def _sent(number: int) -> dict[str, Any]:
    papers = [PaperId(100_000 + place) for place in range(PAPERS)]
    packed = Packing(dict.fromkeys(papers, 1)).pack(papers)
    return {"subscriber_id": number, "fetch_upto": 1, "digest_id": number, "papers": packed}


def _delivery(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "digest_id": number,
        "subscriber_id": number,
        "channel": "smtp",
        "address": f"reader{number}@example.org",
        "state": "delivered",
        "created_at": START,
        "attempts": 1,
        "next_attempt_at": START,
        "expires_at": START + timedelta(days=3),
        "settled_at": START,
        "code": 250,
        "reply": "2.0.0 Ok: queued as 4F2Kz81bXz",
    }


@contextmanager
def databases() -> Iterator[list[tuple[str, Database]]]:
    with TemporaryDirectory() as folder, postgres.running() as server:
        url = server.lend()
        both = [
            ("SQLite", Database(f"sqlite:///{Path(folder) / 'storage.db'}")),
            ("PostgreSQL", Database(url)),
        ]
        for _name, database in both:
            migrate(database)
        try:
            yield both
        finally:
            for _name, database in both:
                database.dispose()
            server.give_back(url)


def sizes(database: Database) -> dict[str, int]:
    """Bytes of each table with its indexes."""
    names = [str(row.__tablename__) for row in TABLES]
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            return {
                name: connection.execute(
                    sa.select(sa.func.pg_total_relation_size(f'"{name}"'))
                ).scalar_one()
                for name in names
            }
        query = sa.text(
            "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m"
            " ON m.name = s.name GROUP BY m.tbl_name"
        )
        found = {name: size for name, size in connection.execute(query)}
    return {name: int(found[name]) for name in names}


def main(count: int) -> None:
    for shared in (True, False):
        whose = "shared by many" if shared else "of their own"
        with databases() as both:
            print(f"{count} subscribers, one digest of {PAPERS} papers each, interests {whose}")
            for name, database in both:
                fill(database, count, shared=shared)
                found = {table_: size / count for table_, size in sizes(database).items()}
                daily = sum(found.values()) - found["subscriber"]
                told = ", ".join(f"{table_} {size:,.0f}" for table_, size in found.items())
                print(f"{name:<11} bytes a subscriber: {told}; a further day: {daily:,.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
