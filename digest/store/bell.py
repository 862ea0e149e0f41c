"""The bell: workers on other hosts hear at once that something was queued (PostgreSQL's NOTIFY).

    ring(connection)          in the transaction that queues; heard when, and only if, it commits
    listening.Listener(…)     a thread that pokes whoever waits

It saves looking and nothing rests on it: who hears nothing looks every few seconds all the same.
SQLite has no bell; there the workers are in this process, or they look.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

NAME: Final = "digest_queued"


def ring(connection: sa.Connection) -> None:
    """Tell every listener, once this transaction commits, that deliveries were queued."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {NAME}")
