"""What the operator's pages need of the rest of the program; made by `digest.web.desk.opening`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from digest.alerts import Alert
from digest.explaining import Answer
from digest.model import Fetched, Outcome
from digest.operators import Accounts
from digest.rendering.email import Rendered
from digest.store.bounces import BounceStore
from digest.store.database import Database
from digest.store.days import DayStore
from digest.store.health import HealthStore
from digest.store.people import Directory
from digest.store.routes import RouteStore
from digest.store.suppressions import Suppression


@dataclass(frozen=True, slots=True)
class Configured:
    """One source of the configuration; `reads` is where from, in short."""

    name: str
    kind: str
    reads: str
    enabled: bool
    every_minutes: int


@dataclass(frozen=True, slots=True)
class DeskRooms:
    """Stores to look into, and the stories behind the buttons.

    `database` is for the reads that are functions (`digest.store.deliveries` and its like).
    """

    accounts: Accounts
    database: Database
    health: HealthStore
    days: DayStore
    directory: Directory
    bounces: BounceStore
    routes: RouteStore
    sources: tuple[Configured, ...]
    alerts: Callable[[datetime], list[Alert]]
    next_asks: Callable[[datetime], Mapping[str, datetime]]
    ask: Callable[[str], Fetched]  #: one source, now; nothing is stored
    suppression: Callable[[str], Suppression | None]  #: what keeps an address from being written to
    explain: Callable[[str, str], Answer]
    preview: Callable[[str], Rendered]
    send_trial: Callable[[str], Outcome]
    channel: str  #: by which mail leaves
