"""What the alarm rings for: each method asks what is due, does it, and says when to ring again.

    read      ask the sources whose time has come, and sum up what is new
    summarise the summaries that could not be made then
    compose   make the digests that are due, but for those that wait for an announcement
    clean     forget what the retention no longer keeps
    bounces   read what came back

A round holds no policy (see `digest.rhythm`, `digest.store.purging`) and keeps nothing that
matters between two calls. Whoever was away (a restart, a suspended machine) reads before it
composes, else the digest of the gap would be empty. Two of them on one database do no harm: ingest
has its lease, composing locks whom it composes for (guarantee 2).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from digest import memory
from digest.day import RunReport
from digest.edition import Composed
from digest.ingest import IngestReport, ingest
from digest.metrics import timed
from digest.notices import tell_channel_owners, tell_operator
from digest.rhythm.asking import is_behind
from digest.rhythm.sources import Rhythms
from digest.rhythm.waiting import due_by, late
from digest.sources.base import Source
from digest.store import waterline
from digest.store.health import HealthStore
from digest.wiring import App

log = logging.getLogger(__name__)

HELD_AGAIN: Final = timedelta(minutes=1)  #: between looks at what waits for an announcement
ERRANDS_KEPT: Final = timedelta(days=7)  #: after their time is over
READ_AGAIN: Final = timedelta(seconds=5)  #: between looks whether the sources are read
GRACE: Final = 60.0  #: seconds beyond the sources' deadline
CLEAN_EVERY: Final = timedelta(hours=6)

Rouse = Callable[[], None]


@dataclass(slots=True)
class Rounds:
    """The scheduler's jobs over one application. `posted` is called when deliveries were queued."""

    app: App
    fetched: Rouse = lambda: None
    posted: Rouse = lambda: None
    _behind_since: float | None = None  #: steady time

    # --- reading the sources --------------------------------------------------------------------

    def read(self) -> datetime | None:
        """Ask the sources whose time has come; returns the next source's time."""
        now = self.app.clock()
        times = self._rhythms.next_asks(now)
        if wanted := {name for name, at in times.items() if at <= now}:
            with timed("read"):
                self._read(now, wanted)
                self.app.groundwork.lay(self.app.clock)
            self.summarise()
            self.fetched()
        return min(self._rhythms.next_asks(self.app.clock()).values(), default=None)

    @property
    def _rhythms(self) -> Rhythms:
        settings = self.app.settings
        return Rhythms(settings.sources, settings.scheduler.sources_minutes, self.app.papers)

    def _read(self, now: datetime, names: set[str]) -> None:
        run_id = self.app.editions.begin_run(now)
        with self.app.origins.sources() as sources:
            report = self._ingest([one for one in sources if one.name in names], run_id)
        self._finish(run_id, RunReport(now, ingest=report))
        self.app.hub.announce(report.brought)
        for one in report.sources:
            told = {"action": "source.read", "source": one.source, "verdict": one.verdict.value}
            log.info("%s", one.line, extra=told)

    def _ingest(self, sources: list[Source], run_id: int) -> IngestReport:
        settings = self.app.settings
        return ingest(
            sources,
            self.app.papers,
            clock=self.app.clock,
            deadline=settings.scheduler.source_deadline_seconds,
            lookback=timedelta(days=settings.digest.lookback_days),
            run_id=run_id,
        )

    def summarise(self) -> datetime | None:
        """Sum up what has no summary; what is due is composed meanwhile, and waits for none."""
        with timed("summarise"):
            self.app.summaries.make(self.app.clock)
        return None

    # --- composing ------------------------------------------------------------------------------

    def compose(self) -> datetime | None:
        """Compose what is due and need not wait; returns when somebody is due next."""
        now = self.app.clock()
        waterline.check(self.app.database, self.app.settings.delivery.spool, now)
        health = HealthStore(self.app.database)
        if (waking := health.next_waking()) and waking <= now:
            self.app.subscribers.wake(now)
        if self._must_read_first(now):
            return now + READ_AGAIN
        missing = self._rhythms.missing(now)
        upto = due_by(now, missing.values(), wait=self._wait())
        if health.due(upto):
            with timed("compose"):
                self._compose(now, upto, late(missing, now) if self._wait() else frozenset())
            self.posted()
        return self._next_compose(now, health)

    def _must_read_first(self, now: datetime) -> bool:
        """Whether we were away and the sources are still to be read; not for ever, if they fail."""
        rhythms = {one.name: self._rhythms.every(one) for one in self._rhythms.enabled()}
        if not is_behind(HealthStore(self.app.database).asked(), rhythms, now):
            self._behind_since = None
            return False
        if self._behind_since is None:
            self._behind_since = monotonic()
        patience = self.app.settings.scheduler.source_deadline_seconds + GRACE
        return monotonic() - self._behind_since < patience

    def _compose(self, now: datetime, upto: datetime, tardy: frozenset[str]) -> Composed:
        run_id = self.app.editions.begin_run(now)
        done = replace(self.app.composer(now), late=tardy).compose(now, run_id=run_id, due_by=upto)
        memory.give_back()
        self._finish(run_id, RunReport(now, digests=done))
        told = {"action": "digests.composed", "count": done.composed}
        log.info("Digests composed: %d.", done.composed, extra=told)
        return done

    def _next_compose(self, now: datetime, health: HealthStore) -> datetime | None:
        """Whoever is next; soon, where somebody who is due is still kept waiting."""
        times = [at for at in (health.next_due(), health.next_waking()) if at is not None]
        return min((max(at, now + HELD_AGAIN) if at <= now else at for at in times), default=None)

    def _wait(self) -> timedelta:
        return timedelta(minutes=self.app.settings.digest.wait_minutes)

    def _finish(self, run_id: int, report: RunReport) -> None:
        self.app.editions.finish_run(run_id, self.app.clock(), report.to_json())

    # --- keeping house --------------------------------------------------------------------------

    def clean(self) -> datetime | None:
        """Forget what the retention no longer keeps."""
        now = self.app.clock()
        with timed("clean"):
            self.app.clean(now)
        return now + CLEAN_EVERY

    def bounces(self) -> datetime | None:
        """Read what came back; tell the owners of channels that are gone, and the operator."""
        with timed("bounces"):
            self.app.read_bounces()
        tell_channel_owners(self.app)
        tell_operator(self.app)
        return None
