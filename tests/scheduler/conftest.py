"""One installation for the scheduler's tests: a real store, a feed on the disk, mails as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from digest.config import Settings
from digest.model import Listing, Subscriber, Verdict
from digest.scheduler.rounds import Rounds
from digest.scheduler.worker import Work, Worker
from digest.store.database import Database
from digest.store.leases import new_holder
from digest.store.papers import Fetch, SourceMemory
from digest.wiring import App
from tests.fakes import FrozenClock

KEY = "a-key-that-is-long-enough-to-sign-with"
ENTRY = """<item><title>Lanterns in fog, part {0}</title><link>https://lamps.example.org/{0}</link>
<guid>https://lamps.example.org/{0}</guid><description>How far a lantern shines.</description>
</item>"""
FEED = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>
<title>Lamp Letters</title><link>https://lamps.example.org/</link>{}</channel></rss>"""


@dataclass
class House:
    """An application on a clock that obeys, and what a test does to it."""

    app: App
    clock: FrozenClock
    folder: Path
    number: int = 0
    worker: Worker = field(init=False)
    rounds: Rounds = field(init=False)

    def __post_init__(self) -> None:
        work = Work.digests(self.app)
        self.worker = Worker(work, clock=self.clock, stop=self.app.stop)
        self.rounds = Rounds(self.app)

    def publish(self, count: int = 1) -> None:
        """Papers nobody has seen yet, in place of those before."""
        first, self.number = self.number, self.number + count
        entries = (ENTRY.format(n) for n in range(first, self.number))
        (self.folder / "feed.xml").write_text(FEED.format("".join(entries)), "utf-8")

    def subscribe(self, name: str = "ada", **record: Any) -> Subscriber:
        usual: dict[str, Any] = {
            "email": f"{name}@example.org",
            "cadence": "daily",
            "hour": 7,
            "interests": [{"name": "Lanterns", "query": "lantern"}],
        }
        return self.app.subscriptions.add(usual | record)

    def tick(self) -> None:
        """What the alarm would ring for, in turn."""
        self.rounds.read()
        self.rounds.compose()
        self.worker.turn()

    def answer(self, source: str, verdict: Verdict, *listings: Listing) -> None:
        """Remember that a source answered just now."""
        lease = self.app.papers.lease(new_holder())
        assert lease.acquire()
        fetch = Fetch(source, "arxiv", self.clock(), verdict, SourceMemory())
        self.app.papers.remember(fetch, listings, lease)
        lease.release()

    def notes(self) -> dict[str, Verdict]:
        """What the newest digest says of its sources."""
        row = self.rows("digest")[-1]
        [digest] = self.app.editions.digests([row.id]).values()
        return {note.source: note.verdict for note in digest.notes}

    def rows(self, table: str) -> list[Any]:
        wanted = SQLModel.metadata.tables[table]
        with self.app.database.read() as connection:
            ordered = sa.select(wanted).order_by(*wanted.primary_key.columns)
            return list(connection.execute(ordered).all())

    def mails(self) -> list[Path]:
        return sorted((self.folder / "mail").rglob("*.eml"))

    def dates(self) -> list[str]:
        """The local dates of the digests, in the order of their making."""
        return [row.local_date.isoformat() for row in self.rows("digest")]


def make_settings(folder: Path, url: str, **fields: Any) -> Settings:
    source = {"kind": "feed", "name": "Lamps", "path": str(folder / "feed.xml")}
    usual: dict[str, Any] = {
        "site": {"operator_email": "ops@example.org", "secret_keys": [KEY]},
        "database": {"url": url},
        "sources": [source],
        "matching": {"embedder": "lexical"},
        "delivery": {
            "spool": str(folder / "spool"),
            "mailbox": {"path": str(folder / "mail")},
        },
    }
    return Settings(**usual | fields)


@pytest.fixture
def house(database_url: str, tmp_path: Path, clock: FrozenClock) -> Iterator[House]:
    """On SQLite and on PostgreSQL."""
    yield from opened(database_url, tmp_path, clock)


@pytest.fixture
def small_house(sqlite_url: str, tmp_path: Path, clock: FrozenClock) -> Iterator[House]:
    """On SQLite."""
    yield from opened(sqlite_url, tmp_path, clock)


def opened(url: str, folder: Path, clock: FrozenClock, **fields: Any) -> Iterator[House]:
    database = Database(url)
    house = House(App(make_settings(folder, url, **fields), database, clock=clock), clock, folder)
    house.publish()
    yield house
    database.dispose()
