"""Keeping house: everything that the retention, or the end of its time, lets go.

Called by the scheduler, at the end of a one-shot run, and by `digest purge`. It can be killed at
any instant and run again; what is forgotten costs no guarantee (see `store.purging`).
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

from digest.config.sections import RetentionSection
from digest.store import errands
from digest.store.budgets import BudgetStore
from digest.store.database import Database
from digest.store.interests import note_all
from digest.store.purging import Keep, count, purge
from digest.store.suppressions import count_expired, forget_expired

ERRANDS_KEPT: Final = timedelta(days=7)  #: after their time is over


def clean(
    database: Database,
    retention: RetentionSection,
    now: datetime,
    *,
    stop: threading.Event | None = None,
) -> dict[str, int]:
    """Forget it, and note down what is missing; how many rows of each kind went."""
    gone = purge(database, keep(retention), now, stop=stop)
    gone["errands"] = errands.purge(database, now - ERRANDS_KEPT)
    gone["suppressions"] = forget_expired(database, now)
    gone["budgets"] = BudgetStore(database).purge()
    note_all(database)
    return gone


def rehearse(database: Database, retention: RetentionSection, now: datetime) -> dict[str, int]:
    """What `clean` would forget, as far as one look can tell."""
    would = count(database, keep(retention), now)
    return would | {"suppressions": count_expired(database, now)}


def keep(retention: RetentionSection) -> Keep:
    return Keep(**retention.model_dump())
