"""What the pages need of the rest of the program, and the seams they ask through.

`Rooms` is made by the composition root and handed to `create_app`; nothing in this room constructs
a store or writes a row. A protocol here is owned by the pages: whoever answers has these shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from digest.clock import Clock
from digest.model import Paper, Reasons, Site
from digest.rendering.environment import Templates
from digest.store.archive import ArchiveStore
from digest.store.editions import EditionStore
from digest.store.papers import PaperStore
from digest.store.subscribers import SubscriberStore
from digest.subscriptions import Subscriptions
from digest.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Question:
    """What someone looks for: words or a sentence, and what it is narrowed to."""

    text: str
    since: date | None = None
    until: date | None = None
    source: str | None = None
    category: str | None = None


class Result(Protocol):
    """One paper found, with the reasons that a digest would give."""

    @property
    def paper(self) -> Paper: ...
    @property
    def score(self) -> float: ...
    @property
    def reasons(self) -> Reasons: ...


class Results(Protocol):
    """One page of what was found, best first; `total` is how much there is in all."""

    @property
    def found(self) -> Sequence[Result]: ...
    @property
    def total(self) -> int: ...


class Search(Protocol):
    """Finds papers by keywords and by meaning; raises QuerySyntaxError for what cannot be read."""

    def search(
        self,
        text: str,
        *,
        since: date | None,
        until: date | None,
        source: str | None,
        category: str | None,
        limit: int,
        offset: int,
    ) -> Results: ...


class Similar(Protocol):
    """Finds papers like a paper, nearest first, never itself."""

    def similar(self, paper: Paper, *, limit: int) -> Sequence[Paper]: ...


class Limits(Protocol):
    """Counts attempts across processes; zero when this one is allowed, else how long to wait."""

    def wait(self, key: str, *, most: int, within: timedelta, now: datetime) -> timedelta: ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything the pages read, and the stories they hand a reader's wish to.

    `languages`: what the frame is offered in, the usual one first. `overrides`: the operator's own
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
    search: Search
    similar: Similar
    limits: Limits
    languages: tuple[str, ...] = ("en",)
    overrides: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
