"""Dispatch: the sending half of an installation, from queued deliveries to accepted mail.

    deliveries | letters | joined | out by the post

All that sending mail needs, made when first asked for; `digest.wiring.App` is a Dispatch with
everything else. It constructs and adapts; guarantee 2 is the outbox's.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import cached_property

from digest.branding import brand_of
from digest.clock import Clock, system_clock
from digest.config import Settings
from digest.errors import TemplateFault
from digest.letters import Draw, Letters
from digest.model import Channel, Message, Site
from digest.outbox import Outbox, Route, Unrenderable
from digest.pager import Pager
from digest.post import Post
from digest.rendering.brand import Brand
from digest.rendering.environment import Templates
from digest.rendering.message import Letter
from digest.rendering.wire import Joiner
from digest.store import waterline
from digest.store.database import Database
from digest.store.outbox import OutboxStore
from digest.store.papers import PaperStore
from digest.store.readers import ReaderStore
from digest.subscriptions.addresses import fingerprints
from digest.subscriptions.register import Subscriptions, Usual
from digest.summaries.rounds import makers
from digest.tokens import Tokens

log = logging.getLogger(__name__)


class Dispatch:
    """What sending mail needs."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        clock: Clock = system_clock,
        stop: threading.Event | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.stop = stop or threading.Event()
        self.site: Site = settings.as_site()
        self.tokens = Tokens(settings.signing_keys())
        self.papers = PaperStore(database, makers=makers(settings.summaries))
        self.subscriptions = Subscriptions(
            database,
            keys=settings.signing_keys(),
            usual=Usual.of(settings),
            clock=clock,
        )

    @cached_property
    def templates(self) -> Templates:
        return Templates(self.settings.site.templates, brand=self.brand)

    @cached_property
    def brand(self) -> Brand:
        return brand_of(self.settings)

    @cached_property
    def joiner(self) -> Joiner:
        """Composes this installation's mails; slowly where its own templates cannot be joined.

        Raises TemplateFault where they cannot even be drawn.
        """
        joiner = Joiner(self.site, self.templates, budget=self.settings.digest.size_budget)
        if joiner.plain_because:
            log.warning(
                "Mails take longer to compose: %s.",
                joiner.plain_because,
                extra={"action": "composed_plainly"},
            )
        return joiner

    @cached_property
    def readers(self) -> ReaderStore:
        return ReaderStore(self.database)

    @cached_property
    def post(self) -> Post:
        """The accounts mail leaves by, and what hears of what comes back."""
        return Post(
            self.settings,
            self.database,
            tokens=self.tokens,
            subscriptions=self.subscriptions,
            clock=self.clock,
            stop=self.stop,
            tell=self.pager.tell,
        )

    @cached_property
    def pager(self) -> Pager:
        """How the operator is told."""
        is_mailed = self.settings.monitoring.alerts
        return Pager(self.database, clock=self.clock, is_mailed=is_mailed)

    def mails(self, clock: Clock, *others: Route) -> Outbox:
        """One worker on the queue; raises Halted for a database that must not send yet."""
        self.require_no_halt()
        letters = Letters(
            readers=self.readers,
            papers=self.papers,
            tokens=self.tokens,
            drawing=self.drawing,
            verp=self.post.verp,
        )
        return Outbox(
            self.post.queue(OutboxStore(self.database, hashes=self.fingerprints)),
            self.pager.heeding("templates", letters.compose),
            [self.post.route(), *others],
            spool=self.settings.delivery.spool,
            clock=clock,
            stop=self.stop,
        )

    def drawing(self, channel: Channel) -> Draw:
        """What makes the mail of one delivery, or tells why there is none."""
        join = self.joiner.join

        def draw(letter: Letter) -> Message | Unrenderable:
            try:
                return join(letter, channel=channel)
            except TemplateFault as fault:  # in what this mail alone has: the others go on
                return Unrenderable(letter.delivery_id, str(fault), is_final=False)

        return draw

    def require_no_halt(self) -> None:
        waterline.check(self.database, self.settings.delivery.spool, self.clock())

    def fingerprints(self, address: str) -> Sequence[str]:
        """`address` as the suppression list may know it."""
        return fingerprints(address, self.settings.signing_keys())
