"""What the pages need of the rest of the program, and the one seam they ask through.

`Rooms` is made by the composition root and handed to `create_app`; nothing in this room constructs
a store or writes a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from digest.access import Access
from digest.backtest import Backtester
from digest.bounces import Webhooks
from digest.channels import ConfiguredChannels
from digest.clock import Clock
from digest.feedback import Feedback
from digest.model import Site
from digest.operations import Operations
from digest.rendering.brand import PLAIN, Brand
from digest.rendering.environment import Templates
from digest.searching import Searcher
from digest.store.archive import ArchiveStore
from digest.store.editions import EditionStore
from digest.store.papers import PaperStore
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions
from digest.subscriptions.changing import Changing
from digest.subscriptions.joining import Joining
from digest.tokens import Tokens
from digest.web.desk.rooms import DeskRooms


class Limits(Protocol):
    """Counts attempts across processes; zero when this one is allowed, else how long to wait."""

    def wait(self, key: str, *, most: int, within: timedelta, now: datetime) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class ApiRates:
    """How often programs may ask: without a token a client, with one the token."""

    reads_per_minute: int = 120
    token_reads_per_minute: int = 600
    token_writes_per_minute: int = 120


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything the pages read, and the stories they hand a reader's wish to.

    `languages`: what the frame is offered in, the usual one first. `hub`: the WebSub hub that
    the public feeds name. `overrides`: the operator's own
    templates and `web/static` files. `trusted_proxies`: networks whose X-Forwarded-For is believed.
    """

    site: Site
    papers: PaperStore
    archive: ArchiveStore
    editions: EditionStore
    subscribers: SubscriberStore
    subscriptions: Subscriptions
    templates: Templates
    tokens: Tokens
    clock: Clock
    search: Searcher
    limits: Limits
    joining: Joining
    changing: Changing
    feedback: Feedback
    backtester: Backtester
    channels: ConfiguredChannels
    webhooks: Webhooks
    access: Access
    operations: Operations
    api: ApiRates = ApiRates()
    hub: str = ""
    desk: DeskRooms | None = None  #: the operator's pages; none where they are not served
    languages: tuple[str, ...] = ("en",)
    overrides: Path | None = None
    brand: Brand = PLAIN
    trusted_proxies: tuple[str, ...] = ()
