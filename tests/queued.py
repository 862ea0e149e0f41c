"""Rows for tests of the outbox: subscribers, each with a digest and a delivery in the queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from digest.model import Channel, Delivery, DeliveryState, Message
from digest.store.database import Database
from digest.store.tables import DeliveryRow, DigestRow, SubscriberRow, table
from tests.delivery.letters import letter
from tests.fakes import START

_subscriber, _digest, _delivery = table(SubscriberRow), table(DigestRow), table(DeliveryRow)


def fill(database: Database, count: int, *, first: int = 1, **fields: Any) -> None:
    """Queue deliveries `first`…; ids of subscriber, digest and delivery are the same number.

    `fields` are for the delivery; `subscriber_state` for its subscriber.
    """
    state = fields.pop("subscriber_state", "active")
    numbers = range(first, first + count)
    with database.write() as connection:
        connection.execute(sa.insert(_subscriber), [_subscriber_row(n, state) for n in numbers])
        connection.execute(sa.insert(_digest), [_digest_row(n) for n in numbers])
        connection.execute(sa.insert(_delivery), [_delivery_row(n) | fields for n in numbers])


def states(database: Database) -> dict[int, str]:
    """Every delivery's state."""
    with database.read() as connection:
        rows = connection.execute(sa.select(_delivery.c.id, _delivery.c.state))
        return {row.id: row.state for row in rows}


def row(database: Database, number: int) -> Mapping[str, Any]:
    """One delivery's columns."""
    with database.read() as connection:
        statement = sa.select(_delivery).where(_delivery.c.id == number)
        return dict(connection.execute(statement).mappings().one())


def change(database: Database, number: int, **fields: Any) -> None:
    with database.write() as connection:
        connection.execute(sa.update(_delivery).where(_delivery.c.id == number).values(**fields))


def write_letter(delivery: Delivery) -> Message:
    """The message of a delivery, the same at every try."""
    return letter(delivery.id, address=delivery.address, channel=delivery.channel)


def _subscriber_row(number: int, state: str) -> dict[str, Any]:
    return {
        "id": number,
        "email": f"reader{number}@example.org",
        "state": state,
        "cadence": "daily",
        "created_at": START - timedelta(days=30),
    }


def _digest_row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "subscriber_id": number,
        "local_date": date(2026, 11, 20),
        "composed_at": START,
        "fetch_after": 0,
        "fetch_upto": 1,
        "papers": 1,
        "document": {},
    }


def _delivery_row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "digest_id": number,
        "subscriber_id": number,
        "channel": Channel.SMTP.value,
        "address": f"reader{number}@example.org",
        "state": DeliveryState.QUEUED.value,
        "created_at": START,
        "next_attempt_at": START,
    }
