"""The composition root: the only place that picks implementations. It constructs, and no more.

with open_app(settings) as app:
    report = app.run()
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property, partial

from digest import memory
from digest.backtest import Backtester
from digest.bounces import Heard
from digest.channels import ConfiguredChannels
from digest.clock import Clock, fixed_clock, system_clock
from digest.config import Settings
from digest.day import Day, RunReport, Unwatched, Watcher
from digest.dispatch import Dispatch
from digest.edition import Composer
from digest.errands import Errands
from digest.explaining import Answer, explain
from digest.feedback import Feedback
from digest.groundwork import Groundwork
from digest.housekeeping import clean
from digest.hub import Hub
from digest.importing import Importer
from digest.ingest import IngestReport, ingest
from digest.letters import Draw
from digest.likeness import Likeness
from digest.matching.engine import Matcher
from digest.model import Channel, DigestId
from digest.origins import Origins
from digest.outbox import Outbox, Route, Tally
from digest.rendering.email import Rendered, render
from digest.rendering.links import MailTokens
from digest.rendering.view import view
from digest.searching import Searcher
from digest.searching.snapshot import usual_place
from digest.searching.staging import Setting
from digest.store.covering import CoveringStore
from digest.store.database import Database
from digest.store.editions import EditionStore
from digest.store.errands import ErrandStore
from digest.store.queueing import Booker
from digest.store.readers import Read
from digest.store.revisions import require_current
from digest.store.searchable import SearchableStore
from digest.store.stream import StreamStore
from digest.store.subscribers import SubscriberStore
from digest.subscriptions.channels import routes
from digest.summaries.rounds import Summaries

log = logging.getLogger(__name__)

_HUB_SECONDS = 15.0  #: that a run which is over waits for the hub


@contextmanager
def open_app(
    settings: Settings, *, clock: Clock = system_clock, stop: threading.Event | None = None
) -> Iterator[App]:
    """The application over its database, checked to have the right schema, closed at the end."""
    memory.look_seldom()
    memory.keep_large_apart()
    database = Database(settings.database.url.get_secret_value())
    try:
        require_current(database)
        yield App(settings, database, clock=clock, stop=stop)
    finally:
        database.dispose()


class App(Dispatch):
    """Everything one process needs, made when first asked for."""

    @cached_property
    def editions(self) -> EditionStore:
        return EditionStore(self.database)

    @cached_property
    def stream(self) -> StreamStore:
        return StreamStore(self.database)

    @cached_property
    def subscribers(self) -> SubscriberStore:
        return SubscriberStore(self.database)

    # --- the stories ----------------------------------------------------------------------------

    def run(
        self,
        now: datetime | None = None,
        *,
        dry_run: bool = False,
        only: str | None = None,
        watcher: Watcher | None = None,
    ) -> RunReport:
        """The whole river once, as of `now`; a dry run only says what would be composed."""
        who = self.subscriptions.subscriber(only).id if only else None
        at = self.clock() if now is None else now
        if dry_run:
            return RunReport(at, digests=self.composer(at).rehearse(at, only=who))
        clock = self.clock if now is None else fixed_clock(now)
        self.post.listen()  # who is suspended for what came back is not composed for
        with self.errands(clock) as errands:
            errands.drain()
        with self.outbox(clock) as outbox:
            day = Day(
                store=self.editions,
                ingest=lambda run_id, watching: self.ingest(clock, run_id, watching),
                composer=lambda: self.composer(at, keep=self.readers.keep, booker=outbox),
                settle=lambda: self.summaries.settle(clock),
                summarise=lambda: self.summaries.make(clock),
                drain=lambda watching, more: _watched(outbox.drain(more), watching),
                stop=self.stop,
                lull=self.post.lull,
                ahead=self.readers.count,
            )
            report = day.run(at, only=who, watcher=watcher or Unwatched())
        self.hub.finish(_HUB_SECONDS)
        self.require_no_halt()
        self.clean(min(at, self.clock()))
        return report

    def clean(self, now: datetime) -> None:
        """Forget what the retention no longer keeps."""
        gone = clean(self.database, self.settings.retention, now, stop=self.stop)
        if any(gone.values()):
            log.info("Purged: %s.", gone, extra={"action": "purged", **gone})

    def ingest(
        self, clock: Clock, run_id: int | None = None, watcher: Watcher | None = None
    ) -> IngestReport:
        """Ask every source, store what is new and lay its groundwork."""
        with self.origins.sources() as sources:
            report = ingest(
                sources,
                self.papers,
                clock=clock,
                deadline=self.settings.scheduler.source_deadline_seconds,
                lookback=timedelta(days=self.settings.digest.lookback_days),
                run_id=run_id,
                progress=(watcher or Unwatched()).source,
            )
        self.hub.announce(report.brought)
        self.groundwork.lay(clock)
        return report

    @property
    def groundwork(self) -> Groundwork:
        """What composing needs of every paper."""
        return Groundwork(self.likeness, self.summaries, self.stop)

    def composer(
        self,
        at: datetime,
        *,
        keep: Callable[[Iterable[Read]], None] = lambda written: None,
        booker: Booker | None = None,
    ) -> Composer:
        """Composes against the background of the weeks before `at`; `keep` gets what it stored."""
        return Composer(
            store=self.editions,
            papers=self.papers,
            subscribers=self.subscribers,
            matcher=self.matcher(at),
            routes=partial(routes, mail=self.settings.delivery.channel_kind()),
            keep=keep,
            booker=booker,
        )

    def preview(
        self, email: str, now: datetime | None = None, *, tokens: MailTokens | None = None
    ) -> Rendered:
        """The digest `email` would get at `now`, drawn; stores nothing. `tokens`: in its links."""
        at = now or self.clock()
        subscriber = self.subscriptions.subscriber(email)
        digest, papers = self.composer(at).preview(subscriber, at)
        seen = view(
            digest,
            subscriber.addressee,
            papers={p.id: p for p in papers} | self.papers.papers(digest.paper_ids),
            site=self.site,
            tokens=tokens or self.tokens.for_mail(subscriber.id, DigestId(0)),
        )
        return render(seen, self.templates, budget=self.settings.digest.size_budget)

    def explain(self, email: str, paper: str) -> Answer:
        """Why a paper was in somebody's digest, or why not."""
        return explain(
            self.subscriptions.subscriber(email),
            self.papers.find(paper),
            store=CoveringStore(self.database),
            papers=self.papers,
            matcher=self.matcher(self.clock()),
        )

    @cached_property
    def summaries(self) -> Summaries:
        """Makes a sentence for every paper."""
        return Summaries(self.settings.summaries, self.database, stop=self.stop)

    @property
    def feedback(self) -> Feedback:
        """Hears what subscribers say of papers, and teaches their interests."""
        return Feedback(self.database, clock=self.clock)

    @property
    def importer(self) -> Importer:
        """Makes interests from libraries of papers."""
        return Importer(self.database, self.subscriptions)

    @cached_property
    def backtester(self) -> Backtester:
        """Tries interests on the last weeks; one for the process, which keeps them ready."""
        matching = self.settings.matching
        setting = Setting(
            SearchableStore(self.database),
            self.papers,
            embedder=self.likeness.embedder,
            background_days=matching.background_days,
            daily_volume=matching.daily_volume,
        )
        return Backtester(self.searcher, setting)

    @cached_property
    def searcher(self) -> Searcher:
        """Finds stored papers; one for the process, for its index is worth keeping."""
        return Searcher(
            SearchableStore(self.database),
            self.papers,
            embedder=self.likeness.embedder,
            vectors=self.likeness.vectors,
            snapshot=usual_place(self.database.place),
        )

    @cached_property
    def hub(self) -> Hub:
        """Who tells of news in the public feeds, if there is anybody."""
        web = self.settings.web
        private = web.allow_private_addresses
        return Hub(web.websub_hub, self.site.base_url, allow_private=private)

    # --- implementations, picked by the configuration ---------------------------------------------

    @cached_property
    def origins(self) -> Origins:
        """Where papers come from."""
        return Origins(self.settings, clock=self.clock)

    def matcher(self, at: datetime) -> Matcher:
        return self.likeness.matcher(at)

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness(self.settings.matching, self.database)

    def outbox(self, clock: Clock) -> Outbox:
        """One worker on the queue; raises Halted for a database that must not send yet."""
        return self.mails(clock, *self.channels.routes(clock))

    def errands(self, clock: Clock) -> Outbox:
        """One worker on the mails that somebody at the door waits for; otherwise as `outbox`."""
        self.require_no_halt()
        store = ErrandStore(self.database, hashes=self.fingerprints)
        mails = Errands(store, self.tokens, self.site, self.templates)
        return Outbox(
            store,
            self.pager.heeding("templates of errands", mails.compose),
            [self.post.route()],
            spool=self.settings.delivery.spool / "errands",
            clock=clock,
            stop=self.stop,
        )

    def way_out(self) -> Route:
        """The route by which mail leaves."""
        return self.post.route()

    def read_bounces(self) -> Heard:
        """Read what came back, and suspend, suppress or keep accordingly."""
        return self.post.read_bounces()

    @cached_property
    def channels(self) -> ConfiguredChannels:
        """Where digests are posted besides the mail."""
        return ConfiguredChannels(
            self.settings,
            self.database,
            site=self.site,
            tokens=self.tokens,
            subscriptions=self.subscriptions,
            clock=self.clock,
            stop=self.stop,
        )

    def drawing(self, channel: Channel) -> Draw:
        return super().drawing(channel) if channel.is_mail else self.channels.draw


def _watched(tally: Tally, watcher: Watcher) -> Tally:
    watcher.sent(tally.states.total())
    return tally
