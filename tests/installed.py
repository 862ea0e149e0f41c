"""A whole installation in a folder: configuration, listings in files, subscribers, and their mail.

For tests and benchmarks that run, kill and count real processes (see `tests.drainer.Run`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from digest.clock import fixed_clock
from digest.config import load
from digest.delivery.journal import journals
from digest.store.database import Database
from digest.store.tables import DeliveryRow, DigestRow, SubscriberRow, table
from digest.wiring import open_app
from tests.drainer import Run
from tests.smtpd import Smtpd
from tests.sources.documents import json_feed

MORNING = datetime(2026, 11, 18, 7, 5, tzinfo=UTC)  #: a Wednesday, five minutes after all are due

_delivery, _digest, _subscriber = table(DeliveryRow), table(DigestRow), table(SubscriberRow)


@dataclass(frozen=True)
class Installation:
    """One database, one folder, one server that takes the mail."""

    folder: Path
    url: str
    server: Smtpd
    doubt: str = "resend"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(f"""
            [site]
            operator_email = "op@example.org"
            secret_keys = ["a secret that is long enough for this"]
            [database]
            url = "{self.url}"
            [[sources]]
            kind = "feed"
            name = "lab"
            path = "listings"
            [matching]
            embedder = "lexical"
            [delivery]
            channel = "smtp"
            in_doubt = "{self.doubt}"
            [delivery.smtp]
            host = "127.0.0.1"
            port = {self.server.port}
            security = "none"
            """)

    def announce(self, day: datetime, count: int = 40) -> None:
        """Listings that a run on `day` will find."""
        items = [
            {
                "id": f"https://lab.example/{day:%Y%m%d}/{n}",
                "url": f"https://lab.example/{day:%Y%m%d}/{n}",
                "title": f"Lantern {n} of {day:%d %B}",
                "content_text": "How far a lantern shines in fog. " * 9,
                "date_published": (day - timedelta(hours=2)).isoformat(),
            }
            for n in range(count)
        ]
        folder = self.folder / "listings"
        folder.mkdir(exist_ok=True)
        (folder / f"{day:%Y%m%d}.json").write_bytes(json_feed(*items))

    def subscribe(self, count: int, before: datetime = MORNING) -> None:
        with open_app(load(self.config), clock=fixed_clock(before - timedelta(hours=6))) as app:
            for n in range(1, count + 1):
                interests = [{"name": "Lanterns", "query": "lantern"}]
                app.subscriptions.add(
                    {
                        "email": f"reader{n}@example.org",
                        "cadence": "daily",
                        "hour": 7,
                        "interests": interests,
                    }
                )

    def run(self, now: datetime) -> Run:
        return Run(str(self.config), now.isoformat())

    def copies(self) -> Counter[str]:
        """How often each message was accepted, by recipient and Message-ID."""
        with self.server.lock:
            return Counter(
                f"{one.recipient} {_message_id(one.data)}" for one in self.server.accepted
            )

    def missing(self, digests: int) -> int:
        """How many of `digests` for each subscriber nobody accepted."""
        found = Counter(pair.split(" ")[0] for pair in self.copies())
        return sum(max(0, digests - found[email]) for (email,) in self._rows(_subscriber.c.email))

    def states(self) -> Counter[str]:
        return Counter(state for (state,) in self._rows(_delivery.c.state))

    def in_doubt(self) -> int:
        """Deliveries whose answer to end-of-data was lost."""
        return sum(row.doubts > 0 for row in self._rows(_delivery.c.doubts))

    def digests(self) -> Counter[tuple[int, str]]:
        """How many digests there are, by subscriber and local date."""
        rows = self._rows(_digest.c.subscriber_id, _digest.c.local_date)
        return Counter((row.subscriber_id, row.local_date.isoformat()) for row in rows)

    def leftovers(self) -> list[Path]:
        return journals(self.folder / "spool")

    def _rows(self, *columns: sa.Column[Any]) -> Sequence[sa.Row[Any]]:
        database = Database(self.url)
        try:
            with database.read() as connection:
                return connection.execute(sa.select(*columns)).all()
        finally:
            database.dispose()


def _message_id(data: bytes) -> str:
    found = message_from_bytes(data)["Message-ID"]
    return str(found)
